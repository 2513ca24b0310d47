import { sql, type RawBuilder } from 'kysely';
import { sqlState, type Tx } from './database.ts';

/**
 * Conditions of a transaction that leaves in one round trip: nobody looks at an answer before COMMIT, so Postgres
 * itself refuses the whole where something does not hold. What was presumed wrongly is done again step by step.
 */

/** The transaction fails, and {@link isPresumption} knows its error, unless `holds` is true. */
export async function presume(tx: Tx, holds: RawBuilder<boolean>, what: string): Promise<void> {
  await sql`SELECT presume((${holds}), ${what})`.execute(tx);
}

const UNIQUE_VIOLATION = '23505';

/** True if a presumption did not hold, or a row that was presumed new was not: nothing was stored. */
export function isPresumption(error: unknown): boolean {
  const state = sqlState(error);
  return state === 'DH001' || state === UNIQUE_VIOLATION;
}
