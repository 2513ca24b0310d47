import { toInstant } from '../clock.ts';
import type { LeasedFeed } from '../record/feeds.ts';
import type { FeedGap, FeedSpec } from '../vendors/vendor.ts';

/**
 * Feeds that look back only so far: was there a time that none of their walks has seen? Pure.
 */

/** A walk takes time, and so does the desk: this much of the window is not relied on (integration reference 2.3: 55 of 60 min). */
const MARGIN = 1 / 12;

type Walked = Pick<LeasedFeed, 'now' | 'lastCompleteAt' | 'baselineAt' | 'baselineDoneAt'>;

/** The span before the feed's window that the last complete walk had not reached; null: there is none. */
export function gapOf(feed: Walked, spec: Pick<FeedSpec, 'windowMs'>): FeedGap | null {
  if (spec.windowMs === null || feed.lastCompleteAt === null || feed.baselineDoneAt === null) return null;
  const seenUntil = feed.lastCompleteAt.getTime();
  const reach = spec.windowMs * (1 - MARGIN);
  if (feed.now - seenUntil <= reach) return null;
  return { from: toInstant(seenUntil), to: toInstant(feed.now - reach) };
}

/** What a walk begun at `now` covers when it is complete. */
export function coveredBy(
  feed: Walked,
  gap: FeedGap | null,
  healed: boolean,
): { readonly from: Date; readonly to: Date } {
  const since = feed.lastCompleteAt ?? feed.baselineAt ?? new Date(feed.now);
  return { from: gap === null || healed ? since : new Date(gap.to), to: new Date(feed.now) };
}
