import { sql } from 'kysely';
import type { Db } from './database.ts';

export interface ConnectionRow {
  readonly id: number;
  readonly name: string;
  readonly vendor: string;
  readonly botUserId: string | null;
  readonly state: 'ok' | 'degraded' | 'stopped';
  readonly stateReason: string | null;
  readonly testedWith: string | null;
  /** How long ago the self-test was; null: never. */
  readonly testedAgoMs: number | null;
  /** Epoch ms. */
  readonly silentUntil: number | null;
  readonly paused: boolean;
}

/** Registers a configured connection and returns its short id. */
export async function upsertConnection(db: Db, name: string, vendor: string): Promise<number> {
  const row = await db
    .insertInto('connections')
    .values({ name, vendor, findings: '[]' })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ vendor }))
    .returning('id')
    .executeTakeFirstOrThrow();
  return row.id;
}

export async function readConnections(db: Db): Promise<readonly ConnectionRow[]> {
  const { rows } = await sql<ConnectionRow>`
    SELECT id, name, vendor, bot_user_id AS "botUserId", state, state_reason AS "stateReason",
           tested_with AS "testedWith", (extract(epoch FROM app_now() - tested_at) * 1000)::float8 AS "testedAgoMs",
           (extract(epoch FROM silent_until) * 1000)::float8 AS "silentUntil",
           paused_at IS NOT NULL AS paused
      FROM connections ORDER BY id`.execute(db);
  return rows;
}

/** Stores the self-test that all instances share. */
export async function recordSelfTest(
  db: Db,
  connectionId: number,
  result: {
    readonly testedWith: string;
    readonly botUserId: string | null;
    readonly findings: readonly string[];
  },
): Promise<void> {
  await db
    .updateTable('connections')
    .set({
      tested_with: result.testedWith,
      tested_at: sql<Date>`app_now()`,
      findings: JSON.stringify(result.findings),
      ...(result.botUserId === null ? {} : { bot_user_id: result.botUserId }),
    })
    .where('id', '=', connectionId)
    .execute();
}

/** Stands in `tested_with` for credentials that were refused: a restart with the same ones is no reason to try again. */
export function refusedMark(fingerprint: string): string {
  return `refused ${fingerprint}`;
}

/** The credentials were refused: every feed of the connection rests, those too that did not ask. */
export async function restAfterRefusal(
  db: Db,
  connectionId: number,
  fingerprint: string,
  forMs: number,
): Promise<void> {
  await sql`
    WITH marked AS (UPDATE connections SET tested_with = ${refusedMark(fingerprint)} WHERE id = ${connectionId})
    UPDATE feeds SET failures = greatest(failures, 1),
           next_poll_at = greatest(next_poll_at, app_now() + ${forMs}::float8 * interval '1 millisecond')
     WHERE connection_id = ${connectionId}`.execute(db);
}

/**
 * The vendor asked for silence until then; a longer silence already on record stays.
 *
 * @returns whether it was silent before: then this is an answer to a call of the same time, and no news
 */
export async function silenceConnection(
  db: Db,
  connectionId: number,
  forMs: number,
  reason: string,
): Promise<boolean> {
  const { rows } = await sql<{ was: boolean }>`
    WITH before AS (
      SELECT id, coalesce(silent_until > app_now(), false) AS was FROM connections WHERE id = ${connectionId} FOR UPDATE)
    UPDATE connections c SET silent_reason = ${reason},
           silent_until = greatest(silent_until, app_now() + ${forMs}::float8 * interval '1 millisecond')
      FROM before WHERE c.id = before.id RETURNING before.was`.execute(db);
  return rows[0]?.was ?? false;
}

/** Stops a connection until its credentials change (auth), or marks it healthy again. */
export async function setConnectionState(
  db: Db,
  connectionId: number,
  state: 'ok' | 'degraded' | 'stopped',
  reason: string | null,
): Promise<boolean> {
  const result = await sql`
    UPDATE connections SET state = ${state}, state_reason = ${reason}
     WHERE id = ${connectionId} AND (state, state_reason) IS DISTINCT FROM (${state}, ${reason}::text)`.execute(
    db,
  );
  return result.numAffectedRows === 1n;
}
