import { toInstant } from '../clock.ts';
import type { DeskEvent } from '../event.ts';
import type { TicketView } from '../match/moments.ts';
import type { RuleBook } from '../rules/active.ts';
import { slaFields, type OwnSlaOf, type SlaClock, type SlaPlan } from '../sla/clock.ts';
import { FINAL_PHASES, presentTicket, type ObservedTicket, type Ticket } from '../ticket.ts';
import type { Tx } from '../record/database.ts';
import { replaceTimers, type Arm, type TimedTicket } from '../record/timers.ts';
import type { EventDraft } from './event-draft.ts';

/**
 * Arming: which rules have to be looked at again for a ticket, and when. It happens in the transaction of the event
 * that brought the ticket's state, so that no moment falls between two of them.
 */

/** The timer that stands for `ticket.overdue`. */
export const OVERDUE = '';

/** Arms what these events' tickets wait for, and cancels what they wait for no more. */
export async function armTimers(
  tx: Tx,
  book: RuleBook,
  drafts: readonly EventDraft[],
  now: number,
): Promise<void> {
  if (!isTimed(book)) return;
  const tickets = new Map<string, { readonly last: EventDraft; readonly types: Set<string> }>();
  for (const draft of drafts) {
    const { event, connectionId } = draft;
    // What our own steps and the clock say shows the ticket as it was, not as it is now.
    if (event.ticket === null || event.ticket_id === null || event.replay) continue;
    if (event.via === 'action' || event.via === 'clock') continue;
    const name = `${connectionId} ${event.ticket_id}`;
    const types = tickets.get(name)?.types ?? new Set();
    if (!event.own) types.add(event.type);
    tickets.set(name, { last: draft, types });
  }
  const found = [...tickets.values()];
  await replaceTimers(
    tx,
    found.map(({ last }) => ({
      connectionId: last.connectionId,
      ticketId: last.event.ticket_id ?? '',
    })),
    found.flatMap(({ last, types }) => armsOf(book, last, types, now)),
  );
}

/** Arms tickets that were read without an event: a baseline, a touch. What was past by then stays past. */
export async function armHistory(
  tx: Tx,
  book: RuleBook,
  seen: readonly EventDraft[],
  now: number,
): Promise<void> {
  if (seen.length === 0 || !isTimed(book)) return;
  await replaceTimers(
    tx,
    seen.map(({ connectionId, event }) => ({ connectionId, ticketId: event.ticket_id ?? '' })),
    seen.flatMap((subject) => armsOf(book, subject, null, now)),
  );
}

/** True if any active rule waits for moments. */
export function isTimed(book: RuleBook): boolean {
  return book.moments.rules.length > 0 || book.hearsOverdue;
}

/** A ticket whose state is known, and the connection it belongs to. */
interface Subject {
  readonly connectionId: number;
  readonly event: DeskEvent;
}

/**
 * @param heard types of the events that bring this state: a rule that listens to one was asked already. Null: the
 *   state is history (a baseline), only what is still to come counts
 */
export function armsOf(
  book: RuleBook,
  { connectionId, event }: Subject,
  heard: ReadonlySet<string> | null,
  now: number,
): readonly Arm[] {
  const { ticket, ticket_id: ticketId } = event;
  if (ticket === null || ticketId === null || event.type === 'ticket.gone') return [];
  const view = clockView(event, null);
  const arms: Arm[] = [];
  for (const rule of book.moments.rules) {
    const { since, next } = book.moments.outlook(rule.id, view, now);
    const unheard = heard !== null && !rule.on.some((type) => heard.has(type));
    const activeSince = book.activeSince.get(rule.id) ?? Infinity;
    // Something else than time made the conditions true, in an event that the rule does not listen to.
    const dueAt = unheard && since !== null && since >= activeSince ? since : next;
    if (dueAt !== null) arms.push({ connectionId, ticketId, ruleId: rule.id, dueAt });
  }
  const overdueAt = overdueMoment(ticket);
  if (book.hearsOverdue && overdueAt !== null && overdueAt > now) {
    arms.push({ connectionId, ticketId, ruleId: OVERDUE, dueAt: overdueAt });
  }
  return arms;
}

/** When the ticket becomes overdue: by the desk's due date, else by our own clock; null where neither is running. */
export function overdueMoment(ticket: Ticket): number | null {
  if (FINAL_PHASES.includes(ticket.phase)) return null;
  const at = Date.parse(ticket.due_at ?? ticket.sla.resolution_due_at ?? '');
  return Number.isNaN(at) ? null : at + 1;
}

/** The ticket of an event as a rule sees it when the clock asks. */
export function clockView(event: DeskEvent, snoozedUntil: number | null): TicketView {
  const quiet = {
    ...event,
    type: 'ticket.time',
    via: 'clock',
    own: false,
    late: false,
    actor: null,
    changes: null,
    comment: null,
    trigger: null,
    body: null,
    aspects: [],
  } as const;
  return { event: quiet, snoozedUntil };
}

/** What has to be known of a connection to speak of its tickets. */
export interface TimedConnection {
  readonly id: number;
  readonly name: string;
  readonly vendor: { readonly id: string };
  readonly lateAfterMs: number;
}

/** A stored ticket as the event that the clock would make of it; null if nothing is known of it. */
export function storedView(
  stored: TimedTicket,
  connection: TimedConnection,
  plan: SlaPlan | null,
  now: number,
): TicketView | null {
  const { acknowledged, revision } = stored;
  const snoozedUntil = stored.snoozedUntil?.getTime() ?? null;
  const own = { acknowledged, snoozed: snoozedUntil !== null && snoozedUntil > now, revision };
  const shown =
    stored.snapshot === null
      ? { ticket: stored.lastSeen === null ? null : { ...stored.lastSeen, ...own }, unknown: [] }
      : presentTicket(stored.snapshot, { ...own, sla: ownSla(stored.snapshot, stored.slaClock, plan, now) });
  if (shown.ticket === null || stored.gone) return null;
  const event: DeskEvent = {
    key: '',
    type: 'ticket.time',
    connection: connection.name,
    vendor: connection.vendor.id,
    ticket_id: stored.ticketId,
    occurred_at: null,
    observed_at: toInstant(now),
    late: false,
    replay: false,
    via: 'clock',
    feed: null,
    own: false,
    unknown: shown.unknown,
    actor: null,
    aspects: [],
    changes: null,
    comment: null,
    trigger: null,
    ticket: shown.ticket,
    body: null,
  };
  return { event, snoozedUntil };
}

/** `sla` by our own clock, for a ticket whose desk says neither a due date nor a target. */
export function ownSla(
  snapshot: ObservedTicket,
  clock: SlaClock | null,
  plan: SlaPlan | null,
  now: number,
): Ticket['sla'] | null {
  if (clock === null || plan === null || !needsOwnClock(snapshot)) return null;
  return slaFields(clock, snapshot.priority?.level ?? null, plan, now);
}

/** SLA targets and the time; every `StoreDeps` is one. */
export interface SlaSource {
  readonly sla?: ReadonlyMap<string, SlaPlan>;
  readonly now: () => number;
}

/** {@link ownSla} for whoever shows stored tickets of any connection. */
export function ownSlaFrom(source: SlaSource): OwnSlaOf {
  return (connection, snapshot, clock) =>
    ownSla(snapshot, clock, source.sla?.get(connection) ?? null, source.now());
}

/** True where the desk itself keeps no deadline for this ticket. */
export function needsOwnClock(snapshot: ObservedTicket): boolean {
  const { sla } = snapshot;
  return snapshot.due_at == null && sla?.resolution_due_at == null && sla?.response_due_at == null;
}
