import { randomInt } from 'node:crypto';
import { sql } from 'kysely';
import type { Db } from './database.ts';
import { LOCKS } from './locks.ts';
import type { StandingSession } from './standing-session.ts';

/** Registers this process. One row per instance; its counter and its session are what leases are judged by. */
export async function registerInstance(
  db: Db,
  id: string,
  name: string,
  sessionKey: number | null = null,
): Promise<void> {
  await db.insertInto('instances').values({ id, name, session_key: sessionKey }).execute();
}

/**
 * Lets the database vouch for this instance: a lock lives exactly as long as the session that holds it. Each session
 * takes a key of its own, because the lock of one that broke unnoticed may be held for a while.
 *
 * @returns the key of the session as it is now
 */
export async function holdLife(session: StandingSession, id: string): Promise<() => number> {
  let current = 0;
  await session.onEach(async (client) => {
    const key = randomInt(2 ** 31);
    await client.query('SELECT pg_advisory_lock($1, $2)', [LOCKS.instance, key]);
    await client.query('UPDATE instances SET session_key = $1 WHERE id = $2', [key, id]);
    current = key;
  });
  return () => current;
}

/** Moves this instance's counter. @returns false if the row is gone: everybody else took us for dead */
export async function beat(db: Db, id: string): Promise<boolean> {
  const result = await db
    .updateTable('instances')
    .set({ beats: sql<number>`beats + 1`, beat_at: sql<Date>`app_now()` })
    .where('id', '=', id)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

export interface Pulse {
  readonly beats: number;
  /** Its session is gone, so the process is gone or cut off. False where none is known of. */
  readonly sessionGone: boolean;
}

/** How all instances are. */
export async function readPulses(db: Db): Promise<ReadonlyMap<string, Pulse>> {
  const { rows } = await sql<{ readonly id: string } & Pulse>`
    SELECT id, beats, session_key IS NOT NULL AND session_key NOT IN (
             SELECT objid::bigint FROM pg_locks
              WHERE locktype = 'advisory' AND classid = ${LOCKS.instance}::bigint::oid AND objsubid = 2
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS "sessionGone"
      FROM instances`.execute(db);
  return new Map(rows.map((row) => [row.id, row]));
}

/** Instances that are named by a lease but have no row any more. */
export async function unknownOwners(db: Db): Promise<readonly string[]> {
  const { rows } = await sql<{ lease_owner: string }>`
    SELECT DISTINCT lease_owner FROM (
      SELECT lease_owner FROM lanes WHERE lease_owner IS NOT NULL
      UNION ALL SELECT lease_owner FROM feeds WHERE lease_owner IS NOT NULL) owners
     WHERE NOT EXISTS (SELECT FROM instances WHERE instances.id = owners.lease_owner)`.execute(db);
  return rows.map((row) => row.lease_owner);
}

export async function removeInstances(db: Db, ids: readonly string[]): Promise<void> {
  await sql`DELETE FROM instances WHERE id = ANY(${ids}::uuid[])`.execute(db);
}
