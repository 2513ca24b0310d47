import { z } from 'zod';
import type { CallContext, FeedPage, FeedPosition, TicketRow } from '../vendor.ts';
import { compareIds } from './ids.ts';
import { listByStatus, readIncidents, toRows } from './incidents.ts';
import { STATUS } from './map.ts';
import type { Reader } from './reader.ts';
import { readViewPage, type ViewPage } from './view.ts';

/**
 * Algorithm B of the integration reference (2.3). With a saved view: the view newest first, as far as something can
 * have changed, and every ten minutes all requests that may still change, because a comment or a custom field need
 * not move `last_update`. Without one: that sweep on every poll, over what the desk lists as open and over what
 * Deskhand holds for unfinished, so that closed, merged and deleted requests are seen too.
 */

/** Open requests, and solved ones, which the customer has still to accept; desks list what they take for open. */
export const OPEN_STATUSES: readonly string[] = [
  STATUS.new,
  STATUS.open,
  STATUS.pending,
  STATUS.waiting,
  STATUS.solved,
];

/** Requests per page of a sweep: four calls, one transaction. */
const SWEEP_PAGE = 200;
/** With a view, how often everything is read again (performance.md, P8: at most every 10 min). */
const SWEEP_EVERY_MS = 10 * 60_000;
/** How far before the cursor a view is still looked at: twice the poll of 3 min and 5 min (reference 1.2.3). */
const OVERLAP_MS = 11 * 60_000;
/** How long an order that may be chance is relied on. */
const UNSURE_MS = 3_600_000;
/** `last_update` counts seconds: a row read within them may change again without showing it. */
const SETTLED_MS = 2_000;

/** A request of the view that was read, and the `last_update` it had, epoch ms. */
const Read = z.tuple([z.string(), z.number()]);

const Cursor = z.object({
  /** Greatest `last_update` seen, epoch ms by the desk's clock. */
  at: z.number(),
  /** When the last sweep began, by the desk's clock. */
  sweptAt: z.number(),
  /** What changed before was seen: the view's order was evident then, or it was read to its end. */
  sureAt: z.number().default(0),
  /** What was read of the view since shortly before `at`. */
  read: z.array(Read),
});
type Cursor = z.infer<typeof Cursor>;

const Walk = z.object({
  startedAt: z.number(),
  /** Key of the view's next page; null: none. */
  pageKey: z.string().nullable(),
  /** Whether the view is read to its end: a page came in another order, or its order may long have been chance. */
  whole: z.boolean(),
  sureAt: z.number(),
  at: z.number(),
  read: z.array(Read),
  /** Ids that the sweep has still to read; null: it has not begun. */
  sweep: z.array(z.string()).nullable(),
});
type Walk = z.infer<typeof Walk>;

export async function readUpdatedPage(
  reader: Reader,
  position: FeedPosition,
  context: CallContext,
): Promise<FeedPage> {
  const cursor = position.cursor === null ? null : Cursor.parse(position.cursor);
  const walk = position.next === null ? null : Walk.parse(position.next);
  if (walk?.sweep != null) return readSweep(reader, position, walk, walk.sweep, context);
  const useView = reader.viewId !== null && cursor !== null && !position.baseline;
  if (useView) return readView(reader, position, walk, cursor, context);
  return beginSweep(reader, position, cursor, context);
}

/** The first page of a sweep: the ids once, then the requests in pages that nothing can shift. */
async function beginSweep(
  reader: Reader,
  position: FeedPosition,
  cursor: Cursor | null,
  context: CallContext,
): Promise<FeedPage> {
  const listed = await listByStatus(reader.client, OPEN_STATUSES, context);
  const startedAt = listed.serverNow ?? reader.io.clock.now();
  const ids = [...new Set([...listed.ids, ...(position.unfinished ?? [])])].toSorted(compareIds);
  const walk = { startedAt, sureAt: startedAt, pageKey: null, whole: false, at: cursor?.at ?? 0, read: [] };
  return readSweep(reader, position, { ...walk, sweep: ids }, ids, context);
}

async function readSweep(
  reader: Reader,
  position: FeedPosition,
  walk: Walk,
  sweep: readonly string[],
  context: CallContext,
): Promise<FeedPage> {
  const { client, lookups } = reader;
  const ids = sweep.slice(0, SWEEP_PAGE);
  const found = await readIncidents(client, ids, context);
  const fresh = [...found.values()].map(({ row }) => row);
  const known = position.baseline ? await lookups.prepare(fresh, context) : lookups.known();
  const rows = toRows(ids, found, known, reader);
  const gone = ids.filter((id) => !found.has(id)).map(goneRow);
  const at = rows.reduce((max, row) => Math.max(max, updatedMs(row)), walk.at);
  const left = sweep.slice(SWEEP_PAGE);
  const next = { ...walk, at, sweep: left };
  return {
    rows: position.baseline ? rows.filter((row) => !isCreatedSince(row, walk.startedAt)) : [...rows, ...gone],
    occurrences: [],
    next: left.length === 0 ? null : next,
    // On an empty desk the cursor is its clock.
    cursor: cursorOf(next, at === 0 ? walk.startedAt : at, walk.startedAt),
  };
}

/** Opened while the baseline is walked: that is news, which a silent baseline must not swallow. */
function isCreatedSince(row: TicketRow, startedAt: number): boolean {
  const { created_at } = row.observed;
  return created_at != null && Date.parse(created_at) > Math.floor(startedAt / 1000) * 1000;
}

/** Not found by id: whoever completes this row finds that it is gone. */
function goneRow(id: string): TicketRow {
  return { observed: { id }, version: 'gone' };
}

function updatedMs(row: TicketRow): number {
  const { updated_at } = row.observed;
  return updated_at == null ? 0 : Date.parse(updated_at);
}

async function readView(
  reader: Reader,
  position: FeedPosition,
  earlier: Walk | null,
  cursor: Cursor,
  context: CallContext,
): Promise<FeedPage> {
  const page = await readViewPage(reader, 'last_update', earlier?.pageKey ?? null, context);
  const now = page.serverNow ?? reader.io.clock.now();
  const begun = earlier ?? beginView(page, cursor, now);
  const isDisorder = !page.newestFirst && !begun.whole;
  const walk = isDisorder ? { ...begun, whole: true, sureAt: begun.startedAt } : begun;
  if (isDisorder) {
    reader.io.warn('the view does not come newest first: it is read to its end', { view: reader.viewId });
    // From its beginning: the pages before were looked at less far back.
    if (earlier !== null) return { rows: [], occurrences: [], next: { ...walk, pageKey: null }, cursor };
  }
  const since = sinceOf(walk, cursor);
  const read = new Set(cursor.read.map((one) => one.join()));
  const changed = page.rows.filter(
    (row) => row.updatedAtMs >= since && !read.has([row.id, row.updatedAtMs].join()),
  );
  const ids = [...new Set(changed.map((row) => row.id))];
  const found = await readIncidents(reader.client, ids, context);
  const rows = toRows(ids, found, reader.lookups.known(), reader);
  return { rows, occurrences: [], ...continueView(position, { page, walk, cursor, now }) };
}

/** A server that ignores the order asked for may happen to list in it; so the rest is looked at now and then. */
function beginView(page: ViewPage, cursor: Cursor, now: number): Walk {
  const isSure = page.evident || page.nextKey === null;
  const whole = !isSure && now - cursor.sureAt >= UNSURE_MS;
  const sureAt = isSure || whole ? now : cursor.sureAt;
  return { startedAt: now, sureAt, pageKey: null, whole, at: cursor.at, read: cursor.read, sweep: null };
}

function sinceOf({ whole }: Walk, { at, sureAt }: Cursor): number {
  return (whole ? Math.min(at, sureAt) : at) - OVERLAP_MS;
}

interface ViewState {
  readonly page: ViewPage;
  readonly walk: Walk;
  readonly cursor: Cursor;
  /** The desk's clock at the view's page, before the requests were read. */
  readonly now: number;
}

function continueView(
  position: FeedPosition,
  { page, walk, cursor, now }: ViewState,
): Pick<FeedPage, 'next' | 'cursor'> {
  const at = page.rows.reduce((max, row) => Math.max(max, row.updatedAtMs), walk.at);
  const since = sinceOf(walk, cursor);
  const settled = page.rows.filter((row) => row.updatedAtMs >= since && row.updatedAtMs + SETTLED_MS <= now);
  const read = [...walk.read, ...settled.map((row): [string, number] => [row.id, row.updatedAtMs])];
  const next: Walk = { ...walk, at, read };
  const after = cursorOf(next, at, cursor.sweptAt);
  const isPast = !walk.whole && (page.rows.at(-1)?.updatedAtMs ?? 0) < since;
  if (page.nextKey !== null && page.nextKey !== walk.pageKey && !isPast) {
    return { next: { ...next, pageKey: page.nextKey }, cursor: after };
  }
  const unfinished = position.unfinished ?? [];
  const sweeps = now - cursor.sweptAt >= SWEEP_EVERY_MS || now < cursor.sweptAt;
  if (!sweeps || unfinished.length === 0) return { next: null, cursor: after };
  return { next: { ...next, pageKey: null, sweep: unfinished.toSorted(compareIds) }, cursor: after };
}

/** Only what the next walk's overlap can show again is remembered. */
function cursorOf(walk: Walk, at: number, sweptAt: number): Cursor {
  const read = new Map(
    walk.read.filter(([, seenAt]) => seenAt >= at - OVERLAP_MS).map((one) => [one.join(), one]),
  );
  return { at, sweptAt, sureAt: walk.sureAt, read: [...read.values()] };
}
