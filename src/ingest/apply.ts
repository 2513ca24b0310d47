import type { Change } from '../event.ts';
import { endWaitingRuns } from '../record/attention.ts';
import type { Tx } from '../record/database.ts';
import { fulfil, nominate, type Nomination } from '../record/nominations.ts';
import {
  deleteOwnWrites,
  lockTickets,
  readOwnWrites,
  updateTickets,
  type OwnWrite,
  type StoredTicket,
  type TicketUpdate,
} from '../record/tickets.ts';
import type { RuleBook } from '../rules/active.ts';
import { advanceClock, type SlaClock } from '../sla/clock.ts';
import type { Comment, ObservedTicket } from '../ticket.ts';
import type { TicketRead } from '../vendors/vendor.ts';
import { attribute, diffTicket, newComments, resetsAttention } from './diff.ts';
import type { EventDraft } from './event-draft.ts';
import { eventMaker, type EventMaker, type EventOrigin } from './event-maker.ts';
import { findOwnChildren, type OwnChildren } from './own-children.ts';
import { storeEvents, type StoreDeps } from './store-event.ts';
import { armHistory } from './timers.ts';

/**
 * Turns what was read of tickets into events: compare with the stored snapshot under a row lock, and commit the
 * difference, the events and the new snapshot together. A read that was overtaken by a later one is dropped and the
 * ticket nominated again, so that an older state never overwrites a newer one.
 */

export interface AppliedRead {
  readonly read: TicketRead;
  /** Taken before the read began. */
  readonly readSeq: number;
  /** The feed's change token, to be stored with the state. */
  readonly version: { readonly feed: string; readonly token: string } | null;
  /** The nomination that this read answers. */
  readonly nomination: Nomination | null;
}

export interface ApplyContext extends EventOrigin {
  readonly botUserId: string | null;
  /** While a feed's baseline is walked, tickets seen for the first time are no events. */
  readonly silent: boolean;
  /** Epoch ms; what is older is history. */
  readonly baselineAt: number;
  /** How far before the baseline a created ticket still counts as new. */
  readonly overlapMs: number;
  readonly wantSystemComments: boolean;
  /** How long what we wrote may take to show: an hour or three polls, whichever is longer. */
  readonly ownWritesForMs: number;
}

/** @param pollMs the slowest poll that could show it */
export function ownWritesForMs(pollMs: number): number {
  return Math.max(3_600_000, 3 * pollMs);
}

export interface ApplyResult {
  readonly events: number;
  readonly runs: number;
  /** Tickets whose read was overtaken. */
  readonly dropped: number;
}

/** Applies reads of one connection, at most 200, in the caller's transaction. */
export async function applyReads(
  tx: Tx,
  book: RuleBook,
  reads: readonly AppliedRead[],
  context: ApplyContext,
  deps: StoreDeps,
): Promise<ApplyResult> {
  const ids = reads.map(({ read }) => read.id);
  const rows = await lockTickets(tx, context.connectionId, ids);
  const current = reads.filter(({ read, readSeq }) => readSeq > (rows.get(read.id)?.appliedSeq ?? 0));
  const overtaken = reads.filter((read) => !current.includes(read));
  const writes = await readOwnWrites(tx, context.connectionId, ids, context.ownWritesForMs);
  const own = await findOwnChildren(
    tx,
    context,
    current.map(({ read }) => read),
    current.some(({ read }) => rows.get(read.id)?.unseen === true),
    writes,
  );

  const parts = current.map((entry) => {
    const row = rows.get(entry.read.id);
    if (row === undefined) throw new Error(`ticket ${entry.read.id} was not locked`);
    const marks = writes.filter((write) => write.ticketId === entry.read.id);
    return applyOne(entry, row, marks, own, context, deps);
  });
  await updateTickets(
    tx,
    context.connectionId,
    parts.flatMap((part) => (part.update === null ? [] : [part.update])),
  );
  await deleteOwnWrites(
    tx,
    parts.flatMap((part) => part.consumed),
  );
  const drafts = parts.flatMap((part) => part.drafts);
  await armHistory(
    tx,
    book,
    parts.flatMap(({ history }) => (history === null ? [] : [history])),
    deps.now(),
  );
  const result = await storeEvents(tx, book, drafts, deps);
  const taken = parts.flatMap(({ update }) => (update === null || update.takenBy === null ? [] : [update]));
  for (const { ticketId, takenBy } of taken) {
    await endWaitingRuns(tx, context.connectionId, ticketId, `taken by ${takenBy}`);
  }
  await fulfil(
    tx,
    current.flatMap(({ nomination }) => (nomination === null ? [] : [nomination])),
  );
  await nominate(
    tx,
    overtaken.map(({ read }) => ({
      connectionId: context.connectionId,
      ticketId: read.id,
      via: 'overtaken',
    })),
    0,
  );
  const events = result.stored.filter((stored) => !stored.duplicate).length;
  return { events, runs: result.runs, dropped: overtaken.length };
}

interface Part {
  /** Null: nothing is known of the ticket, and nothing is to be remembered. */
  readonly update: TicketUpdate | null;
  readonly drafts: readonly EventDraft[];
  /** A state that is no event, for timers only. */
  readonly history: EventDraft | null;
  readonly consumed: readonly string[];
}

function applyOne(
  { read, readSeq, version }: AppliedRead,
  row: StoredTicket,
  marks: readonly OwnWrite[],
  own: OwnChildren,
  context: ApplyContext,
  deps: StoreDeps,
): Part {
  const versions = version === null ? row.versions : { ...row.versions, [version.feed]: version.token };
  if (read.gone) return applyGone(row, versions, context, deps);

  const snapshot: ObservedTicket = { ...row.snapshot, ...read.observed };
  const commentIds = read.comments === null ? null : read.comments.map((comment) => comment.id);
  const slaClock = nextSlaClock(row, snapshot, read.comments, context.connection, deps);
  const base = { ticketId: row.ticketId, snapshot, commentIds, versions, gone: false, slaClock };

  if (row.unseen) {
    const maker = eventMaker(snapshot, { ...row, slaClock }, context, deps);
    const drafts = context.silent ? [] : firstSeen(read, snapshot, row, context, maker, own);
    return {
      update: { ...base, revision: row.revision + 1, resetAttention: false, takenBy: null },
      drafts,
      history: drafts.length === 0 ? maker.seen(row.revision + 1) : null,
      consumed: [],
    };
  }

  const found = diffTicket(row.snapshot, read.observed);
  const attributed = attribute(found, snapshot, marks, readSeq, read.observed.last_updated_by);
  const changed = Object.keys(attributed.changes).length > 0;
  const revision = row.revision + (changed ? 1 : 0);
  const resetAttention = resetsAttention(found);
  const takenBy = takerOf(attributed.changes, snapshot);
  const acknowledged = takenBy !== null || (row.acknowledged && !resetAttention);
  const snoozed = row.snoozed && !resetAttention;
  const maker = eventMaker(snapshot, { ...row, acknowledged, snoozed, slaClock }, context, deps);
  const drafts: EventDraft[] = [];
  if (changed) drafts.push(maker.updated(revision, attributed.changes, attributed.cause));
  if (read.comments !== null) {
    const news = newComments(row.commentIds, read.comments, context.baselineAt, context.wantSystemComments);
    drafts.push(...news.map((comment) => maker.comment(comment, revision, own.comment(read.id, comment))));
  }
  // A touch without a change is no event, but moves `updated_at`.
  const touched = drafts.length === 0 && row.snapshot.updated_at !== snapshot.updated_at;
  return {
    update: { ...base, revision, resetAttention, takenBy },
    drafts,
    history: touched ? maker.seen(revision) : null,
    consumed: attributed.consumed,
  };
}

/** The agent who took the ticket on the desk: assigned to somebody, and not by us or by another person. */
function takerOf(changes: Readonly<Record<string, Change>>, snapshot: ObservedTicket): string | null {
  const { assignee, last_updated_by: actor } = snapshot;
  const change = changes['assignee'];
  if (change === undefined || change.by === 'self' || assignee == null) return null;
  if (actor?.id != null && actor.id !== assignee.id) return null;
  return assignee.email ?? assignee.name ?? assignee.id;
}

/** Our own SLA clock after this look; it answers to the first public comment of an agent. */
function nextSlaClock(
  row: StoredTicket,
  snapshot: ObservedTicket,
  comments: readonly Comment[] | null,
  connection: string,
  deps: StoreDeps,
): SlaClock | null {
  const plan = deps.sla?.get(connection);
  if (plan === undefined) return null;
  const now = deps.now();
  const updatedAt = Date.parse(snapshot.updated_at ?? '');
  const createdAt = Date.parse(snapshot.created_at ?? '');
  const responded =
    snapshot.awaiting === 'customer' ||
    snapshot.phase === 'waiting' ||
    (comments ?? []).some((comment) => comment.public !== false && comment.author?.kind === 'agent');
  const sight = {
    at: updatedAt <= now ? updatedAt : now,
    createdAt: Number.isNaN(createdAt) ? null : createdAt,
    phase: snapshot.phase ?? 'unknown',
    responded,
  };
  return advanceClock(row.slaClock, sight, plan);
}

function applyGone(
  row: StoredTicket,
  versions: Readonly<Record<string, string>>,
  context: ApplyContext,
  deps: StoreDeps,
): Part {
  // A nudge can outrun the desk: a ticket that was never seen may still be created.
  if (row.unseen) return { update: null, drafts: [], history: null, consumed: [] };
  const revision = row.revision + 1;
  const update = {
    ticketId: row.ticketId,
    snapshot: row.snapshot,
    commentIds: null,
    versions,
    gone: true,
    revision: row.gone ? row.revision : revision,
    resetAttention: false,
    takenBy: null,
    slaClock: row.slaClock,
  };
  if (row.gone) return { update, drafts: [], history: null, consumed: [] };
  const drafts = [eventMaker(row.snapshot, row, context, deps).gone(revision)];
  return { update, drafts, history: null, consumed: [] };
}

/**
 * A ticket without a stored state: created if it is new since the baseline, one update with everything unknown and
 * its newer comments if it was merely touched since, and history otherwise.
 */
function firstSeen(
  read: TicketRead & { readonly gone: false },
  snapshot: ObservedTicket,
  row: StoredTicket,
  context: ApplyContext,
  maker: EventMaker,
  own: OwnChildren,
): readonly EventDraft[] {
  const revision = row.revision + 1;
  const since = context.baselineAt - context.overlapMs;
  const createdAt = snapshot.created_at == null ? null : Date.parse(snapshot.created_at);
  if (createdAt !== null && createdAt >= since) return [maker.created(revision, own.ticket(snapshot))];
  const news = newComments(null, read.comments ?? [], context.baselineAt, context.wantSystemComments);
  // Where a read by id does not say when (Jitbit), the nudge that led to it does.
  const { updated_at: updatedAt } = snapshot;
  const touched = updatedAt == null ? context.via === 'webhook' : Date.parse(updatedAt) >= context.baselineAt;
  if (!touched && news.length === 0) return [];
  const update = maker.firstUpdate(revision);
  return [update, ...news.map((comment) => maker.comment(comment, revision, own.comment(read.id, comment)))];
}
