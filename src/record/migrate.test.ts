import pg from 'pg';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../../test/support/database.ts';
import { listMigrations, migrate, SchemaTooNewError } from './migrate.ts';

test('a database that is up to date is left alone', async () => {
  const cloned = await createTestDatabase();

  const report = await migrate(cloned.url);
  await cloned.drop();

  expect(report).toEqual({ applied: [], version: (await listMigrations()).at(-1)?.number });
});

test('a schema newer than this program is refused, and nothing is touched', async () => {
  const cloned = await createTestDatabase();
  const client = new pg.Client({ connectionString: cloned.url });
  await client.connect();
  await client.query("INSERT INTO schema_migrations (number, name) VALUES (9999, '9999_future.sql')");

  const refused = await migrate(cloned.url).catch((error: unknown) => error);
  await client.end();
  await cloned.drop();

  expect(refused).toBeInstanceOf(SchemaTooNewError);
  expect(String(refused)).toMatch(/schema version 9999.*knows versions up to \d+/);
});

test('migrations are numbered one after the other', async () => {
  const numbers = (await listMigrations()).map((migration) => migration.number);

  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
});
