import { sql } from 'kysely';
import type { SlaClock } from '../sla/clock.ts';
import type { ObservedTicket } from '../ticket.ts';
import { jsonbArray } from './array-parameter.ts';
import { toJsonb, type Db, type Tx } from './database.ts';

/** A ticket's stored state, locked by the transaction that read it. */
export interface StoredTicket {
  readonly ticketId: string;
  readonly revision: number;
  readonly appliedSeq: number;
  readonly snapshot: ObservedTicket;
  readonly commentIds: readonly string[] | null;
  readonly versions: Readonly<Record<string, string>>;
  readonly acknowledged: boolean;
  readonly snoozed: boolean;
  readonly snoozedUntil: Date | null;
  readonly gone: boolean;
  readonly slaClock: SlaClock | null;
  /** True if no state was ever applied: the row was made by this transaction, or by a person's acknowledge. */
  readonly unseen: boolean;
}

/** The columns of a {@link StoredTicket}. */
const STORED = sql`
           ticket_id AS "ticketId", revision, applied_seq AS "appliedSeq", snapshot, comment_ids AS "commentIds",
           versions, acknowledged_at IS NOT NULL AS acknowledged,
           coalesce(snoozed_until > app_now(), false) AS snoozed, snoozed_until AS "snoozedUntil", gone_at IS NOT NULL AS gone,
           applied_seq = 0 AS unseen, sla_clock AS "slaClock"`;

/** A value that grows with every read; taken before the read starts. */
export async function nextReadSeq(db: Db): Promise<number> {
  const { rows } = await sql<{ seq: number }>`SELECT nextval('read_seq') AS seq`.execute(db);
  const seq = rows[0]?.seq;
  if (seq === undefined) throw new Error('the database gave no read sequence');
  return seq;
}

/** Locks the rows of these tickets in id order, creating empty ones for tickets never seen. */
export async function lockTickets(
  tx: Tx,
  connectionId: number,
  ticketIds: readonly string[],
): Promise<ReadonlyMap<string, StoredTicket>> {
  const ids = [...new Set(ticketIds)].sort();
  await sql`
    INSERT INTO tickets (connection_id, ticket_id, snapshot)
    SELECT ${connectionId}, id, jsonb_build_object('id', id) FROM unnest(${ids}::text[]) AS row (id)
    ON CONFLICT DO NOTHING`.execute(tx);
  const { rows } = await sql<StoredTicket>`
    SELECT ${STORED}
      FROM tickets WHERE connection_id = ${connectionId} AND ticket_id = ANY(${ids}::text[])
     ORDER BY ticket_id FOR UPDATE`.execute(tx);
  return new Map(rows.map((row) => [row.ticketId, row]));
}

export interface TicketUpdate {
  readonly ticketId: string;
  readonly revision: number;
  readonly snapshot: ObservedTicket;
  readonly commentIds: readonly string[] | null;
  readonly versions: Readonly<Record<string, string>>;
  readonly gone: boolean;
  /** Reopened, or moved to another queue: nobody has acknowledged this situation. */
  readonly resetAttention: boolean;
  /** The agent who took it on the desk just now, which acknowledges it; null if nobody did. */
  readonly takenBy: string | null;
  /** Null: no targets are configured for the connection. */
  readonly slaClock: SlaClock | null;
}

/** Stores applied states; each takes a new read sequence, so that reads begun before are dropped. */
export async function updateTickets(
  tx: Tx,
  connectionId: number,
  rows: readonly TicketUpdate[],
): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    UPDATE tickets SET revision = row.revision, snapshot = row.snapshot,
        comment_ids = CASE WHEN row.comment_ids IS NULL THEN tickets.comment_ids
                           ELSE ARRAY(SELECT jsonb_array_elements_text(row.comment_ids)) END,
        versions = row.versions, phase = coalesce(row.snapshot->>'phase', 'unknown'),
        assignee_id = row.snapshot->'assignee'->>'id',
        gone_at = CASE WHEN row.gone THEN coalesce(tickets.gone_at, app_now()) END,
        acknowledged_at = CASE WHEN row.taken_by IS NOT NULL AND (row.reset OR tickets.acknowledged_at IS NULL)
                               THEN app_now() WHEN row.reset THEN NULL ELSE tickets.acknowledged_at END,
        acknowledged_by = CASE WHEN row.taken_by IS NOT NULL AND (row.reset OR tickets.acknowledged_at IS NULL)
                               THEN row.taken_by WHEN row.reset THEN NULL ELSE tickets.acknowledged_by END,
        snoozed_until = CASE WHEN row.reset THEN NULL ELSE tickets.snoozed_until END,
        sla_clock = row.sla_clock, applied_seq = nextval('read_seq'), applied_at = app_now()
      FROM unnest(
        ${rows.map((row) => row.ticketId)}::text[], ${rows.map((row) => row.revision)}::int[],
        ${jsonbArray(rows.map((row) => toJsonb(row.snapshot)))}::jsonb[],
        ${jsonbArray(rows.map((row) => (row.commentIds === null ? null : JSON.stringify(row.commentIds))))}::jsonb[],
        ${jsonbArray(rows.map((row) => JSON.stringify(row.versions)))}::jsonb[],
        ${rows.map((row) => row.gone)}::boolean[], ${rows.map((row) => row.resetAttention)}::boolean[],
        ${jsonbArray(rows.map((row) => (row.slaClock === null ? null : JSON.stringify(row.slaClock))))}::jsonb[],
        ${rows.map((row) => row.takenBy)}::text[])
        AS row (ticket_id, revision, snapshot, comment_ids, versions, gone, reset, sla_clock, taken_by)
     WHERE tickets.connection_id = ${connectionId} AND tickets.ticket_id = row.ticket_id`.execute(tx);
}

/** Stored change tokens of one feed, for those tickets that have one. */
export async function readVersions(
  db: Db,
  connectionId: number,
  feed: string,
  ticketIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ ticket_id: string; version: string }>`
    SELECT ticket_id, versions->>${feed} AS version FROM tickets
     WHERE connection_id = ${connectionId} AND ticket_id = ANY(${ticketIds}::text[])
       AND versions ? ${feed}`.execute(db);
  return new Map(rows.map((row) => [row.ticket_id, row.version]));
}

/**
 * Ids of the tickets that may still change: not gone, not closed; resolved ones for two weeks after their last
 * change, because most desks close them by then.
 */
export async function readUnfinished(db: Db, connectionId: number): Promise<readonly string[]> {
  const { rows } = await sql<{ ticket_id: string }>`
    SELECT ticket_id FROM tickets
     WHERE connection_id = ${connectionId} AND gone_at IS NULL AND applied_seq > 0
       AND (phase NOT IN ('resolved', 'closed', 'rejected', 'cancelled')
            OR phase = 'resolved' AND applied_at > app_now() - interval '14 days')`.execute(db);
  return rows.map((row) => row.ticket_id);
}

/** What Deskhand knows of one ticket, without locking it. */
export async function readTicketRow(
  db: Db,
  connectionId: number,
  ticketId: string,
): Promise<StoredTicket | null> {
  const { rows } = await sql<StoredTicket>`
    SELECT ${STORED}
      FROM tickets WHERE connection_id = ${connectionId} AND ticket_id = ${ticketId}`.execute(db);
  return rows[0] ?? null;
}

/** Open tickets per assignee, for `least_open`: under the assignee's id, e-mail and name in lower case. */
export async function countOpenByAssignee(
  db: Db,
  connectionId: number,
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ assignee: { id?: string; email?: string; name?: string }; open: number }>`
    SELECT (array_agg(snapshot->'assignee'))[1] AS assignee, count(*)::int AS open FROM tickets
     WHERE connection_id = ${connectionId} AND assignee_id IS NOT NULL AND gone_at IS NULL
       AND phase NOT IN ('resolved', 'closed', 'rejected', 'cancelled')
     GROUP BY assignee_id`.execute(db);
  return new Map(
    rows.flatMap(({ assignee, open }) =>
      [assignee.id, assignee.email, assignee.name].flatMap((name): [string, number][] =>
        name === undefined || name === null ? [] : [[name.toLowerCase(), open]],
      ),
    ),
  );
}

/** Takes the next turn of a rotation: 0, 1, 2, … over all instances and restarts. */
export async function takeTurn(db: Db, ruleId: string, path: string): Promise<number> {
  const { rows } = await sql<{ turn: number }>`
    INSERT INTO rotations (rule_id, path, turn) VALUES (${ruleId}, ${path}, 1)
    ON CONFLICT (rule_id, path) DO UPDATE SET turn = rotations.turn + 1
    RETURNING turn`.execute(db);
  return (rows[0]?.turn ?? 1) - 1;
}

export interface OwnWrite {
  readonly id: string;
  readonly ticketId: string;
  readonly stepId: string;
  readonly field: string;
  readonly value: unknown;
  readonly depth: number;
  readonly answeredSeq: number | null;
}

const OWN_WRITES = sql`
  SELECT id, ticket_id AS "ticketId", step_id AS "stepId", field, value, depth, answered_seq AS "answeredSeq"
    FROM own_writes`;

/**
 * What we wrote to these tickets and have not yet seen again. What did not show for that long never will, and must
 * not claim what people do later.
 */
export async function readOwnWrites(
  tx: Tx,
  connectionId: number,
  ticketIds: readonly string[],
  forMs: number,
): Promise<readonly OwnWrite[]> {
  await sql`
    DELETE FROM own_writes
     WHERE connection_id = ${connectionId} AND ticket_id = ANY(${ticketIds}::text[])
       AND written_at < app_now() - ${forMs}::float8 * interval '1 millisecond'`.execute(tx);
  const { rows } = await sql<OwnWrite>`
    ${OWN_WRITES}
     WHERE connection_id = ${connectionId} AND ticket_id = ANY(${ticketIds}::text[])
     ORDER BY id`.execute(tx);
  return rows;
}

/** Tickets that we are creating on a connection, and whose answer has not come within the hour. */
export async function readCreatesUnderWay(tx: Tx, connectionId: number): Promise<readonly OwnWrite[]> {
  const { rows } = await sql<OwnWrite>`
    ${OWN_WRITES}
     WHERE connection_id = ${connectionId} AND field = 'comment:ticket' AND answered_seq IS NULL
       AND written_at > app_now() - interval '1 hour'
     ORDER BY id`.execute(tx);
  return rows;
}

export async function deleteOwnWrites(tx: Tx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql`DELETE FROM own_writes WHERE id = ANY(${ids}::uuid[])`.execute(tx);
}
