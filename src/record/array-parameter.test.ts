import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../test/support/database.ts';
import { byteaArray, jsonbArray } from './array-parameter.ts';
import { openDatabase, sqlState, type Database } from './database.ts';

let database: Database;
beforeAll(async () => {
  database = openDatabase({ url: (await createTestDatabase()).url, poolSize: 1 });
});
afterAll(() => database.close());

const DOCUMENTS = [
  null,
  '{}',
  '[]',
  '"plain"',
  '{"quotes":"\\"\\\\","braces":"{a,b}","null":"NULL"}',
  JSON.stringify({ text: 'İstanbul, 東京, 🙂', long: 'x'.repeat(100_000), n: 9007199254740991 }),
];

test.each([[[]], [[null]], [['{"a":1}']], [DOCUMENTS], [[...DOCUMENTS, ...DOCUMENTS]]])(
  'documents arrive as they are, in their order: %#',
  async (documents) => {
    const { rows } = await sql<{ doc: unknown }>`
    SELECT doc FROM unnest(${jsonbArray(documents)}::jsonb[]) WITH ORDINALITY AS row (doc, at) ORDER BY at`.execute(
      database.db,
    );

    expect(rows.map((row) => row.doc)).toEqual(
      documents.map((text) => (text === null ? null : (JSON.parse(text) as unknown))),
    );
  },
);

test.each([
  [[]],
  [[null, null]],
  [[Buffer.alloc(0)]],
  [[Buffer.from([0, 255, 92, 34, 123, 125]), null, Buffer.alloc(70_000, 7)]],
])('bytes arrive as they are, in their order: %#', async (bodies) => {
  const { rows } = await sql<{ raw: Buffer | null }>`
    SELECT raw FROM unnest(${byteaArray(bodies)}::bytea[]) WITH ORDINALITY AS row (raw, at) ORDER BY at`.execute(
    database.db,
  );

  expect(rows.map((row) => row.raw)).toEqual(bodies);
});

test('a document that jsonb does not take is refused as a value, so that it can be parked', async () => {
  const refused = sql`SELECT ${jsonbArray(['{"a":"\\u0000"}'])}::jsonb[]`.execute(database.db);

  expect(sqlState(await refused.catch((error: unknown) => error))).toMatch(/^22/);
});
