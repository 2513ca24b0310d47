import { sql } from 'kysely';
import type { Db } from '../database.ts';

/** Counts that say whether all is well; every one is read from an index or a small table. */
export interface Queue {
  /** Steps that are due or will be. */
  readonly open: number;
  readonly waiting: number;
  readonly postponed: number;
  readonly sending: number;
  /** Age of the oldest step that is due and not taken. */
  readonly oldest_pending_seconds: number;
  readonly dead: number;
  readonly uncertain: number;
  readonly held: number;
  readonly active_runs: number;
  /** Deliveries of the last day that nothing could be made of. */
  readonly parked: number;
}

/** Beyond this many a number is not more telling; counting stops there. */
const COUNTED_TO = 100_000;

export async function readQueue(db: Db): Promise<Queue> {
  const { rows } = await sql<Queue>`
    WITH open AS (SELECT state FROM steps WHERE due_at IS NOT NULL LIMIT ${COUNTED_TO})
    SELECT (SELECT count(*)::int FROM open) AS open,
           (SELECT count(*)::int FROM open WHERE state = 'waiting') AS waiting,
           (SELECT count(*)::int FROM open WHERE state = 'postponed') AS postponed,
           (SELECT count(*)::int FROM open WHERE state = 'sending') AS sending,
           coalesce((SELECT greatest(0, extract(epoch FROM app_now() - min(next_due_at)))::float8
              FROM lanes WHERE lease_owner IS NULL AND next_due_at IS NOT NULL), 0) AS oldest_pending_seconds,
           (SELECT count(*)::int FROM (SELECT FROM steps WHERE state = 'dead' LIMIT ${COUNTED_TO}) d) AS dead,
           (SELECT count(*)::int FROM (SELECT FROM steps WHERE state = 'uncertain' LIMIT ${COUNTED_TO}) u) AS uncertain,
           (SELECT count(*)::int FROM (SELECT FROM runs WHERE state IN ('active', 'held') AND state = 'held' LIMIT ${COUNTED_TO}) h) AS held,
           (SELECT count(*)::int FROM (SELECT FROM runs WHERE state IN ('active', 'held') AND state = 'active' LIMIT ${COUNTED_TO}) a) AS active_runs,
           (SELECT count(*)::int FROM (SELECT FROM deliveries WHERE outcome = 'parked'
              AND received_at > app_now() - interval '1 day' LIMIT ${COUNTED_TO}) p) AS parked`.execute(db);
  const queue = rows[0];
  if (queue === undefined) throw new Error('the database did not count');
  return queue;
}

export interface ShownInstance {
  readonly name: string;
  readonly started_at: Date;
  readonly beat_at: Date;
}

export async function readInstances(db: Db): Promise<readonly ShownInstance[]> {
  return db.selectFrom('instances').select(['name', 'started_at', 'beat_at']).orderBy('started_at').execute();
}

/** A value that Deskhand keeps for itself between starts, null if there is none. */
export async function readSetting(db: Db, key: string): Promise<unknown> {
  const row = await db.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst();
  return row?.value ?? null;
}

export async function writeSetting(db: Db, key: string, value: unknown): Promise<void> {
  await sql`
    INSERT INTO settings (key, value) VALUES (${key}, ${JSON.stringify(value)}::jsonb)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value`.execute(db);
}

/** The active rule set. */
export async function readActiveSet(
  db: Db,
): Promise<{ readonly id: number; readonly rules: number; readonly activated_at: Date } | null> {
  const { rows } = await sql<{ id: number; rules: number; activated_at: Date }>`
    SELECT rule_set_id AS id, activated_at,
           (SELECT count(*)::int FROM rule_set_rules m WHERE m.rule_set_id = a.rule_set_id) AS rules
      FROM active_rule_set a`.execute(db);
  return rows[0] ?? null;
}
