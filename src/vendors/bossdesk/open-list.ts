import { z } from 'zod';
import type { CallContext } from '../vendor.ts';
import type { BossdeskList } from './client.ts';
import type { TicketListRow } from './schema.ts';
import { listTickets } from './search.ts';
import type { BossdeskReader } from './tickets.ts';

/**
 * All tickets that are not closed, page by page: by id where the desk honours it (nothing slides), else by page
 * number. Closed ones are left out here too, for a filter that is ignored lets them through.
 */

export const OpenPlace = z.object({
  by: z.enum(['id', 'page']),
  /** Greatest internal id read, or the number of the last page read. */
  at: z.number(),
});
export type OpenPlace = z.infer<typeof OpenPlace>;

export const OPEN_START: OpenPlace = { by: 'id', at: 0 };

export interface OpenPage {
  /** Rows that are not closed, as parsed and as they came. */
  readonly rows: readonly { readonly row: TicketListRow; readonly raw: unknown }[];
  /** Null: that was the last page. */
  readonly next: OpenPlace | null;
  /** Greatest friendly id seen, closed ones included; 0: none. */
  readonly highest: number;
  readonly serverNow: number | null;
}

/** @throws VendorError */
export async function readOpenPage(
  reader: BossdeskReader,
  place: OpenPlace,
  size: number,
  context: CallContext,
): Promise<OpenPage> {
  const filter = { 'q[status_not_eq]': 'closed', 'q[s]': 'id asc', per_page: size };
  const more = place.by === 'id' ? { 'q[id_gt]': place.at } : { page: place.at + 1 };
  const list = await listTickets(reader, { ...filter, ...more }, context);
  const open = list.rows.flatMap((row, index) => {
    return row.status === 'closed' ? [] : [{ row, raw: list.raw[index] }];
  });
  const highest = Math.max(0, ...list.rows.map((row) => Number(row.friendly_id)).filter(Number.isFinite));
  return { rows: open, next: nextPlace(place, list, size), highest, serverNow: list.serverNow };
}

function nextPlace(place: OpenPlace, list: BossdeskList<TicketListRow>, size: number): OpenPlace | null {
  const ids = list.rows.map((row) => Number(row.id));
  if (place.by === 'id' && !ids.every((id, index) => id > (ids[index - 1] ?? place.at))) {
    // Condition or sort is ignored: this was page 1, whatever was asked for.
    return list.rows.length < size ? null : { by: 'page', at: 1 };
  }
  if (list.rows.length < size) return null;
  return place.by === 'id' ? { by: 'id', at: ids.at(-1) ?? place.at } : { by: 'page', at: place.at + 1 };
}
