import { sql } from 'kysely';
import type { Db, Tx } from './database.ts';
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
  const opened = openLanes(
    tx,
    steps.filter((step) => step.due).map((step) => step.laneId),
  );
  await Promise.all([storedRuns, storedSteps, opened]);
}

/** Makes lanes claimable now. Sorted, so that two transactions never wait for each other's lanes crosswise. */
export async function openLanes(tx: Tx, laneIds: readonly string[]): Promise<void> {
  const lanes = [...new Set(laneIds)].sort();
  if (lanes.length === 0) return;
  await sql`
    INSERT INTO lanes (id, next_due_at) SELECT id, app_now() FROM unnest(${lanes}::uuid[]) AS row (id)
    ON CONFLICT (id) DO UPDATE SET next_due_at = least(lanes.next_due_at, excluded.next_due_at)`.execute(tx);
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

/** How often each rule ran on each ticket of late, in the order asked. */
export async function countRecentRuns(
  tx: Tx,
  questions: readonly LimitQuestion[],
): Promise<readonly LimitAnswer[]> {
  if (questions.length === 0) return [];
  const { rows } = await sql<LimitAnswer>`
    SELECT
      (SELECT count(*)::int FROM runs r
        WHERE r.connection_id = q.connection_id AND r.ticket_id = q.ticket_id AND r.rule_id = q.rule_id
          AND r.created_at > app_now() - q.per_ms * interval '1 millisecond'
          AND NOT starts_with(coalesce(r.reason, ''), 'suppressed: ')) AS runs,
      EXISTS (SELECT FROM mutes m
        WHERE m.rule_id = q.rule_id AND m.connection_id = q.connection_id AND m.ticket_id = q.ticket_id
          AND m.until_at > app_now()) AS muted
    FROM unnest(
      ${questions.map((q) => q.ruleId)}::text[], ${questions.map((q) => q.connectionId)}::int[],
      ${questions.map((q) => q.ticketId)}::text[], ${questions.map((q) => q.perMs)}::float8[])
      WITH ORDINALITY AS q (rule_id, connection_id, ticket_id, per_ms, n)
    ORDER BY q.n`.execute(tx);
  return rows;
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
