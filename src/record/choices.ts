import { sql } from 'kysely';
import type { Db } from './database.ts';

/** Whom an earlier try of this step chose; null: nobody yet. */
export async function readChoice(db: Db, stepId: string): Promise<string | null> {
  const { rows } = await sql<{ choice: string | null }>`
    SELECT choice FROM steps WHERE id = ${stepId}`.execute(db);
  return rows[0]?.choice ?? null;
}

/** Keeps a step's choice. @returns what counts: the first choice, also when another instance made it meanwhile */
export async function keepChoice(db: Db, stepId: string, choice: string): Promise<string> {
  const { rows } = await sql<{ choice: string }>`
    UPDATE steps SET choice = coalesce(choice, ${choice}) WHERE id = ${stepId} RETURNING choice`.execute(db);
  return rows[0]?.choice ?? choice;
}
