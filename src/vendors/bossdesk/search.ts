import { toInstant } from '../../clock.ts';
import type { Params } from '../http/client.ts';
import type { CallContext } from '../vendor.ts';
import type { BossdeskList } from './client.ts';
import { TicketListRow } from './schema.ts';
import type { BossdeskReader } from './tickets.ts';

/**
 * What the desk's list does with `q[…]`. The manual says "Ransack" but lists neither attributes nor sorting; Ransack
 * ignores unknown conditions, and unknown sorts, without a word (integration reference 4.2): so it is tried out.
 */

/** Manual, "Pagination": 30 per page at most. */
export const PAGE = 30;

/** A stamp that no ticket has; rows in the answer mean that the filter is ignored. */
const FAR_FUTURE = '2999-01-01T00:00:00Z';

/** How changes are found, best first. */
export type Mode =
  /** Filter and sort are honoured. */
  | 'keyset'
  /** Only the filter is: all pages of it, twice. */
  | 'window'
  /** Neither is, but an administrator made a saved search. */
  | 'search'
  /** Neither is: new tickets by their number, known ones in turn. */
  | 'probe';

export const MODES = ['keyset', 'window', 'search', 'probe'] as const satisfies readonly Mode[];

export interface Probe {
  readonly mode: Mode;
  /** The vendor's clock at the first call, epoch ms; our own where it sends none. */
  readonly serverNow: number;
  /** The greatest internal id, where the sort tells; null: nobody knows. */
  readonly newestId: number | null;
}

/**
 * Tries out filter and sort: three calls, none of which changes anything. The first is the one that tells the newest
 * ticket: what a baseline begins with is what was there when the desk first answered.
 *
 * @throws VendorError
 */
export async function probeSearch(reader: BossdeskReader, context: CallContext): Promise<Probe> {
  const byId = (direction: string): Promise<BossdeskList<TicketListRow>> =>
    listTickets(reader, { 'q[s]': `id ${direction}`, per_page: 2 }, context);
  const newest = await byId('desc');
  const serverNow = newest.serverNow ?? reader.io.clock.now();
  const oldest = await byId('asc');
  const future = await listTickets(reader, { 'q[updated_at_gteq]': FAR_FUTURE, per_page: 1 }, context);
  if (future.rows.length > 0) {
    const mode = reader.mapping.settings.search_id === undefined ? 'probe' : 'search';
    return { mode, serverNow, newestId: null };
  }
  const several = newest.rows.length > 1;
  const sorted = newest.rows[0]?.id !== oldest.rows[0]?.id;
  if (several && !sorted) return { mode: 'window', serverNow, newestId: null };
  return { mode: 'keyset', serverNow, newestId: Number(newest.rows[0]?.id ?? 0) };
}

/** The fallback that a mode is, in an operator's words; null: all is as it should be. */
export function fallbackOf(mode: Mode): string | null {
  switch (mode) {
    case 'keyset':
      return null;
    case 'window':
      return 'the desk ignores sorting; every poll reads all pages of recent changes twice';
    case 'search':
      return 'the desk ignores filters; changes come from the saved search, others within the round of open tickets (30 min)';
    case 'probe':
      return 'the desk ignores filters and there is no search_id; new tickets within 5 min, changes within the round of open tickets (30 min); make a saved ticket search "updated in the last 2 days" and set search_id';
  }
}

/** A page of the ticket list. @throws VendorError */
export function listTickets(
  reader: BossdeskReader,
  query: Params,
  context: CallContext,
): Promise<BossdeskList<TicketListRow>> {
  return reader.client.list('tickets', query, TicketListRow, context);
}

/** Tickets updated at or after an instant, oldest change first where sorting is honoured. Always with `Z`. */
export function listUpdated(
  reader: BossdeskReader,
  sinceMs: number,
  page: number,
  context: CallContext,
): Promise<BossdeskList<TicketListRow>> {
  const query = { 'q[updated_at_gteq]': toInstant(sinceMs), 'q[s]': 'updated_at asc', per_page: PAGE };
  return listTickets(reader, page === 1 ? query : { ...query, page }, context);
}
