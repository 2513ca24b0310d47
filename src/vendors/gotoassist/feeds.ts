import type { CallContext, FeedPage, FeedPosition, Needs } from '../vendor.ts';
import { readChanges } from './changes.ts';
import { readOthers } from './others.ts';
import { reconcile } from './reconcile.ts';
import type { GotoassistReader } from './tickets.ts';

/**
 * The feeds of GoToAssist (integration reference 5.2): `incidents`, by `last_active_at`, every ten minutes;
 * `reconcile`, which notices what has left the list; `others`, problems, changes and releases. Calls are so few that each page of a feed makes one call, or
 * little more: what was read is stored before the next call has to wait for its turn.
 */
export function readPage(
  reader: GotoassistReader,
  feed: string,
  position: FeedPosition,
  needs: Needs,
  context: CallContext,
): Promise<FeedPage> {
  if (feed === 'reconcile') return reconcile(reader, position, context);
  if (feed === 'others') return readOthers(reader, position, context);
  return readChanges(reader, position, needs, context);
}
