import { sql, type RawBuilder } from 'kysely';
import type { Database, Tx } from './database.ts';
import { isPresumption, presume } from './presume.ts';

/** Lanes: each in the hands of at most one instance, which says so by owner and fence in all that it records. */

export interface Lease {
  readonly laneId: string;
  readonly fence: number;
}

/**
 * Records something under leases: a process that was frozen past its lease records nothing. That every lease stands
 * is presumed, in one round trip; where one does not, what stands under the others is recorded.
 *
 * @param write issues its statements before it first waits
 * @returns what `write` made of the rows whose lease stands
 */
export async function underLeases<Row extends Lease, Result>(
  database: Database,
  instanceId: string,
  rows: readonly Row[],
  write: (tx: Tx, rows: readonly Row[]) => Promise<Result>,
): Promise<Result> {
  const lanes = new Set(rows.map((row) => row.laneId));
  const held = heldLanes(instanceId, rows);
  const allStand = sql<boolean>`SELECT count(*) = ${lanes.size} FROM (${held}) AS held`;
  try {
    return await database.oneTrip(async (tx) => {
      const [, result] = await Promise.all([presume(tx, allStand, 'every lease stands'), write(tx, rows)]);
      return result;
    });
  } catch (error) {
    if (!isPresumption(error)) throw error;
  }
  return database.transaction(async (tx) => {
    const standing = new Set((await held.execute(tx)).rows.map((lane) => lane.id));
    return write(
      tx,
      rows.filter((row) => standing.has(row.laneId)),
    );
  });
}

/** Locks, in id order, the lanes whose lease stands. */
function heldLanes(instanceId: string, leases: readonly Lease[]): RawBuilder<{ readonly id: string }> {
  return sql`
    SELECT l.id FROM lanes l
      JOIN unnest(${leases.map((lease) => lease.laneId)}::uuid[], ${leases.map((lease) => lease.fence)}::bigint[])
        AS mine (id, fence) ON mine.id = l.id AND mine.fence = l.fence
     WHERE l.lease_owner = ${instanceId}
     ORDER BY l.id FOR UPDATE OF l`;
}

/**
 * Gives lanes back: sets each one's next due moment from its steps, and removes lanes with nothing left to do.
 *
 * @returns true if one of them has more to do right now
 */
export async function settleLanes(tx: Tx, lanes: readonly string[]): Promise<boolean> {
  if (lanes.length === 0) return false;
  const { rows } = await sql<{ readonly more: boolean }>`
    WITH due AS (
      SELECT lane.id, (SELECT st.due_at FROM steps st WHERE st.lane_id = lane.id AND st.due_at IS NOT NULL
                        ORDER BY (st.state = 'sending') DESC, st.due_at LIMIT 1) AS next_due_at
        FROM unnest(${lanes}::uuid[]) AS lane (id)),
    gone AS (
      DELETE FROM lanes USING due WHERE lanes.id = due.id AND due.next_due_at IS NULL)
    UPDATE lanes SET lease_owner = NULL, next_due_at = due.next_due_at
      FROM due WHERE lanes.id = due.id AND due.next_due_at IS NOT NULL
    RETURNING due.next_due_at <= app_now() AS more`.execute(tx);
  return rows.some((row) => row.more);
}

/**
 * Lanes whose owner is gone are free again; a step in `sending` is due at once, to be verified.
 *
 * @param keep lanes that are in good hands all the same
 */
export async function freeLanes(
  tx: Tx,
  deadInstances: readonly string[],
  limit: number,
  keep: readonly string[] = [],
): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM lanes WHERE lease_owner = ANY(${deadInstances}::uuid[]) AND NOT id = ANY(${keep}::uuid[])
     ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED`.execute(tx);
  const lanes = rows.map((row) => row.id);
  if (lanes.length === 0) return 0;
  await sql`
    UPDATE steps SET due_at = app_now() WHERE lane_id = ANY(${lanes}::uuid[]) AND state = 'sending'`.execute(
    tx,
  );
  await sql`
    UPDATE lanes SET fence = fence + 1 WHERE id = ANY(${lanes}::uuid[])`.execute(tx);
  await settleLanes(tx, lanes);
  return lanes.length;
}
