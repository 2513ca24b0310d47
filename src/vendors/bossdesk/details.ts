import type { CallContext, FeedPage, Needs } from '../vendor.ts';
import { occurrencesOf } from './occurrences.ts';
import { readDetail, type BossdeskReader, type DetailRow } from './tickets.ts';

/** Several whole tickets as a page of a feed. */

/** Whole tickets, one call each; those that are not found any more are left out. */
export async function readDetails(
  reader: BossdeskReader,
  ids: readonly string[],
  needs: Needs,
  context: CallContext,
): Promise<readonly DetailRow[]> {
  const details: DetailRow[] = [];
  for (const id of ids) {
    const detail = await readDetail(reader, id, needs, context);
    if (detail !== null) details.push(detail);
  }
  return details;
}

/** Rows of whole tickets, with their tasks and approvals. */
export function pageOf(
  reader: BossdeskReader,
  details: readonly DetailRow[],
  since: number,
): Pick<FeedPage, 'rows' | 'occurrences'> {
  return {
    rows: details.map(({ row }) => row),
    occurrences: details.flatMap(({ detail }) => occurrencesOf(detail, since, reader.mapping.toInstant)),
  };
}
