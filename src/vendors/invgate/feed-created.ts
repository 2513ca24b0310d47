import { z } from 'zod';
import type { CallContext, FeedPage, FeedPosition, Json, TicketRow } from '../vendor.ts';
import { addToId, compareIds, greatestId, idsFrom } from './ids.ts';
import { BLOCK, listByStatus, readIncidents, toRow, toRows } from './incidents.ts';
import { OPEN_STATUSES } from './feed-updated.ts';
import type { Reader } from './reader.ts';
import { Incident } from './schema.ts';
import { readViewPage } from './view.ts';

/**
 * Algorithm A of the integration reference (2.3): requests created within the last hour (manual,
 * `incidents.last.hour`). Everything is read each time, because ids are assigned before a row becomes visible; what
 * is known already is told apart by whoever stores it. After more than an hour without a look, the ids since the
 * greatest one seen are read in another way: by the saved view, else by trying them.
 */

const Cursor = z.object({ maxId: z.string() });

const Walk = z.object({
  stage: z.enum(['hour', 'view', 'probe']),
  pageKey: z.string().nullable(),
  /** Greatest id seen in this walk, and the least one of the last hour ("": none). */
  max: z.string(),
  least: z.string(),
  /** Next id to try; "" outside of the probe. */
  at: z.string(),
  /** Blocks without any request so far, in a row, and blocks in all. */
  empty: z.number(),
  blocks: z.number(),
});
type Walk = z.infer<typeof Walk>;

/** Ids are numbers with holes: after this many blocks of 50 without a request there are no more (2.3 A). */
const EMPTY_BLOCKS = 3;
/** A gap of more than 10,000 ids is left to the sweeps of open requests. */
const MAX_BLOCKS = 200;

export async function readCreatedPage(
  reader: Reader,
  position: FeedPosition,
  context: CallContext,
): Promise<FeedPage> {
  const maxId = position.cursor === null ? '0' : Cursor.parse(position.cursor).maxId;
  const walk = position.next === null ? newWalk(maxId) : Walk.parse(position.next);
  switch (walk.stage) {
    case 'hour':
      return readHour(reader, position, walk, maxId, context);
    case 'view':
      return readNewestOfView(reader, walk, maxId, context);
    case 'probe':
      return readProbe(reader, walk, context);
  }
}

function newWalk(maxId: string): Walk {
  return { stage: 'hour', pageKey: null, max: maxId, least: '', at: '', empty: 0, blocks: 0 };
}

function pageOf(rows: readonly TicketRow[], walk: Walk, next: Walk | null): FeedPage {
  const cursor: Json = { maxId: walk.max };
  return { rows, occurrences: [], next: next === null ? null : { ...next }, cursor };
}

async function readHour(
  reader: Reader,
  position: FeedPosition,
  walk: Walk,
  maxId: string,
  context: CallContext,
): Promise<FeedPage> {
  const { client, lookups, mapping } = reader;
  const query = walk.pageKey === null ? {} : { page_key: walk.pageKey };
  const { rows, raw, nextKey } = await client.rows('GET incidents.last.hour', query, Incident, context);
  const known = position.baseline ? await lookups.prepare(rows, context) : lookups.known();
  const tickets = rows.map((row, index) => toRow({ row, raw: raw[index] }, known, mapping));
  const ids = rows.map((row) => row.id);
  const least = ids.reduce((min, id) => (min === '' || compareIds(id, min) < 0 ? id : min), walk.least);
  const seen: Walk = { ...walk, max: greatestId(ids, walk.max), least };
  if (nextKey !== null && nextKey !== walk.pageKey)
    return pageOf(tickets, seen, { ...seen, pageKey: nextKey });
  if (seen.max === '0' && position.baseline)
    return pageOf(tickets, await withGreatestId(reader, seen, context), null);
  return pageOf(tickets, seen, startHealing(reader, position, seen, maxId));
}

/** A quiet hour before the first start: without a greatest id a later gap could not be healed. */
async function withGreatestId(reader: Reader, walk: Walk, context: CallContext): Promise<Walk> {
  const { ids } = await listByStatus(reader.client, OPEN_STATUSES, context);
  return { ...walk, max: greatestId(ids, walk.max) };
}

function startHealing(reader: Reader, position: FeedPosition, seen: Walk, maxId: string): Walk | null {
  const isGap = position.gap !== undefined && position.gap !== null;
  if (!isGap || position.baseline || maxId === '0') return null;
  if (reader.viewId !== null) return { ...seen, stage: 'view', pageKey: null };
  return { ...seen, stage: 'probe', pageKey: null, at: addToId(maxId, 1) };
}

/** The saved view, newest ids first, down to the greatest id of before the gap. */
async function readNewestOfView(
  reader: Reader,
  walk: Walk,
  maxId: string,
  context: CallContext,
): Promise<FeedPage> {
  const view = await readViewPage(reader, 'id', walk.pageKey, context);
  const ids = view.rows.map((row) => row.id);
  const fresh = ids.filter((id) => compareIds(id, maxId) > 0);
  const found = await readIncidents(reader.client, fresh, context);
  const rows = toRows(fresh, found, reader.lookups.known(), reader);
  const seen = { ...walk, max: greatestId(ids, walk.max) };
  // A desk that ignores the order must be read to its end.
  const reached = view.newestFirst && fresh.length < ids.length;
  const goesOn = view.nextKey !== null && view.nextKey !== walk.pageKey && !reached;
  return pageOf(rows, seen, goesOn ? { ...seen, pageKey: view.nextKey } : null);
}

/** Tries ids in blocks, up to those that the last hour has shown. Finds requests closed meanwhile too. */
async function readProbe(reader: Reader, walk: Walk, context: CallContext): Promise<FeedPage> {
  const ids = idsFrom(walk.at, BLOCK).filter((id) => walk.least === '' || compareIds(id, walk.least) < 0);
  const found = await readIncidents(reader.client, ids, context);
  const rows = toRows(ids, found, reader.lookups.known(), reader);
  const seen: Walk = {
    ...walk,
    max: greatestId([...found.keys()], walk.max),
    at: addToId(walk.at, BLOCK),
    empty: found.size === 0 ? walk.empty + 1 : 0,
    blocks: walk.blocks + 1,
  };
  const isEnd = walk.least === '' ? seen.empty >= EMPTY_BLOCKS : compareIds(seen.at, walk.least) >= 0;
  if (isEnd) return pageOf(rows, seen, null);
  if (seen.blocks < MAX_BLOCKS) return pageOf(rows, seen, seen);
  reader.io.warn('a gap of more than 10,000 ids: requests closed in it are not looked for', {
    from: seen.at,
  });
  return pageOf(rows, seen, null);
}
