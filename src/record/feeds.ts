import { sql } from 'kysely';
import type { Json } from '../vendors/vendor.ts';
import type { Db, Tx } from './database.ts';

/** A feed whose lease this instance holds. */
export interface LeasedFeed {
  readonly connectionId: number;
  readonly feed: string;
  readonly fence: number;
  readonly cursor: Json | null;
  readonly nextPage: Json | null;
  readonly baselineAt: Date | null;
  readonly baselineDoneAt: Date | null;
  readonly lastCompleteAt: Date | null;
  readonly failures: number;
  /** app_now() of the lease, epoch ms. */
  readonly now: number;
}

/** Registers a connection's feeds; a feed with other settings starts over with a silent baseline. */
export async function upsertFeeds(
  db: Db,
  rows: readonly { readonly connectionId: number; readonly feed: string; readonly settingsHash: string }[],
): Promise<void> {
  for (const row of rows) {
    await sql`
      INSERT INTO feeds (connection_id, feed, settings_hash) VALUES (${row.connectionId}, ${row.feed}, ${row.settingsHash})
      ON CONFLICT (connection_id, feed) DO UPDATE
        SET settings_hash = excluded.settings_hash, cursor = NULL, next_page = NULL, baseline_at = NULL,
            baseline_done_at = NULL, last_complete_at = NULL, next_poll_at = app_now()
        WHERE feeds.settings_hash <> excluded.settings_hash`.execute(db);
  }
}

/**
 * Takes the lease of one feed of these connections that is due, if any. An instance walks one feed of a connection
 * at a time, so a lease of its own that stands there was not given back when the database was away.
 */
export async function leaseDueFeed(
  db: Db,
  instanceId: string,
  connectionIds: readonly number[],
): Promise<LeasedFeed | null> {
  const { rows } = await sql<LeasedFeed>`
    UPDATE feeds SET lease_owner = ${instanceId}, fence = fence + 1,
           -- A baseline that was interrupted before anything of it was saved begins anew.
           baseline_at = CASE WHEN baseline_done_at IS NULL AND next_page IS NULL THEN app_now()
                              ELSE coalesce(baseline_at, app_now()) END,
           walk_started_at = CASE WHEN next_page IS NULL THEN app_now() ELSE coalesce(walk_started_at, app_now()) END
     WHERE (connection_id, feed) = (
       SELECT f.connection_id, f.feed FROM feeds f JOIN connections c ON c.id = f.connection_id
        WHERE (f.lease_owner IS NULL OR f.lease_owner = ${instanceId})
          AND f.next_poll_at <= app_now() AND f.connection_id = ANY(${connectionIds}::int[])
          AND c.paused_at IS NULL AND coalesce(c.silent_until <= app_now(), true)
        ORDER BY f.next_poll_at LIMIT 1 FOR UPDATE OF f SKIP LOCKED)
    RETURNING connection_id AS "connectionId", feed, fence, cursor, next_page AS "nextPage",
              baseline_at AS "baselineAt", baseline_done_at AS "baselineDoneAt",
              last_complete_at AS "lastCompleteAt", failures,
              (extract(epoch FROM app_now()) * 1000)::float8 AS now`.execute(db);
  return rows[0] ?? null;
}

/** The lease was taken over: whatever this walk read belongs to nobody. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/**
 * Saves how far a walk came, in the page's transaction.
 *
 * @throws LeaseLostError if the fence moved
 */
export async function saveWalk(
  tx: Tx,
  instanceId: string,
  feed: Pick<LeasedFeed, 'connectionId' | 'feed' | 'fence'>,
  walk: { readonly nextPage: Json } | { readonly cursor: Json; readonly degraded?: string | null },
): Promise<void> {
  const done = 'cursor' in walk;
  const result = await sql`
    UPDATE feeds SET
        next_page = ${done ? null : JSON.stringify(walk.nextPage)}::jsonb,
        cursor = CASE WHEN ${done} THEN ${done ? JSON.stringify(walk.cursor) : null}::jsonb ELSE cursor END,
        degraded = CASE WHEN ${done} THEN ${done ? (walk.degraded ?? null) : null}::text ELSE degraded END,
        baseline_done_at = CASE WHEN ${done} THEN coalesce(baseline_done_at, app_now()) ELSE baseline_done_at END,
        last_complete_at = CASE WHEN ${done} THEN walk_started_at ELSE last_complete_at END
     WHERE connection_id = ${feed.connectionId} AND feed = ${feed.feed}
       AND lease_owner = ${instanceId} AND fence = ${feed.fence}`.execute(tx);
  if (result.numAffectedRows !== 1n) {
    throw new LeaseLostError(`the lease of feed ${feed.feed} was taken over by another instance`);
  }
}

/** Ends a lease and says when the feed is polled next. */
export async function releaseFeed(
  db: Db,
  instanceId: string,
  feed: Pick<LeasedFeed, 'connectionId' | 'feed' | 'fence'>,
  next: { readonly inMs: number; readonly error: string | null },
): Promise<void> {
  await sql`
    UPDATE feeds SET lease_owner = NULL, next_poll_at = app_now() + ${next.inMs}::float8 * interval '1 millisecond',
           failures = CASE WHEN ${next.error}::text IS NULL THEN 0 ELSE failures + 1 END, last_error = ${next.error}
     WHERE connection_id = ${feed.connectionId} AND feed = ${feed.feed}
       AND lease_owner = ${instanceId} AND fence = ${feed.fence}`.execute(db);
}

/** How the feeds of a connection fare. */
export interface FeedsHealth {
  /** Polls in a row that failed, of the feed with most of them. */
  readonly failures: number;
  /** The fallbacks that feeds had to take; null: none. */
  readonly degraded: string | null;
}

export async function readFeedsHealth(db: Db, connectionId: number): Promise<FeedsHealth> {
  const { rows } = await sql<FeedsHealth>`
    SELECT coalesce(max(failures), 0)::int AS failures, string_agg(degraded, '; ' ORDER BY feed) AS degraded
      FROM feeds WHERE connection_id = ${connectionId}`.execute(db);
  return rows[0] ?? { failures: 0, degraded: null };
}

/** Makes those feeds due that were put off because they failed: what they failed for may have changed. */
export async function retryFeeds(db: Db, connectionId: number): Promise<void> {
  await sql`
    UPDATE feeds SET next_poll_at = app_now()
     WHERE connection_id = ${connectionId} AND failures > 0 AND next_poll_at > app_now()`.execute(db);
}

/** Frees the feeds of instances that are gone. */
export async function freeFeeds(tx: Tx, deadInstances: readonly string[]): Promise<void> {
  await sql`
    UPDATE feeds SET lease_owner = NULL, fence = fence + 1, next_poll_at = app_now()
     WHERE lease_owner = ANY(${deadInstances}::uuid[])`.execute(tx);
}

/** Connections on which some feed has not finished its silent baseline: nudges wait for it. */
export async function connectionsInBaseline(db: Db): Promise<ReadonlySet<number>> {
  const rows = await db
    .selectFrom('feeds')
    .select('connection_id')
    .distinct()
    .where('baseline_done_at', 'is', null)
    .execute();
  return new Set(rows.map((row) => row.connection_id));
}

/** When each connection's oldest baseline began; older tickets and comments are history. */
export async function baselineOf(db: Db, connectionId: number): Promise<Date | null> {
  const row = await db
    .selectFrom('feeds')
    .select((eb) => eb.fn.min('baseline_at').as('at'))
    .where('connection_id', '=', connectionId)
    .executeTakeFirst();
  return row?.at ?? null;
}
