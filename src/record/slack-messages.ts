import { sql } from 'kysely';
import type { DeskEvent } from '../event.ts';
import type { SlaClock } from '../sla/clock.ts';
import type { ObservedTicket } from '../ticket.ts';
import type { Db, Tx } from './database.ts';
import { withBody } from './events.ts';
import type { EventDoc } from './tables.ts';

/** A message of ours in Slack. */
export interface MessageKey {
  readonly channel: string;
  readonly ts: string;
}

/** `layout`: blocks of a rule's own; `fixed`: never redrawn. */
export type MessageKind = 'card' | 'digest' | 'layout' | 'fixed';

export interface NewMessage extends MessageKey {
  readonly stepId: string;
  readonly kind: MessageKind;
  /** The message under which it stands; null: in the channel itself. */
  readonly thread: string | null;
  readonly buttons: readonly string[];
  /** Of a digest: news that are no ticket's first, escaped. */
  readonly lines: readonly string[];
  /** Null: what stands there is not known exactly, look at once. */
  readonly drawnHash: string | null;
  readonly roots: readonly NewRoot[];
}

export interface NewRoot {
  readonly connectionId: number;
  readonly ticketId: string;
  readonly lead: string;
  /** Equal for tickets that resemble each other; null: stands alone. */
  readonly likeness: string | null;
}

/** How soon after a post its truth is looked at: the ticket may have changed while it was sent. */
const LOOK_AFTER_MS = 300;

/** Remembers a message that stands; the first root of a ticket in a channel stays. Repeating it changes nothing. */
export async function insertMessage(tx: Tx, message: NewMessage): Promise<void> {
  const { channel, ts, roots } = message;
  await sql`
    INSERT INTO slack_messages (channel, ts, step_id, kind, thread, buttons, lines, drawn_hash, due_at)
    VALUES (${channel}, ${ts}, ${message.stepId}, ${message.kind}, ${message.thread}, ${[...message.buttons]}::text[],
            ${[...message.lines]}::text[], ${message.drawnHash},
            CASE WHEN ${message.kind}::text <> 'fixed' THEN app_now() + ${LOOK_AFTER_MS}::float8 * interval '1 millisecond' END)
    ON CONFLICT DO NOTHING`.execute(tx);
  await sql`
    INSERT INTO slack_roots (channel, ts, connection_id, ticket_id, lead, likeness, place)
    SELECT ${channel}, ${ts}, connection_id, ticket_id, lead, likeness, place FROM unnest(
      ${roots.map((root) => root.connectionId)}::int[], ${roots.map((root) => root.ticketId)}::text[],
      ${roots.map((root) => root.lead)}::text[], ${roots.map((root) => root.likeness)}::text[],
      ${roots.map((_, index) => index)}::int[])
      AS row (connection_id, ticket_id, lead, likeness, place)
    ON CONFLICT DO NOTHING`.execute(tx);
  if (message.thread !== null) await touchMessage(tx, { channel, ts: message.thread });
}

/** A ticket's message in a channel. */
export interface RootMessage extends MessageKey {
  /** Where its later news go: under itself, or under the message under which it stands. */
  readonly thread: string;
  /** True if other tickets' news go there too. */
  readonly shared: boolean;
}

/** The ticket's message in a channel; without a channel its latest one anywhere. */
export async function findRoot(
  db: Db,
  connectionId: number,
  ticketId: string,
  channel: string | null,
): Promise<RootMessage | null> {
  const { rows } = await sql<RootMessage>`
    SELECT r.channel, r.ts, coalesce(m.thread, r.ts) AS thread,
           m.thread IS NOT NULL OR m.kind = 'digest'
             OR EXISTS (SELECT FROM slack_messages o WHERE o.channel = r.channel AND o.thread = r.ts) AS shared
      FROM slack_roots r JOIN slack_messages m ON m.channel = r.channel AND m.ts = r.ts
     WHERE r.connection_id = ${connectionId} AND r.ticket_id = ${ticketId}
       AND (${channel}::text IS NULL OR r.channel = ${channel})
     ORDER BY r.posted_at DESC LIMIT 1`.execute(db);
  return rows[0] ?? null;
}

/** The message in a channel under which a ticket like these goes: the first one's, while that is young and open. */
export async function findAlike(
  db: Db,
  place: { readonly channel: string; readonly connectionId: number; readonly likeness: string },
  withinMs: number,
): Promise<string | null> {
  const { rows } = await sql<{ ts: string }>`
    SELECT r.ts FROM slack_roots r JOIN slack_messages m ON m.channel = r.channel AND m.ts = r.ts
      LEFT JOIN tickets t ON t.connection_id = r.connection_id AND t.ticket_id = r.ticket_id
     WHERE r.channel = ${place.channel} AND r.connection_id = ${place.connectionId} AND r.likeness = ${place.likeness}
       AND r.posted_at > app_now() - ${withinMs}::float8 * interval '1 millisecond'
       AND m.thread IS NULL AND m.kind <> 'fixed' AND t.gone_at IS NULL
       AND coalesce(t.phase, 'unknown') NOT IN ('resolved', 'closed', 'rejected', 'cancelled')
     ORDER BY r.posted_at LIMIT 1`.execute(db);
  return rows[0]?.ts ?? null;
}

/** A message that a person deleted is no ticket's message any more, and what stood under it neither. */
export async function forgetMessage(db: Db, { channel, ts }: MessageKey): Promise<void> {
  await sql`
    WITH gone AS (
      DELETE FROM slack_messages WHERE channel = ${channel} AND (ts = ${ts} OR thread = ${ts}) RETURNING ts)
    DELETE FROM slack_roots WHERE channel = ${channel} AND (ts = ${ts} OR ts IN (SELECT ts FROM gone))`.execute(
    db,
  );
}

/** Passes noted changes of tickets on to their messages. @returns how many there were */
export async function spreadChanges(tx: Tx, limit: number): Promise<number> {
  const { rows } = await sql<{ connection_id: number; ticket_id: string }>`
    DELETE FROM slack_changes WHERE id IN (
      SELECT id FROM slack_changes ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED)
    RETURNING connection_id, ticket_id`.execute(tx);
  if (rows.length === 0) return 0;
  await touchMessages(
    tx,
    rows.map((row) => ({ connectionId: row.connection_id, ticketId: row.ticket_id })),
  );
  return rows.length;
}

/** These tickets' messages are to be looked at. Locked in one order, so that two transactions never cross. */
export async function touchMessages(
  tx: Tx,
  tickets: readonly { readonly connectionId: number; readonly ticketId: string }[],
): Promise<void> {
  await sql`
    WITH touched AS (
      SELECT m.channel, m.ts FROM slack_messages m
       WHERE (m.channel, m.ts) IN (
         SELECT r.channel, r.ts FROM slack_roots r
           JOIN unnest(${tickets.map((one) => one.connectionId)}::int[], ${tickets.map((one) => one.ticketId)}::text[])
             AS t (connection_id, ticket_id) USING (connection_id, ticket_id))
         AND m.kind <> 'fixed'
       ORDER BY m.channel, m.ts FOR UPDATE)
    UPDATE slack_messages m SET due_at = least(m.due_at, app_now())
      FROM touched WHERE m.channel = touched.channel AND m.ts = touched.ts`.execute(tx);
}

/** This message is to be looked at. */
export async function touchMessage(tx: Tx, { channel, ts }: MessageKey): Promise<void> {
  await sql`
    UPDATE slack_messages SET due_at = least(due_at, app_now())
     WHERE channel = ${channel} AND ts = ${ts} AND kind <> 'fixed'`.execute(tx);
}

/** A message to be redrawn, leased for a while. */
export interface DueMessage extends MessageKey {
  readonly stepId: string;
  readonly kind: MessageKind;
  readonly buttons: readonly string[];
  readonly lines: readonly string[];
  readonly drawnHash: string | null;
  readonly failures: number;
  /** Identifies the lease: a change meanwhile moves it. */
  readonly leasedUntil: string;
}

/** Takes due messages, oldest wish first, one per channel: only one could be drawn anyway. */
export async function takeDueMessages(
  tx: Tx,
  leaseMs: number,
  limit: number,
): Promise<readonly DueMessage[]> {
  const { rows } = await sql<DueMessage>`
    WITH due AS (
      SELECT channel, ts FROM slack_messages WHERE due_at <= app_now()
       ORDER BY due_at, ts LIMIT ${limit} FOR UPDATE SKIP LOCKED)
    UPDATE slack_messages m SET due_at = app_now() + ${leaseMs}::float8 * interval '1 millisecond'
      FROM due WHERE m.channel = due.channel AND m.ts = due.ts
    RETURNING m.channel, m.ts, m.step_id AS "stepId", m.kind, m.buttons, m.lines, m.drawn_hash AS "drawnHash", m.failures, m.due_at::text AS "leasedUntil"`.execute(
    tx,
  );
  return rows;
}

/**
 * The message shows this state. Something that changed since it was read leaves it due, and what stands there then
 * counts as unknown: an older drawing may arrive after a newer one.
 */
export async function finishDrawing(db: Db, message: DueMessage, hash: string | null): Promise<void> {
  await sql`
    UPDATE slack_messages SET
        drawn_hash = CASE WHEN due_at = ${message.leasedUntil}::timestamptz THEN ${hash}::text END,
        due_at = CASE WHEN due_at = ${message.leasedUntil}::timestamptz THEN NULL ELSE due_at END, failures = 0
     WHERE channel = ${message.channel} AND ts = ${message.ts}`.execute(db);
}

/** Not now. @param failed the outcome of the call is not known */
export async function postponeDrawing(
  db: Db,
  message: DueMessage,
  inMs: number,
  failed: boolean,
): Promise<void> {
  await sql`
    UPDATE slack_messages SET
        due_at = CASE WHEN due_at = ${message.leasedUntil}::timestamptz
                      THEN app_now() + ${inMs}::float8 * interval '1 millisecond' ELSE due_at END,
        drawn_hash = CASE WHEN ${failed}::bool THEN NULL ELSE drawn_hash END,
        failures = failures + ${failed}::bool::int
     WHERE channel = ${message.channel} AND ts = ${message.ts}`.execute(db);
}

/** Nothing can be drawn there any more: deleted, archived, or not ours. */
export async function fixMessage(db: Db, key: MessageKey): Promise<void> {
  await sql`
    UPDATE slack_messages SET kind = 'fixed', due_at = NULL
     WHERE channel = ${key.channel} AND ts = ${key.ts}`.execute(db);
}

/** What Deskhand knows of a ticket, for showing it. */
export interface TicketView {
  readonly connectionId: number;
  readonly connection: string;
  readonly ticketId: string;
  readonly snapshot: ObservedTicket;
  readonly slaClock: SlaClock | null;
  readonly revision: number;
  readonly gone: boolean;
  /** False: only a person's mark is stored, no state was ever applied. */
  readonly seen: boolean;
  readonly acknowledgedBy: string | null;
  readonly snoozedUntil: Date | null;
  /** The last press, where a person should know what came of it. */
  readonly pressState: string | null;
  readonly pressDetail: string | null;
}

const VIEW = sql.raw(`
  t.connection_id AS "connectionId", c.name AS connection, t.ticket_id AS "ticketId", t.snapshot,
  t.sla_clock AS "slaClock", t.revision,
  t.gone_at IS NOT NULL AS gone, t.applied_seq > 0 AS seen,
  CASE WHEN t.acknowledged_at IS NOT NULL THEN coalesce(t.acknowledged_by, 'somebody') END AS "acknowledgedBy",
  CASE WHEN t.snoozed_until > app_now() THEN t.snoozed_until END AS "snoozedUntil",
  p.state AS "pressState", p.detail AS "pressDetail"`);
const VIEW_FROM = sql.raw(`
  tickets t JOIN connections c ON c.id = t.connection_id
  LEFT JOIN LATERAL (
    SELECT state, detail FROM slack_presses
     WHERE connection_id = t.connection_id AND ticket_id = t.ticket_id ORDER BY pressed_at DESC LIMIT 1) p ON true`);

/** One ticket as it is known now; null when it never was seen. */
export async function readTicketView(
  db: Db,
  connectionId: number,
  ticketId: string,
): Promise<TicketView | null> {
  const { rows } = await sql<TicketView>`
    SELECT ${VIEW} FROM ${VIEW_FROM}
     WHERE t.connection_id = ${connectionId} AND t.ticket_id = ${ticketId}`.execute(db);
  return rows[0] ?? null;
}

/** A ticket that a message shows. */
export interface ShownRoot {
  readonly connectionId: number;
  readonly ticketId: string;
  readonly lead: string;
  /** How many tickets like it stand in the message's thread. */
  readonly similar: number;
}

/** The tickets of a message, in their order. */
export async function readRoots(db: Db, key: MessageKey): Promise<readonly ShownRoot[]> {
  const { rows } = await sql<ShownRoot>`
    SELECT r.connection_id AS "connectionId", r.ticket_id AS "ticketId", r.lead,
           (SELECT count(*)::int FROM slack_messages m JOIN slack_roots o ON o.channel = m.channel AND o.ts = m.ts
             WHERE m.channel = r.channel AND m.thread = r.ts
               AND o.connection_id = r.connection_id AND o.likeness = r.likeness) AS similar
      FROM slack_roots r WHERE r.channel = ${key.channel} AND r.ts = ${key.ts} ORDER BY r.place`.execute(db);
  return rows;
}

/** What a message was made from. */
export interface Origin {
  readonly runId: string;
  readonly ruleVersionId: number;
  readonly path: string;
  readonly event: DeskEvent;
}

/** Null once the step or its event is not kept any more. */
export async function readOrigin(db: Db, stepId: string): Promise<Origin | null> {
  const { rows } = await sql<Omit<Origin, 'event'> & { doc: EventDoc; raw: Buffer | null }>`
    SELECT r.id AS "runId", r.rule_version_id AS "ruleVersionId", s.path, e.doc, e.raw
      FROM steps s JOIN runs r ON r.id = s.run_id
      JOIN events e ON e.id = r.event_id AND e.observed_at = r.event_at
     WHERE s.id = ${stepId}`.execute(db);
  return rows.map(({ doc, raw, ...row }) => ({ ...row, event: withBody(doc, raw) }))[0] ?? null;
}

/** The last event that tells of a ticket, for those of which no state is stored. */
export async function readLastEvent(
  db: Db,
  connectionId: number,
  ticketId: string,
): Promise<DeskEvent | null> {
  const { rows } = await sql<{ doc: EventDoc; raw: Buffer | null }>`
    SELECT doc, raw FROM events
     WHERE connection_id = ${connectionId} AND ticket_id = ${ticketId}
       AND jsonb_typeof(doc->'ticket') = 'object' AND type <> 'slack.ordered'
     ORDER BY id DESC LIMIT 1`.execute(db);
  return rows.map(({ doc, raw }) => withBody(doc, raw))[0] ?? null;
}

/** Several tickets as they are known now. */
export async function readTicketViews(
  db: Db,
  tickets: readonly { readonly connectionId: number; readonly ticketId: string }[],
): Promise<readonly TicketView[]> {
  if (tickets.length === 0) return [];
  const { rows } = await sql<TicketView>`
    SELECT ${VIEW} FROM ${VIEW_FROM}
      JOIN unnest(${tickets.map((one) => one.connectionId)}::int[], ${tickets.map((one) => one.ticketId)}::text[])
        WITH ORDINALITY AS wanted (connection_id, ticket_id, n)
        ON wanted.connection_id = t.connection_id AND wanted.ticket_id = t.ticket_id
     ORDER BY wanted.n`.execute(db);
  return rows;
}

/** Tickets whose number is this or whose number, title or requester contains the text; open ones first. */
export async function findTickets(db: Db, text: string, limit: number): Promise<readonly TicketView[]> {
  const like = `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
  const { rows } = await sql<TicketView>`
    SELECT ${VIEW} FROM ${VIEW_FROM}
     WHERE t.applied_seq > 0 AND (t.ticket_id = ${text.replace(/^#/, '')} OR t.snapshot->>'display_id' ILIKE ${like}
        OR t.snapshot->>'title' ILIKE ${like} OR t.snapshot->'requester'->>'name' ILIKE ${like}
        OR t.snapshot->'requester'->>'email' ILIKE ${like})
     ORDER BY t.gone_at IS NOT NULL, t.phase IN ('resolved', 'closed', 'rejected', 'cancelled'), t.applied_at DESC
     LIMIT ${limit}`.execute(db);
  return rows;
}

/** Open tickets of a person: theirs by e-mail or name. */
export async function ticketsOf(db: Db, email: string, limit: number): Promise<readonly TicketView[]> {
  const { rows } = await sql<TicketView>`
    SELECT ${VIEW} FROM ${VIEW_FROM}
     WHERE t.applied_seq > 0 AND t.gone_at IS NULL AND t.phase NOT IN ('resolved', 'closed', 'rejected', 'cancelled')
       AND (lower(t.snapshot->'assignee'->>'email') = ${email.toLowerCase()} OR lower(t.acknowledged_by) = ${email.toLowerCase()})
     ORDER BY coalesce(t.snapshot->>'due_at', t.snapshot->'sla'->>'resolution_due_at', '9'), t.ticket_id LIMIT ${limit}`.execute(
    db,
  );
  return rows;
}
