import { VendorError } from '../../errors.ts';
import type { CallContext, TicketRow } from '../vendor.ts';
import type { InvgateClient } from './client.ts';
import { chunksOf, compareIds } from './ids.ts';
import type { Known } from './known.ts';
import { mapIncident, versionOf, type Mapping } from './map.ts';
import type { Reader } from './reader.ts';
import { Incident } from './schema.ts';

/** Requests by id, many per call, with their comments. */

/** Ids per call of `incidents` (integration reference 2.3: blocks of 50). */
export const BLOCK = 50;

export interface Found {
  readonly row: Incident;
  readonly raw: unknown;
}

/** Reads requests by id; those that the desk does not have are missing in the answer. */
export async function readIncidents(
  client: InvgateClient,
  ids: readonly string[],
  context: CallContext,
): Promise<ReadonlyMap<string, Found>> {
  const found = new Map<string, Found>();
  for (const block of chunksOf([...new Set(ids)], BLOCK)) {
    for (const one of await readBlock(client, block, context)) found.set(one.row.id, one);
  }
  return found;
}

/**
 * How unknown ids are reported is not documented (integration reference 2.3 A): most desks leave them out, others
 * fail the whole block, which is then halved until the culprit stands alone.
 */
async function readBlock(
  client: InvgateClient,
  ids: readonly string[],
  context: CallContext,
): Promise<readonly Found[]> {
  try {
    const query = { 'ids[]': ids, comments: 1, date_format: 'epoch' };
    const { rows, raw } = await client.rows('GET incidents', query, Incident, context);
    return rows.map((row, index) => ({ row, raw: raw[index] }));
  } catch (error) {
    if (!isAboutAnId(error)) throw error;
    const [only] = ids;
    if (ids.length === 1 && only !== undefined) return readSingle(client, only, context);
    const half = Math.ceil(ids.length / 2);
    const first = await readBlock(client, ids.slice(0, half), context);
    return [...first, ...(await readBlock(client, ids.slice(half), context))];
  }
}

async function readSingle(
  client: InvgateClient,
  id: string,
  context: CallContext,
): Promise<readonly Found[]> {
  const found = await client.find(
    'GET incident',
    { id, comments: 1, date_format: 'epoch' },
    Incident,
    context,
  );
  return found === null ? [] : [{ row: found.value, raw: found.raw }];
}

/** 404, or ERROR in a 200: the call as such is known to work. */
function isAboutAnId(error: unknown): boolean {
  if (!(error instanceof VendorError)) return false;
  return error.reason === 'not_found' || (error.reason === 'refused' && error.status === undefined);
}

/**
 * Rows of a feed. What was read of them is kept as long as the row itself, so that completing the row costs no second
 * call. @param order ids in the order wanted; those not found are left out
 */
export function toRows(
  order: readonly string[],
  found: ReadonlyMap<string, Found>,
  known: Known,
  { mapping, whole }: Pick<Reader, 'mapping' | 'whole'>,
): readonly TicketRow[] {
  return order.flatMap((id) => {
    const one = found.get(id);
    if (one === undefined) return [];
    const row = toRow(one, known, mapping);
    whole.set(row, one);
    return [row];
  });
}

export function toRow({ row, raw }: Found, known: Known, mapping: Mapping): TicketRow {
  const observed = mapIncident(row, raw, known, mapping);
  return { observed, version: versionOf(observed, row) };
}

/** Ids per page of `incidents.by.status`; the desk may give fewer, and says so in `limit`. */
const LIST_PAGE = 500;
const MAX_LIST_PAGES = 500;

/**
 * Ids of all requests that the desk lists under these statuses; the manual says that it lists open ones only. Rows
 * move while they are paged, so pages overlap, and whoever must not miss a request also asks for it by id.
 */
export async function listByStatus(
  client: InvgateClient,
  statusIds: readonly string[],
  context: CallContext,
): Promise<{ readonly ids: readonly string[]; readonly serverNow: number | null }> {
  const all = new Set<string>();
  let serverNow: number | null = null;
  let offset = 0;
  for (let page = 0; page < MAX_LIST_PAGES; page += 1) {
    const query = { 'status_ids[]': statusIds, limit: LIST_PAGE, offset };
    const answer = await client.ids('GET incidents.by.status', query, context);
    serverNow ??= answer.serverNow;
    const before = all.size;
    for (const id of answer.ids) all.add(id);
    const count = answer.ids.length;
    const isLast = answer.limit !== null && answer.limit > 0 && count < answer.limit;
    const isAll = answer.total !== null && offset + count >= answer.total;
    if (all.size === before || isLast || isAll) break;
    offset += Math.max(1, count - Math.min(20, Math.floor(count / 10)));
  }
  return { ids: [...all].toSorted(compareIds), serverNow };
}
