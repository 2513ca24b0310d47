import { sql } from 'kysely';
import type { ConditionMap } from '../match/rule.ts';
import type { Db } from './database.ts';

/** A silence that a person added. */
export interface StoredSilence {
  readonly id: string;
  readonly when: ConditionMap;
  readonly from_at: Date;
  readonly until_at: Date;
  readonly reason: string;
  readonly created_by: string;
  readonly created_at: Date;
  readonly ended_at: Date | null;
  readonly ended_by: string | null;
}

export interface NewSilence {
  readonly id: string;
  readonly when: ConditionMap;
  /** Epoch ms. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly reason: string;
  readonly createdBy: string;
}

const COLUMNS = sql`id, condition AS "when", from_at, until_at, reason, created_by, created_at, ended_at, ended_by`;

/** Silences that are in force now or will be, soonest end first. */
export async function readSilences(db: Db): Promise<readonly StoredSilence[]> {
  const { rows } = await sql<StoredSilence>`
    SELECT ${COLUMNS} FROM silences WHERE ended_at IS NULL AND until_at > app_now() ORDER BY until_at, id`.execute(
    db,
  );
  return rows;
}

/** All silences, newest first, the ended ones too. */
export async function listSilences(
  db: Db,
  page: { readonly limit: number; readonly before: string | null },
): Promise<readonly StoredSilence[]> {
  const { rows } = await sql<StoredSilence>`
    SELECT ${COLUMNS} FROM silences WHERE ${page.before}::uuid IS NULL OR id < ${page.before}::uuid
     ORDER BY id DESC LIMIT ${page.limit}`.execute(db);
  return rows;
}

export async function insertSilence(db: Db, silence: NewSilence): Promise<void> {
  await sql`
    INSERT INTO silences (id, condition, from_at, until_at, reason, created_by)
    VALUES (${silence.id}, ${JSON.stringify(silence.when)}::jsonb, ${new Date(silence.fromMs)},
            ${new Date(silence.untilMs)}, ${silence.reason}, ${silence.createdBy})`.execute(db);
}

/** Ends a silence now. @returns false if there is none in force under this id */
export async function endSilence(db: Db, id: string, by: string): Promise<boolean> {
  const { rows } = await sql`
    UPDATE silences SET ended_at = app_now(), ended_by = ${by}
     WHERE id::text = ${id} AND ended_at IS NULL AND until_at > app_now() RETURNING 1`.execute(db);
  return rows.length > 0;
}
