import { z } from 'zod';
import type { CallContext, FeedPage, FeedPosition, TicketRow } from '../vendor.ts';
import { mapRow, rowVersion } from './map.ts';
import { OPEN_START, OpenPlace, readOpenPage } from './open-list.ts';
import { PAGE } from './search.ts';
import type { BossdeskReader } from './tickets.ts';

/**
 * The rows of all open tickets, every night. A row that changed is read as a whole afterwards; a ticket that was there
 * the night before, or that we hold for open, and is not there now was closed or deleted, and is read by its number.
 */

const Cursor = z.object({ ids: z.array(z.string()) });
const Walk = z.object({
  place: OpenPlace,
  /** Of this walk. */
  ids: z.array(z.string()),
  /** Once all pages are read: what is missing and still to be told. */
  missing: z.array(z.string()).nullable(),
});
type Walk = z.infer<typeof Walk>;

/** Missing tickets per page: each is one call for whoever completes the row. */
const AT_ONCE = 10;

export async function reconcile(
  reader: BossdeskReader,
  position: FeedPosition,
  context: CallContext,
): Promise<FeedPage> {
  const before = position.cursor === null ? [] : Cursor.parse(position.cursor).ids;
  const start: Walk = { place: OPEN_START, ids: [], missing: null };
  const walk = position.next === null ? start : Walk.parse(position.next);
  if (walk.missing !== null) return tell(reader, walk, walk.missing);

  const list = await readOpenPage(reader, walk.place, PAGE, context);
  // The baseline is that of `changes`: rows of this one would take its new tickets away in silence.
  const told = position.baseline ? [] : list.rows;
  const rows = told.map(({ row, raw }): TicketRow => {
    return { observed: mapRow(row, raw, reader.mapping), version: rowVersion(raw) };
  });
  const ids = [...new Set([...walk.ids, ...list.rows.map(({ row }) => row.friendly_id)])];
  if (list.next !== null) return page(rows, { ...walk, place: list.next, ids }, before);
  const known = new Set(ids);
  const expected = new Set([...before, ...(position.unfinished ?? [])]);
  const missing = [...expected].filter((id) => !known.has(id));
  return page(rows, missing.length === 0 ? null : { ...walk, ids, missing }, ids);
}

/** Rows without anything but their id: completing them tells whether they are closed or gone. */
function tell(reader: BossdeskReader, walk: Walk, missing: readonly string[]): FeedPage {
  const version = `missing#${reader.io.clock.now()}`;
  const rows = missing.slice(0, AT_ONCE).map((id): TicketRow => ({ observed: { id }, version }));
  const rest = missing.slice(AT_ONCE);
  return page(rows, rest.length === 0 ? null : { ...walk, missing: rest }, walk.ids);
}

function page(rows: readonly TicketRow[], next: Walk | null, ids: readonly string[]): FeedPage {
  return { rows, occurrences: [], next, cursor: { ids } };
}
