import type { CallContext, FeedPage, FeedPosition, Needs } from '../vendor.ts';
import { readApprovalsPage } from './feed-approvals.ts';
import { readCreatedPage } from './feed-created.ts';
import { readNewsPage } from './feed-news.ts';
import { readTriggersPage } from './feed-triggers.ts';
import { readUpdatedPage } from './feed-updated.ts';
import type { Reader } from './reader.ts';

/** The feeds of one desk, by name. */
export function readPage(
  reader: Reader,
  feed: string,
  position: FeedPosition,
  needs: Needs,
  context: CallContext,
): Promise<FeedPage> {
  switch (feed) {
    case 'created':
      return readCreatedPage(reader, position, context);
    case 'updated':
      return readUpdatedPage(reader, position, context);
    case 'triggers':
      return readTriggersPage(reader, position, context);
    case 'news':
      return readNewsPage(reader, position, context);
    case 'approvals':
      return readApprovalsPage(reader, position, needs, context);
    default:
      throw new Error(`InvGate has no feed ${feed}`);
  }
}
