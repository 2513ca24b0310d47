import { sql } from 'kysely';
import type { Database } from './database.ts';

/** What is left of a budget, and as of when (app_now(), epoch ms). */
export interface BudgetState {
  readonly tokens: number;
  readonly refilledAt: number;
}

/** Calls older than this hardly count in what is measured. */
export const MEMORY_MS = 600_000;

/** What is left of a count of calls after some time: at a steady rate the count stands for {@link MEMORY_MS} of it. */
function faded(count: number, elapsedMs: number): number {
  const left = count * Math.exp(-Math.max(0, elapsedMs) / MEMORY_MS);
  // Too little to matter, and soon less than a database can hold.
  return left < 0.001 ? 0 : left;
}

/**
 * Changes one budget under its row lock, so that all instances share it.
 *
 * @param full what a budget never used before starts with
 * @param change pure; gets the state and app_now() in epoch ms; `took`: calls that it granted, for the forecast
 */
export async function changeBudget<T>(
  database: Database,
  key: { readonly connectionId: number; readonly budget: string },
  full: number,
  change: (
    state: BudgetState,
    now: number,
  ) => { readonly state: BudgetState; readonly result: T; readonly took?: number },
): Promise<T> {
  return database.transaction(async (tx) => {
    await sql`
      INSERT INTO budgets (connection_id, budget, tokens, refilled_at)
      VALUES (${key.connectionId}, ${key.budget}, ${full}, app_now()) ON CONFLICT DO NOTHING`.execute(tx);
    const { rows } = await sql<BudgetState & { spent: number; now: number }>`
      SELECT tokens, spent, (extract(epoch FROM refilled_at) * 1000)::float8 AS "refilledAt",
             (extract(epoch FROM app_now()) * 1000)::float8 AS now
        FROM budgets WHERE connection_id = ${key.connectionId} AND budget = ${key.budget} FOR UPDATE`.execute(
      tx,
    );
    const row = rows[0];
    if (row === undefined) throw new Error(`no budget ${key.budget}`);
    const { state, result, took } = change({ tokens: row.tokens, refilledAt: row.refilledAt }, row.now);
    const spent = faded(row.spent, state.refilledAt - row.refilledAt) + (took ?? 0);
    await sql`
      UPDATE budgets SET tokens = ${state.tokens}, spent = ${spent}, refilled_at = to_timestamp(${state.refilledAt / 1000}::float8)
       WHERE connection_id = ${key.connectionId} AND budget = ${key.budget}`.execute(tx);
    return result;
  });
}
