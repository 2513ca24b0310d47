import { sql } from 'kysely';
import type { Db } from './database.ts';

/** Registers this process. One row per instance; its counter is what leases are judged by. */
export async function registerInstance(db: Db, id: string, name: string): Promise<void> {
  await db.insertInto('instances').values({ id, name }).execute();
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

/** Counters of all instances. */
export async function readBeats(db: Db): Promise<ReadonlyMap<string, number>> {
  const rows = await db.selectFrom('instances').select(['id', 'beats']).execute();
  return new Map(rows.map((row) => [row.id, row.beats]));
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
