import type { Connection } from '../connections.ts';
import { messageOf, VendorError } from '../errors.ts';
import type { Log } from '../log.ts';
import {
  recordSelfTest,
  readConnections,
  setConnectionState,
  restAfterRefusal,
} from '../record/connections.ts';
import type { Database, Tx } from '../record/database.ts';
import {
  leaseDueFeed,
  LeaseLostError,
  readFeedsHealth,
  releaseFeed,
  saveWalk,
  type LeasedFeed,
} from '../record/feeds.ts';
import { recordCoverage } from '../record/coverage.ts';
import { nominate } from '../record/nominations.ts';
import { nextReadSeq, readUnfinished, readVersions } from '../record/tickets.ts';
import type { CallContext, FeedGap, FeedPage, FeedSpec, Needs, TicketRow } from '../vendors/vendor.ts';
import { ownWritesForMs, type AppliedRead, type ApplyContext } from './apply.ts';
import { coveredBy, gapOf } from './gap.ts';
import { occurrenceDrafts } from './occurrences.ts';
import { ownEvent } from './own-events.ts';
import { applyApart } from './poison.ts';
import { inRuleSet, storeEvents, storeGroup, type StoreDeps } from './store-event.ts';

/**
 * Feeds: in come pages of a vendor's list, out go applied tickets and a cursor that never moves before what it
 * covers is committed. Holds no transaction and no lock while it talks to the vendor.
 */

export interface PollDeps {
  readonly database: Database;
  readonly store: StoreDeps;
  readonly instanceId: string;
  readonly log: Log;
  /** Told after commits that planned something. */
  readonly onRuns: () => void;
  readonly crash: (point: 'after_insert' | 'after_cursor') => void;
}

/** Tickets per transaction: enough to be cheap, few enough not to hold locks for long. */
const CHUNK = 50;
const FIRST_BACKOFF_MS = 5_000;
const LONGEST_BACKOFF_MS = 10 * 60_000;
/** A feed that is asked often is asked hardly less while it fails: people expect it soon after the desk is back. */
const LONGEST_BACKOFF_OF_OFTEN_MS = 60_000;
/** A refused credential is tried once more after the lock-out, then left alone until it changes. */
const AUTH_PAUSE_MS = 6 * 60_000;
const UNTIL_CHANGED_MS = 10 * 365 * 86_400_000;
const DEADLINE_MS = 10 * 60_000;
/** A walk that takes longer goes on in the next round: other feeds of the desk are due too. */
const SLICE_MS = 5 * 60_000;
/** Integration reference 1.3 and 4.2: probes at start and daily. */
const TEST_EVERY_MS = 24 * 3_600_000;
/** So many failures in a row are no hiccup. */
const DEGRADED_AFTER = 3;

/**
 * Walks one due feed of a connection, to its end unless that takes very long.
 *
 * @returns false if no feed was due
 */
export async function pollOnce(
  connection: Connection,
  deps: PollDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const feed = await leaseDueFeed(deps.database.db, deps.instanceId, [connection.id]);
  if (feed === null) return false;
  const release = (inMs: number, error: string | null): Promise<void> =>
    releaseFeed(deps.database.db, deps.instanceId, feed, { inMs, error });
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]);
    const lane = feed.baselineDoneAt === null ? 'backfill' : 'poll';
    await testOnce(connection, deps, { lane: 'poll', signal: limited });
    const isComplete = await walk(connection, feed, deps, { lane, signal: limited });
    await release(isComplete ? (connection.pollEveryMs[feed.feed] ?? 60_000) : 0, null);
    if (isComplete) await settled(connection, deps);
  } catch (error) {
    if (error instanceof LeaseLostError) return true;
    if (signal.aborted) await release(0, null);
    else await release(await failed(connection, feed, error, deps), messageOf(error));
  }
  return true;
}

/** @returns false if it is to go on in the next round */
async function walk(
  connection: Connection,
  feed: LeasedFeed,
  deps: PollDeps,
  context: CallContext,
): Promise<boolean> {
  const { adapter } = connection;
  if (adapter === null) return true;
  const startedAt = deps.store.now();
  const book = await deps.store.active.refresh();
  const needs = book.matcher.fieldsRead(connection.name);
  const spec = specOf(connection, feed.feed);
  const gap = gapOf(feed, spec);
  if (gap !== null) await announceGap(connection, feed, spec, gap, deps);
  const apply = await applyContext(connection, feed, gap, needs, deps);
  const listsOpen = spec.lists === 'open' && !apply.silent;
  const unfinished =
    (spec.wantsUnfinished === true && !apply.silent) || listsOpen
      ? await readUnfinished(deps.database.db, connection.id)
      : [];
  const absent = new Set(listsOpen ? unfinished : []);
  const coverage = coveredBy(feed, gap, spec.healsGaps === true);
  // What a list of all open tickets lacks shows only in one piece: a walk that was cut off begins again.
  let next = listsOpen ? null : feed.nextPage;
  for (;;) {
    const readSeq = await nextReadSeq(deps.database.db);
    const position = { cursor: feed.cursor, next, baseline: apply.silent, unfinished, gap };
    const page = await adapter.readPage(feed.feed, position, needs, context);
    for (const row of page.rows) absent.delete(row.observed.id);
    await applyPage(connection, feed, page, readSeq, { needs, apply, context, coverage, absent }, deps);
    if (page.next === null) return true;
    if (!listsOpen && deps.store.now() - startedAt >= SLICE_MS) return false;
    next = page.next;
  }
}

/** Open when the walk began and not in the list of open tickets: closed, merged or deleted, so read by id. */
async function nominateAbsent(tx: Tx, connection: Connection, ids: ReadonlySet<string>): Promise<void> {
  const rows = [...ids].map((ticketId) => ({ connectionId: connection.id, ticketId, via: 'sweep' }));
  await nominate(tx, rows, 0);
}

function specOf(connection: Connection, feed: string): FeedSpec {
  const spec = connection.vendor.capabilities.feeds.find(({ name }) => name === feed);
  if (spec === undefined) throw new Error(`${connection.vendor.id} has no feed ${feed}`);
  return spec;
}

interface PageContext {
  readonly needs: Needs;
  readonly apply: ApplyContext;
  readonly context: CallContext;
  /** What the walk has covered once its last page is saved. */
  readonly coverage: { readonly from: Date; readonly to: Date };
  /** Tickets that a list of all open ones has not shown so far. */
  readonly absent: ReadonlySet<string>;
}

async function applyPage(
  connection: Connection,
  feed: LeasedFeed,
  page: FeedPage,
  readSeq: number,
  walked: PageContext,
  deps: PollDeps,
): Promise<void> {
  const { apply, coverage, absent } = walked;
  const changed = await changedRows(connection, specOf(connection, feed.feed), page.rows, deps);
  for (let start = 0; start < changed.length; start += CHUNK) {
    const rows = changed.slice(start, start + CHUNK);
    const reads = await completeRows(connection, feed, rows, readSeq, walked);
    const runs = await applyApart(reads, apply, deps);
    deps.crash('after_insert');
    if (runs > 0) deps.onRuns();
  }
  const position =
    page.next === null ? { cursor: page.cursor, degraded: page.degraded ?? null } : { nextPage: page.next };
  const result = await inRuleSet(deps.database, deps.store.active, async (tx, book) => {
    const drafts = apply.silent ? [] : await occurrenceDrafts(tx, page.occurrences, apply, deps.store);
    const stored = await storeEvents(tx, book, drafts, deps.store);
    await saveWalk(tx, deps.instanceId, feed, position);
    if (page.next === null) {
      await recordCoverage(tx, feed, coverage);
      await nominateAbsent(tx, connection, absent);
    }
    return stored;
  });
  if (page.next === null) deps.crash('after_cursor');
  if (result.runs > 0) deps.onRuns();
}

/**
 * Where a feed's tokens are stored. Feeds with the same tokens share one place: beside the newer token of the other
 * one, an older of its own would let a change and its undoing pass for nothing.
 */
function slotOf({ name, versionsOf }: FeedSpec): string {
  return versionsOf ?? name;
}

/** Rows whose change token is not the stored one. */
async function changedRows(
  connection: Connection,
  spec: FeedSpec,
  rows: readonly TicketRow[],
  deps: PollDeps,
): Promise<readonly TicketRow[]> {
  const ids = rows.map((row) => row.observed.id);
  const known = await readVersions(deps.database.db, connection.id, slotOf(spec), ids);
  return rows.filter((row) => known.get(row.observed.id) !== row.version);
}

/** During the baseline the list row is enough; afterwards comments, and whatever rules read, are fetched. */
async function completeRows(
  connection: Connection,
  feed: LeasedFeed,
  rows: readonly TicketRow[],
  readSeq: number,
  { needs, apply, context }: PageContext,
): Promise<readonly AppliedRead[]> {
  const reads =
    apply.silent || connection.adapter === null
      ? rows.map((row) => ({
          gone: false as const,
          id: row.observed.id,
          observed: row.observed,
          comments: null,
        }))
      : await connection.adapter.readChanged(rows, needs, context);
  return reads.map((read, index) => ({
    read,
    readSeq,
    version: { feed: slotOf(specOf(connection, feed.feed)), token: rows[index]?.version ?? '' },
    nomination: null,
  }));
}

async function applyContext(
  connection: Connection,
  feed: LeasedFeed,
  gap: FeedGap | null,
  needs: Needs,
  deps: PollDeps,
): Promise<ApplyContext> {
  const rows = await readConnections(deps.database.db);
  const pollMs = connection.pollEveryMs[feed.feed] ?? 60_000;
  return {
    connectionId: connection.id,
    connection: connection.name,
    vendor: connection.vendor.id,
    botUserId: rows.find((row) => row.id === connection.id)?.botUserId ?? null,
    feed: feed.feed,
    via: gap === null ? 'feed' : 'backfill',
    silent: feed.baselineDoneAt === null,
    baselineAt: historyEnd(feed.baselineAt?.getTime() ?? feed.now),
    overlapMs: newTicketOverlapMs(connection),
    lateAfterMs: connection.lateAfterMs,
    wantSystemComments: needs.has('comment.system'),
    ownWritesForMs: ownWritesForMs(pollMs),
  };
}

/**
 * Where history ends: desks that stamp whole seconds say of what happened right after the baseline began that it
 * happened before. What lies in that second is told; nothing is taken for history that may be news.
 */
export function historyEnd(baselineAt: number): number {
  return Math.floor(baselineAt / 1000) * 1000;
}

/**
 * How long before the baseline a ticket may have been created and still be new: what the quickest feed shows late,
 * not what the nightly one does (integration reference 1.2.3).
 */
export function newTicketOverlapMs({ pollEveryMs }: Connection): number {
  return 2 * Math.min(...Object.values(pollEveryMs)) + 5 * 60_000;
}

/**
 * The self-test runs once for all instances, under the feed's lease, so that N instances do not lock an account out;
 * and once a day, for what has changed at the desk.
 */
async function testOnce(connection: Connection, deps: PollDeps, context: CallContext): Promise<void> {
  const row = (await readConnections(deps.database.db)).find((found) => found.id === connection.id);
  const isTested = row?.testedWith === connection.fingerprint && (row.testedAgoMs ?? 0) < TEST_EVERY_MS;
  if (isTested || connection.adapter === null) return;
  const result = await connection.adapter.selfTest(context);
  await recordSelfTest(deps.database.db, connection.id, {
    testedWith: connection.fingerprint,
    ...result,
  });
}

/** Decides when to poll again after a failure, and tells operators about those that they must mend. */
async function failed(
  connection: Connection,
  feed: LeasedFeed,
  error: unknown,
  deps: PollDeps,
): Promise<number> {
  const backoff = backoffMs(feed.failures, connection.pollEveryMs[feed.feed] ?? 0);
  if (!(error instanceof VendorError)) {
    deps.log.error({ err: error, connection: connection.name, feed: feed.feed }, 'poll failed');
    return backoff;
  }
  deps.log.warn(
    { connection: connection.name, feed: feed.feed, reason: error.reason, err: error },
    'poll failed',
  );
  if (error.reason === 'auth') {
    const { db } = deps.database;
    const row = (await readConnections(db)).find((found) => found.id === connection.id);
    const restMs = row?.state === 'stopped' ? UNTIL_CHANGED_MS : AUTH_PAUSE_MS;
    await restAfterRefusal(db, connection.id, connection.fingerprint, restMs);
    await announce(connection, 'connection.auth_failed', 'stopped', error, deps);
    return restMs;
  }
  if (error.reason !== 'rate_limited' && feed.failures + 1 >= DEGRADED_AFTER) {
    await announce(connection, 'connection.degraded', 'degraded', error, deps);
  }
  return error.retryAt === undefined ? backoff : Math.max(250, error.retryAt - deps.store.now());
}

/** Doubles with each failure in a row. @param everyMs how often the feed is asked while it is well */
export function backoffMs(failures: number, everyMs: number): number {
  const longest = Math.min(LONGEST_BACKOFF_MS, Math.max(LONGEST_BACKOFF_OF_OFTEN_MS, everyMs));
  return Math.min(longest, FIRST_BACKOFF_MS * 2 ** Math.min(failures, 10));
}

/** One operations event per change of state, not one per failed poll. */
async function announce(
  connection: Connection,
  type: string,
  state: 'ok' | 'degraded' | 'stopped',
  because: { readonly reason: string; readonly message: string } | null,
  deps: PollDeps,
): Promise<void> {
  const reason = because?.reason ?? null;
  const changed = await setConnectionState(deps.database.db, connection.id, state, reason);
  if (!changed) return;
  const id = deps.store.newId();
  const draft = ownEvent(
    {
      type,
      key: `${type}:${id}`,
      connectionId: connection.id,
      connection: connection.name,
      vendor: connection.vendor.id,
      via: 'feed',
      body: {
        connection: connection.name,
        state,
        reason,
        message: because?.message ?? null,
      },
    },
    deps.store,
  );
  const result = await storeGroup(deps.database, [draft], deps.store);
  if (result.runs > 0) deps.onRuns();
}

/** A time that the feed does not show any more is said, whether or not it can be made good; once per gap. */
async function announceGap(
  connection: Connection,
  feed: LeasedFeed,
  spec: FeedSpec,
  gap: FeedGap,
  deps: PollDeps,
): Promise<void> {
  const body = { feed: feed.feed, ...gap, recoverable: spec.healsGaps === true };
  deps.log.warn({ connection: connection.name, ...body }, 'nobody looked for longer than the feed shows');
  const draft = ownEvent(
    {
      type: 'feed.gap',
      key: `feed.gap:${feed.feed}:${gap.from}`,
      connectionId: connection.id,
      connection: connection.name,
      vendor: connection.vendor.id,
      via: 'feed',
      feed: feed.feed,
      body,
    },
    deps.store,
  );
  const result = await storeGroup(deps.database, [draft], deps.store);
  if (result.runs > 0) deps.onRuns();
}

/** After a poll that went well: all feeds together say how the connection is. */
async function settled(connection: Connection, deps: PollDeps): Promise<void> {
  const { db } = deps.database;
  const row = (await readConnections(db)).find((found) => found.id === connection.id);
  if (row === undefined) return;
  const { failures, degraded } = await readFeedsHealth(db, connection.id);
  // Another feed still fails, and has said so; credentials, however, are those of all.
  if (row.state !== 'stopped' && failures >= DEGRADED_AFTER) return;
  if (degraded !== null) {
    const because = { reason: degraded, message: degraded };
    await announce(connection, 'connection.degraded', 'degraded', because, deps);
  } else if (row.state !== 'ok') {
    await announce(connection, 'connection.recovered', 'ok', null, deps);
  }
}
