import pg from 'pg';
import { expect, test } from 'vitest';
import { createTestDatabase } from './database.ts';

test('every test database is a clone of the migrated schema, apart from all others', async () => {
  const [first, second] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  const client = new pg.Client({ connectionString: first.url });
  await client.connect();
  await client.query('CREATE TABLE only_here ()');
  const { rows } = await client.query('SELECT app_now() IS NOT NULL AS migrated, current_database() AS name');
  await client.end();

  expect(rows).toEqual([{ migrated: true, name: first.name }]);
  expect(second.name).not.toBe(first.name);

  const other = new pg.Client({ connectionString: second.url });
  await other.connect();
  const found = await other.query("SELECT to_regclass('only_here') AS found");
  await other.end();
  await Promise.all([first.drop(), second.drop()]);

  expect(found.rows).toEqual([{ found: null }]);
});
