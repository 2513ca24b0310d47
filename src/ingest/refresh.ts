import type { Connection } from '../connections.ts';
import { messageOf, VendorError } from '../errors.ts';
import { readConnections } from '../record/connections.ts';
import { databaseNow } from '../record/database.ts';
import { baselineOf, connectionsInBaseline } from '../record/feeds.ts';
import { putOff, takeNominations, type Nomination } from '../record/nominations.ts';
import { nextReadSeq } from '../record/tickets.ts';
import { ownWritesForMs } from './apply.ts';
import { applyApart } from './poison.ts';
import { historyEnd, newTicketOverlapMs, type PollDeps } from './poll.ts';

/**
 * Nominations: tickets that somebody asked us to look at (a webhook nudge, an overtaken read). Each stays on record
 * until it was read and applied.
 */

const AT_ONCE = 20;
/** A nomination taken by an instance that died comes back after this. */
const TAKEN_FOR_MS = 60_000;
const FIRST_BACKOFF_MS = 2_000;
const LONGEST_BACKOFF_MS = 5 * 60_000;
const BASELINE_WAIT_MS = 2_000;
/** How often a connection that rests is asked whether it still does. */
const REST_MS = 5_000;

/**
 * Reads and applies the due nominations of a connection.
 *
 * @returns how many were fulfilled or put off
 */
export async function refreshOnce(
  connection: Connection,
  deps: PollDeps,
  signal: AbortSignal,
): Promise<number> {
  const taken = await takeNominations(deps.database.db, connection.id, AT_ONCE, TAKEN_FOR_MS);
  if (taken.length === 0) return 0;
  if ((await connectionsInBaseline(deps.database.db)).has(connection.id)) {
    for (const nomination of taken) {
      await putOff(deps.database.db, nomination, BASELINE_WAIT_MS, 'waits for the baseline', false);
    }
    return 0;
  }
  if (await rests(connection, deps)) {
    for (const nomination of taken) {
      await putOff(
        deps.database.db,
        nomination,
        REST_MS,
        'the connection is stopped, silent or paused',
        false,
      );
    }
    return 0;
  }
  await Promise.all(taken.map((nomination) => refreshTicket(connection, nomination, deps, signal)));
  return taken.length;
}

/** A desk that refused us or asked for silence is not called because somebody else names a ticket. */
async function rests(connection: Connection, { database }: PollDeps): Promise<boolean> {
  const [rows, now] = await Promise.all([readConnections(database.db), databaseNow(database.db)]);
  const row = rows.find((found) => found.id === connection.id);
  return row !== undefined && (row.paused || row.state === 'stopped' || (row.silentUntil ?? 0) > now);
}

async function refreshTicket(
  connection: Connection,
  nomination: Nomination,
  deps: PollDeps,
  signal: AbortSignal,
): Promise<void> {
  try {
    await readAndApply(connection, nomination, deps, signal);
  } catch (error) {
    const vendorError = error instanceof VendorError ? error : null;
    const backoff = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(nomination.failures, 10));
    const wait = vendorError?.retryAt === undefined ? backoff : vendorError.retryAt - deps.store.now();
    await putOff(deps.database.db, nomination, Math.max(250, wait), messageOf(error), !signal.aborted);
    deps.log.warn(
      { err: error, connection: connection.name, ticket: nomination.ticketId },
      'ticket not read',
    );
  }
}

async function readAndApply(
  connection: Connection,
  nomination: Nomination,
  deps: PollDeps,
  signal: AbortSignal,
): Promise<void> {
  const { db } = deps.database;
  if (connection.adapter === null) return;
  const book = await deps.store.active.refresh();
  const needs = book.matcher.fieldsRead(connection.name);
  const readSeq = await nextReadSeq(db);
  const read = await connection.adapter.readTicket(nomination.ticketId, new Set([...needs, 'comments']), {
    lane: 'poll',
    signal,
  });
  const [row, baselineAt] = await Promise.all([
    readConnections(db).then((rows) => rows.find((found) => found.id === connection.id)),
    baselineOf(db, connection.id),
  ]);
  const context = {
    connectionId: connection.id,
    connection: connection.name,
    vendor: connection.vendor.id,
    botUserId: row?.botUserId ?? null,
    feed: null,
    via: nomination.via === 'webhook' ? ('webhook' as const) : ('feed' as const),
    silent: false,
    baselineAt: historyEnd(baselineAt?.getTime() ?? 0),
    overlapMs: newTicketOverlapMs(connection),
    lateAfterMs: connection.lateAfterMs,
    wantSystemComments: needs.has('comment.system'),
    ownWritesForMs: ownWritesForMs(connection.pollEveryMs['tickets'] ?? 0),
  };
  const runs = await applyApart([{ read, readSeq, version: null, nomination }], context, deps);
  if (runs > 0) deps.onRuns();
}
