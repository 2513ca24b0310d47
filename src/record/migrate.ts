import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { LOCKS } from './locks.ts';
import { reachDatabase } from './reach.ts';

const MIGRATIONS = fileURLToPath(new URL('../../migrations/', import.meta.url));

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}

export interface MigrationReport {
  /** Names of the migrations that this call applied. */
  readonly applied: readonly string[];
  readonly version: number;
}

/** The database has a newer schema than this program knows; running on could corrupt it. */
export class SchemaTooNewError extends Error {
  override readonly name = 'SchemaTooNewError';

  constructor(found: number, known: number) {
    super(
      `the database has schema version ${found}, this Deskhand knows versions up to ${known}: ` +
        'start the newer Deskhand again, or restore a backup made before the upgrade',
    );
  }
}

/** All migrations of this program, in order. */
export async function listMigrations(): Promise<readonly Migration[]> {
  const files = (await readdir(MIGRATIONS)).filter((file) => /^\d{4}_.*\.sql$/.test(file)).sort();
  return Promise.all(
    files.map(async (file) => ({
      number: Number(file.slice(0, 4)),
      name: file,
      sql: await readFile(new URL(file, `file://${MIGRATIONS}`), 'utf8'),
    })),
  );
}

/**
 * Brings a database to this program's schema, under a lock; each migration is one transaction.
 *
 * @param onApplied called after each migration, for progress
 * @throws SchemaTooNewError, or the database's error
 */
export async function migrate(
  url: string,
  onApplied: (name: string) => void = () => undefined,
): Promise<MigrationReport> {
  const client = await reachDatabase(url);
  try {
    await client.query('SELECT pg_advisory_lock($1)', [LOCKS.migration]);
    return await applyMissing(client, await listMigrations(), onApplied);
  } finally {
    await client.end();
  }
}

async function applyMissing(
  client: pg.Client,
  migrations: readonly Migration[],
  onApplied: (name: string) => void,
): Promise<MigrationReport> {
  await client.query(
    `CREATE TABLE IF NOT EXISTS schema_migrations
       (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
  );
  const current = await schemaVersion(client);
  const known = migrations.at(-1)?.number ?? 0;
  if (current > known) throw new SchemaTooNewError(current, known);

  const missing = migrations.filter((migration) => migration.number > current);
  for (const migration of missing) {
    await client.query('BEGIN');
    await client.query(migration.sql);
    await client.query('INSERT INTO schema_migrations (number, name) VALUES ($1, $2)', [
      migration.number,
      migration.name,
    ]);
    await client.query('COMMIT');
    onApplied(migration.name);
  }
  return { applied: missing.map((migration) => migration.name), version: known };
}

async function schemaVersion(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    'SELECT coalesce(max(number), 0) AS version FROM schema_migrations',
  );
  return rows[0]?.version ?? 0;
}
