import { Counter, Gauge, Histogram, Registry } from 'prom-client';

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
  };
}
