import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts';
import { run } from './rules.ts';

let database: TestDatabase;
let folder: string;
let out: string[];
let errors: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'deskhand-rules-'));
  await writeFile(
    join(folder, 'deskhand.config'),
    'connections:\n  acme: { vendor: webhook, verify: { scheme: bearer, secret: abcdefgh } }\n',
  );
  vi.stubEnv('DATABASE_URL', database.url);
  vi.stubEnv('DESKHAND_CONFIG', join(folder, 'deskhand.config'));
  vi.stubEnv('DESKHAND_RULES', folder);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
  await database.drop();
});
beforeEach(() => {
  [out, errors] = [[], []];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void errors.push(line));
});
afterEach(() => vi.restoreAllMocks());

const write = (...rules: readonly string[]): Promise<void> =>
  writeFile(join(folder, 'rules.yaml'), rules.join('---\n'));
const rule = (id: string, title: string): string =>
  `id: ${id}\nwhen: { title: ${title} }\nthen: [acknowledge]\n`;
const last = (): unknown => JSON.parse(out.at(-1) ?? 'null');

test('the folder is published, listed and compared; a folder with mistakes is refused', async () => {
  await write(rule('a', 'x'), rule('b', 'x'));
  expect(await run(['diff'])).toBe(1);
  expect(out).toEqual(['+ a', '+ b']);
  expect(await run(['publish', '--json'])).toBe(0);
  expect(last()).toMatchObject({ outcome: 'published', rules: 2 });
  expect(await run(['publish', '--json'])).toBe(0);
  expect(last()).toMatchObject({ outcome: 'active', rules: 2 });
  expect(await run(['list', '--json'])).toBe(0);
  expect(last()).toEqual([
    { id: 'a', name: 'a', mode: 'live', order: 100, paused: null },
    { id: 'b', name: 'b', mode: 'live', order: 100, paused: null },
  ]);
  expect(await run(['diff', '--json'])).toBe(0);

  await write(rule('b', 'y'), rule('c', 'x'));
  expect(await run(['diff', '--json'])).toBe(1);
  expect(last()).toEqual({ added: ['c'], changed: ['b'], removed: ['a'] });

  await write('id: b\nwhen: { titel: x }\nthen: [acknowledge]\n');
  const said = out.length;
  expect(await run(['diff', '--json'])).toBe(1);
  expect(await run(['publish', '--json'])).toBe(1);
  expect(out).toHaveLength(said);
  expect(errors).toHaveLength(2);
  expect(errors[1]).toContain('rules.yaml:2:9');
  expect(await run(['list', '--json'])).toBe(0);
  expect(last()).toHaveLength(2);
});
