import { z } from 'zod';
import { toInstant } from '../../clock.ts';
import { VendorError } from '../../errors.ts';
import { needsAny } from '../needs.ts';
import type { CallContext, FeedPage, FeedPosition, Json, Needs, Occurrence } from '../vendor.ts';
import { compareIds } from './ids.ts';
import type { Reader } from './reader.ts';
import { Approval } from './schema.ts';

/**
 * Approvals can only be read request by request (manual, `incident.approval`), and asking for one need not move
 * `last_update`. So the requests with a pending approval are looked at on every poll and the other unfinished ones
 * in turn, newest first; and nothing is read unless a rule listens for approvals.
 */

const Cursor = z.object({
  /** Approvals asked for earlier are history, epoch ms; 0: nobody listened yet. */
  since: z.number(),
  /** The request looked at last; "": begin with the newest. */
  at: z.string(),
  /** Approval and request, as long as it is pending. */
  pending: z.array(z.tuple([z.string(), z.string()])),
});
type Cursor = z.infer<typeof Cursor>;

/** Requests per poll, one call each: with 120 calls a minute and a poll every 5 min this is a tenth of the budget. */
const PENDING_PER_POLL = 30;
const OTHERS_PER_POLL = 30;

/** Manual, `incident.approval`: -2 cancelled, -1 waiting, 0 rejected, 1 approved. */
export const WAITING = -1;
const DECISIONS: Readonly<Record<number, string>> = { [-2]: 'cancelled', 0: 'rejected', 1: 'approved' };

export async function readApprovalsPage(
  reader: Reader,
  position: FeedPosition,
  needs: Needs,
  context: CallContext,
): Promise<FeedPage> {
  const before: Cursor =
    position.cursor === null ? { since: 0, at: '', pending: [] } : Cursor.parse(position.cursor);
  const listens = needsAny(needs, 'approvals') && !reader.client.lacks('GET incident.approval');
  if (!listens || position.baseline) return pageOf([], { ...before, since: 0 });
  const since = before.since === 0 ? reader.io.clock.now() : before.since;
  const { ids, at } = chooseRequests(position.unfinished ?? [], before);
  const after = new Map(before.pending);
  const occurrences: Occurrence[] = [];
  for (const ticketId of ids) {
    for (const approval of await readApprovals(reader, ticketId, context)) {
      const wasPending = after.has(approval.id);
      const isNew = Date.parse(reader.mapping.toInstant(approval.created_at) ?? toInstant(since)) >= since;
      if (isNew || wasPending) occurrences.push(...eventsOf(reader, ticketId, approval, isNew));
      after.delete(approval.id);
      if (approval.status === WAITING) after.set(approval.id, ticketId);
    }
  }
  return pageOf(occurrences, { since, at, pending: [...after] });
}

function pageOf(occurrences: readonly Occurrence[], cursor: Cursor): FeedPage {
  return { rows: [], occurrences, next: null, cursor: cursor as unknown as Json };
}

/** Whose turn it is. Pending ones that were looked at move to the end of their list. */
function chooseRequests(
  unfinished: readonly string[],
  { at, pending }: Cursor,
): { readonly ids: readonly string[]; readonly at: string } {
  const waiting = [...new Set(pending.map(([, ticketId]) => ticketId))].slice(0, PENDING_PER_POLL);
  const newestFirst = unfinished.toSorted((a, b) => compareIds(b, a));
  const start = at === '' ? 0 : newestFirst.findIndex((id) => compareIds(id, at) < 0);
  const others = start === -1 ? [] : newestFirst.slice(start, start + OTHERS_PER_POLL);
  const isEnd = others.length < OTHERS_PER_POLL;
  const ids = [...new Set([...waiting, ...others])];
  return { ids, at: isEnd ? '' : (others.at(-1) ?? '') };
}

/** The approvals of one request; none where the request is gone or the desk does not offer them. */
export async function readApprovals(
  reader: Pick<Reader, 'client'>,
  ticketId: string,
  context: CallContext,
): Promise<readonly Approval[]> {
  const { client } = reader;
  if (client.lacks('GET incident.approval')) return [];
  try {
    const query = { request_id: ticketId, date_format: 'epoch' };
    return (await client.rows('GET incident.approval', query, Approval, context)).rows;
  } catch (error) {
    if (error instanceof VendorError && ['not_found', 'refused'].includes(error.reason)) return [];
    throw error;
  }
}

function eventsOf(
  reader: Reader,
  ticketId: string,
  approval: Approval,
  isNew: boolean,
): readonly Occurrence[] {
  const body = {
    approval: approval.id,
    description: approval.approval_request_description,
    author_id: approval.author_id,
    status: DECISIONS[approval.status] ?? 'waiting',
  };
  const common = { ticketId, trigger: null, body };
  const createdAt = reader.mapping.toInstant(approval.created_at);
  const requested: Occurrence = {
    ...common,
    key: `appr:${approval.id}`,
    type: 'approval.requested',
    occurredAt: createdAt,
    body: { ...body, status: 'waiting' },
  };
  // When it was decided is not told.
  const decided: Occurrence = {
    ...common,
    key: `appr:${approval.id}:${approval.status}`,
    type: 'approval.decided',
    occurredAt: null,
  };
  return [...(isNew ? [requested] : []), ...(approval.status === WAITING ? [] : [decided])];
}
