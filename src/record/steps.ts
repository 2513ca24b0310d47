import { sql } from 'kysely';
import type { Tx } from './database.ts';
import { settleLanes } from './lanes.ts';
import type { Intent, Part, StepState } from './tables.ts';

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
