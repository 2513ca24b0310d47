import { VendorError } from '../../errors.ts';
import type { Comment, ObservedTicket } from '../../ticket.ts';
import type { CallContext, Needs, TicketRead, TicketRow } from '../vendor.ts';
import type { FeedReader } from './feeds.ts';
import type { Known } from './known.ts';
import { mapDetail, mapRow } from './map.ts';
import { mapComments } from './map-comments.ts';
import { mapCustom } from './map-custom.ts';
import { needsAny } from '../needs.ts';
import { FieldValue, TicketComment, TicketDetail, TicketListRow } from './schema.ts';

/**
 * Reads of single tickets: what a list row leaves out, and tickets that somebody named. A ticket that the desk does
 * not find is gone (deleted, merged, or out of sight), which is a value.
 */

/** Parts that only `GET ticket` has. */
const DETAIL_PARTS = ['description', 'tags', 'attachments'] as const;

/** Reads one ticket by id: the detail, and comments and custom fields where they are needed. */
export async function readTicket(
  reader: FeedReader,
  ticketId: string,
  needs: Needs,
  context: CallContext,
): Promise<TicketRead> {
  const detail = await reader.client.find('ticket', { id: ticketId }, TicketDetail, context);
  if (detail === null) return { gone: true, id: ticketId };
  const wantsComments = needsAny(needs, 'comment', 'comments');
  const people = wantsComments || needsAny(needs, 'assignee');
  const known = await reader.lookups.prepare([detail.value.CategoryID], people, context);
  if (detail.value.TicketID !== ticketId) {
    reader.io.warn('the desk answered with another ticket', { asked: ticketId, got: detail.value.TicketID });
  }
  const observed = mapDetail(detail.value, detail.raw, known, reader.mapping);
  return complete(reader, { ...observed, id: ticketId }, { comments: wantsComments, needs, known }, context);
}

/** Completes changed rows: comments always, the detail and custom fields where they are needed. One after the other. */
export async function readChanged(
  reader: FeedReader,
  rows: readonly TicketRow[],
  needs: Needs,
  context: CallContext,
): Promise<readonly TicketRead[]> {
  const categoryIds = rows.map(({ observed }) => observed.category?.id ?? null);
  const known =
    rows.length === 0 ? reader.lookups.known() : await reader.lookups.prepare(categoryIds, true, context);
  const reads: TicketRead[] = [];
  for (const row of rows) reads.push(await readRow(reader, row, needs, known, context));
  return reads;
}

async function readRow(
  reader: FeedReader,
  row: TicketRow,
  needs: Needs,
  known: Known,
  context: CallContext,
): Promise<TicketRead> {
  const observed = remap(reader, row.observed, known);
  if (!needsAny(needs, ...DETAIL_PARTS)) {
    return complete(reader, observed, { comments: true, needs, known }, context);
  }
  const detail = await reader.client.find('ticket', { id: observed.id }, TicketDetail, context);
  if (detail === null) return { gone: true, id: observed.id };
  const { description, tags, updated_at: updatedAt } = mapDetail(detail.value, null, known, reader.mapping);
  const merged: ObservedTicket = {
    ...observed,
    ...(description === undefined ? {} : { description }),
    ...(tags === undefined ? {} : { tags }),
    ...later(observed.updated_at, updatedAt),
    raw: { ...asObject(detail.raw), ...asObject(observed.raw) },
  };
  return complete(reader, merged, { comments: true, needs, known }, context);
}

function later(
  row: string | null | undefined,
  detail: string | null | undefined,
): Pick<ObservedTicket, 'updated_at'> {
  return row != null && detail != null && detail > row ? { updated_at: detail } : {};
}

/** The row again, now that the lookups are loaded: sections, e-mail addresses, who is a technician. */
function remap(reader: FeedReader, observed: ObservedTicket, known: Known): ObservedTicket {
  const parsed = TicketListRow.safeParse(observed.raw);
  return parsed.success ? mapRow(parsed.data, observed.raw, known, reader.mapping) : observed;
}

interface Parts {
  readonly comments: boolean;
  readonly needs: Needs;
  readonly known: Known;
}

/**
 * A row, its detail and its comments are read one after the other. What came in between is in the later ones only, and
 * must not pass for as old as the row.
 */
function touchedAt(
  { updated_at: updatedAt }: ObservedTicket,
  comments: readonly Comment[],
): Pick<ObservedTicket, 'updated_at'> {
  // Jitbit's detail does not always say when, and then nobody knows.
  if (updatedAt == null) return {};
  const times = comments.flatMap((comment) => comment.at ?? []);
  return { updated_at: [updatedAt, ...times].toSorted().at(-1) ?? updatedAt };
}

/** A 404 on the way means that the ticket went between two calls. */
async function complete(
  reader: FeedReader,
  observed: ObservedTicket,
  parts: Parts,
  context: CallContext,
): Promise<TicketRead> {
  try {
    const comments = parts.comments ? await readComments(reader, observed, parts.known, context) : null;
    const custom =
      needsAny(parts.needs, 'custom') && observed.custom === undefined
        ? { custom: await readCustom(reader, observed.id, context) }
        : {};
    const updated = touchedAt(observed, comments ?? []);
    return { gone: false, id: observed.id, observed: { ...observed, ...custom, ...updated }, comments };
  } catch (error) {
    if (error instanceof VendorError && error.reason === 'not_found') return { gone: true, id: observed.id };
    throw error;
  }
}

async function readComments(
  reader: FeedReader,
  observed: ObservedTicket,
  known: Known,
  context: CallContext,
): Promise<readonly Comment[]> {
  const { rows } = await reader.client.list('comments', { id: observed.id }, TicketComment, context);
  return mapComments(rows, observed.requester?.id ?? null, known, reader.mapping.toInstant);
}

/** All fields of the ticket's category, unset ones too: null is "no value". */
export async function readFieldValues(
  reader: Pick<FeedReader, 'client'>,
  ticketId: string,
  context: CallContext,
): Promise<readonly FieldValue[]> {
  const query = { id: ticketId, returnUnset: true };
  return (await reader.client.list('TicketCustomFields', query, FieldValue, context)).rows;
}

async function readCustom(
  reader: FeedReader,
  ticketId: string,
  context: CallContext,
): Promise<ReturnType<typeof mapCustom>> {
  return mapCustom(await readFieldValues(reader, ticketId, context), reader.mapping.toInstant);
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
