import { sql } from 'kysely';
import type { SlaClock } from '../sla/clock.ts';
import type { ObservedTicket, Ticket } from '../ticket.ts';
import type { Db, Tx } from './database.ts';

/** When to look at a rule for a ticket again. */
export interface Arm {
  readonly connectionId: number;
  readonly ticketId: string;
  /** Empty: `ticket.overdue`. */
  readonly ruleId: string;
  /** Epoch ms. */
  readonly dueAt: number;
}

export interface TicketRef {
  readonly connectionId: number;
  readonly ticketId: string;
}

/**
 * Makes `arms` the timers of these tickets, in one statement. A timer that is due already is left to the tick, which
 * evaluates it anew: an event that comes in after a downtime, before the tick, must not cancel what is late.
 *
 * @param scope null: all rules; else only this rule's timers
 */
export async function replaceTimers(
  tx: Tx,
  tickets: readonly TicketRef[],
  arms: readonly Arm[],
  scope: string | null = null,
): Promise<void> {
  if (tickets.length === 0) return;
  const sorted = arms.toSorted(
    (a, b) =>
      a.connectionId - b.connectionId ||
      compareText(a.ticketId, b.ticketId) ||
      compareText(a.ruleId, b.ruleId),
  );
  await sql`
    WITH wanted AS (
      SELECT connection_id, ticket_id, rule_id, to_timestamp(due_ms / 1000.0) AS due_at
        FROM unnest(${sorted.map((arm) => arm.connectionId)}::int[], ${sorted.map((arm) => arm.ticketId)}::text[],
                    ${sorted.map((arm) => arm.ruleId)}::text[], ${sorted.map((arm) => arm.dueAt)}::float8[])
          AS row (connection_id, ticket_id, rule_id, due_ms)),
    cancelled AS (
      DELETE FROM timers t
       USING unnest(${tickets.map((ticket) => ticket.connectionId)}::int[],
                    ${tickets.map((ticket) => ticket.ticketId)}::text[]) AS ticket (connection_id, ticket_id)
       WHERE t.connection_id = ticket.connection_id AND t.ticket_id = ticket.ticket_id
         AND t.due_at > app_now() AND (${scope}::text IS NULL OR t.rule_id = ${scope}::text)
         AND NOT EXISTS (SELECT FROM wanted w WHERE w.connection_id = t.connection_id
                           AND w.ticket_id = t.ticket_id AND w.rule_id = t.rule_id))
    INSERT INTO timers AS t (connection_id, ticket_id, rule_id, due_at)
    SELECT * FROM wanted
    ON CONFLICT (connection_id, ticket_id, rule_id) DO UPDATE
      SET due_at = excluded.due_at, armed_at = app_now()
      WHERE t.due_at > app_now() AND t.due_at <> excluded.due_at`.execute(tx);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A ticket as far as time rules need it. */
export interface TimedTicket extends TicketRef {
  /** Null: only webhooks told of it; then `lastSeen` is what the last event showed. */
  readonly snapshot: ObservedTicket | null;
  readonly lastSeen: Ticket | null;
  readonly slaClock: SlaClock | null;
  readonly acknowledged: boolean;
  readonly snoozedUntil: Date | null;
  readonly revision: number;
  readonly gone: boolean;
}

/** A timer whose moment came, locked. */
export interface DueTimer extends TimedTicket {
  readonly ruleId: string;
  /** Epoch ms. */
  readonly dueAt: number;
}

const TICKET_COLUMNS = sql`
  CASE WHEN k.applied_seq > 0 THEN k.snapshot END AS snapshot,
  CASE WHEN k.applied_seq > 0 THEN NULL ELSE (
    SELECT e.doc->'ticket' FROM events e
     WHERE e.connection_id = t.connection_id AND e.ticket_id = t.ticket_id
       -- What our own steps and the clock say shows the ticket as it was.
       AND e.doc->>'via' NOT IN ('action', 'clock') ORDER BY e.id DESC LIMIT 1) END
    AS "lastSeen",
  k.sla_clock AS "slaClock", k.acknowledged_at IS NOT NULL AS acknowledged, k.snoozed_until AS "snoozedUntil",
  coalesce(k.revision, 0) AS revision, k.gone_at IS NOT NULL AS gone`;

/** Takes timers that are due, of connections that are configured here; others may tick at the same time. */
export async function takeDueTimers(
  tx: Tx,
  connectionIds: readonly number[],
  limit: number,
): Promise<{ readonly now: number; readonly timers: readonly DueTimer[] }> {
  const { rows: clock } = await sql<{
    now: number;
  }>`SELECT (extract(epoch FROM app_now()) * 1000)::float8 AS now`.execute(tx);
  const { rows } = await sql<DueTimer>`
    SELECT t.connection_id AS "connectionId", t.ticket_id AS "ticketId", t.rule_id AS "ruleId",
           (extract(epoch FROM t.due_at) * 1000)::float8 AS "dueAt", ${TICKET_COLUMNS}
      FROM (SELECT * FROM timers WHERE due_at <= app_now() AND connection_id = ANY(${connectionIds}::int[])
             ORDER BY due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED) t
      LEFT JOIN tickets k ON k.connection_id = t.connection_id AND k.ticket_id = t.ticket_id
     ORDER BY t.due_at, t.rule_id`.execute(tx);
  return { now: Math.floor(clock[0]?.now ?? 0), timers: rows };
}

/** Sets fired timers to their next moment, or removes them. */
export async function settleTimers(
  tx: Tx,
  settled: readonly (TicketRef & { readonly ruleId: string; readonly nextAt: number | null })[],
): Promise<void> {
  if (settled.length === 0) return;
  await sql`
    WITH row AS (
      SELECT * FROM unnest(
        ${settled.map((timer) => timer.connectionId)}::int[], ${settled.map((timer) => timer.ticketId)}::text[],
        ${settled.map((timer) => timer.ruleId)}::text[], ${settled.map((timer) => timer.nextAt)}::float8[])
        AS row (connection_id, ticket_id, rule_id, next_ms)),
    gone AS (
      DELETE FROM timers t USING row
       WHERE t.connection_id = row.connection_id AND t.ticket_id = row.ticket_id AND t.rule_id = row.rule_id
         AND row.next_ms IS NULL)
    UPDATE timers t SET due_at = to_timestamp(row.next_ms / 1000.0), armed_at = app_now()
      FROM row
     WHERE t.connection_id = row.connection_id AND t.ticket_id = row.ticket_id AND t.rule_id = row.rule_id
       AND row.next_ms IS NOT NULL`.execute(tx);
}

/** Rules whose timers may stand; the others' go, a batch at a time. @returns how many went */
export async function dropTimersOfOthers(db: Db, ruleIds: readonly string[], limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    DELETE FROM timers WHERE ctid = ANY(ARRAY(
      SELECT ctid FROM timers WHERE NOT rule_id = ANY(${ruleIds}::text[]) LIMIT ${limit}))`.execute(db);
  await sql`DELETE FROM timer_scans WHERE NOT rule_id = ANY(${ruleIds}::text[])`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** Plans a scan for every rule version that has had none. */
export async function planScans(
  db: Db,
  versions: readonly { readonly ruleId: string; readonly versionId: number }[],
  firePast: boolean,
): Promise<void> {
  await sql`
    INSERT INTO timer_scans AS s (rule_id, rule_version_id, fire_past, since_at)
    SELECT rule_id, version_id, ${firePast}, (SELECT activated_at FROM active_rule_set) FROM unnest(
      ${versions.map((row) => row.ruleId)}::text[], ${versions.map((row) => row.versionId)}::bigint[])
      AS row (rule_id, version_id)
    ON CONFLICT (rule_id) DO UPDATE
      SET rule_version_id = excluded.rule_version_id, fire_past = excluded.fire_past,
          since_at = excluded.since_at, after_connection = -1, after_ticket = '', done_at = NULL
      WHERE s.rule_version_id <> excluded.rule_version_id`.execute(db);
}

export interface Scan {
  readonly ruleId: string;
  readonly versionId: number;
  readonly firePast: boolean;
  readonly sinceAt: Date;
  readonly afterConnection: number;
  readonly afterTicket: string;
}

/** Takes an unfinished scan, locked; null if there is none that nobody else works on. */
export async function takeScan(tx: Tx): Promise<Scan | null> {
  const { rows } = await sql<Scan>`
    SELECT rule_id AS "ruleId", rule_version_id AS "versionId", fire_past AS "firePast", since_at AS "sinceAt",
           after_connection AS "afterConnection", after_ticket AS "afterTicket"
      FROM timer_scans WHERE done_at IS NULL ORDER BY rule_id LIMIT 1 FOR UPDATE SKIP LOCKED`.execute(tx);
  return rows[0] ?? null;
}

/**
 * The next open tickets after the scan's place: those whose state is stored, and those that only webhooks told of, whose
 * ids stand nowhere but in their events. These are found by jumping from one to the next in the index.
 */
export async function readOpenTickets(tx: Tx, scan: Scan, limit: number): Promise<readonly TimedTicket[]> {
  const { rows } = await sql<TimedTicket>`
    WITH RECURSIVE silent AS (
      SELECT c.id FROM connections c
       WHERE c.id > 0 AND NOT EXISTS (SELECT FROM feeds f WHERE f.connection_id = c.id)),
    told AS (
      SELECT ${scan.afterConnection}::int AS connection_id, ${scan.afterTicket}::text AS ticket_id, 0 AS n
      UNION ALL
      SELECT next.connection_id, next.ticket_id, told.n + 1 FROM told CROSS JOIN LATERAL (
        (SELECT e.connection_id, e.ticket_id FROM events e
          WHERE e.connection_id = told.connection_id AND e.ticket_id > told.ticket_id
            AND told.connection_id IN (SELECT id FROM silent)
          ORDER BY e.ticket_id LIMIT 1)
        UNION ALL
        (SELECT first.connection_id, first.ticket_id FROM silent CROSS JOIN LATERAL (
           SELECT e.connection_id, e.ticket_id FROM events e
            WHERE e.connection_id = silent.id AND e.ticket_id IS NOT NULL ORDER BY e.ticket_id LIMIT 1) first
          WHERE silent.id > told.connection_id ORDER BY silent.id LIMIT 1)
        LIMIT 1) next
       WHERE told.n < ${limit})
    SELECT t.connection_id AS "connectionId", t.ticket_id AS "ticketId", ${TICKET_COLUMNS} FROM (
      (SELECT connection_id, ticket_id FROM tickets
        WHERE (connection_id, ticket_id) > (${scan.afterConnection}::int, ${scan.afterTicket}::text)
          AND applied_seq > 0 AND gone_at IS NULL AND phase NOT IN ('closed', 'rejected', 'cancelled')
        ORDER BY connection_id, ticket_id LIMIT ${limit})
      UNION
      (SELECT connection_id, ticket_id FROM told WHERE n > 0)
      ORDER BY connection_id, ticket_id LIMIT ${limit}) t
      LEFT JOIN tickets k ON k.connection_id = t.connection_id AND k.ticket_id = t.ticket_id
     ORDER BY t.connection_id, t.ticket_id`.execute(tx);
  return rows;
}

/** Moves a scan on, or ends it. */
export async function moveScan(tx: Tx, ruleId: string, last: TicketRef | null): Promise<void> {
  if (last === null) {
    await sql`UPDATE timer_scans SET done_at = app_now() WHERE rule_id = ${ruleId}`.execute(tx);
    return;
  }
  await sql`
    UPDATE timer_scans SET after_connection = ${last.connectionId}, after_ticket = ${last.ticketId}
     WHERE rule_id = ${ruleId}`.execute(tx);
}

/** Whether the active set was published to fire what was past. */
export async function firesPast(db: Db, setId: number): Promise<boolean> {
  const { rows } = await sql<{ fire_past: boolean }>`
    SELECT fire_past FROM rule_sets WHERE id = ${setId}`.execute(db);
  return rows[0]?.fire_past ?? false;
}
