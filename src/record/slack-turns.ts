import { sql } from 'kysely';
import type { Database, Db, Tx } from './database.ts';
import { openLanes } from './runs.ts';

/** A post that waits for its channel's turn, or was taken along by another one. */
export interface WaitingPost {
  readonly stepId: string;
  readonly connectionId: number;
  readonly ticketId: string | null;
  /** The rendered text, escaped. */
  readonly line: string;
  readonly carriedBy: string | null;
  readonly ts: string | null;
}

export interface Pace {
  /** Between the end of one call to the channel and the next. */
  readonly channelMs: number;
  /** How long the channel is held while the call is under way. */
  readonly holdMs: number;
  /** The workspace's gate for this kind of call, its mean interval and how much may come at once. */
  readonly workspace: string;
  readonly workspaceMs: number;
  readonly burstMs: number;
}

export type Turn = { readonly granted: true } | { readonly granted: false; readonly inMs: number };

/**
 * Takes the channel's turn, for all instances: 1 message per second and channel (Slack: chat.postMessage), counted from
 * the end of the call before, and a workspace-wide rate with some room for bursts.
 */
export async function takeTurn(tx: Tx, channel: string, pace: Pace): Promise<Turn> {
  await sql`
    INSERT INTO slack_gates (name) VALUES (${channel}), (${pace.workspace}) ON CONFLICT DO NOTHING`.execute(
    tx,
  );
  const { rows } = await sql<{ name: string; wait: number }>`
    SELECT name, (extract(epoch FROM CASE WHEN next_at = '-infinity' THEN app_now() ELSE next_at END - app_now()) * 1000)::float8 AS wait
      FROM slack_gates WHERE name IN (${channel}, ${pace.workspace}) ORDER BY name FOR UPDATE`.execute(tx);
  const waitOf = (name: string): number => rows.find((row) => row.name === name)?.wait ?? 0;
  const inMs = Math.max(waitOf(channel), waitOf(pace.workspace) - pace.burstMs);
  if (inMs > 0) return { granted: false, inMs };
  await sql`
    UPDATE slack_gates SET next_at = CASE
        WHEN name = ${channel} THEN app_now() + ${pace.holdMs}::float8 * interval '1 millisecond'
        ELSE greatest(next_at, app_now()) + ${pace.workspaceMs}::float8 * interval '1 millisecond' END
     WHERE name IN (${channel}, ${pace.workspace})`.execute(tx);
  return { granted: true };
}

/** The call is over: the next one may follow after this pause. */
export async function endTurn(db: Db, channel: string, pauseMs: number): Promise<void> {
  await sql`
    UPDATE slack_gates SET next_at = app_now() + ${pauseMs}::float8 * interval '1 millisecond'
     WHERE name = ${channel}`.execute(db);
}

/** Puts a post into its channel's queue; it keeps its place when it is there already, also after a turn that came to nothing. */
export async function queuePost(
  db: Db,
  post: Omit<WaitingPost, 'carriedBy' | 'ts'> & { readonly channel: string },
): Promise<void> {
  await sql`
    INSERT INTO slack_waiting (step_id, channel, connection_id, ticket_id, line)
    VALUES (${post.stepId}, ${post.channel}, ${post.connectionId}, ${post.ticketId}, ${post.line})
    ON CONFLICT (step_id) DO UPDATE
      SET line = excluded.line, carried_by = nullif(slack_waiting.carried_by, slack_waiting.step_id)
      WHERE slack_waiting.ts IS NULL`.execute(db);
}

const COLUMNS = sql.raw(
  'step_id AS "stepId", connection_id AS "connectionId", ticket_id AS "ticketId", line, carried_by AS "carriedBy", ts',
);

/** This step's place in the queue, if it has one. */
export async function readWaiting(db: Db, stepId: string): Promise<WaitingPost | null> {
  const { rows } = await sql<WaitingPost>`
    SELECT ${COLUMNS} FROM slack_waiting WHERE step_id = ${stepId}`.execute(db);
  return rows[0] ?? null;
}

/** How many posts of other steps wait in a channel. */
export async function countWaiting(db: Db, channel: string, stepId: string): Promise<number> {
  const { rows } = await sql<{ waiting: number }>`
    SELECT count(*)::int AS waiting FROM (
      SELECT 1 FROM slack_waiting WHERE channel = ${channel} AND carried_by IS NULL AND step_id <> ${stepId} LIMIT 200) w`.execute(
    db,
  );
  return rows[0]?.waiting ?? 0;
}

/** Takes the oldest waiting posts along; posts whose step does not wait any more are dropped. */
export async function carryWaiting(
  tx: Tx,
  channel: string,
  carrier: string,
  most: number,
): Promise<readonly WaitingPost[]> {
  await sql`
    DELETE FROM slack_waiting w USING steps s
     WHERE w.channel = ${channel} AND w.carried_by IS NULL AND s.id = w.step_id
       AND s.state NOT IN ('pending', 'postponed')`.execute(tx);
  await sql`
    UPDATE slack_waiting SET carried_by = ${carrier}
     WHERE step_id IN (
       SELECT step_id FROM slack_waiting
        WHERE channel = ${channel} AND carried_by IS NULL AND step_id <> ${carrier}
        ORDER BY queued_at, step_id LIMIT ${most} FOR UPDATE SKIP LOCKED)`.execute(tx);
  return readCarried(tx, carrier);
}

/** The carrier goes now and cannot be taken along by another. */
export async function carrySelf(tx: Tx, stepId: string): Promise<void> {
  await sql`UPDATE slack_waiting SET carried_by = step_id WHERE step_id = ${stepId}`.execute(tx);
}

/** What a carrier's message says besides its own text, oldest first. */
export async function readCarried(db: Db, carrier: string): Promise<readonly WaitingPost[]> {
  const { rows } = await sql<WaitingPost>`
    SELECT ${COLUMNS} FROM slack_waiting
     WHERE carried_by = ${carrier} AND step_id <> ${carrier} ORDER BY queued_at, step_id`.execute(db);
  return rows;
}

/** The carrier's message stands: everybody in it is done. @returns steps to wake */
export async function markCarried(tx: Tx, carrier: string, ts: string): Promise<readonly string[]> {
  const { rows } = await sql<{ step_id: string }>`
    UPDATE slack_waiting SET ts = ${ts} WHERE carried_by = ${carrier} AND step_id <> ${carrier} RETURNING step_id`.execute(
    tx,
  );
  await sql`DELETE FROM slack_waiting WHERE step_id = ${carrier}`.execute(tx);
  return rows.map((row) => row.step_id);
}

/** Back into the queue: the carrier came to nothing. */
export async function releaseCarried(db: Db, stepId: string): Promise<void> {
  await sql`UPDATE slack_waiting SET carried_by = NULL WHERE step_id = ${stepId} AND ts IS NULL`.execute(db);
}

export async function leaveQueue(db: Db, stepId: string): Promise<void> {
  await sql`DELETE FROM slack_waiting WHERE step_id = ${stepId}`.execute(db);
}

/** The state of any step, for those that depend on it. */
export async function stateOfStep(db: Db, stepId: string): Promise<string | null> {
  const row = await db.selectFrom('steps').select('state').where('id', '=', stepId).executeTakeFirst();
  return row?.state ?? null;
}

/** Makes postponed or waiting steps due now. Lanes first, as everywhere. */
export async function wakeSteps(database: Database, stepIds: readonly string[]): Promise<void> {
  if (stepIds.length === 0) return;
  await database.transaction((tx) => wakeStepsIn(tx, stepIds));
}

/** The same within a transaction of the caller. */
export async function wakeStepsIn(tx: Tx, stepIds: readonly string[]): Promise<void> {
  const { rows } = await sql<{ lane_id: string }>`
    SELECT DISTINCT lane_id FROM steps WHERE id = ANY(${stepIds}::uuid[])`.execute(tx);
  await openLanes(
    tx,
    rows.map((row) => row.lane_id),
  );
  await sql`
    UPDATE steps SET due_at = app_now()
     WHERE id = ANY(${stepIds}::uuid[]) AND state IN ('postponed', 'waiting')`.execute(tx);
}

/** The step at the head of each free channel's queue: its turn has come. */
export async function nextInQueues(db: Db): Promise<readonly string[]> {
  const { rows } = await sql<{ step_id: string }>`
    SELECT DISTINCT ON (w.channel) w.step_id
      FROM slack_waiting w
      LEFT JOIN slack_gates g ON g.name = w.channel
      JOIN steps s ON s.id = w.step_id
     WHERE w.carried_by IS NULL AND coalesce(g.next_at, '-infinity') <= app_now() AND s.state = 'postponed'
     ORDER BY w.channel, w.queued_at, w.step_id`.execute(db);
  return rows.map((row) => row.step_id);
}
