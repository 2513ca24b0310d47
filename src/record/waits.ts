import { sql } from 'kysely';
import type { Db } from './database.ts';

/** When the last step before this one was decided, epoch ms; null for the first step of a run. */
export async function lastDecision(
  db: Db,
  step: { readonly runId: string; readonly position: number; readonly iteration: number },
): Promise<number | null> {
  const { rows } = await sql<{ at: number | null }>`
    SELECT (extract(epoch FROM max(decided_at)) * 1000)::float8 AS at FROM steps
     WHERE run_id = ${step.runId} AND (position, iteration) < (${step.position}::int, ${step.iteration}::int)`.execute(
    db,
  );
  return rows[0]?.at ?? null;
}
