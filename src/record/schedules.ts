import { sql } from 'kysely';
import type { Db, Tx } from './database.ts';

export interface ScheduleRow {
  readonly ruleId: string;
  readonly cron: string;
  readonly timeZone: string;
  /** Epoch ms. */
  readonly nextAt: number;
}

/**
 * Makes `rows` the schedules. One that is known and unchanged keeps its next run, which may be overdue; only one that
 * lies beyond the run now computed (a clock was ahead) comes nearer.
 */
export async function replaceSchedules(db: Db, rows: readonly ScheduleRow[]): Promise<void> {
  await sql`
    WITH wanted AS (
      SELECT rule_id, cron, time_zone, to_timestamp(next_ms / 1000.0) AS next_at FROM unnest(
        ${rows.map((row) => row.ruleId)}::text[], ${rows.map((row) => row.cron)}::text[],
        ${rows.map((row) => row.timeZone)}::text[], ${rows.map((row) => row.nextAt)}::float8[])
        AS row (rule_id, cron, time_zone, next_ms)),
    gone AS (DELETE FROM schedules WHERE NOT rule_id IN (SELECT rule_id FROM wanted))
    INSERT INTO schedules AS s (rule_id, cron, time_zone, next_at) SELECT * FROM wanted
    ON CONFLICT (rule_id) DO UPDATE
      SET cron = excluded.cron, time_zone = excluded.time_zone, next_at = excluded.next_at
      WHERE s.cron <> excluded.cron OR s.time_zone <> excluded.time_zone OR s.next_at > excluded.next_at`.execute(
    db,
  );
}

/** Takes the schedules that are due, locked, with app_now(). */
export async function takeDueSchedules(
  tx: Tx,
): Promise<{ readonly now: number; readonly rows: readonly ScheduleRow[] }> {
  const { rows } = await sql<ScheduleRow & { now: number }>`
    SELECT rule_id AS "ruleId", cron, time_zone AS "timeZone",
           (extract(epoch FROM next_at) * 1000)::float8 AS "nextAt",
           (extract(epoch FROM app_now()) * 1000)::float8 AS now
      FROM schedules WHERE next_at <= app_now() ORDER BY next_at LIMIT 100 FOR UPDATE SKIP LOCKED`.execute(
    tx,
  );
  return { now: Math.floor(rows[0]?.now ?? 0), rows };
}

/** The next run of each; null: there is none. */
export async function moveSchedules(
  tx: Tx,
  rows: readonly { readonly ruleId: string; readonly nextAt: number | null }[],
): Promise<void> {
  for (const { ruleId, nextAt } of rows) {
    const at = nextAt === null ? 'infinity' : new Date(nextAt).toISOString();
    await sql`UPDATE schedules SET next_at = ${at}::timestamptz WHERE rule_id = ${ruleId}`.execute(tx);
  }
}
