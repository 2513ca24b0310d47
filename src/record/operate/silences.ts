import { sql } from 'kysely';
import type { ConditionMap } from '../../match/rule.ts';
import type { Db } from '../database.ts';
import { toPage, type Page, type PageRequest } from './page.ts';

/** A silence as people and programs are shown it. */
export interface ShownSilence {
  readonly id: string;
  readonly when: ConditionMap;
  readonly from: Date;
  readonly until: Date;
  readonly reason: string;
  readonly created_by: string;
  /** Null: nobody knows when it was written into the configuration. */
  readonly created_at: Date | null;
  readonly ended_at: Date | null;
  readonly ended_by: string | null;
  readonly active: boolean;
  /** True: it stands in the configuration and ends there only. */
  readonly configured: boolean;
}

const COLUMNS = sql`
  id, condition AS "when", from_at AS "from", until_at AS "until", reason, created_by, created_at, ended_at, ended_by,
  ended_at IS NULL AND from_at <= app_now() AND until_at > app_now() AS active,
  false AS configured`;

/** Silences that people added, newest first. */
export async function listSilences(db: Db, page: PageRequest): Promise<Page<ShownSilence>> {
  const { rows } = await sql<ShownSilence>`
    SELECT ${COLUMNS} FROM silences WHERE id < ${page.after ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff'}::uuid
     ORDER BY id DESC LIMIT ${page.limit + 1}`.execute(db);
  return toPage(
    rows,
    page.limit,
    (row) => row.id,
    (row) => row,
  );
}

export async function findSilence(db: Db, id: string): Promise<ShownSilence | null> {
  const { rows } = await sql<ShownSilence>`SELECT ${COLUMNS} FROM silences WHERE id = ${id}::uuid`.execute(
    db,
  );
  return rows[0] ?? null;
}

export interface NewSilence {
  readonly id: string;
  readonly when: ConditionMap;
  readonly from: Date;
  readonly until: Date;
  readonly reason: string;
  readonly by: string;
}

export async function insertSilence(db: Db, silence: NewSilence): Promise<void> {
  await sql`
    INSERT INTO silences (id, condition, from_at, until_at, reason, created_by)
    VALUES (${silence.id}::uuid, ${JSON.stringify(silence.when)}::jsonb, ${silence.from}, ${silence.until},
            ${silence.reason}, ${silence.by})`.execute(db);
}

/** Ends a silence now; one that is over stays as it was. */
export async function endSilence(db: Db, id: string, by: string): Promise<void> {
  await sql`
    UPDATE silences SET ended_at = app_now(), ended_by = ${by} WHERE id = ${id}::uuid AND ended_at IS NULL`.execute(
    db,
  );
}
