import { sql } from 'kysely';
import type { Db } from './database.ts';
import { timeOfId } from './ids.ts';
import type { EventDoc, StepState } from './tables.ts';

/** One stored event with the rules that matched it. */
export interface TimelineEvent {
  readonly kind: 'event';
  readonly id: string;
  /** Epoch ms. */
  readonly at: number;
  readonly event: EventDoc;
  readonly rules: readonly {
    readonly rule: string;
    readonly state: string;
    readonly reason: string | null;
  }[];
}

/** One decided step. */
export interface TimelineStep {
  readonly kind: 'step';
  readonly id: string;
  /** Epoch ms. */
  readonly at: number;
  readonly action: string;
  readonly path: string;
  readonly state: StepState;
  readonly reason: string | null;
  readonly result: unknown;
  readonly rule: string;
  readonly ruleVersionId: number;
  /** Name of the connection whose ticket it was about. */
  readonly connection: string;
  readonly ticketId: string | null;
  readonly eventVia: string;
}

/** Events stored since an id, oldest first. */
export async function readEventsSince(db: Db, afterId: string): Promise<readonly TimelineEvent[]> {
  const { rows } = await sql<{ id: string; doc: EventDoc; rules: TimelineEvent['rules'] }>`
    SELECT e.id, e.doc,
           coalesce((SELECT jsonb_agg(jsonb_build_object('rule', r.rule_id, 'state', r.state, 'reason', r.reason) ORDER BY r.id)
                       FROM runs r WHERE r.event_id = e.id), '[]') AS rules
      FROM events e WHERE e.id > ${afterId} ORDER BY e.id LIMIT 500`.execute(db);
  return rows.map((row) => ({
    kind: 'event',
    id: row.id,
    at: timeOfId(row.id),
    event: row.doc,
    rules: row.rules,
  }));
}

/** Steps decided after a moment, oldest first. */
export async function readStepsSince(db: Db, after: Date): Promise<readonly TimelineStep[]> {
  const { rows } = await sql<Omit<TimelineStep, 'kind' | 'at'> & { decided_at: Date }>`
    SELECT s.id, s.decided_at, s.action, s.path, s.state, s.reason, s.result, r.rule_id AS rule,
           r.rule_version_id AS "ruleVersionId", c.name AS connection, r.ticket_id AS "ticketId",
           coalesce((SELECT e.doc->>'via' FROM events e WHERE e.id = r.event_id AND e.observed_at = r.event_at), '') AS "eventVia"
      FROM steps s JOIN runs r ON r.id = s.run_id JOIN connections c ON c.id = s.connection_id
     WHERE s.decided_at > ${after} ORDER BY s.decided_at, s.id LIMIT 500`.execute(db);
  return rows.map(({ decided_at: decidedAt, ...row }) => ({ ...row, kind: 'step', at: decidedAt.getTime() }));
}

/** Tickets held of each connection, by its name. */
export async function countTickets(db: Db): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ name: string; count: number }>`
    SELECT c.name, count(*)::int AS count FROM tickets t JOIN connections c ON c.id = t.connection_id
     WHERE t.gone_at IS NULL GROUP BY c.name`.execute(db);
  return new Map(rows.map(({ name, count }) => [name, count]));
}
