import type { SlaSource } from '../ingest/timers.ts';
import type { Db } from '../record/database.ts';
import { readLastEvent, readTicketViews, type TicketView } from '../record/slack-messages.ts';
import type { CardState } from './card.ts';
import { cardStateOf, cardStateOfEvent } from './state.ts';

/** A ticket to be shown. */
export interface Wanted {
  readonly connectionId: number;
  readonly ticketId: string;
  /** The rule's text, escaped. */
  readonly lead: string;
  /** How many tickets like it stand in its thread; default 0. */
  readonly similar?: number;
}

/**
 * Tickets as cards show them, in the same order: as they are stored, else as their last event had them (of a webhook's
 * tickets only a person's marks are stored). Null for one of which nothing is known any more.
 *
 * @param targets for deadlines of our own; null: nobody looks at deadlines
 */
export async function readStates(
  db: Db,
  wanted: readonly Wanted[],
  targets: SlaSource | null,
): Promise<readonly (CardState | null)[]> {
  const views = await readTicketViews(db, wanted);
  const byTicket = new Map(views.map((view) => [keyOf(view), view]));
  return Promise.all(wanted.map((one) => stateOf(db, one, byTicket.get(keyOf(one)) ?? null, targets)));
}

function keyOf({ connectionId, ticketId }: Pick<Wanted, 'connectionId' | 'ticketId'>): string {
  return `${connectionId}:${ticketId}`;
}

async function stateOf(
  db: Db,
  wanted: Wanted,
  view: TicketView | null,
  targets: SlaSource | null,
): Promise<CardState | null> {
  const { connectionId, ticketId, lead, similar = 0 } = wanted;
  if (view?.seen === true) return { ...cardStateOf(view, targets, lead), similar };
  const event = await readLastEvent(db, connectionId, ticketId);
  if (event?.ticket == null) return null;
  const marks = view === null ? {} : marksOf(cardStateOf(view, targets));
  const { connection, ticket } = event;
  return { ...cardStateOfEvent({ connectionId, connection, ticket }, lead), ...marks, similar };
}

function marksOf(state: CardState): Pick<CardState, 'acknowledgedBy' | 'snoozedUntil' | 'notice'> {
  const { acknowledgedBy, snoozedUntil, notice } = state;
  return { acknowledgedBy, snoozedUntil, notice };
}
