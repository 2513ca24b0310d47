import { sql } from 'kysely';
import type { Db, Tx } from './database.ts';
import { ticketLane } from './ids.ts';

/** Notes that somebody took the ticket. @returns false if it was acknowledged already */
export async function acknowledgeTicket(
  db: Db,
  connectionId: number,
  ticketId: string,
  by: string,
): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO tickets (connection_id, ticket_id, snapshot, acknowledged_at, acknowledged_by)
    VALUES (${connectionId}, ${ticketId}, ${JSON.stringify({ id: ticketId })}::jsonb, app_now(), ${by})
    ON CONFLICT (connection_id, ticket_id) DO UPDATE
      SET acknowledged_at = app_now(), acknowledged_by = excluded.acknowledged_by
      WHERE tickets.acknowledged_at IS NULL
    RETURNING 1`.execute(db);
  return rows.length > 0;
}

/** Silences a ticket until a moment, epoch ms; null ends it. Postpones `slack.*` steps only. */
export async function snoozeTicket(
  db: Db,
  connectionId: number,
  ticketId: string,
  until: number | null,
): Promise<void> {
  const at = until === null ? null : new Date(until);
  await sql`
    INSERT INTO tickets (connection_id, ticket_id, snapshot, snoozed_until)
    VALUES (${connectionId}, ${ticketId}, ${JSON.stringify({ id: ticketId })}::jsonb, ${at}::timestamptz)
    ON CONFLICT (connection_id, ticket_id) DO UPDATE SET snoozed_until = excluded.snoozed_until`.execute(db);
}

/**
 * Ends the ticket's runs that wait, or rest after a wait, except those whose `while` says something of `acknowledged` itself: these decide
 * at their next step.
 *
 * @returns ids of the runs that ended
 */
export async function endWaitingRuns(
  tx: Tx,
  connectionId: number,
  ticketId: string,
  reason: string,
): Promise<readonly string[]> {
  const laneId = ticketLane(connectionId, ticketId);
  // Whoever records an outcome in this lane holds it too: a step is not decided by two at once.
  await sql`SELECT id FROM lanes WHERE id = ${laneId} FOR UPDATE`.execute(tx);
  const { rows } = await sql<{ id: string }>`
    UPDATE runs r SET state = 'ended', reason = ${reason}, ended_at = app_now()
      FROM rule_versions v
     WHERE v.id = r.rule_version_id AND r.connection_id = ${connectionId} AND r.ticket_id = ${ticketId}
       AND r.state = 'active' AND coalesce(v.doc->>'while', '') NOT LIKE '%"acknowledged"%'
       AND EXISTS (SELECT FROM steps s WHERE s.run_id = r.id
                      AND (s.state = 'waiting' AND s.action IN ('wait', 'repeat')
                           OR s.state = 'postponed' AND (r.progress->>'waited')::boolean))
    RETURNING r.id`.execute(tx);
  const ids = rows.map((row) => row.id);
  if (ids.length === 0) return ids;
  await sql`
    UPDATE steps SET state = 'skipped', reason = ${reason}, due_at = NULL, decided_at = app_now()
     WHERE run_id = ANY(${ids}::uuid[]) AND state IN ('pending', 'waiting', 'postponed')`.execute(tx);
  // A lane that somebody holds is settled by its holder.
  await sql`
    UPDATE lanes SET next_due_at = (SELECT min(due_at) FROM steps WHERE lane_id = ${laneId})
     WHERE id = ${laneId} AND lease_owner IS NULL`.execute(tx);
  await sql`
    DELETE FROM lanes WHERE id = ${laneId} AND lease_owner IS NULL AND next_due_at IS NULL`.execute(tx);
  return ids;
}

/** Postponed steps of a ticket are due now: its snooze ended early. */
export async function hurryPostponed(tx: Tx, connectionId: number, ticketId: string): Promise<void> {
  const laneId = ticketLane(connectionId, ticketId);
  await sql`SELECT id FROM lanes WHERE id = ${laneId} FOR UPDATE`.execute(tx);
  await sql`
    UPDATE steps SET due_at = app_now()
     WHERE lane_id = ${laneId} AND state = 'postponed' AND due_at > app_now() AND reason LIKE 'snoozed%'`.execute(
    tx,
  );
  await sql`
    UPDATE lanes SET next_due_at = (SELECT min(due_at) FROM steps WHERE lane_id = ${laneId})
     WHERE id = ${laneId} AND lease_owner IS NULL`.execute(tx);
}
