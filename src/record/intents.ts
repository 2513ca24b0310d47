import { sql } from 'kysely';
import { jsonbArray } from './array-parameter.ts';
import { toJsonb, type Database, type Tx } from './database.ts';
import { underLeases, type Lease } from './lanes.ts';
import type { Intent, Part } from './tables.ts';

/** What is about to be sent; committed before the call. */
export interface NewIntent extends Lease {
  readonly stepId: string;
  readonly intent: Intent;
  readonly parts: Readonly<Record<string, Part>>;
  readonly ownWrites: readonly NewOwnWrite[];
}

export interface NewOwnWrite {
  readonly id: string;
  readonly connectionId: number;
  readonly ticketId: string;
  readonly stepId: string;
  readonly field: string;
  readonly value: unknown;
  readonly depth: number;
}

/**
 * Commits intents: the steps are `sending`, and what will be ours is on record.
 *
 * @returns ids of the steps that may now be sent; for the others the lease is lost
 */
export function recordIntents(
  database: Database,
  instanceId: string,
  intents: readonly NewIntent[],
): Promise<ReadonlySet<string>> {
  return underLeases(database, instanceId, intents, writeIntents);
}

async function writeIntents(tx: Tx, intents: readonly NewIntent[]): Promise<ReadonlySet<string>> {
  const marked = sql`
    UPDATE steps SET state = 'sending', reason = NULL, intent = row.intent, parts = row.parts,
                     attempts = steps.attempts + 1,
                     wanted_at = coalesce(steps.wanted_at, app_now()),
                     due_at = to_timestamp(row.deadline_ms / 1000.0)
      FROM unnest(${intents.map((row) => row.stepId)}::uuid[],
                  ${jsonbArray(intents.map((row) => toJsonb(row.intent)))}::jsonb[],
                  ${jsonbArray(intents.map((row) => toJsonb(row.parts)))}::jsonb[],
                  ${intents.map((row) => row.intent.deadlineAt)}::float8[]) AS row (id, intent, parts, deadline_ms)
     WHERE steps.id = row.id`.execute(tx);
  const written = insertOwnWrites(
    tx,
    intents.flatMap((row) => row.ownWrites),
  );
  await Promise.all([marked, written]);
  return new Set(intents.map((intent) => intent.stepId));
}

async function insertOwnWrites(tx: Tx, writes: readonly NewOwnWrite[]): Promise<void> {
  if (writes.length === 0) return;
  await sql`
    INSERT INTO own_writes (id, connection_id, ticket_id, step_id, field, value, depth)
    SELECT * FROM unnest(
      ${writes.map((row) => row.id)}::uuid[], ${writes.map((row) => row.connectionId)}::int[],
      ${writes.map((row) => row.ticketId)}::text[], ${writes.map((row) => row.stepId)}::uuid[],
      ${writes.map((row) => row.field)}::text[], ${jsonbArray(writes.map((row) => toJsonb(row.value)))}::jsonb[],
      ${writes.map((row) => row.depth)}::smallint[])
    ON CONFLICT (step_id, field) DO UPDATE SET value = excluded.value, written_at = app_now(), answered_seq = NULL`.execute(
    tx,
  );
}
