import { sql } from 'kysely';
import type { DeskEvent } from '../event.ts';
import { parseJson } from '../json.ts';
import type { Db, Tx } from './database.ts';
import { byteaArray, jsonbArray } from './array-parameter.ts';
import { toJsonb } from './database.ts';
import type { EventDoc } from './tables.ts';

/** One row of `events`, before it is stored. */
export interface NewEvent {
  readonly id: string;
  readonly connectionId: number;
  readonly event: DeskEvent;
  readonly raw: Buffer | null;
  readonly depth: number;
  readonly causedBy: string | null;
}

export interface KeyRow {
  readonly connectionId: number;
  readonly hash: Buffer;
  readonly eventId: string;
  /** Null: a repeat for as long as it is remembered. Else it is new again after that many ms. */
  readonly renewAfterMs: number | null;
}

/**
 * Remembers keys and tells which of them were new. Rows must be free of duplicates and sorted by
 * (connection, hash): two groups that insert in opposite orders deadlock.
 */
export async function insertKeys(tx: Tx, rows: readonly KeyRow[]): Promise<ReadonlySet<string>> {
  const lasting = rows.filter((row) => row.renewAfterMs === null);
  const renewable = rows.filter((row) => row.renewAfterMs !== null);
  return new Set([...(await insertLasting(tx, lasting)), ...(await insertRenewable(tx, renewable))]);
}

/** Remembers keys that are presumed new: one that is not fails the transaction (`isPresumption`). */
export async function insertNewKeys(tx: Tx, rows: readonly KeyRow[]): Promise<void> {
  await sql`
    INSERT INTO event_keys (connection_id, key_hash, event_id)
    SELECT * FROM unnest(
      ${rows.map((row) => row.connectionId)}::int[],
      ${byteaArray(rows.map((row) => row.hash))}::bytea[],
      ${rows.map((row) => row.eventId)}::uuid[])`.execute(tx);
}

interface KeyRead {
  readonly connection_id: number;
  readonly key_hash: Buffer;
}

async function insertLasting(tx: Tx, rows: readonly KeyRow[]): Promise<readonly string[]> {
  if (rows.length === 0) return [];
  const { rows: stored } = await sql<KeyRead>`
    INSERT INTO event_keys (connection_id, key_hash, event_id)
    SELECT * FROM unnest(
      ${rows.map((row) => row.connectionId)}::int[],
      ${byteaArray(rows.map((row) => row.hash))}::bytea[],
      ${rows.map((row) => row.eventId)}::uuid[])
    ON CONFLICT DO NOTHING
    RETURNING connection_id, key_hash`.execute(tx);
  return stored.map((row) => keyName(row.connection_id, row.key_hash));
}

/** A body without an id is a repeat only for a while after it was last accepted. */
async function insertRenewable(tx: Tx, rows: readonly KeyRow[]): Promise<readonly string[]> {
  if (rows.length === 0) return [];
  const { rows: stored } = await sql<KeyRead>`
    INSERT INTO event_keys AS k (connection_id, key_hash, event_id)
    SELECT * FROM unnest(
      ${rows.map((row) => row.connectionId)}::int[],
      ${byteaArray(rows.map((row) => row.hash))}::bytea[],
      ${rows.map((row) => row.eventId)}::uuid[])
    ON CONFLICT (connection_id, key_hash) DO UPDATE SET seen_at = excluded.seen_at, event_id = excluded.event_id
      WHERE k.seen_at <= app_now() - ${Math.max(0, ...rows.map((row) => row.renewAfterMs ?? 0))}::float8 * interval '1 millisecond'
    RETURNING connection_id, key_hash`.execute(tx);
  return stored.map((row) => keyName(row.connection_id, row.key_hash));
}

/** Which event each key stands for; keys that are not remembered are missing. */
export async function findKeys(
  db: Db,
  keys: readonly { readonly connectionId: number; readonly hash: Buffer }[],
): Promise<ReadonlyMap<string, string>> {
  if (keys.length === 0) return new Map();
  const { rows } = await sql<{ connection_id: number; key_hash: Buffer; event_id: string }>`
    SELECT k.connection_id, k.key_hash, k.event_id
      FROM unnest(${keys.map((key) => key.connectionId)}::int[], ${byteaArray(keys.map((key) => key.hash))}::bytea[])
        AS wanted (connection_id, key_hash)
      JOIN event_keys k USING (connection_id, key_hash)`.execute(db);
  return new Map(rows.map((row) => [keyName(row.connection_id, row.key_hash), row.event_id]));
}

/** A key as a map key. */
export function keyName(connectionId: number, hash: Buffer): string {
  return `${connectionId}:${hash.toString('base64')}`;
}

export async function insertEvents(
  tx: Tx,
  ruleSetId: number | null,
  rows: readonly NewEvent[],
): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    INSERT INTO events (id, observed_at, connection_id, ticket_id, type, rule_set_id, depth, caused_by, doc, raw)
    SELECT id, observed_at, connection_id, ticket_id, type, ${ruleSetId}::bigint, depth, caused_by, doc, raw
    FROM unnest(
      ${rows.map((row) => row.id)}::uuid[],
      ${rows.map((row) => row.event.observed_at)}::timestamptz[],
      ${rows.map((row) => row.connectionId)}::int[],
      ${rows.map((row) => row.event.ticket_id)}::text[],
      ${rows.map((row) => row.event.type)}::text[],
      ${rows.map((row) => row.depth)}::smallint[],
      ${rows.map((row) => row.causedBy)}::uuid[],
      ${jsonbArray(rows.map((row) => toJsonb(docOf(row.event))))}::jsonb[],
      ${byteaArray(rows.map((row) => row.raw))}::bytea[])
      AS row (id, observed_at, connection_id, ticket_id, type, depth, caused_by, doc, raw)`.execute(tx);
}

function docOf(event: DeskEvent): EventDoc {
  const { body: _body, ...doc } = event;
  return doc;
}

export interface StoredEvent {
  readonly id: string;
  readonly event: DeskEvent;
  readonly depth: number;
  readonly ruleSetId: number | null;
}

/** Reads stored events by id; `at` is each one's observed_at, which names its partition. */
export async function readEvents(
  db: Db,
  wanted: readonly { readonly id: string; readonly at: Date }[],
): Promise<ReadonlyMap<string, StoredEvent>> {
  if (wanted.length === 0) return new Map();
  const { rows } = await sql<{
    id: string;
    doc: EventDoc;
    raw: Buffer | null;
    depth: number;
    rule_set_id: number | null;
  }>`
    SELECT e.id, e.doc, e.raw, e.depth, e.rule_set_id
      FROM unnest(${wanted.map((row) => row.id)}::uuid[], ${wanted.map((row) => row.at)}::timestamptz[])
        AS wanted (id, at)
      JOIN events e ON e.id = wanted.id AND e.observed_at = wanted.at`.execute(db);
  return new Map(
    rows.map((row) => [
      row.id,
      { id: row.id, event: withBody(row.doc, row.raw), depth: row.depth, ruleSetId: row.rule_set_id },
    ]),
  );
}

/** Larger documents and bodies are left out of a sample, so that it costs a few MB at most. */
const MAX_SAMPLED_BYTES = 8_192;

/** The events stored last, newest first: what selectivity of conditions is counted on. Large ones are left out. */
export async function readLatestEvents(db: Db, limit: number): Promise<readonly DeskEvent[]> {
  const { rows } = await sql<{ doc: EventDoc; raw: Buffer | null }>`
    SELECT doc, CASE WHEN octet_length(raw) <= ${MAX_SAMPLED_BYTES} THEN raw END AS raw
      FROM (SELECT id, doc, raw FROM events ORDER BY id DESC LIMIT ${limit}) AS latest
     WHERE pg_column_size(doc) <= ${MAX_SAMPLED_BYTES}
     ORDER BY id DESC`.execute(db);
  return rows.map((row) => withBody(row.doc, row.raw));
}

/** The event as it was matched: a webhook's body is its raw bytes, parsed again. */
export function withBody(doc: EventDoc, raw: Buffer | null): DeskEvent {
  if (raw === null) return { ...doc, body: null };
  try {
    return { ...doc, body: parseJson(raw.toString('utf8')) };
  } catch {
    return { ...doc, body: null };
  }
}
