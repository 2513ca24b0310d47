import { z } from 'zod';
import { VendorError } from '../../errors.ts';
import { RUNS, type Run } from '../run-of.ts';
import type { CallContext, FeedPage, FeedPosition, Json, Needs, TicketRow } from '../vendor.ts';
import { directionOf, isOrderEvident, NO_ORDER, readList, type ListedRow, type ListPage } from './list.ts';
import { mapRow } from './map.ts';
import { readWhole, type GotoassistReader } from './tickets.ts';

/**
 * The feed of changes: the list by `last_active_at` from its newest end, until what was seen before. Which end that
 * is, the guide does not say; it is told from the stamps and remembered, so that an idle poll is one call. A desk that
 * ignores the order may happen to list in it: where no page shows that it cannot be chance, the whole list is read once
 * an hour. Rows whose content is not the one remembered are read as whole incidents, one by one.
 */

/** How far before the newest stamp seen rows are still compared (integration reference 5.2). */
const OVERLAP_MS = 15 * 60_000;
/** In a list without order the cursor stays this far behind the walk's beginning. */
const MIXED_MARGIN_MS = 60_000;
/** How long an order that may be chance is relied on. */
const UNSURE_MS = 3_600_000;
/** Rows whose content is remembered: some pages, more than change between two polls. */
const MAX_SEEN = 400;
/** How often a walk goes back a page because rows left the list while it was read. */
const MAX_STEPS_BACK = 3;
/** Incidents per page of the feed, one call each. */
const DETAILS_AT_ONCE = 5;

const Seen = z.record(z.string(), z.string());
const Cursor = z.object({
  /** Newest stamp seen that is surely over, epoch ms by the vendor's clock. */
  at: z.number(),
  /** What changed before has been told: the order was evident then, or all of the list was read, epoch ms. */
  sureAt: z.number().default(0),
  direction: z.enum(RUNS).nullable(),
  pages: z.number(),
  /** Content of the newest rows by reference number. */
  seen: Seen,
});
type Cursor = z.infer<typeof Cursor>;

const Walk = z.object({
  cursor: Cursor,
  baseline: z.boolean(),
  /** Null: not known yet. `mixed` reads all pages. */
  direction: z.enum(RUNS).nullable(),
  /** What the pages read so far show together. */
  shown: z.enum(RUNS).nullable(),
  /** Whether the order is evident, or does not matter. */
  sure: z.boolean(),
  page: z.number(),
  /** The one stamp of all rows of page 1, when it did not tell the direction; then the last page must. */
  front: z.number().nullable(),
  /** Clock of the first list, epoch ms; 0: none yet. */
  startedAt: z.number(),
  entries: z.number(),
  stepsBack: z.number(),
  max: z.number(),
  seen: Seen,
  /** Reference numbers to be read as whole incidents. */
  pending: z.array(z.string()),
  listed: z.boolean(),
});
type Walk = z.infer<typeof Walk>;

/** Reads one page of the feed. @throws VendorError */
export async function readChanges(
  reader: GotoassistReader,
  position: FeedPosition,
  needs: Needs,
  context: CallContext,
): Promise<FeedPage> {
  const walk = position.next === null ? begin(position) : Walk.parse(position.next);
  if (walk.listed) return details(reader, walk, needs, context);
  const list = await readList(reader, walk.page, context);
  const judged = judge(walk, list);
  if (judged.page !== walk.page) return goOn(judged, []);
  const seen = consider(judged, list);
  const rows = walk.baseline ? openRows(reader, list.rows, seen.startedAt) : [];
  return goOn(turn(seen, list), rows);
}

function begin(position: FeedPosition): Walk {
  const cursor: Cursor =
    position.cursor === null
      ? { at: 0, sureAt: 0, direction: null, pages: 1, seen: {} }
      : Cursor.parse(position.cursor);
  // A baseline reads everything, from the front.
  const fromEnd = cursor.direction === 'asc' && !position.baseline;
  return {
    cursor,
    baseline: position.baseline,
    direction: position.baseline ? 'mixed' : cursor.direction,
    shown: null,
    sure: false,
    page: fromEnd ? cursor.pages : 1,
    front: null,
    startedAt: 0,
    entries: 0,
    stepsBack: 0,
    max: cursor.at,
    seen: {},
    pending: [],
    listed: false,
  };
}

/** What a page tells about the order, and so how and where the walk goes on: at this page, or at another one first. */
function judge(walk: Walk, list: ListPage): Walk {
  const here = directionOf(list.rows);
  const shown = walk.shown === null || here === null || here === walk.shown ? (here ?? walk.shown) : 'mixed';
  const judged = { ...walk, shown, startedAt: walk.startedAt === 0 ? list.listedAt : walk.startedAt };
  const begins = walk.startedAt === 0 || (walk.direction === null && walk.front === null);
  if (walk.baseline) return judged;
  if (list.pages === 1) return { ...judged, sure: true };
  if (shown === 'mixed' && walk.direction !== 'mixed') return whole(judged);
  return begins ? judgeFirst(judged, list, here) : judged;
}

function judgeFirst(walk: Walk, list: ListPage, here: Run | null): Walk {
  const sure = isOrderEvident(list.rows);
  if (!sure && walk.startedAt - walk.cursor.sureAt >= UNSURE_MS) return whole(walk);
  if (contradicts(walk, list)) return { ...walk, sure, direction: null, page: 1 };
  // A list that had no order has one now.
  if (sure && walk.direction === 'mixed') {
    return { ...walk, sure, direction: here, page: here === 'asc' ? list.pages : 1 };
  }
  return { ...walk, sure };
}

/** What was remembered of the direction is not so: the newest end shows nothing as new as what was seen, or no end. */
function contradicts(walk: Walk, list: ListPage): boolean {
  if (walk.direction === null || walk.direction === 'mixed') return false;
  if (walk.direction === 'asc' && list.pages < walk.page) return true;
  const shown = directionOf(list.rows);
  if (shown !== null && shown !== walk.direction) return true;
  return Math.max(0, ...list.rows.map((row) => row.at)) < walk.cursor.at;
}

/** All pages from the first, whatever their order. */
function whole(walk: Walk): Walk {
  return { ...walk, direction: 'mixed', page: 1 };
}

/** Notes what a page shows: what is new, what is remembered, and how new it is. */
function consider(walk: Walk, list: ListPage): Walk {
  const { startedAt } = walk;
  const isOver = (row: ListedRow): boolean => row.at < startedAt;
  const pending = new Set(walk.pending);
  const seen: Record<string, string> = { ...walk.seen };
  for (const row of list.rows) {
    const ref = row.row.reference_num;
    if (isOver(row)) seen[ref] = row.hash;
    else delete seen[ref];
    if (isNews(walk, row)) pending.add(ref);
  }
  const max = Math.max(walk.max, ...list.rows.filter(isOver).map((row) => row.at));
  return { ...walk, max, seen, pending: [...pending] };
}

/** In the baseline nothing is: what changes while it is read is news to the first walk after it. */
function isNews(walk: Walk, { row, at, hash }: ListedRow): boolean {
  if (walk.baseline) return false;
  const before = walk.cursor.seen[row.reference_num];
  if (before !== undefined) return before !== hash;
  const { at: seenAt, sureAt } = walk.cursor;
  return at >= (walk.direction === 'mixed' ? Math.min(seenAt, sureAt) : seenAt) - OVERLAP_MS;
}

/** Where the walk goes after a page. */
function turn(walk: Walk, list: ListPage): Walk {
  const next = { ...walk, entries: list.entries };
  if (walk.direction === null) return learn(next, list);
  // Rows that left the list moved those behind them to pages that were read already.
  const slid = walk.entries > list.entries && walk.direction !== 'asc' && walk.page > 1;
  if (slid && walk.stepsBack < MAX_STEPS_BACK) {
    return { ...next, stepsBack: walk.stepsBack + 1, page: walk.page - 1 };
  }
  // The newest end has moved on since the last poll.
  if (walk.direction === 'asc' && list.pages > walk.page && walk.entries === 0) {
    return { ...next, page: list.pages };
  }
  return step(next, walk.direction, list);
}

/** Tells the direction from page 1, or, where that has one stamp only, from it and the last one. */
function learn(walk: Walk, list: ListPage): Walk {
  if (list.pages === 1) return listed(walk, list);
  const first = list.rows[0]?.at ?? 0;
  if (walk.front === null) {
    const direction = directionOf(list.rows);
    if (direction === null) return { ...walk, front: first, page: list.pages };
    if (direction === 'asc') return { ...walk, direction, page: list.pages };
    return step(walk, direction, list);
  }
  const last = list.rows.at(-1)?.at ?? 0;
  if (last > walk.front) return step(walk, 'asc', list);
  return last < walk.front ? { ...walk, direction: 'desc', page: 2 } : whole(walk);
}

/** The next page away from the newest end, until what was seen before. */
function step(before: Walk, direction: Run, list: ListPage): Walk {
  const walk = { ...before, direction };
  const cutoff = walk.cursor.at - OVERLAP_MS;
  const stamps = list.rows.map((row) => row.at);
  const isOver = direction !== 'mixed' && Math.min(...stamps, Number.POSITIVE_INFINITY) < cutoff;
  const page = direction === 'asc' ? walk.page - 1 : walk.page + 1;
  return isOver || page < 1 || page > list.pages ? listed(walk, list) : { ...walk, page };
}

/** All lists are read; what they leave to be read stands in `pending`. */
function listed(walk: Walk, list: ListPage): Walk {
  const { cursor, startedAt } = walk;
  const isWhole = walk.direction === 'mixed';
  const newest = isWhole ? Math.min(walk.max, startedAt - MIXED_MARGIN_MS) : walk.max;
  const after = {
    at: Math.max(cursor.at, newest),
    sureAt: walk.sure || isWhole ? startedAt : cursor.sureAt,
    direction: learned(walk, list),
    pages: list.pages,
    seen: trimmed(walk.seen),
  };
  return { ...walk, cursor: after, listed: true };
}

/** What is remembered of the direction; reading all of a list once does not mean that it has none. */
function learned({ shown, direction, baseline, cursor }: Walk, { pages }: ListPage): Run | null {
  if (shown === 'mixed' && pages > 1) return 'mixed';
  if (baseline) return null;
  return direction === 'mixed' || direction === null ? cursor.direction : direction;
}

/** Higher numbers are newer incidents, which change more. */
function trimmed(seen: Readonly<Record<string, string>>): Record<string, string> {
  const refs = Object.keys(seen).toSorted((a, b) => Number(b) - Number(a));
  return Object.fromEntries(refs.slice(0, MAX_SEEN).map((ref) => [ref, seen[ref] ?? '']));
}

/** Incidents that were open when the baseline began; those opened since are left to the first walk after it. */
function openRows(
  reader: GotoassistReader,
  rows: readonly ListedRow[],
  startedAt: number,
): readonly TicketRow[] {
  const { mapping } = reader;
  const isOld = (createdAt: string | null): boolean =>
    createdAt === null || Date.parse(createdAt) < startedAt;
  return rows
    .filter(({ row }) => mapping.toInstant(row.closed_at) === null)
    .filter(({ row }) => isOld(mapping.toInstant(row.created_at)))
    .map(({ row, raw, hash }) => ({ observed: mapRow(row, raw, mapping), version: `row#${hash}` }));
}

/** A few whole incidents. When the budget ends in the middle, what was read so far is kept. */
async function details(
  reader: GotoassistReader,
  walk: Walk,
  needs: Needs,
  context: CallContext,
): Promise<FeedPage> {
  const rows: TicketRow[] = [];
  let done = 0;
  for (const ref of walk.pending.slice(0, DETAILS_AT_ONCE)) {
    try {
      const whole = await readWhole(reader, ref, needs, context);
      if (whole !== null) rows.push(whole.row);
      done += 1;
    } catch (error) {
      if (done === 0 || !(error instanceof VendorError) || error.reason !== 'rate_limited') throw error;
      break;
    }
  }
  return goOn({ ...walk, pending: walk.pending.slice(done) }, rows);
}

function goOn(walk: Walk, rows: readonly TicketRow[]): FeedPage {
  const isOver = walk.listed && walk.pending.length === 0;
  const page = { rows, occurrences: [], next: isOver ? null : (walk as Json), cursor: walk.cursor };
  return walk.cursor.direction === 'mixed' ? { ...page, degraded: NO_ORDER } : page;
}
