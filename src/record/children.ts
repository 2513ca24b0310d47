import { sql } from 'kysely';
import type { Db, Tx } from './database.ts';

/** What our own steps made: each child belongs to one step. */

/** Children of a kind that already belong to some step. */
export async function boundTo(
  db: Db,
  connectionId: number,
  kind: string,
  childIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (childIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('bound_children')
    .select(['child_id', 'step_id'])
    .where('connection_id', '=', connectionId)
    .where('child_kind', '=', kind)
    .where(sql<boolean>`child_id = ANY(${childIds}::text[])`)
    .execute();
  return new Map(rows.map((row) => [row.child_id, row.step_id]));
}

/** Which of these children our own steps made, with each step and the depth of its run. */
export async function madeBySteps(
  tx: Tx,
  connectionId: number,
  kind: string,
  childIds: readonly string[],
): Promise<ReadonlyMap<string, { readonly stepId: string; readonly depth: number }>> {
  if (childIds.length === 0) return new Map();
  const { rows } = await sql<{ child_id: string; step_id: string; depth: number }>`
    SELECT b.child_id, b.step_id, r.depth
      FROM bound_children b JOIN steps s ON s.id = b.step_id JOIN runs r ON r.id = s.run_id
     WHERE b.connection_id = ${connectionId} AND b.child_kind = ${kind}
       AND b.child_id = ANY(${childIds}::text[])`.execute(tx);
  return new Map(rows.map((row) => [row.child_id, { stepId: row.step_id, depth: row.depth }]));
}
