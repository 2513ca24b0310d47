import { sql } from 'kysely';
import type { Db } from './database.ts';
import type { EventDoc } from './tables.ts';
import { withBody } from './events.ts';
import type { DeskEvent } from '../event.ts';

/** Something that Deskhand said of itself. */
export interface OperationsEvent {
  readonly id: string;
  readonly at: Date;
  readonly connectionId: number;
  readonly event: DeskEvent;
}

/** Older than this it is no news: nobody wakes up to last week's pauses. */
const NEWS_FOR = sql.raw(`interval '1 day'`);

/** What Deskhand said of itself that no run of this rule has told yet, oldest first. */
export async function untoldOperations(
  db: Db,
  ruleId: string,
  limit: number,
): Promise<readonly OperationsEvent[]> {
  const { rows } = await sql<{
    id: string;
    at: Date;
    connectionId: number;
    doc: EventDoc;
    raw: Buffer | null;
  }>`
    SELECT e.id, e.observed_at AS at, e.connection_id AS "connectionId", e.doc, e.raw FROM events e
     WHERE e.type IN ('rule.muted', 'rule.paused', 'feed.gap', 'connection.degraded', 'connection.auth_failed',
                      'connection.rate_limited', 'connection.recovered', 'audit.overdue')
       AND e.observed_at > app_now() - ${NEWS_FOR}
       AND NOT EXISTS (SELECT FROM runs r WHERE r.event_id = e.id AND r.rule_id = ${ruleId})
     ORDER BY e.observed_at LIMIT ${limit}`.execute(db);
  return rows.map(({ doc, raw, ...row }) => ({ ...row, event: withBody(doc, raw) }));
}
