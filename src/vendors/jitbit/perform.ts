import { toInstant } from '../../clock.ts';
import { normaliseText } from '../http/text.ts';
import type { CallContext, Child, PlannedWrite, SendResult } from '../vendor.ts';
import type { FeedReader } from './feeds.ts';
import { byTimeThenId } from './map-comments.ts';
import { CHILDREN_COMMENTS, CHILDREN_TICKETS, CHILDREN_TIME, timeText } from './plan-append.ts';
import { TicketComment, TicketDetail, TicketListRow } from './schema.ts';
import { WriteRequest } from './write.ts';

/** Performing a planned write, and finding what one may have made. */

const DAY_MS = 86_400_000;
/** Tickets with the same subject that are read for their text, newest first. */
const MAX_CANDIDATES = 10;

export async function send(
  reader: FeedReader,
  write: PlannedWrite,
  context: CallContext,
): Promise<SendResult> {
  const request = WriteRequest.parse(write.request);
  if (request.expectSeconds !== undefined) await expectTotal(reader, request, context);
  const answer = await reader.client.post(request.call, request.form, context);
  if (request.dueAt !== undefined) await checkDueDate(reader, request, request.dueAt, context);
  return { childId: write.kind === 'append' ? childIdIn(answer) : null };
}

/** The total is absolute: what somebody else added since it was read must not be lost. */
async function expectTotal(reader: FeedReader, request: WriteRequest, context: CallContext): Promise<void> {
  const id = request.form['id'] ?? '';
  const { value } = await reader.client.one('ticket', { id }, TicketDetail, context);
  if ((value.TimeSpentInSeconds ?? 0) !== request.expectSeconds) {
    throw reader.client.conflict('time_entry: the total time of this ticket has changed meanwhile');
  }
}

/** A due date that comes back as another instant means that `write_time_zone` is wrong. The write itself is done. */
async function checkDueDate(
  reader: FeedReader,
  request: WriteRequest,
  wanted: string,
  context: CallContext,
): Promise<void> {
  try {
    const { value } = await reader.client.one(
      'ticket',
      { id: request.form['id'] ?? '' },
      TicketDetail,
      context,
    );
    const got = reader.mapping.toInstant(value.DueDate);
    if (got === null || Math.abs(Date.parse(got) - Date.parse(wanted)) < 60_000) return;
    reader.io.warn('the due date came back as another instant: check write_time_zone', { wanted, got });
  } catch (error) {
    reader.io.warn('the due date could not be read back', { error });
  }
}

/** `ticket` answers the bare id; what `comment` answers is not documented: an id is taken where one stands. */
function childIdIn(answer: string): string | null {
  return (
    /^"?(\d{1,19})"?$/.exec(answer)?.[1] ?? /"(?:CommentID|id)"\s*:\s*"?(\d{1,19})/i.exec(answer)?.[1] ?? null
  );
}

export async function listChildren(
  reader: FeedReader,
  write: PlannedWrite,
  context: CallContext,
): Promise<readonly Child[] | null> {
  const children = write.append?.children ?? '';
  const request = WriteRequest.parse(write.request);
  if (children.startsWith(CHILDREN_COMMENTS)) {
    return listComments(reader, children.slice(CHILDREN_COMMENTS.length), context);
  }
  if (children.startsWith(CHILDREN_TIME)) {
    return listTotal(reader, children.slice(CHILDREN_TIME.length), context);
  }
  return children === CHILDREN_TICKETS ? listTickets(reader, request, context) : null;
}

async function listComments(reader: FeedReader, id: string, context: CallContext): Promise<readonly Child[]> {
  const { rows } = await reader.client.list('comments', { id }, TicketComment, context);
  const children = rows
    .filter((row) => !row.IsSystem)
    .map((row): Child => {
      const at = reader.mapping.toInstant(row.CommentDate);
      return { id: row.CommentID, authorId: row.UserID, at, text: row.Body ?? '' };
    });
  return children.toSorted(byTimeThenId);
}

/** The one child of a time entry is the total; its id names the total, so a new one has a new id. */
async function listTotal(reader: FeedReader, id: string, context: CallContext): Promise<readonly Child[]> {
  const { value } = await reader.client.one('ticket', { id }, TicketDetail, context);
  const text = timeText(value.TimeSpentInSeconds ?? 0);
  return [{ id: text, authorId: null, at: null, text }];
}

/** Tickets created since yesterday with the same subject, with their text. On behalf of somebody, he is the author. */
async function listTickets(
  reader: FeedReader,
  request: WriteRequest,
  context: CallContext,
): Promise<readonly Child[]> {
  const { client, io, mapping } = reader;
  const subject = normaliseText(request.form['subject'] ?? '');
  const userId = request.form['userId'];
  const query = {
    mode: 'all',
    dateFrom: toInstant(io.clock.now() - DAY_MS).slice(0, 10),
    categoryId: request.form['categoryId'],
    ...(userId === undefined ? {} : { fromUserId: userId }),
    count: 300,
  };
  const { rows } = await client.list('Tickets', query, TicketListRow, context);
  const same = rows
    .filter((row) => normaliseText(row.Subject ?? '') === subject)
    .map((row) => ({ id: row.IssueID, at: mapping.toInstant(row.IssueDate), authorId: row.UserID }))
    .toSorted(byTimeThenId)
    .slice(-MAX_CANDIDATES);
  const children: Child[] = [];
  for (const { id, at, authorId } of same) {
    const detail = await client.find('ticket', { id }, TicketDetail, context);
    if (detail === null) continue;
    children.push({
      id,
      at,
      authorId: userId === undefined ? authorId : null,
      text: detail.value.Body ?? '',
    });
  }
  return children;
}
