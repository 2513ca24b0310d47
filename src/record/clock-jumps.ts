import { sql } from 'kysely';
import type { Tx } from './database.ts';

/**
 * A clock that went back leaves everything that was due a moment ago in the future. Every instance's heartbeat tells
 * where the clock was, and whoever sees it first brings back what did not wait for a moment of its own: steps, polls,
 * nominations and drawings are due now, and all open tickets are looked at for moments that are to come again. Waits
 * that began on the clock as it was take as long as they should; other moments stay.
 *
 * @returns true if the clock went back by more than ten seconds
 */
export async function resumeAfterJump(tx: Tx): Promise<boolean> {
  const { rows } = await sql<{ ms: number }>`
    WITH ahead AS (
      SELECT id, beat_at FROM instances WHERE beat_at > app_now() + interval '10 seconds' FOR UPDATE),
    alive AS (
      SELECT to_timestamp((value #>> '{}')::float8) AS at FROM settings WHERE key = 'last_alive'),
    noted AS (
      UPDATE instances SET beat_at = app_now() FROM ahead WHERE instances.id = ahead.id),
    forgotten AS (
      DELETE FROM settings USING alive WHERE key = 'last_alive' AND alive.at > app_now() + interval '10 seconds')
    SELECT (extract(epoch FROM at - app_now()) * 1000)::float8 AS ms FROM (
      SELECT beat_at AS at FROM ahead UNION ALL SELECT at FROM alive) was
     WHERE at > app_now() + interval '10 seconds' ORDER BY at DESC LIMIT 1`.execute(tx);
  const [jump] = rows;
  if (jump === undefined) return false;
  const { rows: moved } = await sql<{ lane_id: string }>`
    UPDATE steps s SET due_at = CASE s.state WHEN 'waiting'
                                THEN s.due_at - ${jump.ms}::float8 * interval '1 millisecond' ELSE app_now() END
     WHERE s.due_at > app_now()
       AND (s.state = 'pending' OR s.state = 'postponed' AND s.reason NOT LIKE 'snoozed%'
            OR s.state = 'waiting' AND (
              EXISTS (SELECT FROM steps d WHERE d.run_id = s.run_id AND d.decided_at > app_now())
              OR EXISTS (SELECT FROM runs r WHERE r.id = s.run_id AND r.created_at > app_now())))
    RETURNING s.lane_id`.execute(tx);
  await sql`
    UPDATE lanes SET next_due_at = app_now()
     WHERE id = ANY(${moved.map((row) => row.lane_id)}::uuid[]) AND lease_owner IS NULL`.execute(tx);
  await sql`UPDATE feeds SET next_poll_at = app_now() WHERE next_poll_at > app_now()`.execute(tx);
  await sql`UPDATE nominations SET due_at = app_now() WHERE due_at > app_now()`.execute(tx);
  await sql`UPDATE slack_messages SET due_at = app_now() WHERE due_at > app_now()`.execute(tx);
  await sql`
    UPDATE slack_gates SET next_at = app_now() + interval '1 minute'
     WHERE next_at > app_now() + interval '1 minute'`.execute(tx);
  await sql`
    UPDATE timer_scans SET after_connection = -1, after_ticket = '', done_at = NULL`.execute(tx);
  return true;
}
