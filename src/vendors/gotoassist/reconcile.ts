import { z } from 'zod';
import type { CallContext, FeedPage, FeedPosition, TicketRow } from '../vendor.ts';
import { readList } from './list.ts';
import { otherIn } from './others.ts';
import type { GotoassistReader } from './tickets.ts';

/**
 * A list by `service_ids` probably leaves out what is closed, and shows nothing of what was deleted or moved: every
 * two hours all its pages are read, and what was there the last time and is not any more is read by number. A report
 * shows closed incidents too, so with `report_id` there is nothing to do.
 */

const Cursor = z.object({ refs: z.array(z.string()) });
const Walk = z.object({
  page: z.number(),
  /** Of this walk. */
  refs: z.array(z.string()),
  /** Once all pages are read: what is missing and still to be told. */
  missing: z.array(z.string()).nullable(),
});

/** Missing tickets per page: each is one call for the engine that completes the row. */
const AT_ONCE = 2;

export async function reconcile(
  reader: GotoassistReader,
  position: FeedPosition,
  context: CallContext,
): Promise<FeedPage> {
  const before = position.cursor === null ? [] : Cursor.parse(position.cursor).refs;
  if (reader.mapping.settings.report_id !== undefined) return page([], null, before);
  const walk = position.next === null ? { page: 1, refs: [], missing: null } : Walk.parse(position.next);
  if (walk.missing !== null) return tell(reader, walk, walk.missing);

  const list = await readList(reader, walk.page, context);
  const refs = [...new Set([...walk.refs, ...list.rows.map(({ row }) => row.reference_num)])];
  if (walk.page < list.pages) return page([], { ...walk, page: walk.page + 1, refs }, before);
  const known = new Set(refs);
  // Problems, changes and releases have lists of their own.
  const held = (position.unfinished ?? []).filter((ref) => otherIn(ref) === null);
  const missing = [...new Set([...before, ...held])]
    .filter((ref) => !known.has(ref))
    .toSorted((a, b) => Number(a) - Number(b));
  if (missing.length === 0) return page([], null, refs);
  return page([], { page: walk.page, refs, missing }, before);
}

/** Rows without anything but their id: completing them tells whether they are closed or gone. */
function tell(reader: GotoassistReader, walk: z.infer<typeof Walk>, missing: readonly string[]): FeedPage {
  const version = `missing#${reader.io.clock.now()}`;
  const rows = missing.slice(0, AT_ONCE).map((id): TicketRow => ({ observed: { id }, version }));
  const rest = missing.slice(AT_ONCE);
  return page(rows, rest.length === 0 ? null : { ...walk, missing: rest }, walk.refs);
}

function page(
  rows: readonly TicketRow[],
  next: z.infer<typeof Walk> | null,
  refs: readonly string[],
): FeedPage {
  return { rows, occurrences: [], next, cursor: { refs } };
}
