import { sql } from 'kysely';
import type { Db, Tx } from '../database.ts';
import { openLanes } from '../runs.ts';

/** What people stopped. Every change notifies the other processes, which poll besides. */
export interface Pauses {
  /** Null: actions go on. Else who or what stopped every action. */
  readonly all: string | null;
  /** Connections that are neither polled nor written to. */
  readonly connections: ReadonlySet<number>;
}

export async function readPauses(db: Db): Promise<Pauses> {
  const { rows } = await sql<{ paused: unknown; connections: number[] }>`
    SELECT (SELECT value FROM settings WHERE key = 'paused') AS paused,
           ARRAY(SELECT id FROM connections
                  WHERE paused_at IS NOT NULL OR silent_until > app_now() OR state = 'stopped') AS connections`.execute(
    db,
  );
  const paused = rows[0]?.paused;
  const all = typeof paused === 'string' ? paused : paused === true ? 'paused' : null;
  return { all, connections: new Set(rows[0]?.connections) };
}

/**
 * Stops every action of every instance, or lets them go on; what could not act for long is then not the older for it.
 *
 * @returns false if it was so already
 */
export async function setPausedAll(tx: Tx, reason: string | null): Promise<boolean> {
  const value = JSON.stringify(reason ?? false);
  const { rows } = await sql`
    INSERT INTO settings AS s (key, value) VALUES ('paused', ${value}::jsonb)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value
      WHERE (s.value = 'false'::jsonb) <> (excluded.value = 'false'::jsonb)
    RETURNING pg_notify('deskhand_rules', 'paused')`.execute(tx);
  if (rows.length === 0) return false;
  if (reason === null) {
    await sql`
      UPDATE steps SET wanted_at = wanted_at + greatest(
                     app_now() - greatest(wanted_at, to_timestamp((s.value #>> '{}')::float8)), interval '0')
        FROM settings s WHERE s.key = 'paused_at' AND steps.due_at IS NOT NULL AND steps.wanted_at IS NOT NULL`.execute(
      tx,
    );
  }
  await sql`
    INSERT INTO settings (key, value) VALUES ('paused_at', to_jsonb(extract(epoch FROM app_now())))
    ON CONFLICT (key) DO UPDATE SET value = excluded.value`.execute(tx);
  return true;
}

/** Pauses or resumes a connection. @returns null if it is not configured, else whether anything changed */
export async function setConnectionPaused(db: Db, name: string, paused: boolean): Promise<boolean | null> {
  const { rows } = await sql<{ was: boolean }>`
    WITH before AS (SELECT id, paused_at IS NOT NULL AS was FROM connections WHERE name = ${name} AND id > 0 FOR UPDATE)
    UPDATE connections c SET paused_at = CASE WHEN ${paused} THEN coalesce(c.paused_at, app_now()) END
      FROM before WHERE c.id = before.id
    RETURNING before.was, pg_notify('deskhand_rules', 'paused')`.execute(db);
  if (!paused) {
    // Whoever resumes has mended what its feeds were refused for.
    await sql`
      UPDATE feeds SET next_poll_at = app_now()
       WHERE failures > 0 AND connection_id = (SELECT id FROM connections WHERE name = ${name})`.execute(db);
  }
  return rows[0] === undefined ? null : rows[0].was !== paused;
}

/** Ends a rule's pause. @returns false if it was not paused */
export async function endRulePause(tx: Tx, ruleId: string): Promise<boolean> {
  const { rows } = await sql`
    DELETE FROM rule_states WHERE rule_id = ${ruleId} RETURNING pg_notify('deskhand_rules', 'paused')`.execute(
    tx,
  );
  return rows.length > 0;
}

/** Tells every instance that a rule was paused. */
export async function notifyPause(db: Db): Promise<void> {
  await sql`SELECT pg_notify('deskhand_rules', 'paused')`.execute(db);
}

/** Runs of a rule that wait for a decision. */
export async function countHeld(db: Db, ruleId: string): Promise<number> {
  const { rows } = await sql<{ held: number }>`
    SELECT count(*)::int AS held FROM runs WHERE rule_id = ${ruleId} AND state = 'held'`.execute(db);
  return rows[0]?.held ?? 0;
}

/** Lets a batch of held runs go on: their first steps are due. @returns how many */
export async function releaseHeld(tx: Tx, ruleId: string, limit: number): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    UPDATE runs SET state = 'active', reason = NULL WHERE id IN (
      SELECT id FROM runs WHERE rule_id = ${ruleId} AND state = 'held' ORDER BY id LIMIT ${limit}
         FOR UPDATE SKIP LOCKED)
    RETURNING id`.execute(tx);
  const runs = rows.map((row) => row.id);
  if (runs.length === 0) return 0;
  const { rows: started } = await sql<{ lane_id: string }>`
    UPDATE steps SET due_at = app_now()
      FROM unnest(${runs}::uuid[]) AS run (id)
      CROSS JOIN LATERAL (
        SELECT st.id FROM steps st WHERE st.run_id = run.id AND st.state = 'pending'
         ORDER BY st.position, st.iteration LIMIT 1) AS first
     WHERE steps.id = first.id
    RETURNING steps.lane_id`.execute(tx);
  await openLanes(
    tx,
    started.map((row) => row.lane_id),
  );
  return runs.length;
}

/** Ends a batch of held runs; their steps are skipped. @returns how many */
export async function discardHeld(tx: Tx, ruleId: string, limit: number): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    UPDATE runs SET state = 'ended', reason = 'discarded by a person', ended_at = app_now() WHERE id IN (
      SELECT id FROM runs WHERE rule_id = ${ruleId} AND state = 'held' ORDER BY id LIMIT ${limit}
         FOR UPDATE SKIP LOCKED)
    RETURNING id`.execute(tx);
  await sql`
    UPDATE steps SET state = 'skipped', reason = 'discarded by a person', due_at = NULL, decided_at = app_now()
     WHERE run_id = ANY(${rows.map((row) => row.id)}::uuid[]) AND state = 'pending'`.execute(tx);
  return rows.length;
}
