import { sql } from 'kysely';
import type { OwnSlaOf, SlaClock } from '../../sla/clock.ts';
import { presentTicket, type ObservedTicket, type Ticket } from '../../ticket.ts';
import type { Db } from '../database.ts';
import { toPage, type Page, type PageRequest } from './page.ts';

/** A ticket with what Deskhand itself knows of it. */
export interface ShownTicket {
  readonly connection: string;
  readonly ticket_id: string;
  readonly phase: string;
  readonly gone: boolean;
  readonly acknowledged_at: Date | null;
  readonly acknowledged_by: string | null;
  readonly snoozed_until: Date | null;
  readonly first_seen_at: Date;
  readonly applied_at: Date;
  /** Fields that were never fetched. */
  readonly unknown: readonly string[];
  readonly ticket: Ticket;
}

type TicketRow = Omit<ShownTicket, 'ticket' | 'unknown'> & {
  readonly snapshot: ObservedTicket;
  readonly revision: number;
  readonly snoozed: boolean;
  readonly sla_clock: SlaClock | null;
};

const COLUMNS = sql`
  c.name AS connection, t.ticket_id, t.phase, t.gone_at IS NOT NULL AS gone, t.acknowledged_at, t.acknowledged_by,
  t.snoozed_until, coalesce(t.snoozed_until > app_now(), false) AS snoozed, t.first_seen_at, t.applied_at,
  t.snapshot, t.revision, t.sla_clock`;

/** Tickets by connection and id. */
export async function listTickets(
  db: Db,
  filter: { readonly connection?: string | undefined },
  page: PageRequest,
  ownSla: OwnSlaOf,
): Promise<Page<ShownTicket>> {
  const [connection, ticketId] = splitTicketKey(page.after ?? '/');
  const only =
    filter.connection === undefined
      ? sql<boolean>`true`
      : sql<boolean>`t.connection_id = (SELECT id FROM connections WHERE name = ${filter.connection})`;
  const { rows } = await sql<TicketRow>`
    SELECT ${COLUMNS} FROM tickets t JOIN connections c ON c.id = t.connection_id
     WHERE (t.connection_id, t.ticket_id) >
           (coalesce((SELECT id FROM connections WHERE name = ${connection}), -1), ${ticketId}) AND ${only}
     ORDER BY t.connection_id, t.ticket_id LIMIT ${page.limit + 1}`.execute(db);
  return toPage(
    rows,
    page.limit,
    (row) => `${row.connection}/${row.ticket_id}`,
    (row) => present(row, ownSla),
  );
}

export async function findTicket(
  db: Db,
  connection: string,
  ticketId: string,
  ownSla: OwnSlaOf,
): Promise<ShownTicket | null> {
  const { rows } = await sql<TicketRow>`
    SELECT ${COLUMNS} FROM tickets t JOIN connections c ON c.id = t.connection_id
     WHERE c.name = ${connection} AND t.ticket_id = ${ticketId}`.execute(db);
  return rows[0] === undefined ? null : present(rows[0], ownSla);
}

export async function isKnownTicket(db: Db, connectionId: number, ticketId: string): Promise<boolean> {
  const { rows } = await sql`
    SELECT 1 FROM tickets WHERE connection_id = ${connectionId} AND ticket_id = ${ticketId}`.execute(db);
  return rows.length > 0;
}

/** A connection's name holds no slash. */
function splitTicketKey(key: string): readonly [string, string] {
  const slash = key.indexOf('/');
  return slash < 0 ? [key, ''] : [key.slice(0, slash), key.slice(slash + 1)];
}

function present(
  { snapshot, revision, snoozed, sla_clock: clock, ...row }: TicketRow,
  ownSla: OwnSlaOf,
): ShownTicket {
  const sla = ownSla(row.connection, snapshot, clock);
  const own = { acknowledged: row.acknowledged_at !== null, snoozed, revision, sla };
  return { ...row, ...presentTicket(snapshot, own) };
}
