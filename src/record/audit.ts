import { sql } from 'kysely';
import type { Db } from './database.ts';

/** What should have run by now and did not. */
export interface Overdue {
  readonly steps: number;
  readonly timers: number;
  readonly schedules: number;
  /** Active runs of which no step is due or under way. */
  readonly stuckRuns: number;
  /** Seconds by which the worst is late. */
  readonly worstSeconds: number;
}

/**
 * Looks for what nobody took in time. Counts stop at 1,000: beyond that the number says nothing more.
 *
 * @param graceMs so late may everything be
 */
export async function findOverdue(db: Db, graceMs: number): Promise<Overdue> {
  const limit = sql`app_now() - ${graceMs}::float8 * interval '1 millisecond'`;
  const { rows } = await sql<Overdue>`
    WITH waiting AS (SELECT next_due_at AS at FROM lanes
                    WHERE lease_owner IS NULL AND next_due_at < ${limit} ORDER BY next_due_at LIMIT 1000),
         armed AS (SELECT due_at AS at FROM timers
                    WHERE due_at < ${limit} ORDER BY due_at LIMIT 1000),
         runs_planned AS (SELECT next_at AS at FROM schedules WHERE next_at < ${limit} LIMIT 1000),
         stuck AS (SELECT r.created_at AS at FROM runs r
                    WHERE r.state = 'active' AND r.created_at < ${limit}
                      AND NOT EXISTS (SELECT FROM steps s WHERE s.run_id = r.id AND s.due_at IS NOT NULL)
                    LIMIT 1000)
    SELECT (SELECT count(*)::int FROM waiting) AS steps, (SELECT count(*)::int FROM armed) AS timers,
           (SELECT count(*)::int FROM runs_planned) AS schedules, (SELECT count(*)::int FROM stuck) AS "stuckRuns",
           coalesce(extract(epoch FROM app_now() - least(
             (SELECT min(at) FROM waiting), (SELECT min(at) FROM armed), (SELECT min(at) FROM runs_planned),
             (SELECT min(at) FROM stuck))), 0)::float8 AS "worstSeconds"`.execute(db);
  return rows[0] ?? { steps: 0, timers: 0, schedules: 0, stuckRuns: 0, worstSeconds: 0 };
}
