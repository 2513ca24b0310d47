import { z } from 'zod';
import type { Instant } from '../../ticket.ts';
import type { Params } from '../http/client.ts';
import { isEvident, runOf, type Run } from '../run-of.ts';
import type { CallContext } from '../vendor.ts';
import { contentHash } from './map.ts';
import { IncidentRow } from './schema.ts';
import type { GotoassistReader } from './tickets.ts';

/** Pages of the incident list (guide, "Show Incidents"), and which way they run, which the guide does not say. */

/** Integration reference 5.2; the desk may give fewer rows, and says how many pages there are. */
const LIMIT = 50;
/** The `Date` header is in seconds, as are the stamps, and servers' clocks differ a little. */
const CLOCK_MARGIN_MS = 2_000;
/** Without a `Date` header our own clock must do, which may be wrong. */
const UNKNOWN_CLOCK_MS = 10 * 60_000;

const IncidentList = z.object({
  total_entries: z.coerce.number().nullish().catch(null),
  total_pages: z.coerce.number().nullish().catch(null),
  incidents: z.array(z.unknown()),
});

export interface ListedRow {
  readonly row: IncidentRow;
  readonly raw: unknown;
  /** Of `last_active_at`, epoch ms; 0: none. */
  readonly at: number;
  /** Epoch ms; null: none. */
  readonly dueAt: number | null;
  /** Of the row's content. */
  readonly hash: string;
}

export interface ListPage {
  readonly rows: readonly ListedRow[];
  readonly pages: number;
  readonly entries: number;
  /** Stamps before this are surely over: the vendor's clock, a little less, epoch ms. */
  readonly listedAt: number;
}

/** @throws VendorError */
export async function readList(
  reader: GotoassistReader,
  page: number,
  context: CallContext,
  order: 'last_active_at' | 'created_at' = 'last_active_at',
): Promise<ListPage> {
  const { settings, toInstant } = reader.mapping;
  const query: Params = { order, limit: LIMIT, page, ...filterOf(reader) };
  const answer = await reader.client.get('incidents', query, IncidentList, context);
  const services = settings.service_ids;
  const rows = answer.value.incidents.flatMap((raw): readonly ListedRow[] => {
    const row = reader.client.part('GET incidents', IncidentRow, raw);
    // A filter that the desk ignores looks like a success (integration reference 1.2).
    if (services !== undefined && row.service !== null && !services.includes(row.service.id)) return [];
    const at = epochOf(toInstant(row.last_active_at) ?? toInstant(row.created_at)) ?? 0;
    return [{ row, raw, at, dueAt: epochOf(toInstant(row.due_date)), hash: contentHash(raw) }];
  });
  const { total_pages: pages, total_entries: entries } = answer.value;
  return {
    rows,
    pages: Math.max(1, pages ?? 1),
    entries: entries ?? rows.length,
    listedAt:
      answer.serverNow === null
        ? reader.io.clock.now() - UNKNOWN_CLOCK_MS
        : answer.serverNow - CLOCK_MARGIN_MS,
  };
}

function epochOf(instant: Instant | null): number | null {
  return instant === null ? null : Date.parse(instant);
}

/** Guide: without one of these the list shows the authenticated user's own incidents. */
function filterOf({ mapping }: GotoassistReader): Params {
  const { report_id: report, service_ids: services } = mapping.settings;
  return report === undefined ? { 'service_ids[]': services ?? [] } : { report_id: report };
}

/** What an operator should know of a list whose direction is `mixed`. */
export const NO_ORDER = 'the incident list has no order; every poll reads all of it';

/** Which way the rows of a page run; null: all have one stamp. */
export function directionOf(rows: readonly ListedRow[]): Run | null {
  return runOf(rows.map((row) => row.at));
}

/** Whether the desk honours the order asked for. The guide's default is by due date; by number they were made. */
export function isOrderEvident(rows: readonly ListedRow[]): boolean {
  const dueDates = rows.flatMap(({ dueAt }) => dueAt ?? []);
  const numbers = rows.map(({ row }) => Number(row.reference_num));
  return isEvident(
    rows.map((row) => row.at),
    [dueDates, numbers],
  );
}
