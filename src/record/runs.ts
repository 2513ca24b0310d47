import { sql } from 'kysely';
import type { Db, Tx } from './database.ts';
import { presume } from './presume.ts';
import type { RunState } from './tables.ts';

/** One row of `runs`, before it is stored. */
export interface NewRun {
  readonly id: string;
  readonly eventId: string;
  readonly eventAt: string;
  readonly ruleId: string;
  readonly ruleVersionId: number;
  readonly replayNo: number;
  readonly connectionId: number;
  readonly ticketId: string | null;
  readonly laneId: string;
  readonly depth: number;
  readonly state: RunState;
  readonly reason: string | null;
  readonly shadow: boolean;
}

export interface NewStep {
  readonly id: string;
  readonly runId: string;
  readonly laneId: string;
  readonly connectionId: number;
  readonly path: string;
  readonly position: number;
  readonly ruleOrder: number;
  readonly action: string;
  /** True for the first step of an active run; the others wait for the one before. */
  readonly due: boolean;
  /** A shadow rule's step: recorded, never taken. */
  readonly shadow: boolean;
}

/**
 * Stores runs with their planned steps and opens their lanes, all in the event's transaction, so that nothing can
 * fall between matching and acting.
 */
export async function insertRuns(tx: Tx, runs: readonly NewRun[], steps: readonly NewStep[]): Promise<void> {
  const due = steps.filter((step) => step.due).map((step) => step.laneId);
  await Promise.all([insertRunRows(tx, runs, steps), openLanes(tx, due)]);
}

/** Runs and their steps without their lanes. */
export async function insertRunRows(
  tx: Tx,
  runs: readonly NewRun[],
  steps: readonly NewStep[],
): Promise<void> {
  if (runs.length === 0) return;
  const storedRuns = sql`
    INSERT INTO runs (id, event_id, event_at, rule_id, rule_version_id, replay_no, connection_id, ticket_id,
                      lane_id, depth, state, reason, shadow, ended_at)
    SELECT row.*, CASE WHEN state IN ('done', 'ended') THEN app_now() END
    FROM unnest(
      ${runs.map((run) => run.id)}::uuid[], ${runs.map((run) => run.eventId)}::uuid[],
      ${runs.map((run) => run.eventAt)}::timestamptz[], ${runs.map((run) => run.ruleId)}::text[],
      ${runs.map((run) => run.ruleVersionId)}::bigint[], ${runs.map((run) => run.replayNo)}::int[],
      ${runs.map((run) => run.connectionId)}::int[], ${runs.map((run) => run.ticketId)}::text[],
      ${runs.map((run) => run.laneId)}::uuid[], ${runs.map((run) => run.depth)}::smallint[],
      ${runs.map((run) => run.state)}::text[], ${runs.map((run) => run.reason)}::text[],
      ${runs.map((run) => run.shadow)}::boolean[])
      AS row (id, event_id, event_at, rule_id, rule_version_id, replay_no, connection_id, ticket_id,
              lane_id, depth, state, reason, shadow)`.execute(tx);
  if (steps.length === 0) {
    await storedRuns;
    return;
  }
  const storedSteps = sql`
    INSERT INTO steps (id, run_id, lane_id, connection_id, path, position, rule_order, action, due_at, state,
                       reason)
    SELECT id, run_id, lane_id, connection_id, path, position, rule_order, action,
           CASE WHEN due THEN app_now() END, CASE WHEN shadow THEN 'suppressed' ELSE 'pending' END,
           CASE WHEN shadow THEN 'shadow' END
    FROM unnest(
      ${steps.map((step) => step.id)}::uuid[], ${steps.map((step) => step.runId)}::uuid[],
      ${steps.map((step) => step.laneId)}::uuid[], ${steps.map((step) => step.connectionId)}::int[],
      ${steps.map((step) => step.path)}::text[], ${steps.map((step) => step.position)}::int[],
      ${steps.map((step) => step.ruleOrder)}::int[], ${steps.map((step) => step.action)}::text[],
      ${steps.map((step) => step.due)}::boolean[], ${steps.map((step) => step.shadow)}::boolean[])
      AS row (id, run_id, lane_id, connection_id, path, position, rule_order, action, due, shadow)`.execute(
    tx,
  );
  await Promise.all([storedRuns, storedSteps]);
}

/** Makes lanes claimable now. Sorted, so that two transactions never wait for each other's lanes crosswise. */
export async function openLanes(tx: Tx, laneIds: readonly string[]): Promise<void> {
  const lanes = [...new Set(laneIds)].sort();
  if (lanes.length === 0) return;
  await sql`
    INSERT INTO lanes (id, next_due_at) SELECT id, app_now() FROM unnest(${lanes}::uuid[]) AS row (id)
    ON CONFLICT (id) DO UPDATE SET next_due_at = least(lanes.next_due_at, excluded.next_due_at)`.execute(tx);
}

/** A lane that came into being leased to us. */
export interface LaneLease {
  readonly laneId: string;
  readonly fence: number;
  /** app_now() of the lease, epoch ms. */
  readonly now: number;
}

/**
 * Opens the lanes of steps that are due, and leases the wanted ones to an instance right away, so that nobody has to
 * claim them. A lane that exists is in other hands or has older steps: it is left to the claims.
 */
export async function leaseLanes(
  tx: Tx,
  instanceId: string,
  steps: readonly NewStep[],
  wanted: ReadonlySet<string>,
): Promise<ReadonlyMap<string, LaneLease>> {
  const lanes = [...new Set(steps.filter((step) => step.due).map((step) => step.laneId))].sort();
  if (lanes.length === 0) return new Map();
  const { rows } = await sql<LaneLease & { readonly leased: boolean }>`
    INSERT INTO lanes AS lane (id, next_due_at, lease_owner, fence)
    SELECT id, app_now(), CASE WHEN wanted THEN ${instanceId}::uuid END, nextval('read_seq')
      FROM unnest(${lanes}::uuid[], ${lanes.map((lane) => wanted.has(lane))}::boolean[]) AS row (id, wanted)
    ON CONFLICT (id) DO UPDATE SET next_due_at = least(lane.next_due_at, excluded.next_due_at)
    RETURNING id AS "laneId", fence, (extract(epoch FROM app_now()) * 1000)::float8 AS now,
              -- A row that was there already has a deleter or locker: us.
              (lease_owner IS NOT NULL AND xmax = 0) AS leased`.execute(tx);
  return new Map(rows.filter((row) => row.leased).map((row) => [row.laneId, row]));
}

export interface LimitQuestion {
  readonly ruleId: string;
  readonly connectionId: number;
  readonly ticketId: string;
  readonly perMs: number;
}

export interface LimitAnswer {
  /** Runs of the rule on the ticket within the span, not counting suppressed ones. */
  readonly runs: number;
  readonly muted: boolean;
}

/** Of a question `q`: runs of the rule on the ticket within the span, and whether the pair is muted. */
const RUNS_OF_PAIR = sql<number>`
      (SELECT count(*)::int FROM runs r
        WHERE r.connection_id = q.connection_id AND r.ticket_id = q.ticket_id
          -- By the ticket's runs, which are few; before it has seen many, the planner may prefer those of the rule.
          AND r.rule_id || '' = q.rule_id
          AND r.created_at > app_now() - q.per_ms * interval '1 millisecond'
          AND NOT starts_with(coalesce(r.reason, ''), 'suppressed: '))`;
const PAIR_IS_MUTED = sql<boolean>`
      EXISTS (SELECT FROM mutes m
        WHERE m.rule_id = q.rule_id AND m.connection_id = q.connection_id AND m.ticket_id = q.ticket_id
          AND m.until_at > app_now())`;

/** How often each rule ran on each ticket of late, in the order asked. */
export async function countRecentRuns(
  tx: Tx,
  questions: readonly LimitQuestion[],
): Promise<readonly LimitAnswer[]> {
  if (questions.length === 0) return [];
  const { rows } = await sql<LimitAnswer>`
    SELECT ${RUNS_OF_PAIR} AS runs, ${PAIR_IS_MUTED} AS muted
    FROM unnest(
      ${questions.map((q) => q.ruleId)}::text[], ${questions.map((q) => q.connectionId)}::int[],
      ${questions.map((q) => q.ticketId)}::text[], ${questions.map((q) => q.perMs)}::float8[])
      WITH ORDINALITY AS q (rule_id, connection_id, ticket_id, per_ms, n)
    ORDER BY q.n`.execute(tx);
  return rows;
}

/** How many runs of a pair there may be already. */
export interface PresumedLimit extends LimitQuestion {
  readonly most: number;
}

/** Presumes that none of these pairs is muted or ran too often of late. */
export async function presumeLimits(tx: Tx, limits: readonly PresumedLimit[]): Promise<void> {
  if (limits.length === 0) return;
  const within = sql<boolean>`
    SELECT NOT EXISTS (
      SELECT FROM unnest(
        ${limits.map((q) => q.ruleId)}::text[], ${limits.map((q) => q.connectionId)}::int[],
        ${limits.map((q) => q.ticketId)}::text[], ${limits.map((q) => q.perMs)}::float8[],
        ${limits.map((q) => q.most)}::int[]) AS q (rule_id, connection_id, ticket_id, per_ms, most)
       WHERE ${RUNS_OF_PAIR} > q.most OR ${PAIR_IS_MUTED})`;
  await presume(tx, within, 'no limit is reached');
}

/** Runs of a rule within a span, over all tickets; what was suppressed on one ticket must not stop the others. */
export async function countRunsOfRule(db: Db, ruleId: string, perMs: number): Promise<number> {
  const { rows } = await sql<{ runs: number }>`
    SELECT count(*)::int AS runs FROM runs
     WHERE rule_id = ${ruleId} AND created_at > app_now() - ${perMs}::float8 * interval '1 millisecond'
       AND state <> 'held' AND NOT starts_with(coalesce(reason, ''), 'suppressed: ')`.execute(db);
  return rows[0]?.runs ?? 0;
}

/** Silences a pair of rule and ticket. @returns false if it was silenced already */
export async function mute(
  tx: Tx,
  pair: { readonly ruleId: string; readonly connectionId: number; readonly ticketId: string },
  forMs: number,
): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO mutes (rule_id, connection_id, ticket_id, until_at)
    VALUES (${pair.ruleId}, ${pair.connectionId}, ${pair.ticketId},
            app_now() + ${forMs}::float8 * interval '1 millisecond')
    ON CONFLICT (rule_id, connection_id, ticket_id) DO UPDATE SET until_at = excluded.until_at
      WHERE mutes.until_at <= app_now()
    RETURNING 1`.execute(tx);
  return rows.length > 0;
}
