import { sql } from 'kysely';
import type { ConditionMap } from '../match/rule.ts';
import type { Db } from './database.ts';

/** A silence that a person added and that is not over. */
export interface StoredSilence {
  readonly id: string;
  readonly when: ConditionMap;
  readonly from_at: Date;
  readonly until_at: Date;
  readonly reason: string;
}

/** Silences that are in force now or will be, soonest end first. */
export async function readSilences(db: Db): Promise<readonly StoredSilence[]> {
  const { rows } = await sql<StoredSilence>`
    SELECT id, condition AS "when", from_at, until_at, reason FROM silences
     WHERE ended_at IS NULL AND until_at > app_now() ORDER BY until_at, id`.execute(db);
  return rows;
}
