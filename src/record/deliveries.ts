import { sql } from 'kysely';
import { byteaArray } from './array-parameter.ts';
import type { Tx } from './database.ts';

/** An inbound request that is not itself an event. */
export interface NewDelivery {
  readonly id: string;
  readonly receivedAt: string;
  readonly connectionId: number;
  readonly key: string;
  readonly outcome: 'nudged' | 'parked';
  readonly reason: string | null;
  readonly contentType: string | null;
  readonly raw: Buffer;
}

export async function insertDeliveries(tx: Tx, rows: readonly NewDelivery[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    INSERT INTO deliveries (id, received_at, connection_id, delivery_key, outcome, reason, content_type, raw)
    SELECT * FROM unnest(
      ${rows.map((row) => row.id)}::uuid[], ${rows.map((row) => row.receivedAt)}::timestamptz[],
      ${rows.map((row) => row.connectionId)}::int[], ${rows.map((row) => row.key)}::text[],
      ${rows.map((row) => row.outcome)}::text[], ${rows.map((row) => row.reason)}::text[],
      ${rows.map((row) => row.contentType)}::text[], ${byteaArray(rows.map((row) => row.raw))}::bytea[])`.execute(
    tx,
  );
}
