import type { ColumnType, Generated } from 'kysely';
import type { DeskEvent } from '../event.ts';
import type { Rule } from '../match/rule.ts';
import type { ObservedTicket } from '../ticket.ts';
import type { Json, PlannedWrite } from '../vendors/vendor.ts';

/** A timestamptz: read as a Date, written as a Date or by the database. */
type Timestamp = ColumnType<Date, Date | string | undefined, Date | string>;
type NullableTimestamp = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
/** A jsonb column: read parsed, written as text (the driver would turn arrays into Postgres arrays). */
type Jsonb<T> = ColumnType<T, string | undefined, string>;
type NullableJsonb<T> = ColumnType<T | null, string | null | undefined, string | null>;

export type RunState = 'active' | 'held' | 'done' | 'ended';
export type StepState =
  'pending' | 'waiting' | 'postponed' | 'sending' | 'done' | 'skipped' | 'suppressed' | 'uncertain' | 'dead';
export type AttemptState = 'sent' | 'succeeded' | 'refused' | 'unknown';

/** What was decided before a send: enough for any process to verify it. */
export interface Intent {
  readonly write: PlannedWrite | null;
  /** Epoch ms of app_now() at the send, and when the call was to be given up. */
  readonly sentAt: number;
  readonly deadlineAt: number;
  /** Ids of the children that were listed before the send. */
  readonly before: readonly string[];
  /** How many verifications after the settle time found nothing. */
  readonly absences: number;
  /** What a Slack post or an `http.post` needs to be found again or resent. */
  readonly extra?: Json;
}

/** A confirmed part of an action: the child it made, and of which kind, where it made one. */
export interface Part {
  readonly child: string | null;
  readonly kind?: string;
  /** The connection it was made on. */
  readonly connection?: number;
}

/** The stored event: its JSON without `body`, which is the raw bytes. */
export type EventDoc = Omit<DeskEvent, 'body'>;

export interface Tables {
  settings: { key: string; value: Jsonb<unknown> };
  instances: {
    id: string;
    beats: Generated<number>;
    name: string;
    started_at: Timestamp;
    beat_at: Timestamp;
    session_key: number | null;
  };
  connections: {
    id: Generated<number>;
    name: string;
    vendor: string;
    bot_user_id: string | null;
    state: Generated<'ok' | 'degraded' | 'stopped'>;
    state_reason: string | null;
    findings: Jsonb<readonly string[]>;
    tested_with: string | null;
    tested_at: NullableTimestamp;
    silent_until: NullableTimestamp;
    silent_reason: string | null;
    paused_at: NullableTimestamp;
  };
  feeds: {
    connection_id: number;
    feed: string;
    settings_hash: string;
    cursor: NullableJsonb<Json>;
    next_page: NullableJsonb<Json>;
    baseline_at: NullableTimestamp;
    baseline_done_at: NullableTimestamp;
    walk_started_at: NullableTimestamp;
    last_complete_at: NullableTimestamp;
    next_poll_at: Timestamp;
    degraded: string | null;
    failures: Generated<number>;
    last_error: string | null;
    lease_owner: string | null;
    fence: Generated<number>;
  };
  coverage: { connection_id: number; feed: string; from_at: Timestamp; to_at: Timestamp };
  budgets: {
    connection_id: number;
    budget: string;
    tokens: number;
    refilled_at: Timestamp;
    spent: Generated<number>;
  };
  tickets: {
    connection_id: number;
    ticket_id: string;
    revision: Generated<number>;
    applied_seq: Generated<number>;
    snapshot: Jsonb<ObservedTicket>;
    comment_ids: string[] | null;
    versions: Jsonb<Record<string, string>>;
    phase: Generated<string>;
    assignee_id: string | null;
    gone_at: NullableTimestamp;
    acknowledged_at: NullableTimestamp;
    acknowledged_by: string | null;
    snoozed_until: NullableTimestamp;
    first_seen_at: Timestamp;
    applied_at: Timestamp;
  };
  nominations: {
    connection_id: number;
    ticket_id: string;
    wish: Generated<number>;
    via: string;
    nominated_at: Timestamp;
    due_at: Timestamp;
    failures: Generated<number>;
    last_error: string | null;
  };
  rule_versions: {
    id: Generated<number>;
    rule_id: string;
    doc_hash: Buffer;
    doc: Jsonb<Rule>;
    created_at: Timestamp;
  };
  rule_sets: { id: Generated<number>; content_hash: Buffer; published_at: Timestamp; published_by: string };
  rule_set_rules: { rule_set_id: number; rule_version_id: number };
  active_rule_set: { only_row: Generated<boolean>; rule_set_id: number; activated_at: Timestamp };
  rule_states: { rule_id: string; paused_at: Timestamp; pause_reason: string };
  mutes: { rule_id: string; connection_id: number; ticket_id: string; until_at: Timestamp };
  rotations: { rule_id: string; path: string; turn: Generated<number> };
  event_keys: { connection_id: number; key_hash: Buffer; event_id: string; seen_at: Timestamp };
  events: {
    id: string;
    observed_at: Timestamp;
    connection_id: number;
    ticket_id: string | null;
    type: string;
    rule_set_id: number | null;
    depth: Generated<number>;
    caused_by: string | null;
    doc: Jsonb<EventDoc>;
    raw: Buffer | null;
  };
  deliveries: {
    id: string;
    received_at: Timestamp;
    connection_id: number;
    delivery_key: string;
    outcome: 'nudged' | 'parked';
    reason: string | null;
    content_type: string | null;
    raw: Buffer;
  };
  runs: {
    id: string;
    event_id: string;
    event_at: Timestamp;
    rule_id: string;
    rule_version_id: number;
    replay_no: Generated<number>;
    connection_id: number;
    ticket_id: string | null;
    lane_id: string;
    depth: Generated<number>;
    state: RunState;
    reason: string | null;
    shadow: Generated<boolean>;
    progress: Jsonb<{ readonly waited?: boolean; readonly wrote?: boolean }>;
    created_at: Timestamp;
    ended_at: NullableTimestamp;
  };
  lanes: { id: string; next_due_at: NullableTimestamp; lease_owner: string | null; fence: Generated<number> };
  steps: {
    id: string;
    run_id: string;
    lane_id: string;
    connection_id: number;
    path: string;
    iteration: Generated<number>;
    position: number;
    rule_order: number;
    action: string;
    state: Generated<StepState>;
    reason: string | null;
    due_at: NullableTimestamp;
    attempts: Generated<number>;
    wanted_at: NullableTimestamp;
    intent: NullableJsonb<Intent>;
    parts: Jsonb<Record<string, Part>>;
    result: NullableJsonb<Json>;
    decided_at: NullableTimestamp;
    choice: string | null;
  };
  attempts: {
    id: string;
    started_at: Timestamp;
    step_id: string;
    number: number;
    state: AttemptState;
    reason: string | null;
    took_ms: number | null;
  };
  bound_children: {
    connection_id: number;
    child_kind: string;
    child_id: string;
    step_id: string;
    bound_at: Timestamp;
  };
  own_writes: {
    id: string;
    connection_id: number;
    ticket_id: string;
    step_id: string;
    field: string;
    value: Jsonb<unknown>;
    depth: number;
    written_at: Timestamp;
    answered_seq: number | null;
  };
  schema_migrations: { number: number; name: string; applied_at: Timestamp };
}
