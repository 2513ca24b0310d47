import { normaliseText } from '../http/text.ts';
import type { CallContext, Child, PlannedWrite, SendResult } from '../vendor.ts';
import { byTimeThenId } from './map-comments.ts';
import { CHILDREN, newsText } from './plan-append.ts';
import type { Reader } from './reader.ts';
import { DeskComment, Incident, News, TimeEntry } from './schema.ts';
import { WriteRequest } from './write.ts';

/** Performing a planned write, and finding what one may have made. */

/** Sends once. A comment's id does not come back: it is found by its text (see {@link listChildren}). */
export async function send(reader: Reader, write: PlannedWrite, context: CallContext): Promise<SendResult> {
  const { call, form } = WriteRequest.parse(write.request);
  const answer = await reader.client.write(call, form, context);
  const childId = idIn(answer, call === 'POST incident' ? ['request_id', 'id'] : ['id', 'timetracking_id']);
  const tellsId = call === 'POST incident' || call === 'POST breakingnews' || call === 'POST timetracking';
  return { childId: tellsId ? childId : null };
}

function idIn(answer: Readonly<Record<string, unknown>>, keys: readonly string[]): string | null {
  for (const key of keys) {
    const value = answer[key];
    const text = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
    if (/^\d{1,19}$/.test(text)) return text;
  }
  return null;
}

export async function listChildren(
  reader: Reader,
  write: PlannedWrite,
  context: CallContext,
): Promise<readonly Child[] | null> {
  const children = write.append?.children ?? '';
  const after = (prefix: string): string => children.slice(prefix.length);
  if (children.startsWith(CHILDREN.comments)) return listComments(reader, after(CHILDREN.comments), context);
  if (children.startsWith(CHILDREN.tickets)) {
    const title = WriteRequest.parse(write.request).form['title'];
    return listTickets(reader, after(CHILDREN.tickets), String(title ?? ''), context);
  }
  if (children.startsWith(CHILDREN.time)) return listTime(reader, after(CHILDREN.time), context);
  return children === CHILDREN.news ? listNews(reader, context) : null;
}

async function listComments(reader: Reader, id: string, context: CallContext): Promise<readonly Child[]> {
  const query = { request_id: id, date_format: 'epoch' };
  const { rows } = await reader.client.rows('GET incident.comment', query, DeskComment, context);
  const children = rows.map((row): Child => {
    const at = reader.mapping.toInstant(row.created_at);
    return { id: row.id, authorId: row.author_id, at, text: row.message ?? '' };
  });
  return children.toSorted(byTimeThenId);
}

/** There is no search by title: the customer's open requests with the same one (integration reference 2.5). */
async function listTickets(
  reader: Reader,
  customerId: string,
  title: string,
  context: CallContext,
): Promise<readonly Child[]> {
  const { client, mapping } = reader;
  const children: Child[] = [];
  let pageKey: string | null = null;
  do {
    const query: Record<string, string> = pageKey === null ? {} : { page_key: pageKey };
    const page = await client.rows(
      'GET incidents.by.customer',
      { id: customerId, ...query },
      Incident,
      context,
    );
    const same = page.rows.filter((row) => normaliseText(row.title ?? '') === normaliseText(title));
    for (const row of same) {
      const at = mapping.toInstant(row.created_at);
      children.push({ id: row.id, authorId: row.creator_id, at, text: row.description ?? '' });
    }
    pageKey = page.nextKey === pageKey ? null : page.nextKey;
  } while (pageKey !== null);
  return children.toSorted(byTimeThenId);
}

/** An entry does not say when it was made; one that was there before the send is known by its id. */
async function listTime(reader: Reader, id: string, context: CallContext): Promise<readonly Child[] | null> {
  if (reader.client.lacks('GET timetracking')) return null;
  const { rows } = await reader.client.rows('GET timetracking', { request_id: id }, TimeEntry, context);
  return rows.flatMap((row) => {
    const entryId = row.timetracking_id ?? row.id;
    // Manual, `timetracking`: status 1 enabled, 0 deleted.
    if (entryId === null || row.status === null) return [];
    return [{ id: entryId, authorId: row.user_id, at: null, text: row.comment ?? '' }];
  });
}

async function listNews(reader: Reader, context: CallContext): Promise<readonly Child[]> {
  const query = { date_format: 'epoch' };
  const { rows } = await reader.client.rows('GET breakingnews.all', query, News, context);
  const children = rows.map((row): Child => {
    const at = reader.mapping.toInstant(row.created_at);
    return { id: row.id, authorId: row.created_by_id, at, text: newsText(row.title ?? '', row.body ?? '') };
  });
  return children.toSorted(byTimeThenId);
}
