import { drive } from './processes.ts';
import type { Figure } from './report.ts';
import { drained, hook, newDatabase, openStage, query } from './stage.ts';

/** P5 and R21: a start with many pending steps, the memory while they are done, and how fast they are. */
export async function backlogBench(options: {
  readonly databaseUrl: string;
  readonly pending: number;
}): Promise<readonly Figure[]> {
  const database = await newDatabase(options.databaseUrl, 'deskhand_bench_backlog');
  const stage = await openStage();
  try {
    const before = await stage.start({ databaseUrl: database.url });
    await drive(hook(before), 1, 1);
    await drained(database.url);
    await before.stop();
    await query(database.url, cloneRuns(options.pending));
    await stage.reset();
    const startedAt = Date.now();
    const deskhand = await stage.start({ databaseUrl: database.url });
    let peakMb = 0;
    const sampling = setInterval(() => {
      void deskhand.memoryMb().then((now) => (peakMb = Math.max(peakMb, now)));
    }, 100);
    const drainSeconds = await drained(database.url);
    clearInterval(sampling);
    const { firstAt } = await stage.received();
    return [
      {
        id: 'P5',
        name: 'memory while 100,000 steps are pending',
        value: peakMb,
        unit: 'MB',
        goal: { atMost: 220 },
      },
      {
        id: 'R21',
        name: 'ready with 100,000 pending',
        value: deskhand.readyMs / 1000,
        unit: 's',
        goal: { atMost: 10 },
      },
      {
        id: 'R21',
        name: 'first action',
        value: ((firstAt ?? Infinity) - startedAt) / 1000,
        unit: 's',
        goal: { atMost: 5 },
      },
      {
        id: '',
        name: 'steps done per second, backlog only',
        value: options.pending / drainSeconds,
        unit: '/s',
      },
    ];
  } finally {
    await stage.close();
    await database.drop();
  }
}

/** Copies of one run, its event and its step, as they were before anybody took them. */
function cloneRuns(count: number): string {
  return `
    CREATE TEMP TABLE made AS
      SELECT gen_random_uuid() AS event_id, gen_random_uuid() AS run_id, gen_random_uuid() AS step_id
        FROM generate_series(1, ${count});
    CREATE TEMP TABLE one AS
      SELECT e.id AS event_id, r.id AS run_id, s.id AS step_id
        FROM runs r JOIN events e ON e.id = r.event_id JOIN steps s ON s.run_id = r.id LIMIT 1;
    INSERT INTO events (id, observed_at, connection_id, ticket_id, type, rule_set_id, doc, raw)
      SELECT made.event_id, e.observed_at, e.connection_id, e.ticket_id, e.type, e.rule_set_id, e.doc, e.raw
        FROM made, one JOIN events e ON e.id = one.event_id;
    INSERT INTO lanes (id, next_due_at) SELECT event_id, app_now() FROM made;
    INSERT INTO runs (id, event_id, event_at, rule_id, rule_version_id, connection_id, ticket_id, lane_id, state)
      SELECT made.run_id, made.event_id, r.event_at, r.rule_id, r.rule_version_id, r.connection_id, r.ticket_id,
             made.event_id, 'active'
        FROM made, one JOIN runs r ON r.id = one.run_id;
    INSERT INTO steps (id, run_id, lane_id, connection_id, path, position, rule_order, action, state, due_at)
      SELECT made.step_id, made.run_id, made.event_id, s.connection_id, s.path, s.position, s.rule_order, s.action,
             'pending', app_now()
        FROM made, one JOIN steps s ON s.id = one.step_id;
    ANALYZE events; ANALYZE lanes; ANALYZE runs; ANALYZE steps;`;
}
