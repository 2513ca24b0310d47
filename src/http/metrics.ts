import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { EVENT_TYPES } from '../event.ts';

/** Everything that `/metrics` shows. No label ever carries text from a ticket. */
export interface Metrics {
  readonly registry: Registry;
  readonly deliveries: Counter<'connection' | 'outcome'>;
  readonly events: Counter<'connection' | 'type'>;
  readonly runs: Counter<'rule' | 'outcome'>;
  readonly attempts: Counter<'action' | 'outcome'>;
  readonly steps: Gauge<'state'>;
  readonly oldestPendingAge: Gauge;
  readonly feedLag: Gauge<'connection' | 'feed'>;
  readonly budgetLeft: Gauge<'connection'>;
  readonly dispatchLag: Histogram;
  readonly matchSeconds: Histogram;
  readonly commitGroupSize: Histogram;
  readonly timersPending: Gauge;
  readonly timerLateness: Histogram;
  readonly auditOverdue: Gauge;
}

const LATENCIES = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60];

/** One registry per process part, so that tests never share counters. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const at = { registers: [registry] };
  return {
    registry,
    deliveries: new Counter({
      ...at,
      name: 'deskhand_deliveries_total',
      help: 'Inbound webhook requests by outcome.',
      labelNames: ['connection', 'outcome'],
    }),
    events: new Counter({
      ...at,
      name: 'deskhand_events_total',
      help: 'Events stored, by connection and type.',
      labelNames: ['connection', 'type'],
    }),
    runs: new Counter({
      ...at,
      name: 'deskhand_runs_total',
      help: 'Runs planned or suppressed, by rule and outcome.',
      labelNames: ['rule', 'outcome'],
    }),
    attempts: new Counter({
      ...at,
      name: 'deskhand_attempts_total',
      help: 'Attempts by action and outcome.',
      labelNames: ['action', 'outcome'],
    }),
    steps: new Gauge({
      ...at,
      name: 'deskhand_steps',
      help: 'Undecided steps by state.',
      labelNames: ['state'],
    }),
    oldestPendingAge: new Gauge({
      ...at,
      name: 'deskhand_oldest_pending_age_seconds',
      help: 'Age of the oldest step that is due and not taken.',
    }),
    feedLag: new Gauge({
      ...at,
      name: 'deskhand_feed_lag_seconds',
      help: 'Seconds since the feed was last walked to its end.',
      labelNames: ['connection', 'feed'],
    }),
    budgetLeft: new Gauge({
      ...at,
      name: 'deskhand_budget_left',
      help: 'Calls left in the connection’s bucket.',
      labelNames: ['connection'],
    }),
    dispatchLag: new Histogram({
      ...at,
      name: 'deskhand_dispatch_lag_seconds',
      help: 'From a step being due to its first action.',
      buckets: LATENCIES,
    }),
    matchSeconds: new Histogram({
      ...at,
      name: 'deskhand_match_seconds',
      help: 'Time to match one group of events.',
      buckets: [0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01],
    }),
    commitGroupSize: new Histogram({
      ...at,
      name: 'deskhand_commit_group_size',
      help: 'Deliveries that shared a transaction.',
      buckets: [1, 2, 5, 10, 20, 50, 100],
    }),
    timersPending: new Gauge({
      ...at,
      name: 'deskhand_timers_pending',
      help: 'Timers that are armed.',
    }),
    timerLateness: new Histogram({
      ...at,
      name: 'deskhand_timer_lateness_seconds',
      help: 'From a timer’s moment to its event.',
      buckets: LATENCIES,
    }),
    auditOverdue: new Gauge({
      ...at,
      name: 'deskhand_audit_overdue',
      help: 'Steps, timers, schedules and runs that should have gone on minutes ago.',
    }),
  };
}

/** What a transaction stored, as far as it is counted. */
export interface StoredCounts {
  readonly events: readonly { readonly connection: string; readonly type: string }[];
  readonly runs: readonly {
    readonly ruleId: string;
    readonly state: string;
    readonly reason: string | null;
  }[];
  readonly matchMs: number;
}

/**
 * Counts what was stored. Senders choose their event types, and as labels they would be as many as somebody likes:
 * only our own and those that active rules name are shown.
 *
 * @param rules the active ones
 */
export function countStored(
  metrics: Metrics,
  rules: readonly { readonly on: readonly string[] }[],
  stored: StoredCounts,
): void {
  if (stored.events.length > 0) metrics.matchSeconds.observe(stored.matchMs / 1000);
  for (const { connection, type } of stored.events) {
    const shown = KNOWN_TYPES.has(type) || rules.some((rule) => rule.on.includes(type)) ? type : 'other';
    metrics.events.inc({ connection, type: shown });
  }
  for (const { ruleId, state, reason } of stored.runs) {
    const outcome = reason?.startsWith('suppressed') === true ? 'suppressed' : state;
    metrics.runs.inc({ rule: ruleId, outcome });
  }
}

const KNOWN_TYPES: ReadonlySet<string> = new Set(EVENT_TYPES);
