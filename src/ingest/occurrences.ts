import type { Tx } from '../record/database.ts';
import { readTicketRow } from '../record/tickets.ts';
import { presentTicket } from '../ticket.ts';
import type { Occurrence } from '../vendors/vendor.ts';
import { occurrenceEvent } from './own-events.ts';
import type { EventDraft } from './event-draft.ts';
import type { StoreDeps } from './store-event.ts';
import { ownSlaFrom } from './timers.ts';

/**
 * Events that are no difference between two snapshots, each with its ticket as it is stored: a rule may ask for the
 * ticket's fields, and a feed shows the changed ticket before what happened on it.
 */
export async function occurrenceDrafts(
  tx: Tx,
  occurrences: readonly Occurrence[],
  context: Parameters<typeof occurrenceEvent>[1],
  deps: StoreDeps,
): Promise<readonly EventDraft[]> {
  const ownSlaOf = ownSlaFrom(deps);
  const drafts: EventDraft[] = [];
  for (const occurrence of occurrences) {
    const draft = occurrenceEvent(occurrence, context, deps);
    const { ticketId } = occurrence;
    const row = ticketId === null ? null : await readTicketRow(tx, context.connectionId, ticketId);
    if (row === null || row.unseen) {
      drafts.push(draft);
      continue;
    }
    const sla = ownSlaOf(context.connection, row.snapshot, row.slaClock);
    const shown = presentTicket(row.snapshot, { ...row, sla });
    drafts.push({ ...draft, event: { ...draft.event, ...shown } });
  }
  return drafts;
}
