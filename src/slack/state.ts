import { ownSlaFrom, type SlaSource } from '../ingest/timers.ts';
import { presentTicket, type Ticket } from '../ticket.ts';
import type { TicketView } from '../record/slack-messages.ts';
import type { CardState } from './card.ts';

/**
 * A stored ticket as a card shows it.
 *
 * @param targets for deadlines of our own; null: nobody looks at deadlines
 * @param lead the rule's text, escaped
 */
export function cardStateOf(view: TicketView, targets: SlaSource | null, lead = ''): CardState {
  const sla = targets === null ? null : ownSlaFrom(targets)(view.connection, view.snapshot, view.slaClock);
  const own = {
    sla,
    acknowledged: view.acknowledgedBy !== null,
    snoozed: view.snoozedUntil !== null,
    revision: view.revision,
  };
  return {
    connectionId: view.connectionId,
    connection: view.connection,
    ticket: presentTicket(view.snapshot, own).ticket,
    gone: view.gone,
    acknowledgedBy: view.acknowledgedBy,
    snoozedUntil: view.snoozedUntil?.toISOString() ?? null,
    lead,
    notice: view.pressState === 'done' ? null : view.pressDetail,
  };
}

/** The ticket as an event had it, where nothing is stored (a webhook that brings tickets along). */
export function cardStateOfEvent(
  event: { readonly connectionId: number; readonly connection: string; readonly ticket: Ticket },
  lead: string,
): CardState {
  return { ...event, gone: false, acknowledgedBy: null, snoozedUntil: null, lead, notice: null };
}
