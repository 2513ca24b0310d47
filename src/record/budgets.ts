import { sql } from 'kysely';
import type { Database } from './database.ts';

/** What is left of a budget, and as of when (app_now(), epoch ms). */
export interface BudgetState {
  readonly tokens: number;
  readonly refilledAt: number;
}

/**
 * Changes one budget under its row lock, so that all instances share it.
 *
 * @param full what a budget never used before starts with
 * @param change pure; gets the state and app_now() in epoch ms
 */
export async function changeBudget<T>(
  database: Database,
  key: { readonly connectionId: number; readonly budget: string },
  full: number,
  change: (state: BudgetState, now: number) => { readonly state: BudgetState; readonly result: T },
): Promise<T> {
  return database.transaction(async (tx) => {
    await sql`
      INSERT INTO budgets (connection_id, budget, tokens, refilled_at)
      VALUES (${key.connectionId}, ${key.budget}, ${full}, app_now()) ON CONFLICT DO NOTHING`.execute(tx);
    const { rows } = await sql<BudgetState & { now: number }>`
      SELECT tokens, (extract(epoch FROM refilled_at) * 1000)::float8 AS "refilledAt",
             (extract(epoch FROM app_now()) * 1000)::float8 AS now
        FROM budgets WHERE connection_id = ${key.connectionId} AND budget = ${key.budget} FOR UPDATE`.execute(
      tx,
    );
    const row = rows[0];
    if (row === undefined) throw new Error(`no budget ${key.budget}`);
    const { state, result } = change({ tokens: row.tokens, refilledAt: row.refilledAt }, row.now);
    await sql`
      UPDATE budgets SET tokens = ${state.tokens}, refilled_at = to_timestamp(${state.refilledAt / 1000}::float8)
       WHERE connection_id = ${key.connectionId} AND budget = ${key.budget}`.execute(tx);
    return result;
  });
}
