import { z } from 'zod';
import type { CallContext, FeedPage, FeedPosition, Needs } from '../vendor.ts';
import { readChanges } from './changes.ts';
import { pageOf, readDetails } from './details.ts';
import { OPEN_START, OpenPlace, readOpenPage } from './open-list.ts';
import { reconcile } from './reconcile.ts';
import type { BossdeskReader } from './tickets.ts';

/**
 * The three lists of BOSSDesk (integration reference 4.2): `changes`, by `updated_at`; `open`, every open ticket in
 * turn, because nobody says whether a comment, a task or a time entry moves `updated_at`; `reconcile`, the rows of
 * all open tickets every night, so that one that vanished is noticed.
 */
export function readPage(
  reader: BossdeskReader,
  feed: string,
  position: FeedPosition,
  needs: Needs,
  context: CallContext,
): Promise<FeedPage> {
  if (feed === 'open') return readOpen(reader, position, needs, context);
  if (feed === 'reconcile') return reconcile(reader, position, context);
  return readChanges(reader, position, needs, context);
}

/** Tickets per poll of `open`: with its list call 16 calls a minute, so 450 tickets in half an hour. */
const OPEN_SLICE = 15;
/** Integration reference 4.2: each open ticket at least every 30 min; more often is not worth the calls. */
const ROUND_MS = 30 * 60_000;

const OpenCursor = z.object({
  place: OpenPlace,
  /** Ours, epoch ms: when this round began; the next one begins half an hour later. */
  roundAt: z.number(),
  /** Tasks and approvals from before this are history. */
  since: z.number(),
});
type OpenCursor = z.infer<typeof OpenCursor>;

/** A slice of the round of open tickets. Its baseline is nothing: that of `changes` covers all. */
async function readOpen(
  reader: BossdeskReader,
  position: FeedPosition,
  needs: Needs,
  context: CallContext,
): Promise<FeedPage> {
  const now = reader.io.clock.now();
  if (position.cursor === null) return emptyPage({ place: OPEN_START, roundAt: 0, since: now });
  const cursor = OpenCursor.parse(position.cursor);
  const begins = cursor.place.by === 'id' && cursor.place.at === 0;
  if (begins && now - cursor.roundAt >= 0 && now - cursor.roundAt < ROUND_MS) return emptyPage(cursor);

  const page = await readOpenPage(reader, cursor.place, OPEN_SLICE, context);
  const ids = page.rows.map(({ row }) => row.friendly_id);
  const details = await readDetails(reader, ids, needs, context);
  const roundAt = begins ? now : cursor.roundAt;
  return {
    ...pageOf(reader, details, cursor.since),
    next: null,
    cursor: { ...cursor, roundAt, place: page.next ?? OPEN_START },
  };
}

function emptyPage(cursor: OpenCursor): FeedPage {
  return { rows: [], occurrences: [], next: null, cursor };
}
