import { sql } from 'kysely';
import type { Db } from '../database.ts';

/** What happened between the last heartbeat before a start and now. */
export interface AwayCounts {
  readonly gaps: number;
  readonly late_events: number;
  readonly events: number;
  readonly reconciled_writes: number;
  readonly uncertain: number;
  readonly dead: number;
}

/** When any instance last gave a sign of life; null in a new database. */
export async function readLastBeat(db: Db): Promise<Date | null> {
  const { rows } = await sql<{ at: Date | null }>`
    SELECT greatest((SELECT max(beat_at) FROM instances),
                    (SELECT to_timestamp((value #>> '{}')::float8 / 1000) FROM settings WHERE key = 'last_alive')) AS at`.execute(
    db,
  );
  return rows[0]?.at ?? null;
}

/** Notes that somebody was alive just now; survives the instance's own row. */
export async function noteAlive(db: Db): Promise<void> {
  await sql`
    INSERT INTO settings (key, value) VALUES ('last_alive', to_jsonb(floor(extract(epoch FROM app_now()) * 1000)))
    ON CONFLICT (key) DO UPDATE SET value = excluded.value`.execute(db);
}

/** Counts over what was stored since a start. @param sinceId an id made at the start */
export async function countAway(db: Db, since: Date): Promise<AwayCounts> {
  const { rows } = await sql<AwayCounts>`
    SELECT count(*) FILTER (WHERE type = 'feed.gap')::int AS gaps, count(*)::int AS events,
           count(*) FILTER (WHERE doc->'late' = 'true'::jsonb)::int AS late_events,
           (SELECT count(*)::int FROM attempts a WHERE a.started_at >= ${since} AND a.reason LIKE '%verif%') AS reconciled_writes,
           (SELECT count(*)::int FROM steps WHERE state = 'uncertain' AND decided_at >= ${since}) AS uncertain,
           (SELECT count(*)::int FROM steps WHERE state = 'dead' AND decided_at >= ${since}) AS dead
      FROM events WHERE observed_at >= ${since}`.execute(db);
  const counts = rows[0];
  if (counts === undefined) throw new Error('the database did not count');
  return counts;
}
