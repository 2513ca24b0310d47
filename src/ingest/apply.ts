import type { Change, DeskEvent, Via } from '../event.ts';
import { toInstant } from '../clock.ts';
import { sameText } from '../vendors/http/text.ts';
import type { Tx } from '../record/database.ts';
import { madeBySteps } from '../record/children.ts';
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
import { presentTicket, type Comment, type ObservedTicket, type Person } from '../ticket.ts';
import type { RuleBook } from '../rules/active.ts';
import type { TicketRead } from '../vendors/vendor.ts';
import { aspectsOf, attribute, DIFFED_FIELDS, diffTicket, newComments, resetsAttention } from './diff.ts';
import { endWaitingRuns } from '../record/attention.ts';
import { advanceClock, type SlaClock } from '../sla/clock.ts';
import { storeEvents, type EventDraft, type StoreDeps } from './store-event.ts';
import { armHistory, ownSla } from './timers.ts';

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

export interface ApplyContext {
  readonly connectionId: number;
  readonly connection: string;
  readonly vendor: string;
  readonly botUserId: string | null;
  readonly feed: string | null;
  readonly via: Via;
  /** While a feed's baseline is walked, tickets seen for the first time are no events. */
  readonly silent: boolean;
  /** Epoch ms; what is older is history. */
  readonly baselineAt: number;
  /** How far before the baseline a created ticket still counts as new. */
  readonly overlapMs: number;
  readonly lateAfterMs: number;
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
  const own = await findOwnChildren(tx, context, current, writes);

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
    const drafts = context.silent ? [] : firstSeen(snapshot, row, context, maker, own.ticket(row.ticketId));
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
 * A ticket without a stored state: created if it is new since the baseline, one update with everything unknown if
 * it was merely touched since, and history otherwise.
 */
function firstSeen(
  snapshot: ObservedTicket,
  row: StoredTicket,
  context: ApplyContext,
  maker: EventMaker,
  own: Cause | null,
): readonly EventDraft[] {
  const since = context.baselineAt - context.overlapMs;
  const createdAt = snapshot.created_at == null ? null : Date.parse(snapshot.created_at);
  if (createdAt !== null && createdAt >= since) return [maker.created(row.revision + 1, own)];
  // Where a read by id does not say when (Jitbit), the nudge that led to it does.
  const { updated_at: updatedAt } = snapshot;
  const touched = updatedAt == null ? context.via === 'webhook' : Date.parse(updatedAt) >= context.baselineAt;
  return touched ? [maker.firstUpdate(row.revision + 1)] : [];
}

interface EventMaker {
  created(revision: number, own: Cause | null): EventDraft;
  updated(revision: number, changes: Readonly<Record<string, Change>>, cause: Cause | null): EventDraft;
  firstUpdate(revision: number): EventDraft;
  comment(comment: Comment, revision: number, own: Cause | null): EventDraft;
  gone(revision: number): EventDraft;
  /** No event: the ticket as it stands. */
  seen(revision: number): EventDraft;
}

function eventMaker(
  snapshot: ObservedTicket,
  row: StoredTicket,
  context: ApplyContext,
  deps: StoreDeps,
): EventMaker {
  const now = deps.now();
  const draft = (
    options: { key: string; type: string; occurredAt: string | null; revision: number } & Partial<DeskEvent>,
    cause: Cause | null = null,
  ): EventDraft => {
    const { occurredAt, revision, ...rest } = options;
    const { ticket, unknown } = presentTicket(snapshot, {
      acknowledged: row.acknowledged,
      snoozed: row.snoozed,
      revision,
      sla: ownSla(snapshot, row.slaClock, deps.sla?.get(context.connection) ?? null, now),
    });
    const occurred = occurredAt === null ? null : Date.parse(occurredAt);
    return {
      id: deps.newId(),
      connectionId: context.connectionId,
      raw: null,
      depth: cause === null ? 0 : cause.depth + 1,
      causedBy: cause?.stepId ?? null,
      keys: [{ key: options.key, renewAfterMs: null }],
      event: {
        connection: context.connection,
        vendor: context.vendor,
        ticket_id: row.ticketId,
        occurred_at: occurredAt,
        observed_at: toInstant(now),
        late: occurred !== null && now - occurred > context.lateAfterMs,
        replay: false,
        via: context.via,
        feed: context.feed,
        own: false,
        unknown,
        actor: null,
        aspects: [],
        changes: null,
        comment: null,
        trigger: null,
        ticket,
        body: null,
        ...rest,
      },
    };
  };
  const updatedAt = snapshot.updated_at ?? null;

  return {
    created: (revision, own) =>
      draft(
        {
          key: `created:${row.ticketId}`,
          type: 'ticket.created',
          occurredAt: snapshot.created_at ?? null,
          revision,
          own: own !== null,
          actor: actorOf(snapshot.creator ?? snapshot.requester, own !== null),
        },
        own,
      ),
    updated: (revision, changes, cause) => {
      const own = Object.values(changes).every((change) => change.by === 'self');
      return draft(
        {
          key: `updated:${row.ticketId}:${revision}`,
          type: 'ticket.updated',
          occurredAt: updatedAt,
          revision,
          changes,
          aspects: aspectsOf(changes),
          own,
          actor: actorOf(snapshot.last_updated_by, own),
        },
        cause,
      );
    },
    firstUpdate: (revision) =>
      draft({
        key: `updated:${row.ticketId}:${revision}`,
        type: 'ticket.updated',
        occurredAt: updatedAt,
        revision,
        changes: {},
        unknown: [...new Set([...presentTicket(snapshot, NOTHING_OF_OURS).unknown, ...DIFFED_FIELDS])],
      }),
    comment: (comment, revision, own) => {
      const author: Person | null =
        own === null || comment.author === null ? comment.author : { ...comment.author, kind: 'self' };
      return draft(
        {
          key: `comment:${row.ticketId}:${comment.id}`,
          type: 'comment.added',
          occurredAt: comment.at,
          revision,
          comment: { ...comment, author },
          actor: author,
          own: own !== null,
        },
        own,
      );
    },
    gone: (revision) =>
      draft({ key: `gone:${row.ticketId}:${revision}`, type: 'ticket.gone', occurredAt: null, revision }),
    seen: (revision) => draft({ key: '', type: 'ticket.time', occurredAt: null, revision }),
  };
}

const NOTHING_OF_OURS = { acknowledged: false, snoozed: false, revision: 0 };

function actorOf(person: Person | null | undefined, own: boolean): Person | null {
  if (person == null) return null;
  return own ? { ...person, kind: 'self' } : person;
}

/** The step of ours that made something, and how deep in a chain it stood. */
interface Cause {
  readonly stepId: string;
  readonly depth: number;
}

interface OwnChildren {
  /** The step that posted this comment, or null. */
  comment(ticketId: string, comment: Comment): Cause | null;
  /** The step that created this ticket, or null. */
  ticket(ticketId: string): Cause | null;
}

/** A comment is ours by its returned id, or by our account and the sent text; a forged reference is not enough. */
async function findOwnChildren(
  tx: Tx,
  context: ApplyContext,
  reads: readonly AppliedRead[],
  writes: readonly OwnWrite[],
): Promise<OwnChildren> {
  const comments = reads.flatMap(({ read }) =>
    read.gone || read.comments === null ? [] : read.comments.filter((comment) => mayBeOurs(comment, context)),
  );
  const [posted, created] = await Promise.all([
    madeBySteps(
      tx,
      context.connectionId,
      'comments',
      comments.map((comment) => comment.id),
    ),
    madeBySteps(
      tx,
      context.connectionId,
      'tickets',
      reads.map(({ read }) => read.id),
    ),
  ]);
  const texts = writes.filter((write) => write.field.startsWith('comment'));
  return {
    comment(ticketId, comment) {
      const byId = posted.get(comment.id) ?? null;
      if (byId !== null || !isBot(comment, context)) return byId;
      return texts.find((write) => write.ticketId === ticketId && isText(write.value, comment)) ?? null;
    },
    ticket: (ticketId) => created.get(ticketId) ?? null,
  };
}

/** The sent text, as the desk gives it back: stored as it was, escaped, or wrapped in markup. */
function isText(sent: unknown, comment: Comment): boolean {
  return typeof sent === 'string' && sameText(sent, comment.text ?? '');
}

/** Where a desk does not say which user we are, its comments are known by the ids that it returned. */
function mayBeOurs(comment: Comment, context: ApplyContext): boolean {
  return context.botUserId === null || isBot(comment, context);
}

function isBot(comment: Comment, context: ApplyContext): boolean {
  return context.botUserId !== null && comment.author?.id === context.botUserId;
}
