import { z } from 'zod';
import { normaliseText } from '../http/text.ts';
import type { CallContext, Child, PlannedWrite, SendResult } from '../vendor.ts';
import { byTimeThenId } from './map.ts';
import {
  CHILDREN_COMMENTS,
  CHILDREN_TASKS,
  CHILDREN_TICKETS,
  CHILDREN_TIME,
  timeText,
} from './plan-append.ts';
import { Created, TicketDetail } from './schema.ts';
import { listTickets, PAGE } from './search.ts';
import type { BossdeskReader } from './tickets.ts';
import { WriteRequest } from './write.ts';

/** Performing a planned write, and finding what one may have made. */

/** Tickets with the same title that are read for their text, newest first. */
const MAX_CANDIDATES = 10;

const CreateBody = z.object({ ticket: z.object({ title: z.string() }) });

export async function send(
  reader: BossdeskReader,
  write: PlannedWrite,
  context: CallContext,
): Promise<SendResult> {
  const request = WriteRequest.parse(write.request);
  const answer = await reader.client.write(request.method, request.path, request.body, context);
  if (write.kind !== 'append') return { childId: null };
  const created = Created.safeParse(answer);
  if (!created.success) return { childId: null };
  const { id, friendly_id: friendlyId, date } = created.data;
  if (request.date !== undefined && date !== null && date !== request.date) {
    reader.io.warn('the date of a time entry came back as another one', { sent: request.date, got: date });
  }
  return { childId: request.idIn === 'friendly_id' ? friendlyId : id };
}

export async function listChildren(
  reader: BossdeskReader,
  write: PlannedWrite,
  context: CallContext,
): Promise<readonly Child[] | null> {
  const children = write.append?.children ?? '';
  if (children === CHILDREN_TICKETS) return listCreated(reader, WriteRequest.parse(write.request), context);
  const [, ticketId = ''] = children.split(':');
  const found = await reader.client.find(`tickets/${ticketId}`, TicketDetail, context);
  if (found === null) return null;
  const { value: ticket } = found;
  if (children.startsWith(CHILDREN_COMMENTS)) return commentsOf(ticket, reader);
  if (children.startsWith(CHILDREN_TASKS)) return tasksOf(ticket, reader);
  return children.startsWith(CHILDREN_TIME) ? timeOf(ticket) : null;
}

function commentsOf(ticket: TicketDetail, { mapping }: BossdeskReader): readonly Child[] {
  const children = (ticket.comments ?? []).map((comment): Child => {
    const at = mapping.toInstant(comment.created_at);
    return { id: comment.id, authorId: comment.created_by?.id ?? null, at, text: comment.body ?? '' };
  });
  return children.toSorted(byTimeThenId);
}

function tasksOf(ticket: TicketDetail, { mapping }: BossdeskReader): readonly Child[] {
  const children = (ticket.tasks ?? []).map((task): Child => {
    const at = mapping.toInstant(task.created_at);
    return { id: task.id, authorId: task.created_by?.id ?? null, at, text: task.title ?? '' };
  });
  return children.toSorted(byTimeThenId);
}

/** A time entry has a day and no time; its agent is the author unless somebody gave it to another. */
function timeOf(ticket: TicketDetail): readonly Child[] {
  const children = (ticket.time_entries ?? []).map((entry): Child => {
    const text = timeText(entry.date ?? '', entry.duration ?? 0);
    return { id: entry.id, authorId: entry.agent?.id ?? null, at: null, text };
  });
  return children.toSorted(byTimeThenId);
}

/**
 * Tickets of that title, newest last, with their text. Null where the desk ignores the search: then nobody can say.
 * BOSSDesk does not tell who created a ticket.
 */
async function listCreated(
  reader: BossdeskReader,
  request: WriteRequest,
  context: CallContext,
): Promise<readonly Child[] | null> {
  const { ticket } = CreateBody.parse(request.body);
  const query = { 'q[title_eq]': ticket.title, 'q[s]': 'id desc', per_page: PAGE };
  const { rows } = await listTickets(reader, query, context);
  const wanted = normaliseText(ticket.title);
  if (rows.some((row) => normaliseText(row.title ?? '') !== wanted)) return null;
  const newest = rows
    .toSorted((a, b) => Number(a.id) - Number(b.id))
    .slice(-MAX_CANDIDATES)
    .map((row) => row.friendly_id);
  const children: Child[] = [];
  for (const id of newest) {
    const found = await reader.client.find(`tickets/${id}`, TicketDetail, context);
    if (found === null) continue;
    const at = reader.mapping.toInstant(found.value.created_at);
    children.push({ id, authorId: null, at, text: found.value.description ?? '' });
  }
  return children;
}
