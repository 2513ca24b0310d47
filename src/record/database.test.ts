import { Socket } from 'node:net';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts';
import {
  CommitUnknownError,
  databaseNow,
  isUnavailable,
  openDatabase,
  toJsonb,
  type Database,
  type Tx,
} from './database.ts';

let cloned: TestDatabase;
let database: Database;
beforeAll(async () => {
  cloned = await createTestDatabase();
  database = openDatabase({ url: cloned.url, poolSize: 4 });
});
afterAll(async () => {
  await database.close();
  await cloned.drop();
});

describe('text for jsonb', () => {
  test.each([
    ['NUL is left out', { a: 'x\u0000y' }, { a: 'xy' }],
    ['half a surrogate pair is replaced', { a: '\ud83d!' }, { a: '\ufffd!' }],
    ['a whole pair stays', { a: '\ud83d\ude00' }, { a: '\ud83d\ude00' }],
    ['a backslash before u0000 stays', { a: String.raw`\u0000` }, { a: String.raw`\u0000` }],
    ['a backslash and then NUL', { a: '\\\u0000' }, { a: '\\' }],
    ['keys too', { 'a\u0000': 1 }, { a: 1 }],
    ['what JSON cannot say is null', { a: Number.POSITIVE_INFINITY }, { a: null }],
  ])('%s', async (_, value, stored) => {
    const { rows } = await sql<{ value: unknown }>`SELECT ${toJsonb(value)}::jsonb AS value`.execute(
      database.db,
    );

    expect(rows).toEqual([{ value: stored }]);
  });
});

describe('a session', () => {
  test('cannot wait for ever', async () => {
    const { rows } = await sql<{ name: string; setting: string }>`
      SELECT name, setting FROM pg_settings
       WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout') ORDER BY name`.execute(
      database.db,
    );

    expect(rows.map((row) => row.setting)).toEqual(['5000', '3000', '10000']);
  });

  test('moves app_now() only where it was told to', async () => {
    const ahead = openDatabase({ url: cloned.url, poolSize: 1, clockOffset: '-2 hours' });

    const [then, now] = await Promise.all([databaseNow(ahead.db), databaseNow(database.db)]);
    await ahead.close();

    expect((now - then) / 3_600_000).toBeCloseTo(2, 1);
  });
});

describe('a transaction', () => {
  test('is done again when the database asks for it', async () => {
    let tries = 0;

    const result = await database.transaction(async (tx) => {
      tries += 1;
      if (tries < 3)
        await sql`DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40P01'; END $$`.execute(tx);
      return 'done';
    });

    expect([result, tries]).toEqual(['done', 3]);
  });

  test('is not done again for anything else', async () => {
    let tries = 0;

    const failing = database.transaction(async (tx) => {
      tries += 1;
      await sql`SELECT 1 / 0`.execute(tx);
    });

    await expect(failing).rejects.toThrow('division by zero');
    expect(tries).toBe(1);
  });

  test('whose connection breaks before the answer to COMMIT has an unknown outcome, and the process lives', async () => {
    const cut = openDatabase({ url: cloned.url, poolSize: 1, onIdleError: () => undefined });

    const committing = cut.transaction(async (tx) => {
      const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(tx);
      await sql`SELECT pg_terminate_backend(${rows[0]?.pid ?? 0}, 1000)`.execute(database.db);
    });

    await expect(committing).rejects.toThrow(CommitUnknownError);
    expect(await databaseNow(cut.db)).toBeGreaterThan(0);
    await cut.close();
  });
});

test.each([
  [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), true],
  [Object.assign(new Error('x'), { code: '57P01' }), true],
  [Object.assign(new Error('x'), { code: '53300' }), true],
  [Object.assign(new Error('x'), { code: '23505' }), false],
  [new TypeError('ours'), false],
])('%o says that the database is away: %j', (error, wanted) => {
  expect(isUnavailable(error)).toBe(wanted);
});

describe('one round trip', () => {
  const inserted = (tx: Tx, ...values: number[]): Promise<unknown> =>
    Promise.all(values.map((value) => sql`INSERT INTO trips SELECT 60 / ${value}::int`.execute(tx)));
  const stored = async (): Promise<readonly number[]> => {
    const { rows } = await sql<{ n: number }>`SELECT n FROM trips ORDER BY n`.execute(database.db);
    return rows.map((row) => row.n);
  };
  beforeAll(() => sql`CREATE TABLE trips (n int)`.execute(database.db));
  beforeEach(() => sql`TRUNCATE trips`.execute(database.db));

  test('is one write to the database', async () => {
    await database.oneTrip((tx) => inserted(tx, 1));
    const write = vi.spyOn(Socket.prototype as unknown as { _writeGeneric(): void }, '_writeGeneric');

    await database.oneTrip((tx) => inserted(tx, 1, 2, 3));
    const writes = write.mock.calls.length;
    write.mockRestore();

    expect(writes).toBe(1);
    expect(await stored()).toEqual([20, 30, 60, 60]);
  });

  test.each([
    ['the first', [0, 1, 2]],
    ['one in the middle', [1, 0, 2]],
    ['the last', [1, 2, 0]],
  ])('stores nothing when %s statement fails', async (_, values) => {
    await expect(database.oneTrip((tx) => inserted(tx, ...values))).rejects.toThrow('division by zero');

    expect(await stored()).toEqual([]);
  });

  test('fails with the cause, however deep in calls it was issued', async () => {
    const deep = async (tx: Tx): Promise<void> => {
      await Promise.all([inserted(tx, 0), inserted(tx, 1)]);
    };

    await expect(
      database.oneTrip((tx) => Promise.all([deep(tx), sql`SELECT 1`.execute(tx)])),
    ).rejects.toThrow('division by zero');
  });

  test('leaves its connection usable', async () => {
    const single = openDatabase({ url: cloned.url, poolSize: 1 });
    await single.oneTrip((tx) => inserted(tx, 0)).catch(() => undefined);

    await single.oneTrip((tx) => inserted(tx, 1));
    await single.close();

    expect(await stored()).toEqual([60]);
  });

  test('has an unknown outcome when the connection breaks before the answers', async () => {
    const write = vi.spyOn(Socket.prototype as unknown as { _writeGeneric(): void }, '_writeGeneric');
    await database.oneTrip((tx) => inserted(tx, 1));
    const socket = write.mock.instances[0] as unknown as Socket;
    write.mockRestore();

    const cut = database.oneTrip(async (tx) => {
      await sql`SELECT pg_sleep(0.05)`.execute(tx);
    });
    setImmediate(() => socket.destroy());

    await expect(cut).rejects.toThrow(CommitUnknownError);
  });
});
