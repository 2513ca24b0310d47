import { sql } from 'kysely';
import type { Db, Tx } from './database.ts';

export interface Nomination {
  readonly connectionId: number;
  readonly ticketId: string;
  readonly wish: number;
  readonly via: string;
  readonly nominatedAt: Date;
  readonly failures: number;
}

/** Asks for a ticket to be read again; a wish for the same ticket that is still open is renewed, not doubled. */
export async function nominate(
  tx: Tx,
  rows: readonly { readonly connectionId: number; readonly ticketId: string; readonly via: string }[],
  afterMs: number,
): Promise<void> {
  if (rows.length === 0) return;
  const distinct = [
    ...new Map(rows.map((row) => [`${row.connectionId} ${row.ticketId}`, row])).values(),
  ].sort((a, b) => a.connectionId - b.connectionId || (a.ticketId < b.ticketId ? -1 : 1));
  await sql`
    INSERT INTO nominations (connection_id, ticket_id, via, due_at)
    SELECT connection_id, ticket_id, via, app_now() + ${afterMs}::float8 * interval '1 millisecond'
      FROM unnest(${distinct.map((row) => row.connectionId)}::int[], ${distinct.map((row) => row.ticketId)}::text[],
                  ${distinct.map((row) => row.via)}::text[]) AS row (connection_id, ticket_id, via)
    ON CONFLICT (connection_id, ticket_id) DO UPDATE
      SET wish = nominations.wish + 1, due_at = least(nominations.due_at, excluded.due_at), failures = 0`.execute(
    tx,
  );
}

/**
 * Takes due nominations of a connection for one try: pushed into the future, so that another instance leaves them
 * alone meanwhile and a crash brings them back.
 */
export async function takeNominations(
  db: Db,
  connectionId: number,
  limit: number,
  retryAfterMs: number,
): Promise<readonly Nomination[]> {
  const { rows } = await sql<Nomination>`
    UPDATE nominations SET due_at = app_now() + ${retryAfterMs}::float8 * interval '1 millisecond'
     WHERE (connection_id, ticket_id) IN (
       SELECT connection_id, ticket_id FROM nominations
        WHERE connection_id = ${connectionId} AND due_at <= app_now()
        ORDER BY due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)
    RETURNING connection_id AS "connectionId", ticket_id AS "ticketId", wish, via,
              nominated_at AS "nominatedAt", failures`.execute(db);
  return rows;
}

/** Connections with nominations that are due. */
export async function connectionsNominated(db: Db): Promise<readonly number[]> {
  const { rows } = await sql<{ connection_id: number }>`
    SELECT DISTINCT connection_id FROM nominations WHERE due_at <= app_now()`.execute(db);
  return rows.map((row) => row.connection_id);
}

/** Removes nominations that were fulfilled, unless a newer wish came meanwhile. */
export async function fulfil(
  tx: Tx,
  rows: readonly { readonly connectionId: number; readonly ticketId: string; readonly wish: number }[],
): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    DELETE FROM nominations USING unnest(
      ${rows.map((row) => row.connectionId)}::int[], ${rows.map((row) => row.ticketId)}::text[],
      ${rows.map((row) => row.wish)}::bigint[]) AS row (connection_id, ticket_id, wish)
     WHERE nominations.connection_id = row.connection_id AND nominations.ticket_id = row.ticket_id
       AND nominations.wish = row.wish`.execute(tx);
}

/** Keeps a nomination for later, with the reason. */
export async function putOff(
  db: Db,
  nomination: Nomination,
  afterMs: number,
  reason: string,
  countsAsFailure: boolean,
): Promise<void> {
  await sql`
    UPDATE nominations SET due_at = app_now() + ${afterMs}::float8 * interval '1 millisecond',
           failures = failures + ${countsAsFailure ? 1 : 0}, last_error = ${reason}
     WHERE connection_id = ${nomination.connectionId} AND ticket_id = ${nomination.ticketId}
       AND wish = ${nomination.wish}`.execute(db);
}
