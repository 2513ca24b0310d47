import { isEvident } from '../run-of.ts';
import type { CallContext } from '../vendor.ts';
import { compareIds } from './ids.ts';
import type { Reader } from './reader.ts';
import { ViewRow } from './schema.ts';

/**
 * Pages of the saved view (manual, `incidents.details.by.view`). Its rows are rows of a view, not requests: only the
 * id and the time of the last update are used (integration reference 2.4).
 */
export interface ViewPage {
  readonly rows: readonly { readonly id: string; readonly updatedAtMs: number }[];
  readonly nextKey: string | null;
  /** Whether the page really came in the order that was asked for: a server that ignores `sort_by` says nothing. */
  readonly newestFirst: boolean;
  /** Whether that cannot be chance: by id the rows run no way at all. */
  readonly evident: boolean;
  readonly serverNow: number | null;
}

/** One page, newest first. @param sortBy here `sort_by` is the attribute and `order_by` the direction (2.3) */
export async function readViewPage(
  reader: Reader,
  sortBy: 'id' | 'last_update',
  pageKey: string | null,
  context: CallContext,
): Promise<ViewPage> {
  const { client, mapping } = reader;
  const query = {
    view_id: reader.viewId ?? '',
    sort_by: sortBy,
    order_by: 'desc',
    ...(pageKey === null ? {} : { page_key: pageKey }),
  };
  const answer = await client.rows('GET incidents.details.by.view', query, ViewRow, context);
  const rows = answer.rows.map(({ id, last_update }) => {
    const at = mapping.toInstant(last_update);
    return { id, updatedAtMs: at === null ? 0 : Date.parse(at) };
  });
  const falls = rows.every((row, index) => {
    const before = rows[index - 1];
    if (before === undefined) return true;
    return sortBy === 'id' ? compareIds(row.id, before.id) <= 0 : row.updatedAtMs <= before.updatedAtMs;
  });
  const evident = isEvident(
    rows.map((row) => row.updatedAtMs),
    [rows.map((row) => Number(row.id))],
  );
  const { nextKey, serverNow } = answer;
  return { rows, nextKey, newestFirst: falls, evident, serverNow };
}
