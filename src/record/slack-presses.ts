import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Rule } from '../match/rule.ts';
import type { Db, Tx } from './database.ts';
import { openLanes } from './runs.ts';
import type { StepState } from './tables.ts';

/** Something a person asked for in Slack. */
export interface NewPress {
  /** Slack's own id of the act. */
  readonly key: string;
  readonly userId: string;
  /** E-mail, else the Slack id. */
  readonly person: string;
  readonly action: string;
  readonly connectionId: number | null;
  readonly ticketId: string | null;
  readonly channel: string | null;
  readonly ts: string | null;
  readonly runId: string | null;
  readonly state: 'pending' | 'done' | 'refused';
  readonly detail: string | null;
}

/** @returns false if this very act was stored before: it has had its effect */
export async function insertPress(tx: Tx, press: NewPress): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO slack_presses (key, user_id, person, action, connection_id, ticket_id, channel, ts, run_id, state, detail,
                               answered_at)
    VALUES (${press.key}, ${press.userId}, ${press.person}, ${press.action}, ${press.connectionId}, ${press.ticketId},
            ${press.channel}, ${press.ts}, ${press.runId}, ${press.state}, ${press.detail},
            CASE WHEN ${press.state}::text <> 'pending' THEN app_now() END)
    ON CONFLICT DO NOTHING RETURNING 1`.execute(tx);
  return rows.length > 0;
}

/** What became of an act whose run is over. */
export interface SettledPress {
  readonly key: string;
  readonly userId: string;
  readonly person: string;
  readonly action: string;
  readonly connectionId: number;
  readonly ticketId: string;
  readonly channel: string | null;
  readonly steps: readonly {
    readonly action: string;
    readonly state: StepState;
    readonly reason: string | null;
  }[];
}

/** Takes acts whose run is decided; each is handed out once. */
export async function settlePresses(tx: Tx, limit: number): Promise<readonly SettledPress[]> {
  const { rows } = await sql<SettledPress>`
    WITH settled AS (
      SELECT p.key FROM slack_presses p JOIN runs r ON r.id = p.run_id
       WHERE p.state = 'pending' AND r.state IN ('done', 'ended')
       ORDER BY p.pressed_at LIMIT ${limit} FOR UPDATE OF p SKIP LOCKED)
    UPDATE slack_presses p SET answered_at = app_now(),
        state = CASE WHEN EXISTS (SELECT FROM steps s WHERE s.run_id = p.run_id AND s.state NOT IN ('done', 'skipped'))
                     THEN 'refused' ELSE 'done' END
      FROM settled WHERE p.key = settled.key
    RETURNING p.key, p.user_id AS "userId", p.person, p.action, p.connection_id AS "connectionId",
              p.ticket_id AS "ticketId", p.channel,
              (SELECT jsonb_agg(jsonb_build_object('action', s.action, 'state', s.state, 'reason', s.reason) ORDER BY s.position)
                 FROM steps s WHERE s.run_id = p.run_id) AS steps`.execute(tx);
  return rows;
}

export async function setPressDetail(tx: Tx, key: string, detail: string | null): Promise<void> {
  await sql`UPDATE slack_presses SET detail = ${detail} WHERE key = ${key}`.execute(tx);
}

/** The stored version of a rule that no file holds. */
export async function ownRuleVersion(db: Db, rule: Rule): Promise<number> {
  const doc = JSON.stringify(rule);
  const hash = createHash('sha256').update(doc).digest();
  await sql`
    INSERT INTO rule_versions (rule_id, doc_hash, doc) VALUES (${rule.id}, ${hash}, ${doc}::jsonb)
    ON CONFLICT DO NOTHING`.execute(db);
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM rule_versions WHERE rule_id = ${rule.id} AND doc_hash = ${hash}`.execute(db);
  const id = rows[0]?.id;
  if (id === undefined) throw new Error(`rule ${rule.id} was not stored`);
  return id;
}

/** Waits of a ticket's runs are over now: somebody does not want to wait. @returns how many */
export async function hurryWaits(tx: Tx, connectionId: number, ticketId: string): Promise<number> {
  const { rows } = await sql<{ id: string; lane_id: string }>`
    SELECT s.id, s.lane_id FROM runs r JOIN steps s ON s.run_id = r.id
     WHERE r.connection_id = ${connectionId} AND r.ticket_id = ${ticketId} AND r.state = 'active'
       AND s.state = 'waiting' AND s.action = 'wait'`.execute(tx);
  if (rows.length === 0) return 0;
  await openLanes(
    tx,
    rows.map((row) => row.lane_id),
  );
  await sql`
    UPDATE steps SET due_at = app_now()
     WHERE id = ANY(${rows.map((row) => row.id)}::uuid[]) AND state = 'waiting'`.execute(tx);
  return rows.length;
}

/** A question's answer. @returns false when somebody was faster or there is no such question */
export async function answerQuestion(
  db: Db,
  stepId: string,
  answer: string,
  by: string | null,
): Promise<boolean> {
  const { rows } = await sql`
    UPDATE slack_asks SET answer = ${answer}, answered_by = ${by}, answered_at = app_now()
     WHERE step_id = ${stepId} AND answer IS NULL
       AND EXISTS (SELECT FROM steps s WHERE s.id = step_id AND s.state IN ('waiting', 'sending'))
    RETURNING 1`.execute(db);
  return rows.length > 0;
}

/** Steps that wait although their question was answered: the waking was missed. */
export async function answeredButWaiting(db: Db): Promise<readonly string[]> {
  const { rows } = await sql<{ step_id: string }>`
    SELECT a.step_id FROM slack_asks a JOIN steps s ON s.id = a.step_id
     WHERE a.answered_at > app_now() - interval '1 day' AND s.state = 'waiting'`.execute(db);
  return rows.map((row) => row.step_id);
}

export interface Question {
  readonly channel: string;
  readonly ts: string;
  readonly question: string;
  readonly answer: string | null;
  readonly answeredBy: string | null;
}

export async function readQuestion(db: Db, stepId: string): Promise<Question | null> {
  const { rows } = await sql<Question>`
    SELECT channel, ts, question, answer, answered_by AS "answeredBy" FROM slack_asks WHERE step_id = ${stepId}`.execute(
    db,
  );
  return rows[0] ?? null;
}

/** A question about to be asked (`ts` empty) or standing: somebody may answer before we know that it stands. */
export async function insertQuestion(
  db: Db,
  row: { readonly stepId: string; readonly channel: string; readonly ts: string; readonly question: string },
): Promise<void> {
  await sql`
    INSERT INTO slack_asks (step_id, channel, ts, question)
    VALUES (${row.stepId}, ${row.channel}, ${row.ts}, ${row.question})
    ON CONFLICT (step_id) DO UPDATE SET channel = excluded.channel, ts = excluded.ts WHERE slack_asks.ts = ''`.execute(
    db,
  );
}

/** Adds the chosen answer's steps behind the question, before what follows it. Repeating it changes nothing. */
export async function insertBranch(
  db: Db,
  askStepId: string,
  steps: readonly { readonly id: string; readonly path: string; readonly action: string }[],
): Promise<void> {
  await sql`
    INSERT INTO steps (id, run_id, lane_id, connection_id, path, iteration, position, rule_order, action)
    SELECT row.id, ask.run_id, ask.lane_id, ask.connection_id, row.path, ask.iteration + row.n::int, ask.position, ask.rule_order, row.action
      FROM steps ask, unnest(${steps.map((one) => one.id)}::uuid[], ${steps.map((one) => one.path)}::text[],
                             ${steps.map((one) => one.action)}::text[]) WITH ORDINALITY AS row (id, path, action, n)
     WHERE ask.id = ${askStepId}
    ON CONFLICT (run_id, path, iteration) DO NOTHING`.execute(db);
}
