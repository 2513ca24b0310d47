import type { DeskAction, PlannedWrite } from '../vendor.ts';
import { TicketDetail } from './schema.ts';
import { priorityId } from './update.ts';
import { requestJson, type OpenTicket, type Planner } from './write.ts';

/** Actions that add something: comments, tickets, time. Each names where it could be found again. */

type CreateTicket = Extract<DeskAction, { action: 'create_ticket' }>;
type TimeEntry = Extract<DeskAction, { action: 'time_entry' }>;

/** Prefixes of {@link PlannedWrite.append}`.children`, before the ticket's id. */
export const CHILDREN_COMMENTS = 'comments:';
export const CHILDREN_TICKETS = 'tickets';
export const CHILDREN_TIME = 'time:';

/**
 * A comment is plain text to Jitbit unless it begins with its HTML mark. What could be read as a tag or as that
 * mark is defused, so that a ticket's title can never become markup in a technician's browser.
 */
export function defuse(text: string): string {
  return text.replace(/<(?=[A-Za-z/!?])/g, '&lt;');
}

/** Internal (`forTechsOnly`) unless asked otherwise: the document's default is public. */
export function commentWrite(ticketId: string, text: string, isPublic: boolean): PlannedWrite {
  const body = defuse(text);
  return {
    part: 'comment',
    kind: 'append',
    sets: {},
    append: { children: `${CHILDREN_COMMENTS}${ticketId}`, text: body },
    request: requestJson({ call: 'comment', form: { id: ticketId, body, forTechsOnly: String(!isPublic) } }),
  };
}

/** Document, "Ticket (POST)"; `origin` 3 is the API. The queue is a category here, so either names it. */
export async function planCreate(action: CreateTicket, planner: Planner): Promise<PlannedWrite | null> {
  if (planner.done.has('ticket')) return null;
  const { client, lookups } = planner.reader;
  if (action.type !== undefined) throw client.refused('create_ticket type: Jitbit has no ticket types');
  const name = action.category ?? action.queue;
  const category =
    name === undefined
      ? await lookups.onlyCategory(planner.context)
      : await lookups.category(name, planner.context);
  if (category === null)
    throw client.refused('create_ticket: category (or queue) is missing; this desk has several');
  const requester =
    action.requester === undefined ? null : await lookups.people.user(action.requester, planner.context);
  const body = defuse(action.text);
  return {
    part: 'ticket',
    kind: 'append',
    sets: {},
    append: { children: CHILDREN_TICKETS, text: body },
    request: requestJson({
      call: 'ticket',
      form: {
        categoryId: category.id,
        subject: action.title,
        body,
        priorityId: action.priority === undefined ? '0' : priorityId(action.priority, planner),
        origin: '3',
        ...(requester === null ? {} : { userId: requester.id }),
      },
    }),
  };
}

/**
 * Jitbit keeps only a total (`timeSpentInSeconds`, absolute). The write remembers the total it was computed from,
 * and finds itself again as the new total: adding twice is as impossible as with a list.
 */
export async function planTime(
  action: TimeEntry,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (planner.done.has('time')) return null;
  const { client } = planner.reader;
  const { value } = await client.one('ticket', { id: ticket.id }, TicketDetail, planner.context);
  const before = value.TimeSpentInSeconds ?? 0;
  const total = before + Math.round(action.minutes * 60);
  return {
    part: 'time',
    kind: 'append',
    sets: {},
    append: { children: `${CHILDREN_TIME}${ticket.id}`, text: timeText(total) },
    request: requestJson({
      call: 'UpdateTicket',
      form: { id: ticket.id, timeSpentInSeconds: String(total) },
      expectSeconds: before,
    }),
  };
}

/** How a total reads as a child of its ticket. */
export function timeText(seconds: number): string {
  return `total ${seconds} s`;
}
