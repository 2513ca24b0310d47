import { sql } from 'kysely';
import type { Db } from './database.ts';

/** Notes that somebody took the ticket. @returns false if it was acknowledged already */
export async function acknowledgeTicket(
  db: Db,
  connectionId: number,
  ticketId: string,
  by: string,
): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO tickets (connection_id, ticket_id, snapshot, acknowledged_at, acknowledged_by)
    VALUES (${connectionId}, ${ticketId}, ${JSON.stringify({ id: ticketId })}::jsonb, app_now(), ${by})
    ON CONFLICT (connection_id, ticket_id) DO UPDATE
      SET acknowledged_at = app_now(), acknowledged_by = excluded.acknowledged_by
      WHERE tickets.acknowledged_at IS NULL
    RETURNING 1`.execute(db);
  return rows.length > 0;
}
