import { sql } from 'kysely';
import type { Db } from './database.ts';

/**
 * Removes what no message needs any more: places in queues whose step is decided, messages too old to be redrawn, and
 * acts beyond the time for which attempts are kept anywhere. In one batch each. @returns rows removed
 */
export async function tidySlack(db: Db, limit: number): Promise<number> {
  const waiting = await sql`
    DELETE FROM slack_waiting WHERE step_id IN (
      SELECT w.step_id FROM slack_waiting w LEFT JOIN steps s ON s.id = w.step_id
       WHERE w.queued_at < app_now() - interval '1 hour'
         AND coalesce(s.state, 'dead') NOT IN ('pending', 'postponed', 'sending') LIMIT ${limit})`.execute(
    db,
  );
  const roots = await sql`
    DELETE FROM slack_roots WHERE (channel, connection_id, ticket_id) IN (
      SELECT channel, connection_id, ticket_id FROM slack_roots
       WHERE posted_at < app_now() - interval '180 days' LIMIT ${limit})`.execute(db);
  const messages = await sql`
    DELETE FROM slack_messages m WHERE (m.channel, m.ts) IN (
      SELECT channel, ts FROM slack_messages WHERE posted_at < app_now() - interval '181 days' LIMIT ${limit})`.execute(
    db,
  );
  const presses = await sql`
    DELETE FROM slack_presses WHERE key IN (
      SELECT key FROM slack_presses WHERE pressed_at < app_now() - interval '400 days' LIMIT ${limit})`.execute(
    db,
  );
  return [waiting, roots, messages, presses].reduce(
    (sum, { numAffectedRows: rows = 0n }) => sum + Number(rows),
    0,
  );
}
