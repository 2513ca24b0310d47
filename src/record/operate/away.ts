import { sql } from 'kysely';
import type { Db } from '../database.ts';
import { floorId } from '../ids.ts';

/** What came to light since a start. */
export interface AwayCounts {
  readonly events: number;
  /** Stretches of a feed that nobody can read any more. */
  readonly gaps: number;
  readonly late_events: number;
  readonly late_timers: number;
  /** Sends that were under way when the process before ended: how they turned out. */
  readonly reconciled: Readonly<Record<string, number>>;
}

/** When any instance last gave a sign of life; null in a new database. Ask before joining. */
export async function readLastSign(db: Db): Promise<Date | null> {
  const { rows } = await sql<{ at: Date | null }>`
    SELECT greatest((SELECT max(beat_at) FROM instances),
                    (SELECT to_timestamp((value #>> '{}')::float8) FROM settings WHERE key = 'last_alive')) AS at`.execute(
    db,
  );
  return rows[0]?.at ?? null;
}

/** Notes that an instance ended properly: its own row goes with it. */
export async function noteAlive(db: Db): Promise<void> {
  await sql`
    INSERT INTO settings (key, value) VALUES ('last_alive', to_jsonb(extract(epoch FROM app_now())))
    ON CONFLICT (key) DO UPDATE SET value = excluded.value`.execute(db);
}

/** Steps that were being sent: nobody knows yet what became of them. */
export async function readSending(db: Db): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('steps')
    .select('id')
    .where('state', '=', 'sending')
    .limit(10_000)
    .execute();
  return rows.map((row) => row.id);
}

/** True when every feed that is read was walked to its end since then. */
export async function feedsCaughtUp(db: Db, since: Date): Promise<boolean> {
  const { rows } = await sql<{ behind: boolean }>`
    SELECT EXISTS (SELECT FROM feeds f JOIN connections c ON c.id = f.connection_id
                    WHERE c.paused_at IS NULL AND c.state <> 'stopped'
                      AND (f.last_complete_at IS NULL OR f.last_complete_at < ${since})) AS behind`.execute(
    db,
  );
  return rows[0]?.behind === false;
}

export async function countAway(db: Db, since: Date, sending: readonly string[]): Promise<AwayCounts> {
  const { rows } = await sql<AwayCounts>`
    SELECT count(*)::int AS events, count(*) FILTER (WHERE type = 'feed.gap')::int AS gaps,
           count(*) FILTER (WHERE doc->'late' = 'true' AND doc->>'via' <> 'clock')::int AS late_events,
           count(*) FILTER (WHERE doc->'late' = 'true' AND doc->>'via' = 'clock')::int AS late_timers,
           coalesce((SELECT jsonb_object_agg(state, steps) FROM (
             SELECT state, count(*) AS steps FROM steps WHERE id = ANY(${sending}::uuid[]) GROUP BY state) s), '{}')
             AS reconciled
      FROM events WHERE observed_at >= ${since} AND id >= ${floorId(since.getTime() - 60_000)}::uuid`.execute(
    db,
  );
  const counts = rows[0];
  if (counts === undefined) throw new Error('the database did not count');
  return counts;
}
