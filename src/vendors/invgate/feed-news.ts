import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { CallContext, FeedPage, FeedPosition, Json, Occurrence } from '../vendor.ts';
import type { Reader } from './reader.ts';
import { News } from './schema.ts';
import { deskLine, deskText } from './text.ts';

/** Breaking news (manual, `breakingnews.all`): published, and changed since. */

/** By id: a hash of the content, and how often it has changed. */
const Cursor = z.object({ known: z.record(z.string(), z.tuple([z.string(), z.number()])) });
type Known = z.infer<typeof Cursor>['known'];

/** Manual, `breakingnews`: 1 High, 2 Medium, 3 Low. */
export const NEWS_TYPES: Readonly<Record<string, 'high' | 'medium' | 'low'>> = {
  1: 'high',
  2: 'medium',
  3: 'low',
};
/** Integration reference 2.5: status 1 open, 2 closed. */
const CLOSED = '2';

export async function readNewsPage(
  reader: Reader,
  position: FeedPosition,
  context: CallContext,
): Promise<FeedPage> {
  const before: Known = position.cursor === null ? {} : Cursor.parse(position.cursor).known;
  const isOff = reader.client.lacks('GET breakingnews.all');
  const rows = isOff ? null : await readAll(reader, context);
  if (rows === null) return { rows: [], occurrences: [], next: null, cursor: { known: before } };
  const after: Record<string, [string, number]> = {};
  const occurrences: Occurrence[] = [];
  for (const row of rows) {
    const known = before[row.id];
    const hash = hashOf(row);
    after[row.id] = known === undefined ? [hash, 0] : [hash, known[1] + (known[0] === hash ? 0 : 1)];
    const isNews = position.cursor !== null && known?.[0] !== hash;
    if (isNews) occurrences.push(toOccurrence(reader, row, after[row.id]?.[1] ?? 0));
  }
  return { rows: [], occurrences, next: null, cursor: { known: after } };
}

/** Null when this desk has no breaking news for us. */
async function readAll(reader: Reader, context: CallContext): Promise<readonly News[] | null> {
  try {
    return (await reader.client.rows('GET breakingnews.all', { date_format: 'epoch' }, News, context)).rows;
  } catch (error) {
    if (reader.client.lacks('GET breakingnews.all')) return null;
    throw error;
  }
}

function toOccurrence(reader: Reader, row: News, changes: number): Occurrence {
  const isNew = changes === 0;
  const body: Json = {
    id: row.id,
    title: deskLine(row.title ?? ''),
    text: deskText(row.body ?? ''),
    severity: NEWS_TYPES[row.type_id ?? ''] ?? null,
    closed: row.status_id === CLOSED,
    queue_ids: row.affected_helpdesk_ids,
    group_ids: row.affected_group_ids,
    resolution_expected_at: reader.mapping.toInstant(row.resolution_time),
  };
  return {
    key: isNew ? `bn:${row.id}` : `bn:${row.id}:${changes}`,
    type: isNew ? 'breakingnews.published' : 'breakingnews.updated',
    ticketId: null,
    occurredAt: isNew ? reader.mapping.toInstant(row.created_at) : null,
    trigger: null,
    body,
  };
}

function hashOf(row: News): string {
  const { title, body, type_id, status_id, affected_helpdesk_ids, affected_group_ids } = row;
  const ids = [affected_helpdesk_ids, affected_group_ids].map((list) => list.toSorted());
  const content = JSON.stringify([title, body, type_id, status_id, ids, String(row.resolution_time ?? '')]);
  return createHash('sha1').update(content).digest('base64url').slice(0, 12);
}
