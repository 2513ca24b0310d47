import { toInstant } from '../../clock.ts';
import type { DeskAction, Json, PlannedWrite } from '../vendor.ts';
import type { Service } from './schema.ts';
import { toId, writtenTime, type OpenTicket, type Planner, type WriteRequest } from './write.ts';

/** Actions that add something: notes, incidents, time. Each names where it could be found again. */

type CreateTicket = Extract<DeskAction, { action: 'create_ticket' }>;
type AddComment = Extract<DeskAction, { action: 'comment' }>;
type TimeEntry = Extract<DeskAction, { action: 'time_entry' }>;

/** Prefixes of {@link PlannedWrite}`.append.children`, before the incident's number. */
export const CHILDREN_COMMENTS = 'comments:';
export const CHILDREN_TICKETS = 'tickets';
export const CHILDREN_TIME = 'time:';

/** Whether notes are shown as HTML is not documented: what could be a tag is defused. */
export function defuse(text: string): string {
  return text.replace(/<(?=[A-Za-z/!?])/g, '&lt;');
}

function appendWrite(part: string, children: string, text: string, request: WriteRequest): PlannedWrite {
  return { part, kind: 'append', sets: {}, append: { children, text }, request: request as Json };
}

/** Guide, "Create Note": a user or an external address must be given; who may see it cannot be said. */
export function noteWrite(
  part: 'comment' | 'resolution',
  noteKind: 'comments' | 'resolutions',
  ticketId: string,
  text: string,
  authorId: string,
): PlannedWrite {
  const note = defuse(text);
  return appendWrite(part, `${CHILDREN_COMMENTS}${ticketId}`, note, {
    method: 'POST',
    path: `incidents/${ticketId}/${noteKind}`,
    body: { [part]: { note, user_id: toId(authorId) } },
    noteKind,
  });
}

export function planComment(action: AddComment, ticket: OpenTicket, planner: Planner): PlannedWrite | null {
  if (action.public) {
    throw planner.reader.client.refused('comment public: GoToAssist cannot say who may see a note');
  }
  if (planner.done.has('comment')) return null;
  return noteWrite('comment', 'comments', ticket.id, action.text, planner.authorId);
}

/**
 * Guide, "Create Incident": title, service and `opened_at`. The text goes out as `symptom`, which is not in the guide
 * but works for a client (integration reference 5.3).
 */
export async function planCreate(action: CreateTicket, planner: Planner): Promise<PlannedWrite | null> {
  if (planner.done.has('ticket')) return null;
  const { lookups, people, io, mapping } = planner.reader;
  const service = await serviceFor(action, planner);
  const symptom = defuse(action.text);
  const customer =
    action.requester === undefined ? null : await people.customer(action.requester, planner.context);
  const incident: Record<string, Json> = {
    title: action.title,
    service_id: toId(service.id),
    opened_at: writtenTime(toInstant(io.clock.now()), mapping.settings.write_time_zone),
    symptom,
  };
  if (action.priority !== undefined)
    incident['priority_id'] = toId(lookups.priority(action.priority, service).id);
  if (action.type !== undefined) incident['type_id'] = toId(lookups.type(action.type, service).id);
  if (action.category !== undefined)
    incident['category_id'] = toId(lookups.category(action.category, service).id);
  if (customer !== null) incident['customer_id'] = toId(customer.id);
  return appendWrite('ticket', CHILDREN_TICKETS, symptom, {
    method: 'POST',
    path: 'incidents',
    body: { incident },
  });
}

/** The queue is a service; without one the only service that is watched. */
async function serviceFor(action: CreateTicket, planner: Planner): Promise<Service> {
  const { client, lookups, mapping } = planner.reader;
  if (action.queue !== undefined) return lookups.service(action.queue, planner.context);
  const [only, other] = mapping.settings.service_ids ?? [];
  if (only !== undefined && other === undefined) return lookups.serviceOf(only, planner.context);
  throw client.refused('create_ticket: queue (a service) is missing; this connection has several');
}

/** Guide, "Create Time Entry": against a record as `B#1234`, in hours; its example is `1.0`. */
export function planTime(action: TimeEntry, ticket: OpenTicket, planner: Planner): PlannedWrite | null {
  if (planner.done.has('time')) return null;
  const hours = Math.round((action.minutes / 60) * 100) / 100;
  const description = action.note ?? '';
  return appendWrite('time', `${CHILDREN_TIME}${ticket.id}`, timeText(hours, description), {
    method: 'POST',
    path: 'time_entries',
    // Without it the entry is the token's user's.
    query: { selected_user_id: planner.authorId },
    body: { time_entry: { entry: `B#${ticket.id}`, hours, description } },
  });
}

/** How a time entry reads as a child of its incident. */
export function timeText(hours: number, description: string): string {
  return `${hours} h ${description}`.trim();
}
