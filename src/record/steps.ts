import { sql } from 'kysely';
import type { Json } from '../vendors/vendor.ts';
import { toJsonb, type Db, type Tx } from './database.ts';
import type { AttemptState, Intent, Part, StepState } from './tables.ts';

/** A step with a lane that this instance holds. Everything the executor needs, except event and rule version. */
export interface ClaimedStep {
  readonly stepId: string;
  readonly runId: string;
  readonly laneId: string;
  readonly fence: number;
  readonly connectionId: number;
  readonly action: string;
  readonly path: string;
  readonly iteration: number;
  readonly position: number;
  readonly state: StepState;
  readonly attempts: number;
  readonly wantedAt: Date | null;
  readonly intent: Intent | null;
  readonly parts: Readonly<Record<string, Part>>;
  readonly ruleId: string;
  readonly ruleVersionId: number;
  readonly eventId: string;
  readonly eventAt: Date;
  readonly ticketId: string | null;
  readonly depth: number;
  readonly shadow: boolean;
  readonly progress: { readonly waited?: boolean; readonly wrote?: boolean };
  /** app_now() of the claim, epoch ms. */
  readonly now: number;
  /** How long the step was due by then. */
  readonly lagMs: number;
}

/**
 * Claims lanes with a due step, one step each. Lanes are locked in one statement and their steps read in the next:
 * in one statement a lane that was freed meanwhile would hand out a step that is already done.
 */
export async function claimSteps(tx: Tx, instanceId: string, limit: number): Promise<readonly ClaimedStep[]> {
  const locked = await sql<{ id: string }>`
    SELECT id FROM lanes WHERE lease_owner IS NULL AND next_due_at <= app_now()
     ORDER BY next_due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED`.execute(tx);
  const lanes = locked.rows.map((row) => row.id);
  if (lanes.length === 0) return [];

  // A step in `sending` occupies its lane: if it is not due for verification, nothing of the lane is.
  const claimed = await sql<ClaimedStep>`
    SELECT s.id AS "stepId", s.run_id AS "runId", s.lane_id AS "laneId", nextval('read_seq') AS fence,
           s.connection_id AS "connectionId", s.action, s.path, s.iteration, s.position, s.state, s.attempts,
           s.wanted_at AS "wantedAt", s.intent, s.parts, r.rule_id AS "ruleId",
           r.rule_version_id AS "ruleVersionId", r.event_id AS "eventId", r.event_at AS "eventAt",
           r.ticket_id AS "ticketId", r.depth, r.shadow, r.progress,
           (extract(epoch FROM app_now()) * 1000)::float8 AS now,
           (extract(epoch FROM app_now() - s.due_at) * 1000)::float8 AS "lagMs"
      FROM unnest(${lanes}::uuid[]) AS lane (id)
      CROSS JOIN LATERAL (
        SELECT st.* FROM steps st JOIN runs ru ON ru.id = st.run_id
         WHERE st.lane_id = lane.id AND st.due_at IS NOT NULL
         ORDER BY (st.state = 'sending') DESC, st.due_at, ru.event_id, st.rule_order, ru.rule_id, st.position, st.iteration
         LIMIT 1) s
      JOIN runs r ON r.id = s.run_id
     WHERE s.due_at <= app_now()`.execute(tx);

  // Fences are never used twice: a lane is removed when it is empty and may come back with its next event.
  const taken = claimed.rows.map((row) => row.laneId);
  const takenLanes = new Set(taken);
  await Promise.all([
    sql`
      UPDATE lanes SET lease_owner = ${instanceId}, fence = row.fence
        FROM unnest(${taken}::uuid[], ${claimed.rows.map((row) => row.fence)}::bigint[]) AS row (id, fence)
       WHERE lanes.id = row.id`.execute(tx),
    settleLanes(
      tx,
      lanes.filter((lane) => !takenLanes.has(lane)),
    ),
  ]);
  return claimed.rows;
}

/** Sets each lane's next due moment from its steps, and removes lanes with nothing left to do. */
async function settleLanes(tx: Tx, lanes: readonly string[]): Promise<void> {
  if (lanes.length === 0) return;
  await sql`
    WITH due AS (
      SELECT lane.id, (SELECT st.due_at FROM steps st WHERE st.lane_id = lane.id AND st.due_at IS NOT NULL
                        ORDER BY (st.state = 'sending') DESC, st.due_at LIMIT 1) AS next_due_at
        FROM unnest(${lanes}::uuid[]) AS lane (id)),
    gone AS (
      DELETE FROM lanes USING due WHERE lanes.id = due.id AND due.next_due_at IS NULL)
    UPDATE lanes SET lease_owner = NULL, next_due_at = due.next_due_at
      FROM due WHERE lanes.id = due.id AND due.next_due_at IS NOT NULL`.execute(tx);
}

export interface Lease {
  readonly laneId: string;
  readonly fence: number;
}

/**
 * Locks the lanes, in id order, and tells which of the leases still stand. Every transaction that records something
 * under a lease starts with this: a process that was frozen past its lease records nothing.
 */
async function standing(tx: Tx, instanceId: string, leases: readonly Lease[]): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ id: string }>`
    SELECT l.id FROM lanes l
      JOIN unnest(${leases.map((lease) => lease.laneId)}::uuid[], ${leases.map((lease) => lease.fence)}::bigint[])
        AS mine (id, fence) ON mine.id = l.id AND mine.fence = l.fence
     WHERE l.lease_owner = ${instanceId}
     ORDER BY l.id FOR UPDATE OF l`.execute(tx);
  return new Set(rows.map((row) => row.id));
}

/** What is about to be sent; committed before the call. */
export interface NewIntent extends Lease {
  readonly stepId: string;
  readonly intent: Intent;
  readonly parts: Readonly<Record<string, Part>>;
  readonly ownWrites: readonly NewOwnWrite[];
}

export interface NewOwnWrite {
  readonly id: string;
  readonly connectionId: number;
  readonly ticketId: string;
  readonly stepId: string;
  readonly field: string;
  readonly value: unknown;
  readonly depth: number;
}

/**
 * Commits intents: the steps are `sending`, and what will be ours is on record.
 *
 * @returns ids of the steps that may now be sent; for the others the lease is lost
 */
export async function recordIntents(
  tx: Tx,
  instanceId: string,
  intents: readonly NewIntent[],
): Promise<ReadonlySet<string>> {
  const lanes = await standing(tx, instanceId, intents);
  const allowed = intents.filter((intent) => lanes.has(intent.laneId));
  const marked = sql`
    UPDATE steps SET state = 'sending', reason = NULL, intent = row.intent, parts = row.parts,
                     attempts = steps.attempts + 1,
                     wanted_at = coalesce(steps.wanted_at, app_now()),
                     due_at = to_timestamp(row.deadline_ms / 1000.0)
      FROM unnest(${allowed.map((row) => row.stepId)}::uuid[],
                  ${allowed.map((row) => toJsonb(row.intent))}::jsonb[],
                  ${allowed.map((row) => toJsonb(row.parts))}::jsonb[],
                  ${allowed.map((row) => row.intent.deadlineAt)}::float8[]) AS row (id, intent, parts, deadline_ms)
     WHERE steps.id = row.id`.execute(tx);
  const written = insertOwnWrites(
    tx,
    allowed.flatMap((row) => row.ownWrites),
  );
  await Promise.all([marked, written]);
  return new Set(allowed.map((row) => row.stepId));
}

async function insertOwnWrites(tx: Tx, writes: readonly NewOwnWrite[]): Promise<void> {
  if (writes.length === 0) return;
  await sql`
    INSERT INTO own_writes (id, connection_id, ticket_id, step_id, field, value, depth)
    SELECT * FROM unnest(
      ${writes.map((row) => row.id)}::uuid[], ${writes.map((row) => row.connectionId)}::int[],
      ${writes.map((row) => row.ticketId)}::text[], ${writes.map((row) => row.stepId)}::uuid[],
      ${writes.map((row) => row.field)}::text[], ${writes.map((row) => toJsonb(row.value))}::jsonb[],
      ${writes.map((row) => row.depth)}::smallint[])
    ON CONFLICT (step_id, field) DO UPDATE SET value = excluded.value, written_at = app_now(), answered_seq = NULL`.execute(
    tx,
  );
}

/** What became of a claimed step. */
export interface Outcome extends Lease {
  readonly stepId: string;
  readonly runId: string;
  readonly state: StepState;
  readonly reason: string | null;
  /** For states that come back: in how many ms. Null: decided. */
  readonly dueInMs: number | null;
  /** It comes back later because a person said so: that time is no waiting of its own. */
  readonly held: boolean;
  readonly intent: Intent | null;
  readonly parts: Readonly<Record<string, Part>>;
  readonly result: Json | null;
  /** Attempts that give back what they counted: a postponement uses none. */
  readonly attempts: number;
  /** The try behind this outcome, if a call was made. */
  readonly attempt: AttemptRow | null;
  /** Ends the whole run with this reason; the steps left are skipped. */
  readonly endRun: string | null;
  /** Marks for the rest of the run. */
  readonly progress: { readonly waited?: boolean; readonly wrote?: boolean } | null;
  /** Children this step made: bound, so that no other step takes them for its own. */
  readonly bound: readonly BoundChild[];
  /** `answered`: reads begun from now on may consume our writes; `refused`: those of `refusedFields` never happened. */
  readonly writes: 'answered' | 'refused' | null;
  /** Steps that come next because of this one. */
  readonly spawn?: readonly SpawnedStep[];
  readonly refusedFields: readonly string[];
}

export interface AttemptRow {
  readonly id: string;
  readonly startedAt: number;
  readonly number: number;
  readonly state: AttemptState;
  readonly reason: string | null;
  readonly tookMs: number;
}

export interface BoundChild {
  readonly connectionId: number;
  readonly kind: string;
  readonly childId: string;
  readonly stepId: string;
}

/** A step that another one puts behind itself: a round of `repeat`. */
export interface SpawnedStep {
  readonly id: string;
  readonly runId: string;
  readonly laneId: string;
  readonly connectionId: number;
  readonly path: string;
  readonly iteration: number;
  readonly position: number;
  readonly ruleOrder: number;
  readonly action: string;
}

const DECIDED: readonly StepState[] = ['done', 'skipped', 'suppressed', 'uncertain', 'dead'];

/**
 * Records outcomes, starts each run's next step, ends finished runs and frees the lanes, in one transaction.
 *
 * @returns ids of the steps whose outcome was recorded; for the others the lease was lost and the new owner finds
 *   out by verifying
 */
export async function recordOutcomes(
  tx: Tx,
  instanceId: string,
  all: readonly Outcome[],
): Promise<ReadonlySet<string>> {
  const lanes = await standing(tx, instanceId, all);
  const outcomes = all.filter((outcome) => lanes.has(outcome.laneId));
  if (outcomes.length === 0) return new Set();
  // In this order, and without waiting for each other's answers: each of these sends its statements at once.
  await Promise.all([
    updateSteps(tx, outcomes),
    insertAttempts(tx, outcomes),
    bindChildren(
      tx,
      outcomes.flatMap((outcome) => outcome.bound),
    ),
    settleOwnWrites(tx, outcomes),
    markProgress(tx, outcomes),
    insertSpawned(
      tx,
      outcomes.flatMap((outcome) => outcome.spawn ?? []),
    ),
    endRuns(tx, outcomes),
    startNextSteps(tx, outcomes),
    settleLanes(tx, [...lanes]),
  ]);
  return new Set(outcomes.map((outcome) => outcome.stepId));
}

async function insertSpawned(tx: Tx, steps: readonly SpawnedStep[]): Promise<void> {
  if (steps.length === 0) return;
  await sql`
    INSERT INTO steps (id, run_id, lane_id, connection_id, path, iteration, position, rule_order, action)
    SELECT row.* FROM unnest(
      ${steps.map((step) => step.id)}::uuid[], ${steps.map((step) => step.runId)}::uuid[],
      ${steps.map((step) => step.laneId)}::uuid[], ${steps.map((step) => step.connectionId)}::int[],
      ${steps.map((step) => step.path)}::text[], ${steps.map((step) => step.iteration)}::int[],
      ${steps.map((step) => step.position)}::int[], ${steps.map((step) => step.ruleOrder)}::int[],
      ${steps.map((step) => step.action)}::text[])
      AS row (id, run_id, lane_id, connection_id, path, iteration, position, rule_order, action)
      JOIN runs ON runs.id = row.run_id AND runs.state = 'active'
    ON CONFLICT (run_id, path, iteration) DO NOTHING`.execute(tx);
}

async function updateSteps(tx: Tx, outcomes: readonly Outcome[]): Promise<void> {
  await sql`
    UPDATE steps SET state = row.state, reason = row.reason, intent = row.intent, parts = row.parts,
                     result = row.result, attempts = row.attempts,
                     wanted_at = coalesce(steps.wanted_at, app_now())
                               + CASE WHEN row.held THEN row.due_in_ms ELSE 0 END * interval '1 millisecond',
                     due_at = app_now() + row.due_in_ms * interval '1 millisecond',
                     decided_at = CASE WHEN row.due_in_ms IS NULL THEN app_now() END
      FROM unnest(
        ${outcomes.map((row) => row.stepId)}::uuid[], ${outcomes.map((row) => row.state)}::text[],
        ${outcomes.map((row) => row.reason)}::text[],
        ${outcomes.map((row) => (row.intent === null ? null : toJsonb(row.intent)))}::jsonb[],
        ${outcomes.map((row) => toJsonb(row.parts))}::jsonb[],
        ${outcomes.map((row) => (row.result === null ? null : toJsonb(row.result)))}::jsonb[],
        ${outcomes.map((row) => row.attempts)}::smallint[], ${outcomes.map((row) => row.dueInMs)}::float8[],
        ${outcomes.map((row) => row.held)}::boolean[])
        AS row (id, state, reason, intent, parts, result, attempts, due_in_ms, held)
     WHERE steps.id = row.id`.execute(tx);
}

async function insertAttempts(tx: Tx, outcomes: readonly Outcome[]): Promise<void> {
  const rows = outcomes.flatMap(({ stepId, attempt }) => (attempt === null ? [] : [{ stepId, ...attempt }]));
  if (rows.length === 0) return;
  await sql`
    INSERT INTO attempts (id, started_at, step_id, number, state, reason, took_ms)
    SELECT id, to_timestamp(started_ms / 1000.0), step_id, number, state, reason, took_ms FROM unnest(
      ${rows.map((row) => row.id)}::uuid[], ${rows.map((row) => row.startedAt)}::float8[],
      ${rows.map((row) => row.stepId)}::uuid[], ${rows.map((row) => row.number)}::smallint[],
      ${rows.map((row) => row.state)}::text[], ${rows.map((row) => row.reason)}::text[],
      ${rows.map((row) => Math.round(row.tookMs))}::int[])
      AS row (id, started_ms, step_id, number, state, reason, took_ms)`.execute(tx);
}

async function bindChildren(tx: Tx, children: readonly BoundChild[]): Promise<void> {
  if (children.length === 0) return;
  await sql`
    INSERT INTO bound_children (connection_id, child_kind, child_id, step_id)
    SELECT * FROM unnest(
      ${children.map((row) => row.connectionId)}::int[], ${children.map((row) => row.kind)}::text[],
      ${children.map((row) => row.childId)}::text[], ${children.map((row) => row.stepId)}::uuid[])
    ON CONFLICT DO NOTHING`.execute(tx);
}

async function settleOwnWrites(tx: Tx, outcomes: readonly Outcome[]): Promise<void> {
  const stepsOf = (writes: 'answered' | 'refused'): string[] =>
    outcomes.filter((row) => row.writes === writes).map((row) => row.stepId);
  const [answered, refused] = [stepsOf('answered'), stepsOf('refused')];
  const statements = [];
  if (answered.length > 0) {
    statements.push(
      sql`
        UPDATE own_writes SET answered_seq = nextval('read_seq')
         WHERE step_id = ANY(${answered}::uuid[]) AND answered_seq IS NULL`.execute(tx),
    );
  }
  if (refused.length > 0) {
    statements.push(
      sql`
        DELETE FROM own_writes WHERE step_id = ANY(${refused}::uuid[]) AND answered_seq IS NULL`.execute(tx),
    );
  }
  await Promise.all(statements);
}

async function markProgress(tx: Tx, outcomes: readonly Outcome[]): Promise<void> {
  const rows = outcomes.filter((row) => row.progress !== null);
  if (rows.length === 0) return;
  await sql`
    UPDATE runs SET progress = runs.progress || row.progress
      FROM unnest(${rows.map((row) => row.runId)}::uuid[],
                  ${rows.map((row) => JSON.stringify(row.progress))}::jsonb[]) AS row (id, progress)
     WHERE runs.id = row.id
       -- Only what comes after asks for it.
       AND EXISTS (SELECT FROM steps o WHERE o.run_id = runs.id AND o.state = 'pending')`.execute(tx);
}

async function endRuns(tx: Tx, outcomes: readonly Outcome[]): Promise<void> {
  const rows = outcomes.filter((row) => row.endRun !== null);
  if (rows.length === 0) return;
  const ids = rows.map((row) => row.runId);
  const reasons = rows.map((row) => row.endRun);
  await Promise.all([
    sql`
      UPDATE runs SET state = 'ended', reason = row.reason, ended_at = app_now()
        FROM unnest(${ids}::uuid[], ${reasons}::text[]) AS row (id, reason)
       WHERE runs.id = row.id AND runs.state = 'active'`.execute(tx),
    sql`
      UPDATE steps SET state = 'skipped', reason = row.reason, due_at = NULL, decided_at = app_now()
        FROM unnest(${ids}::uuid[], ${reasons}::text[]) AS row (run_id, reason)
       WHERE steps.run_id = row.run_id AND steps.state IN ('pending', 'waiting', 'postponed')`.execute(tx),
  ]);
}

async function startNextSteps(tx: Tx, outcomes: readonly Outcome[]): Promise<void> {
  const runs = outcomes
    .filter((row) => row.endRun === null && DECIDED.includes(row.state))
    .map((row) => row.runId);
  if (runs.length === 0) return;
  await Promise.all([
    sql`
      UPDATE steps SET due_at = app_now()
        FROM unnest(${runs}::uuid[]) AS run (id)
        CROSS JOIN LATERAL (
          SELECT st.id FROM steps st WHERE st.run_id = run.id AND st.state = 'pending' AND st.due_at IS NULL
           ORDER BY st.position, st.iteration LIMIT 1) AS next
       WHERE steps.id = next.id
         -- A dead step that a person takes again runs beside the rest of its run: one of them starts what follows.
         AND NOT EXISTS (SELECT FROM steps o WHERE o.run_id = run.id AND o.due_at IS NOT NULL)`.execute(tx),
    sql`
      UPDATE runs SET state = 'done', ended_at = app_now()
       WHERE id = ANY(${runs}::uuid[]) AND state = 'active'
         AND NOT EXISTS (SELECT FROM steps o
                          WHERE o.run_id = runs.id AND (o.due_at IS NOT NULL OR o.state = 'pending'))`.execute(
      tx,
    ),
  ]);
}

/**
 * Lanes whose owner is gone are free again; a step in `sending` is due at once, to be verified.
 *
 * @param keep lanes that are in good hands all the same
 */
export async function freeLanes(
  tx: Tx,
  deadInstances: readonly string[],
  limit: number,
  keep: readonly string[] = [],
): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM lanes WHERE lease_owner = ANY(${deadInstances}::uuid[]) AND NOT id = ANY(${keep}::uuid[])
     ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED`.execute(tx);
  const lanes = rows.map((row) => row.id);
  if (lanes.length === 0) return 0;
  await sql`
    UPDATE steps SET due_at = app_now() WHERE lane_id = ANY(${lanes}::uuid[]) AND state = 'sending'`.execute(
    tx,
  );
  await sql`
    UPDATE lanes SET fence = fence + 1 WHERE id = ANY(${lanes}::uuid[])`.execute(tx);
  await settleLanes(tx, lanes);
  return lanes.length;
}

/** Children of a kind that already belong to some step. */
export async function boundTo(
  db: Db,
  connectionId: number,
  kind: string,
  childIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (childIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('bound_children')
    .select(['child_id', 'step_id'])
    .where('connection_id', '=', connectionId)
    .where('child_kind', '=', kind)
    .where(sql<boolean>`child_id = ANY(${childIds}::text[])`)
    .execute();
  return new Map(rows.map((row) => [row.child_id, row.step_id]));
}

/** Which of these children our own steps made, with each step and the depth of its run. */
export async function madeBySteps(
  tx: Tx,
  connectionId: number,
  kind: string,
  childIds: readonly string[],
): Promise<ReadonlyMap<string, { readonly stepId: string; readonly depth: number }>> {
  if (childIds.length === 0) return new Map();
  const { rows } = await sql<{ child_id: string; step_id: string; depth: number }>`
    SELECT b.child_id, b.step_id, r.depth
      FROM bound_children b JOIN steps s ON s.id = b.step_id JOIN runs r ON r.id = s.run_id
     WHERE b.connection_id = ${connectionId} AND b.child_kind = ${kind}
       AND b.child_id = ANY(${childIds}::text[])`.execute(tx);
  return new Map(rows.map((row) => [row.child_id, { stepId: row.step_id, depth: row.depth }]));
}
