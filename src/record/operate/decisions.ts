import { sql } from 'kysely';
import type { Tx } from '../database.ts';
import { openLanes } from '../runs.ts';
import type { StepState } from '../tables.ts';

/** A step that a person decides about, locked. */
export interface LockedStep {
  readonly id: string;
  readonly runId: string;
  readonly laneId: string;
  readonly state: StepState;
}

/**
 * Locks a step for a decision. The lane first, as the executor does, so that neither waits for the other crosswise.
 *
 * @returns null if there is no such step
 */
export async function lockStep(tx: Tx, stepId: string): Promise<LockedStep | null> {
  const found = await sql<{ lane_id: string }>`SELECT lane_id FROM steps WHERE id = ${stepId}::uuid`.execute(
    tx,
  );
  const lane = found.rows[0]?.lane_id;
  if (lane === undefined) return null;
  await openLanes(tx, [lane]);
  const { rows } = await sql<LockedStep>`
    SELECT id, run_id AS "runId", lane_id AS "laneId", state FROM steps WHERE id = ${stepId}::uuid FOR UPDATE`.execute(
    tx,
  );
  return rows[0] ?? null;
}

/**
 * Makes a step due now, with all its attempts left. What the run skipped because of it comes back.
 */
export async function takeAgain(tx: Tx, step: LockedStep): Promise<void> {
  await sql`
    UPDATE steps SET state = 'pending', reason = NULL, due_at = app_now(), attempts = 0, wanted_at = NULL,
           intent = NULL, result = NULL, decided_at = NULL
     WHERE id = ${step.id}::uuid`.execute(tx);
  await reviveSkipped(tx, step);
  await sql`
    UPDATE runs SET state = 'active', reason = NULL, ended_at = NULL
     WHERE id = ${step.runId}::uuid AND state IN ('done', 'ended')`.execute(tx);
}

/** Decides a step by a person's word. @param goesOn the run continues with what it skipped because of the step */
export async function settleStep(
  tx: Tx,
  step: LockedStep,
  to: { readonly state: 'done' | 'skipped'; readonly reason: string },
  goesOn: boolean,
): Promise<void> {
  await sql`
    UPDATE steps SET state = ${to.state}, reason = ${to.reason}, due_at = NULL, intent = NULL, decided_at = app_now()
     WHERE id = ${step.id}::uuid`.execute(tx);
  if (!goesOn || (await reviveSkipped(tx, step)) === 0) return;
  await sql`
    UPDATE runs SET state = 'active', reason = NULL, ended_at = NULL WHERE id = ${step.runId}::uuid`.execute(
    tx,
  );
  await sql`
    UPDATE steps SET due_at = app_now() WHERE id = (
      SELECT id FROM steps WHERE run_id = ${step.runId}::uuid AND state = 'pending'
       ORDER BY position, iteration LIMIT 1)
       AND NOT EXISTS (SELECT FROM steps o WHERE o.run_id = ${step.runId}::uuid AND o.due_at IS NOT NULL)`.execute(
    tx,
  );
}

/** A required step that failed ended its run and skipped the rest with the run's reason. */
async function reviveSkipped(tx: Tx, step: LockedStep): Promise<number> {
  const result = await sql`
    UPDATE steps SET state = 'pending', reason = NULL, due_at = NULL, decided_at = NULL
      FROM runs r
     WHERE r.id = ${step.runId}::uuid AND r.state = 'ended' AND r.reason LIKE 'a required step is %'
       AND steps.run_id = r.id AND steps.state = 'skipped' AND steps.reason = r.reason`.execute(tx);
  return Number(result.numAffectedRows ?? 0n);
}
