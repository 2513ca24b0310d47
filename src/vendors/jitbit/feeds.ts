import { z } from 'zod';
import { toInstant } from '../../clock.ts';
import type { CallContext, FeedPage, FeedPosition, Json, Needs, TicketRow, VendorIo } from '../vendor.ts';
import type { JitbitClient } from './client.ts';
import type { JitbitLookups } from './lookups.ts';
import { mapRow, rowVersion, type Mapping } from './map.ts';
import { needsAny } from '../needs.ts';
import { TicketListRow } from './schema.ts';

/**
 * The two lists of Jitbit (integration reference 3.2): `tickets` by the date of the last update, every minute, and
 * `reconcile`, all that is not closed, every night, for edits that do not move LastUpdated.
 */

/** Document, "Tickets": `count` is 300 at most. */
const PAGE = 300;
/** Pages overlap, because rows move while they are read. */
const STEP = 290;
/** Rows that moved by more than the overlap are looked for this often per walk; the next poll covers the rest. */
const MAX_STEPS_BACK = 3;
const DAY_MS = 86_400_000;
/** A walk may stop early only if a complete one is at most this old. */
const FULL_WALK_EVERY_MS = 10 * 60_000;
/** How far before the cursor a newest-first list is still read. */
const OVERLAP_MS = 10 * 60_000;

const Cursor = z.object({
  /** Greatest LastUpdated seen, epoch ms. */
  at: z.number(),
  /** When the last complete walk began, epoch ms; 0: never. */
  fullAt: z.number(),
});
type Cursor = z.infer<typeof Cursor>;

/** Where a walk stands between two pages. */
const Walk = z.object({
  offset: z.number(),
  startedAt: z.number(),
  /** Greatest LastUpdated of the walk so far, epoch ms; 0: none. */
  max: z.number(),
  /** Ids of the last rows of the page before; the next page must begin with some of them. */
  tail: z.array(z.string()),
  stepsBack: z.number(),
  /** Every row so far came newest first, and no other order explains it. */
  newestFirst: z.boolean(),
});
type Walk = z.infer<typeof Walk>;

export interface FeedReader {
  readonly client: JitbitClient;
  readonly lookups: JitbitLookups;
  readonly mapping: Mapping;
  readonly io: VendorIo;
}

/** Reads one page of `tickets` or `reconcile`. */
export async function readPage(
  reader: FeedReader,
  feed: string,
  position: FeedPosition,
  needs: Needs,
  context: CallContext,
): Promise<FeedPage> {
  const { client, lookups, io, mapping } = reader;
  const cursor = position.cursor === null ? null : Cursor.parse(position.cursor);
  const walk = position.next === null ? newWalk(io.clock.now()) : Walk.parse(position.next);
  const listsOpen = feed === 'reconcile' || position.baseline;
  const filter = listsOpen ? { mode: 'unclosed' } : { mode: 'all', updatedFrom: updatedFrom(cursor, walk) };
  const custom = needsAny(needs, 'custom') ? { includeCustomFields: true } : {};
  const query = { ...filter, count: PAGE, offset: walk.offset, ...custom };
  const { rows, raw, serverNow } = await client.list('Tickets', query, TicketListRow, context);

  lookups.statuses.learn(rows);
  const times = rows.map((row) => updatedMs(row, mapping));
  const seen = advance(walk, rows, times);
  const next = nextStep(walk, seen, rows, times, listsOpen ? null : cursor, io.clock.now());
  const known = await lookups.prepare(
    rows.map((row) => row.CategoryID),
    position.baseline,
    context,
  );
  const ticketRows = rows.map((row, index): TicketRow => {
    return { observed: mapRow(row, raw[index], known, mapping), version: rowVersion(row) };
  });
  // A full page that ends a walk ends it early: there was more.
  const complete = next === null && rows.length < PAGE;
  return {
    rows: newestPerTicket(ticketRows),
    occurrences: [],
    next,
    cursor: newCursor(cursor, seen, complete, serverNow ?? io.clock.now()),
  };
}

function newWalk(now: number): Walk {
  return { offset: 0, startedAt: now, max: 0, tail: [], stepsBack: 0, newestFirst: true };
}

/**
 * The filter is a date in a zone that nobody documents: one day before the cursor's UTC date covers all of them.
 * Without a cursor (no baseline was wanted) yesterday and the day before.
 */
function updatedFrom(cursor: Cursor | null, walk: Walk): string {
  const at = cursor?.at ?? walk.startedAt - DAY_MS;
  return toInstant(at - DAY_MS).slice(0, 10);
}

function updatedMs(row: TicketListRow, mapping: Mapping): number {
  const at = mapping.toInstant(row.LastUpdated) ?? mapping.toInstant(row.IssueDate);
  return at === null ? 0 : Date.parse(at);
}

/** The walk after this page, wherever it goes next. */
function advance(walk: Walk, rows: readonly TicketListRow[], times: readonly number[]): Walk {
  return {
    ...walk,
    max: times.reduce((max, time) => Math.max(max, time), walk.max),
    tail: rows.slice(STEP - PAGE).map((row) => row.IssueID),
    newestFirst: walk.newestFirst && isNewestFirst(rows, times),
  };
}

/**
 * Newest first is believed only if LastUpdated falls all the way while the ids do not: a list ordered by id or by
 * creation, of tickets that nobody touched since, would look the same.
 */
function isNewestFirst(rows: readonly TicketListRow[], times: readonly number[]): boolean {
  const falls = (values: readonly number[]): boolean =>
    values.every((value, index) => index === 0 || value <= (values[index - 1] ?? Infinity));
  const ids = rows.map((row) => Number(row.IssueID));
  return falls(times) && !falls(ids) && !falls(ids.toReversed());
}

/** Where the walk goes on; null: it is over. @param cursor null where the whole list is wanted */
function nextStep(
  walk: Walk,
  seen: Walk,
  rows: readonly TicketListRow[],
  times: readonly number[],
  cursor: Cursor | null,
  now: number,
): Json | null {
  if (movedPastOverlap(walk, rows)) {
    return { ...seen, offset: Math.max(0, walk.offset - STEP), stepsBack: walk.stepsBack + 1 };
  }
  if (rows.length < PAGE) return null;
  const fullIsRecent = cursor !== null && now >= cursor.fullAt && now - cursor.fullAt < FULL_WALK_EVERY_MS;
  if (fullIsRecent && seen.newestFirst && (times.at(-1) ?? 0) < cursor.at - OVERLAP_MS) return null;
  return { ...seen, offset: walk.offset + STEP };
}

/** None of the rows that this page should begin with is in it: more rows than the overlap have left the front. */
function movedPastOverlap(walk: Walk, rows: readonly TicketListRow[]): boolean {
  if (walk.offset === 0 || walk.tail.length === 0 || walk.stepsBack >= MAX_STEPS_BACK) return false;
  return !rows.some((row) => walk.tail.includes(row.IssueID));
}

/** Never "now": a change that the list shows late must still lie after the cursor. An empty desk has only its clock. */
function newCursor(cursor: Cursor | null, seen: Walk, complete: boolean, serverNow: number): Cursor {
  const at = Math.max(cursor?.at ?? 0, seen.max);
  return { at: at === 0 ? serverNow : at, fullAt: complete ? seen.startedAt : (cursor?.fullAt ?? 0) };
}

/** A ticket that stands twice in a page counts once, as it was last. */
function newestPerTicket(rows: readonly TicketRow[]): readonly TicketRow[] {
  const byId = new Map<string, TicketRow>();
  for (const row of rows) {
    const other = byId.get(row.observed.id);
    const newer = other === undefined || (row.observed.updated_at ?? '') >= (other.observed.updated_at ?? '');
    if (newer) byId.set(row.observed.id, row);
  }
  return [...byId.values()];
}
