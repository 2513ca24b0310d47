import { VendorError } from '../../errors.ts';
import type { CallContext, FeedPage, FeedPosition, Json, Needs } from '../vendor.ts';
import { Cursor, Walk } from './cursor.ts';
import { pageOf, readDetails } from './details.ts';
import { mapRow, rowVersion } from './map.ts';
import { OPEN_START, readOpenPage } from './open-list.ts';
import { TicketListRow } from './schema.ts';
import { fallbackOf, listUpdated, PAGE, probeSearch, type Mode } from './search.ts';
import { readDetail, type BossdeskReader, type DetailRow } from './tickets.ts';

/**
 * The feed of changes. List rows show no `updated_at`, so each row's ticket is read, and the walk goes on from the
 * stamps that the tickets show. A stamp counts only if it is older than the list that named the ticket: a ticket
 * edited between the two calls shows a later one, and going on from there would skip all that lies between.
 *
 * Stamps are shown in ms and stored in µs: the next list begins at the last stamp itself (`gteq`), and a cursor moves
 * past a stamp only once that millisecond is surely over.
 */

/** Filter and sort are tried out again after this (integration reference 4.2: at start and daily). */
const PROBE_EVERY_MS = 24 * 3_600_000;
/** Changes of this span are read twice, for those that were stored late (performance: "at most every 10 min"). */
const OVERLAP_EVERY_MS = 10 * 60_000;
/** How late a change may become visible: from so far before the last overlap the next one starts. */
const LATE_MS = 30_000;
/** The `Date` header is in seconds, and servers' clocks differ a little. */
const CLOCK_MARGIN_MS = 2_000;
/** Without a `Date` header our own clock must do, which may be wrong. */
const UNKNOWN_CLOCK_MS = 10 * 60_000;
/** So many stamps are in order by chance once in 40,000 times: a desk that sorts no more is found out. */
const PROOF_OF_ORDER = 8;
/** New tickets are looked for by number this often, and up to so many numbers that do not exist in a row. */
const LOOK_EVERY_MS = 5 * 60_000;
const MAX_MISSES = 20;

interface Turn {
  readonly reader: BossdeskReader;
  readonly needs: Needs;
  readonly context: CallContext;
}

/** Reads one page of the feed. @throws VendorError */
export async function readChanges(
  reader: BossdeskReader,
  position: FeedPosition,
  needs: Needs,
  context: CallContext,
): Promise<FeedPage> {
  const turn: Turn = { reader, needs, context };
  const walk = position.next === null ? await begin(turn, position) : Walk.parse(position.next);
  if (walk === null) return ended(Cursor.parse(position.cursor), { rows: [], occurrences: [] });
  switch (walk.step) {
    case 'open':
      return openStep(turn, walk);
    case 'keyset':
      return keysetStep(turn, walk);
    case 'collect':
      return collectStep(turn, walk);
    case 'details':
      return detailsStep(turn, walk);
    case 'search':
      return searchStep(turn, walk);
    case 'probe':
      return probeStep(turn, walk);
  }
}

type WalkAt<S extends Walk['step']> = Extract<Walk, { step: S }>;
type Found = Pick<FeedPage, 'rows' | 'occurrences'>;

function ended(cursor: Cursor, found: Found): FeedPage {
  const degraded = fallbackOf(cursor.mode);
  return { ...found, next: null, cursor, ...(degraded === null ? {} : { degraded }) };
}

function goesOn(walk: Walk, found: Found): FeedPage {
  return { ...found, next: walk as Json, cursor: walk.cursor };
}

const NOTHING: Found = { rows: [], occurrences: [] };

/** How a walk starts; null: there is nothing to do yet. */
async function begin(turn: Turn, position: FeedPosition): Promise<Walk | null> {
  if (position.baseline || position.cursor === null) return beginBaseline(turn);
  const stored = Cursor.parse(position.cursor);
  const cursor = isDue(turn, stored.probedAt, PROBE_EVERY_MS) ? await probedAgain(turn, stored) : stored;
  return walkFor(turn, cursor);
}

/** Everything open, and a cursor at the vendor's present: what changes while that is read is news afterwards. */
async function beginBaseline({ reader, context }: Turn): Promise<Walk> {
  const { mode, serverNow, newestId } = await probeSearch(reader, context);
  const now = reader.io.clock.now();
  const at = serverNow - LATE_MS;
  const overlap = { from: at, readAt: now };
  const cursor = { mode, at, since: at, probedAt: now, overlap, highest: 0, lookedAt: 0 };
  return { step: 'open', cursor, by: OPEN_START.by, place: OPEN_START.at, newestId };
}

function walkFor({ reader }: Turn, cursor: Cursor): Walk | null {
  const now = reader.io.clock.now();
  switch (cursor.mode) {
    case 'keyset': {
      const overlaps = isDue({ reader }, cursor.overlap.readAt, OVERLAP_EVERY_MS);
      const from = overlaps ? Math.min(cursor.at, cursor.overlap.from) : cursor.at;
      const overlap = overlaps ? { ...cursor.overlap, readAt: now } : cursor.overlap;
      return { step: 'keyset', cursor: { ...cursor, overlap }, from, overlaps, startedAt: 0 };
    }
    case 'window':
      return collecting(cursor, cursor.at);
    case 'search':
      return { step: 'search', cursor, page: 1, startedAt: 0 };
    case 'probe':
      if (!isDue({ reader }, cursor.lookedAt, LOOK_EVERY_MS)) return null;
      return { step: 'probe', cursor: { ...cursor, lookedAt: now }, number: cursor.highest + 1, misses: 0 };
  }
}

/** A clock that was set back makes everything due. */
function isDue({ reader }: Pick<Turn, 'reader'>, lastAt: number, everyMs: number): boolean {
  const age = reader.io.clock.now() - lastAt;
  return age < 0 || age >= everyMs;
}

/** The cursor after trying out filter and sort once more. */
async function probedAgain({ reader, context }: Turn, stored: Cursor): Promise<Cursor> {
  const { mode } = await probeSearch(reader, context);
  if (stored.mode !== mode) reader.io.warn(modeNews(mode), { before: stored.mode, now: mode });
  return { ...stored, mode, probedAt: reader.io.clock.now() };
}

function modeNews(mode: Mode): string {
  const fallback = fallbackOf(mode);
  return fallback === null ? 'the desk honours filters and sorting again' : `degraded: ${fallback}`;
}

function collecting(cursor: Cursor, from: number): Walk {
  return { step: 'collect', cursor, from, startedAt: 0, page: 1, ids: [], first: null };
}

/** The baseline: rows of everything that was open when it began. Newer tickets are left to the first walk after it. */
async function openStep(turn: Turn, walk: WalkAt<'open'>): Promise<FeedPage> {
  const { reader, context } = turn;
  const page = await readOpenPage(reader, { by: walk.by, at: walk.place }, PAGE, context);
  const { newestId } = walk;
  const old = page.rows.filter(({ row }) => newestId === null || Number(row.id) <= newestId);
  const found: Found = { rows: old.map(({ row, raw }) => rowOf(reader, row, raw)), occurrences: [] };
  const cursor = { ...walk.cursor, highest: Math.max(walk.cursor.highest, page.highest) };
  if (page.next === null) return ended(cursor, found);
  return goesOn({ ...walk, cursor, by: page.next.by, place: page.next.at }, found);
}

function rowOf(reader: BossdeskReader, row: TicketListRow, raw: unknown): FeedPage['rows'][number] {
  return { observed: mapRow(row, raw, reader.mapping), version: rowVersion(raw) };
}

async function keysetStep(turn: Turn, walk: WalkAt<'keyset'>): Promise<FeedPage> {
  const { reader, needs, context } = turn;
  const list = await listUpdated(reader, walk.from, 1, context);
  const listedAt = listTime(reader, list.serverNow);
  const startedAt = walk.startedAt === 0 ? listedAt : walk.startedAt;
  const details = await readDetails(reader, idsOf(list.rows), needs, context);
  const found = pageOf(reader, details, walk.cursor.since);
  const stamps = details.map((one) => stampOf(one)).filter((stamp) => stamp < listedAt);
  if (details.some((one) => stampOf(one) < walk.from)) return distrust(turn, walk.cursor, found, 'a filter');
  if (stamps.some((stamp, index) => stamp < (stamps[index - 1] ?? 0))) {
    return outOfOrder(turn, walk, found);
  }
  const last = stamps.at(-1) ?? walk.from;
  const over = stamps.length === 0 ? walk.cursor.at : last + 1;
  if (list.rows.length < PAGE) return ended(readTo(walk, over), found);
  // A bulk edit, or tickets edited this very second: then order does not help, and nobody knows that there is one.
  if (new Set(stamps).size < PROOF_OF_ORDER) return goesOn(collecting(walk.cursor, walk.from), found);
  // On a busy desk the end of the list runs away: what changed since the walk began is left to the next one.
  if (last >= startedAt) return ended(readTo(walk, last), found);
  return goesOn({ ...walk, from: last, startedAt }, found);
}

/**
 * The stamps are not in their order: the sort is ignored, if only that of stamps, and perhaps the filter with it. Then
 * a reading of all pages would read the whole desk.
 */
async function outOfOrder(turn: Turn, walk: WalkAt<'keyset'>, found: Found): Promise<FeedPage> {
  const { mode } = await probeSearch(turn.reader, turn.context);
  const probedAt = turn.reader.io.clock.now();
  if (mode === 'search' || mode === 'probe') {
    turn.reader.io.warn(modeNews(mode), { before: walk.cursor.mode, now: mode });
    return ended({ ...walk.cursor, mode, probedAt }, found);
  }
  return goesOn(collecting({ ...walk.cursor, mode: 'window', probedAt }, walk.from), found);
}

/** The walk is over: all that changed before `to` was read. */
function readTo({ cursor, overlaps }: WalkAt<'keyset'>, to: number): Cursor {
  const at = Math.max(cursor.at, to);
  return overlaps
    ? { ...cursor, at, overlap: { ...cursor.overlap, from: cursor.at - LATE_MS } }
    : { ...cursor, at };
}

/** Tickets older than asked for: what was tried out once is not true any more. */
function distrust({ reader }: Turn, cursor: Cursor, found: Found, what: string): FeedPage {
  reader.io.warn(`the desk has begun to ignore ${what}: trying it out again`);
  return ended({ ...cursor, probedAt: 0 }, found);
}

function listTime(reader: BossdeskReader, serverNow: number | null): number {
  return serverNow === null ? reader.io.clock.now() - UNKNOWN_CLOCK_MS : serverNow - CLOCK_MARGIN_MS;
}

/** Epoch ms; a ticket without a readable stamp counts as edited just now. */
function stampOf({ row }: DetailRow): number {
  const at = row.observed.updated_at;
  return at == null ? Number.POSITIVE_INFINITY : Date.parse(at);
}

function idsOf(rows: readonly TicketListRow[]): readonly string[] {
  return [...new Set(rows.map((row) => row.friendly_id))];
}

/** One page of ids. What one reading skipped because rows moved, the second has. */
async function collectStep(turn: Turn, walk: WalkAt<'collect'>): Promise<FeedPage> {
  const { reader, context } = turn;
  const list = await listUpdated(reader, walk.from, walk.page, context);
  const startedAt = walk.startedAt === 0 ? listTime(reader, list.serverNow) : walk.startedAt;
  const ids = [...new Set([...walk.ids, ...idsOf(list.rows)])];
  if (list.rows.length === PAGE) return goesOn({ ...walk, startedAt, ids, page: walk.page + 1 }, NOTHING);
  // What fits on one page cannot slide.
  if (walk.first === null && walk.page > 1) {
    return goesOn({ ...walk, startedAt, page: 1, ids: [], first: ids }, NOTHING);
  }
  const first = new Set(walk.first ?? ids);
  const at = Math.max(walk.from, startedAt - LATE_MS);
  const late = ids.filter((id) => !first.has(id));
  const { cursor, from } = walk;
  return goesOn(
    { step: 'details', cursor, ids: [...first, ...late], late, skipped: false, from, at },
    NOTHING,
  );
}

/**
 * Some of the tickets that were collected. One that only the second reading had, and is no news, was skipped: so may
 * others be. By stamp rows move all the time, so perhaps the desk sorts again: that is tried out.
 */
async function detailsStep(turn: Turn, walk: WalkAt<'details'>): Promise<FeedPage> {
  const details = await readDetails(turn.reader, walk.ids.slice(0, PAGE), turn.needs, turn.context);
  const found = pageOf(turn.reader, details, walk.cursor.since);
  if (details.some((one) => stampOf(one) < walk.from)) return distrust(turn, walk.cursor, found, 'a filter');
  const skipped =
    walk.skipped || details.some((one) => walk.late.includes(one.row.observed.id) && stampOf(one) < walk.at);
  const ids = walk.ids.slice(PAGE);
  if (ids.length > 0) return goesOn({ ...walk, ids, skipped }, found);
  if (skipped) return ended({ ...walk.cursor, probedAt: 0 }, found);
  return ended({ ...walk.cursor, at: Math.max(walk.cursor.at, walk.at) }, found);
}

/** One page of the saved search. Rows only: a changed one is read as a whole afterwards. */
async function searchStep(turn: Turn, walk: WalkAt<'search'>): Promise<FeedPage> {
  const { reader, context } = turn;
  const id = reader.mapping.settings.search_id ?? '';
  try {
    const query = { per_page: PAGE, page: walk.page };
    const list = await reader.client.list(`searches/${id}`, query, TicketListRow, context);
    const startedAt = walk.startedAt === 0 ? listTime(reader, list.serverNow) : walk.startedAt;
    const found: Found = {
      rows: list.rows.map((row, index) => rowOf(reader, row, list.raw[index])),
      occurrences: [],
    };
    if (list.rows.length === PAGE) return goesOn({ ...walk, startedAt, page: walk.page + 1 }, found);
    return ended({ ...walk.cursor, at: Math.max(walk.cursor.at, startedAt - LATE_MS) }, found);
  } catch (error) {
    // Manual, "Saved searches": 501 where it is no ticket search; 404 where somebody deleted it.
    if (!(error instanceof VendorError) || (error.status !== 501 && error.status !== 404)) throw error;
    reader.io.warn(`the saved search ${id} is of no use: ${fallbackOf('probe') ?? ''}`, { error });
    return ended({ ...walk.cursor, mode: 'probe' }, NOTHING);
  }
}

/** Friendly ids are consecutive with holes (integration reference 4.2): new tickets stand above the highest known. */
async function probeStep(turn: Turn, walk: WalkAt<'probe'>): Promise<FeedPage> {
  const details: DetailRow[] = [];
  let { number, misses } = walk;
  let { highest } = walk.cursor;
  for (let tries = 0; tries < PAGE && misses < MAX_MISSES; tries += 1, number += 1) {
    const detail = await readDetail(turn.reader, String(number), turn.needs, turn.context);
    if (detail === null) {
      misses += 1;
    } else {
      misses = 0;
      highest = number;
      details.push(detail);
    }
  }
  const cursor = { ...walk.cursor, highest };
  const found = pageOf(turn.reader, details, cursor.since);
  return misses >= MAX_MISSES ? ended(cursor, found) : goesOn({ ...walk, cursor, number, misses }, found);
}
