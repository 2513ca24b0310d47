import { sql } from 'kysely';
import type { Json } from '../vendors/vendor.ts';
import { jsonbArray } from './array-parameter.ts';
import { toJsonb, type Database, type Tx } from './database.ts';
import { settleLanes, underLeases, type Lease } from './lanes.ts';
import type { AttemptState, Intent, Part, StepState } from './tables.ts';

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
  /** Nothing comes after it in its run, whatever it came to. */
  readonly alone: boolean;
  /** Ends the whole run with this reason; the steps left are skipped. */
  readonly endRun: string | null;
  /** Marks for the rest of the run. */
  readonly progress: { readonly waited?: boolean; readonly wrote?: boolean } | null;
  /** Children this step made: bound, so that no other step takes them for its own. */
  readonly bound: readonly BoundChild[];
  /** `answered`: reads begun from now on may consume our writes; `refused`: they never happened. */
  readonly writes: 'answered' | 'refused' | null;
  /** Steps that come next because of this one. */
  readonly spawn?: readonly SpawnedStep[];
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

export interface Recorded {
  /** Steps whose outcome was recorded; for the others the lease was lost and the new owner finds out by verifying. */
  readonly steps: ReadonlySet<string>;
  /** True if one of their lanes has more to do right now. */
  readonly more: boolean;
}

/** Records outcomes, starts each run's next step, ends finished runs and gives the lanes back, in one transaction. */
export function recordOutcomes(
  database: Database,
  instanceId: string,
  outcomes: readonly Outcome[],
): Promise<Recorded> {
  return underLeases(database, instanceId, outcomes, writeOutcomes);
}

/** In this order, and without waiting for each other's answers. */
async function writeOutcomes(tx: Tx, outcomes: readonly Outcome[]): Promise<Recorded> {
  if (outcomes.length === 0) return { steps: new Set(), more: false };
  const bound = outcomes.flatMap((outcome) => outcome.bound);
  const spawned = outcomes.flatMap((outcome) => outcome.spawn ?? []);
  const written = [
    updateSteps(tx, outcomes),
    insertAttempts(tx, outcomes),
    bindChildren(tx, bound),
    settleOwnWrites(tx, outcomes),
    markProgress(tx, outcomes),
    insertSpawned(tx, spawned),
    endRuns(tx, outcomes),
    startNextSteps(tx, outcomes),
  ];
  const lanes = new Set(outcomes.map((outcome) => outcome.laneId));
  const [more] = await Promise.all([settleLanes(tx, [...lanes]), ...written]);
  return { steps: new Set(outcomes.map((outcome) => outcome.stepId)), more };
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
        ${jsonbArray(outcomes.map((row) => (row.intent === null ? null : toJsonb(row.intent))))}::jsonb[],
        ${jsonbArray(outcomes.map((row) => toJsonb(row.parts)))}::jsonb[],
        ${jsonbArray(outcomes.map((row) => (row.result === null ? null : toJsonb(row.result))))}::jsonb[],
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
  const rows = outcomes.filter((row) => row.progress !== null && !row.alone);
  if (rows.length === 0) return;
  await sql`
    UPDATE runs SET progress = runs.progress || row.progress
      FROM unnest(${rows.map((row) => row.runId)}::uuid[],
                  ${jsonbArray(rows.map((row) => JSON.stringify(row.progress)))}::jsonb[]) AS row (id, progress)
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
       WHERE runs.id = row.id AND runs.state || '' = 'active'`.execute(tx),
    sql`
      UPDATE steps SET state = 'skipped', reason = row.reason, due_at = NULL, decided_at = app_now()
        FROM unnest(${ids}::uuid[], ${reasons}::text[]) AS row (run_id, reason)
       WHERE steps.run_id = row.run_id AND steps.state IN ('pending', 'waiting', 'postponed')`.execute(tx),
  ]);
}

async function startNextSteps(tx: Tx, outcomes: readonly Outcome[]): Promise<void> {
  const decided = outcomes.filter((row) => row.endRun === null && DECIDED.includes(row.state));
  if (decided.length === 0) return;
  const runs = decided.map((row) => row.runId);
  const longer = decided.filter((row) => !row.alone).map((row) => row.runId);
  const started =
    longer.length === 0
      ? []
      : [
          sql`
      UPDATE steps SET due_at = app_now()
        FROM unnest(${longer}::uuid[]) AS run (id)
        CROSS JOIN LATERAL (
          SELECT st.id FROM steps st WHERE st.run_id = run.id AND st.state = 'pending' AND st.due_at IS NULL
           ORDER BY st.position, st.iteration LIMIT 1) AS next
       WHERE steps.id = next.id
         -- A dead step that a person takes again runs beside the rest of its run: one of them starts what follows.
         AND NOT EXISTS (SELECT FROM steps o WHERE o.run_id = run.id AND o.due_at IS NOT NULL)`.execute(tx),
        ];
  await Promise.all([
    ...started,
    sql`
      UPDATE runs SET state = 'done', ended_at = app_now()
       -- By id, not by the index of what is active, which is small when it is planned.
       WHERE id = ANY(${runs}::uuid[]) AND state || '' = 'active'
         AND NOT EXISTS (SELECT FROM steps o
                          WHERE o.run_id = runs.id AND (o.due_at IS NOT NULL OR o.state = 'pending'))`.execute(
      tx,
    ),
  ]);
}
