import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createTestDatabase } from '../../test/support/database.ts';
import { reachDatabase } from './reach.ts';

const failure = async (url: string): Promise<string> =>
  reachDatabase(url, 200).then(
    () => 'reached',
    (error: unknown) => String(error),
  );

test('a database that answers gives a session', async () => {
  const database = await createTestDatabase();
  const client = await reachDatabase(database.url);

  const { rows } = await client.query('SELECT 1 AS n');
  await client.end();
  await database.drop();

  expect(rows).toEqual([{ n: 1 }]);
});

test('one that does not exist is named, with what to do, and the password is not', async () => {
  const database = await createTestDatabase();
  const url = new URL(database.url);
  await database.drop();

  const said = await failure(url.href);

  expect(said).toMatch(
    new RegExp(
      `PostgreSQL \\(127.0.0.1:${url.port}, database ${database.name}\\) cannot be used: .*does not exist`,
    ),
  );
  expect(said).toContain('DATABASE_URL');
  expect(said).not.toContain(url.password);
});

test('a server that refuses, and one that takes the connection and says nothing, are told', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void silent.close());
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;

  expect(await failure(`postgres://u:p@127.0.0.1:${port}/x`)).toMatch(/cannot be used: .*timeout/i);
  expect(await failure('postgres://u:p@localhost:1/x')).toContain('ECONNREFUSED');
});
