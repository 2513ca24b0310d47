import { sql } from 'kysely';
import type { Db } from '../database.ts';
import type { AttemptState, RunState, StepState } from '../tables.ts';
import { toPage, type Page, type PageRequest } from './page.ts';

/** A run as people and programs are shown it. */
export interface ShownRun {
  readonly id: string;
  readonly event_id: string;
  readonly rule: string;
  readonly rule_version: number;
  readonly replay_no: number;
  readonly connection: string;
  readonly ticket_id: string | null;
  readonly state: RunState;
  readonly reason: string | null;
  readonly shadow: boolean;
  readonly created_at: Date;
  readonly ended_at: Date | null;
}

/** A step with what an operator needs to decide about it. */
export interface ShownStep {
  readonly id: string;
  /** The same as `id`. */
  readonly step_id: string;
  readonly run_id: string;
  readonly rule: string;
  readonly connection: string;
  readonly ticket_id: string | null;
  readonly path: string;
  readonly iteration: number;
  readonly action: string;
  readonly state: StepState;
  readonly reason: string | null;
  readonly attempts: number;
  readonly due_at: Date | null;
  readonly decided_at: Date | null;
  readonly result: unknown;
}

export interface ShownAttempt {
  readonly id: string;
  readonly step_id: string;
  readonly number: number;
  readonly state: AttemptState;
  readonly reason: string | null;
  readonly started_at: Date;
  readonly took_ms: number | null;
}

export interface RunFilter {
  readonly rule?: string | undefined;
  readonly state?: RunState | undefined;
  readonly connection?: string | undefined;
  readonly ticketId?: string | undefined;
  readonly eventId?: string | undefined;
}

const RUN_COLUMNS = sql`
  r.id, r.event_id, r.rule_id AS rule, r.rule_version_id AS rule_version, r.replay_no, c.name AS connection,
  r.ticket_id, r.state, r.reason, r.shadow, r.created_at, r.ended_at`;

const STEP_COLUMNS = sql`
  s.id, s.id AS step_id, s.run_id, r.rule_id AS rule, c.name AS connection, r.ticket_id, s.path, s.iteration,
  s.action, s.state, s.reason, s.attempts, s.due_at, s.decided_at, s.result`;

type Condition = ReturnType<typeof sql<boolean>>;

function and(conditions: readonly Condition[]): Condition {
  return conditions.length === 0 ? sql<boolean>`true` : sql<boolean>`${sql.join(conditions, sql` AND `)}`;
}

/** Runs, newest first. */
export async function listRuns(db: Db, filter: RunFilter, page: PageRequest): Promise<Page<ShownRun>> {
  const where: Condition[] = [];
  if (page.after !== null) where.push(sql`r.id < ${page.after}::uuid`);
  if (filter.rule !== undefined) where.push(sql`r.rule_id = ${filter.rule}`);
  if (filter.state !== undefined) where.push(sql`r.state = ${filter.state}`);
  if (filter.connection !== undefined) where.push(sql`c.name = ${filter.connection}`);
  if (filter.ticketId !== undefined) where.push(sql`r.ticket_id = ${filter.ticketId}`);
  if (filter.eventId !== undefined) where.push(sql`r.event_id = ${filter.eventId}::uuid`);
  const { rows } = await sql<ShownRun>`
    SELECT ${RUN_COLUMNS} FROM runs r JOIN connections c ON c.id = r.connection_id
     WHERE ${and(where)} ORDER BY r.id DESC LIMIT ${page.limit + 1}`.execute(db);
  return toPage(
    rows,
    page.limit,
    (row) => row.id,
    (row) => row,
  );
}

export async function findRun(db: Db, id: string): Promise<ShownRun | null> {
  const { rows } = await sql<ShownRun>`
    SELECT ${RUN_COLUMNS} FROM runs r JOIN connections c ON c.id = r.connection_id
     WHERE r.id = ${id}::uuid`.execute(db);
  return rows[0] ?? null;
}

export interface StepFilter {
  readonly state?: StepState | undefined;
  readonly runId?: string | undefined;
}

/** Steps, newest first. */
export async function listSteps(db: Db, filter: StepFilter, page: PageRequest): Promise<Page<ShownStep>> {
  const where: Condition[] = [];
  if (page.after !== null) where.push(sql`s.id < ${page.after}::uuid`);
  if (filter.runId !== undefined) where.push(sql`s.run_id = ${filter.runId}::uuid`);
  // Literal, so that the index of doubtful steps can be used.
  if (filter.state !== undefined) where.push(sql`s.state = ${sql.lit(filter.state)}`);
  const { rows } = await sql<ShownStep>`
    SELECT ${STEP_COLUMNS} FROM steps s JOIN runs r ON r.id = s.run_id JOIN connections c ON c.id = s.connection_id
     WHERE ${and(where)} ORDER BY s.id DESC LIMIT ${page.limit + 1}`.execute(db);
  return toPage(
    rows,
    page.limit,
    (row) => row.id,
    (row) => row,
  );
}

export async function findStep(db: Db, id: string): Promise<ShownStep | null> {
  const { rows } = await sql<ShownStep>`
    SELECT ${STEP_COLUMNS} FROM steps s JOIN runs r ON r.id = s.run_id JOIN connections c ON c.id = s.connection_id
     WHERE s.id = ${id}::uuid`.execute(db);
  return rows[0] ?? null;
}

/** Runs of these events, in the order in which they were planned. */
export async function readRunsOfEvents(db: Db, eventIds: readonly string[]): Promise<readonly ShownRun[]> {
  const { rows } = await sql<ShownRun>`
    SELECT ${RUN_COLUMNS} FROM runs r JOIN connections c ON c.id = r.connection_id
     WHERE r.event_id = ANY(${eventIds}::uuid[]) ORDER BY r.id`.execute(db);
  return rows;
}

/** Steps of these runs, in the order in which they are taken. */
export async function readStepsOfRuns(db: Db, runIds: readonly string[]): Promise<readonly ShownStep[]> {
  const { rows } = await sql<ShownStep>`
    SELECT ${STEP_COLUMNS} FROM steps s JOIN runs r ON r.id = s.run_id JOIN connections c ON c.id = s.connection_id
     WHERE s.run_id = ANY(${runIds}::uuid[]) ORDER BY s.run_id, s.position, s.iteration`.execute(db);
  return rows;
}

/** Attempts of these steps, oldest first. */
export async function readAttemptsOfSteps(
  db: Db,
  stepIds: readonly string[],
): Promise<readonly ShownAttempt[]> {
  const { rows } = await sql<ShownAttempt>`
    SELECT id, step_id, number, state, reason, started_at, took_ms FROM attempts
     WHERE step_id = ANY(${stepIds}::uuid[]) ORDER BY started_at, number`.execute(db);
  return rows;
}

/** What became of the runs of some rules in a span. */
export interface RecordedRuns {
  readonly rule: string;
  readonly shadow: boolean;
  readonly state: RunState;
  readonly reason: string | null;
  readonly runs: number;
}

export async function countRecordedRuns(
  db: Db,
  ruleIds: readonly string[],
  from: Date,
  until: Date,
): Promise<readonly RecordedRuns[]> {
  const { rows } = await sql<RecordedRuns>`
    SELECT rule_id AS rule, shadow, state, reason, count(*)::int AS runs FROM runs
     WHERE rule_id = ANY(${ruleIds}::text[]) AND created_at >= ${from} AND created_at < ${until}
       AND event_at >= ${from} AND event_at < ${until}
     GROUP BY 1, 2, 3, 4 ORDER BY 1, 5 DESC`.execute(db);
  return rows;
}
