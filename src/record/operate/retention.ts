import { sql } from 'kysely';
import type { Db, Tx } from '../database.ts';

/** Tables that are partitioned by time, and by which column. */
export const PARTITIONED = {
  events: 'observed_at',
  deliveries: 'received_at',
  attempts: 'started_at',
} as const;
export type PartitionedTable = keyof typeof PARTITIONED;

/** One partition with its bounds; the default one is not among them. */
export interface PartitionRow {
  readonly name: string;
  readonly from: Date;
  readonly until: Date;
}

/** Partitions of a table by time. */
export async function readPartitions(db: Db, table: PartitionedTable): Promise<readonly PartitionRow[]> {
  const { rows } = await sql<{ name: string; bounds: string }>`
    SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = ${table}::regclass AND pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT'`.execute(db);
  return rows
    .flatMap(({ name, bounds }) => {
      const [from, until] = [...bounds.matchAll(/'([^']+)'/g)].map((match) => new Date(match[1] ?? ''));
      return from === undefined || until === undefined ? [] : [{ name, from, until }];
    })
    .toSorted((a, b) => a.from.getTime() - b.from.getTime());
}

/** The newest moment in the default partition: a new partition must begin after it. */
export async function newestInDefault(db: Db, table: PartitionedTable): Promise<Date | null> {
  const { rows } = await sql<{ newest: Date | null }>`
    SELECT max(${sql.ref(PARTITIONED[table])}) AS newest FROM ${sql.table(`${table}_default`)}`.execute(db);
  return rows[0]?.newest ?? null;
}

/**
 * Makes a partition and attaches it: unlike CREATE … PARTITION OF that stops no writer of the table.
 */
export async function createPartition(
  tx: Tx,
  table: PartitionedTable,
  partition: PartitionRow,
): Promise<void> {
  const name = sql.table(partition.name);
  await sql`CREATE TABLE IF NOT EXISTS ${name} (LIKE ${sql.table(table)} INCLUDING DEFAULTS)`.execute(tx);
  await sql`
    ALTER TABLE ${sql.table(table)} ATTACH PARTITION ${name}
      FOR VALUES FROM (${sql.lit(partition.from.toISOString())}) TO (${sql.lit(partition.until.toISOString())})`.execute(
    tx,
  );
}

/**
 * Drops a partition unless an unfinished run needs it. The lock comes first: a replay that reads it either has
 * committed its runs by then, or finds its events gone.
 *
 * @returns false if it is still needed
 */
export async function dropPartition(
  tx: Tx,
  table: PartitionedTable,
  partition: PartitionRow,
): Promise<boolean> {
  const name = sql.table(partition.name);
  await sql`LOCK TABLE ${name} IN ACCESS EXCLUSIVE MODE`.execute(tx);
  if (await isNeeded(tx, table, partition)) return false;
  await sql`DROP TABLE ${name}`.execute(tx);
  return true;
}

async function isNeeded(tx: Tx, table: PartitionedTable, partition: PartitionRow): Promise<boolean> {
  if (table === 'deliveries') return false;
  const { rows } =
    table === 'events'
      ? await sql<{ needed: boolean }>`
          SELECT EXISTS (SELECT FROM runs WHERE state IN ('active', 'held')
             AND event_at >= ${partition.from} AND event_at < ${partition.until}) AS needed`.execute(tx)
      : await sql<{ needed: boolean }>`
          SELECT EXISTS (SELECT FROM runs r JOIN steps s ON s.run_id = r.id
             JOIN ${sql.table(partition.name)} a ON a.step_id = s.id
            WHERE r.state IN ('active', 'held')) AS needed`.execute(tx);
  return rows[0]?.needed ?? false;
}

/** Removes a batch of old rows of the default partition; events of unfinished runs stay. */
export async function pruneDefault(
  db: Db,
  table: PartitionedTable,
  before: Date,
  limit: number,
): Promise<number> {
  const name = sql.table(`${table}_default`);
  const kept =
    table === 'events'
      ? sql`AND NOT EXISTS (SELECT FROM runs r WHERE r.event_id = d.id AND r.state IN ('active', 'held'))`
      : table === 'attempts'
        ? sql`AND NOT EXISTS (SELECT FROM steps s JOIN runs r ON r.id = s.run_id
                               WHERE s.id = d.step_id AND r.state IN ('active', 'held'))`
        : sql``;
  const result = await sql`
    DELETE FROM ${name} WHERE ctid = ANY(ARRAY(
      SELECT d.ctid FROM ${name} d WHERE d.${sql.ref(PARTITIONED[table])} < ${before} ${kept} LIMIT ${limit}))`.execute(
    db,
  );
  return Number(result.numAffectedRows ?? 0n);
}

/** Removes a batch of finished runs made before that id, with their steps. */
export async function pruneRuns(tx: Tx, beforeId: string, limit: number): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    DELETE FROM runs WHERE id IN (
      SELECT id FROM runs WHERE id < ${beforeId}::uuid AND state IN ('done', 'ended')
       ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED)
    RETURNING id`.execute(tx);
  await sql`DELETE FROM steps WHERE run_id = ANY(${rows.map((row) => row.id)}::uuid[])`.execute(tx);
  return rows.length;
}

/** Removes a batch of keys last seen before then. */
export async function pruneKeys(db: Db, before: Date, limit: number): Promise<number> {
  return prune(db, sql`event_keys WHERE seen_at < ${before}`, limit, 'event_keys');
}

/** Removes a batch of bindings of children to steps. */
export async function pruneChildren(db: Db, before: Date, limit: number): Promise<number> {
  return prune(db, sql`bound_children WHERE bound_at < ${before}`, limit, 'bound_children');
}

/** Removes a batch of writes that no snapshot showed again for that long. */
export async function pruneOwnWrites(db: Db, olderThanMs: number, limit: number): Promise<number> {
  return prune(
    db,
    sql`own_writes WHERE written_at < app_now() - ${olderThanMs}::float8 * interval '1 millisecond'`,
    limit,
    'own_writes',
  );
}

/** Removes mutes that are over. */
export async function pruneMutes(db: Db, limit: number): Promise<number> {
  return prune(db, sql`mutes WHERE until_at < app_now()`, limit, 'mutes');
}

/** Removes a batch of lanes with nothing to do that nobody holds. */
export async function pruneLanes(db: Db, limit: number): Promise<number> {
  const result = await sql`
    DELETE FROM lanes WHERE id IN (
      SELECT id FROM lanes l WHERE lease_owner IS NULL AND next_due_at IS NULL
         AND NOT EXISTS (SELECT FROM steps s WHERE s.lane_id = l.id AND s.due_at IS NOT NULL)
       LIMIT ${limit} FOR UPDATE SKIP LOCKED)`.execute(db);
  return Number(result.numAffectedRows ?? 0n);
}

async function prune(db: Db, from: ReturnType<typeof sql>, limit: number, table: string): Promise<number> {
  const result = await sql`
    DELETE FROM ${sql.table(table)} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${from} LIMIT ${limit}))`.execute(
    db,
  );
  return Number(result.numAffectedRows ?? 0n);
}
