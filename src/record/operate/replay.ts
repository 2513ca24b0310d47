import { sql } from 'kysely';
import type { Tx } from '../database.ts';

/**
 * Locks stored events, so that their partition stays and two replays of one event take turns.
 *
 * @returns the number of the last run of each that still is stored, 0 for events that no rule matched
 */
export async function lockForReplay(
  tx: Tx,
  events: readonly { readonly id: string; readonly at: Date }[],
): Promise<ReadonlyMap<string, number>> {
  const { rows: locked } = await sql<{ id: string }>`
    SELECT e.id FROM unnest(${events.map((event) => event.id)}::uuid[], ${events.map((event) => event.at)}::timestamptz[])
        AS wanted (id, at)
      JOIN events e ON e.id = wanted.id AND e.observed_at = wanted.at
     ORDER BY e.id FOR UPDATE OF e`.execute(tx);
  const { rows } = await sql<{ id: string; last: number }>`
    SELECT wanted.id, coalesce((SELECT max(replay_no) FROM runs r WHERE r.event_id = wanted.id), 0) AS last
      FROM unnest(${locked.map((row) => row.id)}::uuid[]) AS wanted (id)`.execute(tx);
  return new Map(rows.map((row) => [row.id, row.last]));
}
