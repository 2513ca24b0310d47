import { acknowledgeTicket, endWaitingRuns, hurryPostponed, snoozeTicket } from '../record/attention.ts';
import { databaseNow, type Database } from '../record/database.ts';
import { connectionIdOf } from '../record/operate/connections.ts';
import { readEventsOfTicket } from '../record/operate/events.ts';
import { isKnownTicket } from '../record/operate/tickets.ts';
import { OperateError } from './error.ts';

/** A ticket of a connection, as people name it. */
export interface TicketName {
  readonly connection: string;
  readonly ticketId: string;
}

export interface Attention {
  readonly connection: string;
  readonly ticket_id: string;
}

/** Says that somebody took the ticket: runs that wait for that end. @throws OperateError for an unknown ticket */
export async function acknowledge(
  database: Database,
  name: TicketName,
  by: string,
): Promise<Attention & { readonly changed: boolean; readonly ended_runs: number }> {
  const connectionId = await knownTicket(database, name);
  return database.transaction(async (tx) => {
    const changed = await acknowledgeTicket(tx, connectionId, name.ticketId, by);
    const ended = changed
      ? await endWaitingRuns(tx, connectionId, name.ticketId, `acknowledged by ${by}`)
      : [];
    return { connection: name.connection, ticket_id: name.ticketId, changed, ended_runs: ended.length };
  });
}

/**
 * Postpones what is said about the ticket in Slack.
 *
 * @param until a moment in epoch ms, from the database's now; null ends the snooze
 * @throws OperateError for an unknown ticket or a moment that is past
 */
export async function snooze(
  database: Database,
  name: TicketName,
  until: ((now: number) => number) | null,
): Promise<Attention & { readonly snoozed_until: Date | null }> {
  const connectionId = await knownTicket(database, name);
  return database.transaction(async (tx) => {
    const now = await databaseNow(tx);
    const at = until === null ? null : until(now);
    if (at !== null && !(at > now)) throw new OperateError('bad_request', 'until: expected a time to come');
    await snoozeTicket(tx, connectionId, name.ticketId, at);
    if (at === null) await hurryPostponed(tx, connectionId, name.ticketId);
    const snoozedUntil = at === null ? null : new Date(at);
    return { connection: name.connection, ticket_id: name.ticketId, snoozed_until: snoozedUntil };
  });
}

async function knownTicket(database: Database, { connection, ticketId }: TicketName): Promise<number> {
  const { db } = database;
  const id = await connectionIdOf(db, connection);
  if (id === null) throw new OperateError('not_found', `there is no connection ${connection}`);
  if (await isKnownTicket(db, id, ticketId)) return id;
  // Tickets that only webhooks tell of have events and no state.
  const { items } = await readEventsOfTicket(db, id, ticketId, { limit: 1, after: null });
  if (items.length > 0) return id;
  throw new OperateError('not_found', `nothing is known of ticket ${ticketId} of ${connection}`);
}
