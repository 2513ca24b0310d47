import { sql } from 'kysely';
import type { Db } from './database.ts';

/** What a scrape asks the database for. */
export interface GaugeTarget {
  readonly steps: { reset(): void; set(labels: { state: string }, value: number): void };
  readonly oldestPendingAge: { set(value: number): void };
  readonly feedLag: { reset(): void; set(labels: { connection: string; feed: string }, value: number): void };
  readonly timersPending: { set(value: number): void };
  readonly budgetLeft: { reset(): void; set(labels: { connection: string }, value: number): void };
}

/** Brings the gauges up to date. */
export async function readGauges(db: Db, target: GaugeTarget): Promise<void> {
  const [steps, oldest, feeds, budgets, timers] = await Promise.all([
    sql<{ state: string; count: number }>`
      SELECT state, count(*)::int AS count FROM steps
       WHERE due_at IS NOT NULL OR state IN ('dead', 'uncertain') GROUP BY state`.execute(db),
    sql<{ age: number }>`
      SELECT greatest(0, extract(epoch FROM app_now() - min(next_due_at)))::float8 AS age
        FROM lanes WHERE lease_owner IS NULL AND next_due_at IS NOT NULL`.execute(db),
    sql<{ connection: string; feed: string; lag: number }>`
      SELECT c.name AS connection, f.feed, extract(epoch FROM app_now() - f.last_complete_at)::float8 AS lag
        FROM feeds f JOIN connections c ON c.id = f.connection_id WHERE f.last_complete_at IS NOT NULL`.execute(
      db,
    ),
    sql<{ connection: string; left: number }>`
      SELECT c.name AS connection, b.tokens AS left
        FROM budgets b JOIN connections c ON c.id = b.connection_id WHERE b.budget = 'default'`.execute(db),
    sql<{ pending: number }>`SELECT count(*)::int AS pending FROM timers`.execute(db),
  ]);
  target.timersPending.set(timers.rows[0]?.pending ?? 0);
  target.steps.reset();
  for (const row of steps.rows) target.steps.set({ state: row.state }, row.count);
  target.oldestPendingAge.set(oldest.rows[0]?.age ?? 0);
  target.feedLag.reset();
  for (const row of feeds.rows) target.feedLag.set({ connection: row.connection, feed: row.feed }, row.lag);
  target.budgetLeft.reset();
  for (const row of budgets.rows) target.budgetLeft.set({ connection: row.connection }, row.left);
}
