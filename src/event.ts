import type { Comment, Instant, Person, Ticket } from './ticket.ts';

/** How an event came to us. */
export type Via = 'feed' | 'sweep' | 'webhook' | 'clock' | 'backfill' | 'action';

/** Event types that Deskhand itself emits; webhooks and `emit` add names of their own. */
export const EVENT_TYPES = [
  'ticket.created',
  'ticket.updated',
  'ticket.gone',
  'ticket.time',
  'ticket.overdue',
  'comment.added',
  'trigger.fired',
  'task.added',
  'task.closed',
  'approval.requested',
  'approval.decided',
  'breakingnews.published',
  'breakingnews.updated',
  'webhook.received',
  'schedule.fired',
  'feed.gap',
  'rule.muted',
  'rule.paused',
  'connection.degraded',
  'connection.auth_failed',
  'connection.rate_limited',
  'connection.recovered',
  'audit.overdue',
] as const;

export type ChangedBy = 'agent' | 'requester' | 'self' | 'unknown';

/** One field's change. Values have the shape they have in `ticket`; priority is its level, lists are whole. */
export interface Change {
  readonly from: unknown;
  readonly to: unknown;
  readonly by: ChangedBy;
}

export interface TriggerFired {
  readonly id: string;
  readonly name: string | null;
  readonly execution_id: string;
  readonly executed_at: Instant | null;
}

/** Coarse names for what changed, so that a rule or a person need not list fields. */
export type Aspect =
  'assigned' | 'status' | 'priority' | 'category' | 'resolved' | 'closed' | 'reopened' | 'tagged' | 'field';

/**
 * One normalised thing that happened, stored once. This object is the JSON of `http.post`, `match`,
 * `explain`, rule tests and the API; `null` means no value, and what was never fetched is named in `unknown`.
 */
export interface DeskEvent {
  /** Deterministic, unique per connection. */
  readonly key: string;
  readonly type: string;
  readonly connection: string;
  readonly vendor: string;
  readonly ticket_id: string | null;
  readonly occurred_at: Instant | null;
  readonly observed_at: Instant;
  readonly late: boolean;
  readonly replay: boolean;
  readonly via: Via;
  readonly feed: string | null;
  /** True only if every change in it was made by Deskhand. */
  readonly own: boolean;
  readonly unknown: readonly string[];
  readonly actor: Person | null;
  readonly aspects: readonly Aspect[];
  readonly changes: Readonly<Record<string, Change>> | null;
  readonly comment: Comment | null;
  readonly trigger: TriggerFired | null;
  readonly ticket: Ticket | null;
  /** A webhook's JSON body. */
  readonly body: unknown;
}
