import { drive, median } from './processes.ts';
import type { Figure } from './report.ts';
import { ADMIN_TOKEN, drained, hook, newDatabase, openStage, query } from './stage.ts';

/**
 * What operators wait for while a million events with their runs, steps and attempts are stored: `status` and `why`
 * over the API of a running Deskhand. Before that, a backtest of the events that really came in against the runs that
 * the live engine made of them.
 */
export async function operateBench(options: {
  readonly databaseUrl: string;
  /** Events that are sent and acted on. */
  readonly live: number;
  /** Events that are stored in the end. */
  readonly stored: number;
  readonly asked: number;
}): Promise<readonly Figure[]> {
  const database = await newDatabase(options.databaseUrl, 'deskhand_bench_operate');
  const stage = await openStage();
  try {
    const deskhand = await stage.start({ databaseUrl: database.url });
    const api = `http://127.0.0.1:${deskhand.port}/api/v1`;
    for (let sent = 0; sent < options.live; sent += (await drive(hook(deskhand), 16, 5)).count);
    await drained(database.url);
    const backtest = (await ask(`${api}/backtest`, { rules: RULE, since: '1d' })) as Backtest;
    const [live] = await query<{ events: number; runs: number }>(
      database.url,
      `SELECT (SELECT count(*)::int FROM events) AS events,
              (SELECT count(*)::int FROM runs WHERE rule_id = 'forward') AS runs`,
    );
    console.log(
      `backtest: ${JSON.stringify({ ...backtest, rules: undefined })}, live: ${JSON.stringify(live)}`,
    );

    for (let have = live?.events ?? 0; have < options.stored; have += SLICE) {
      await query(database.url, cloneEvents(Math.min(SLICE, options.stored - have)));
      process.stdout.write(
        `\r${have.toLocaleString('en')} of ${options.stored.toLocaleString('en')} events stored`,
      );
    }
    process.stdout.write('\n');
    for (const table of ['events', 'runs', 'steps', 'attempts'])
      await query(database.url, `VACUUM ANALYZE ${table}`);
    const tickets = await query<{ ticket_id: string }>(
      database.url,
      `SELECT DISTINCT ticket_id FROM (SELECT ticket_id FROM runs LIMIT ${20 * options.asked}) r LIMIT ${options.asked}`,
    );
    const status = await timesOf(tickets.map(() => `${api}/status`));
    const why = await timesOf(tickets.map(({ ticket_id: id }) => `${api}/tickets/monitoring/${id}/why`));
    const name = `with ${options.stored.toLocaleString('en')} events`;
    return [
      {
        id: '',
        name: 'backtest',
        value: backtest.events_per_second,
        unit: 'events/s',
        goal: { atLeast: 2_000 },
      },
      {
        id: '',
        name: `backtest against live, of ${(live?.runs ?? 0).toLocaleString('en')} runs`,
        value: Math.abs((backtest.rules[0]?.matches ?? NaN) - (live?.runs ?? NaN)),
        unit: 'different',
        goal: { atMost: 0 },
      },
      { id: '', name: `status ${name}, median`, value: median(status), unit: 'ms', goal: { atMost: 200 } },
      {
        id: '',
        name: `status ${name}, slowest`,
        value: Math.max(...status),
        unit: 'ms',
        goal: { atMost: 200 },
      },
      { id: '', name: `why ${name}, median`, value: median(why), unit: 'ms', goal: { atMost: 300 } },
      { id: '', name: `why ${name}, slowest`, value: Math.max(...why), unit: 'ms', goal: { atMost: 300 } },
    ];
  } finally {
    await stage.close();
    await database.drop();
  }
}

/** The rule of the stage, as a draft that needs no permission to post anywhere. */
const RULE = `id: forward
name: Urgent network alerts
on: [webhook.received]
when: { priority: { at_least: urgent }, category: Network }
then: [{ http.post: { url: "http://127.0.0.1:9/in" } }]
`;

interface Backtest {
  readonly events: number;
  readonly events_per_second: number;
  readonly rules: readonly { readonly matches: number }[];
}

const HEADERS = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' };

async function ask(url: string, body?: object): Promise<unknown> {
  const response = await fetch(url, {
    headers: HEADERS,
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** Milliseconds of each, in turn; the first is asked once before, as any page that somebody has open is. */
async function timesOf(urls: readonly string[]): Promise<readonly number[]> {
  await ask(urls[0] ?? '');
  const times: number[] = [];
  for (const url of urls) {
    const startedAt = performance.now();
    await ask(url);
    times.push(performance.now() - startedAt);
  }
  return times;
}

const SLICE = 100_000;

/** Copies of events with all that came of them, as if they had happened to the same tickets within the last hours. */
function cloneEvents(count: number): string {
  return `
    CREATE TEMP TABLE source AS
      SELECT *, row_number() OVER () - 1 AS n FROM (SELECT * FROM events WHERE caused_by IS NULL LIMIT 2000) e;
    CREATE TEMP TABLE made AS
      SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' ||
              substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid AS id, at,
             n % (SELECT count(*) FROM source) AS source
        FROM (SELECT n, now() - random() * interval '3 hours' AS at FROM generate_series(1, ${count}) AS n) g;
    INSERT INTO events (id, observed_at, connection_id, ticket_id, type, rule_set_id, doc, raw)
      SELECT m.id, m.at, e.connection_id, e.ticket_id, e.type, e.rule_set_id, e.doc, e.raw
        FROM made m JOIN source e ON e.n = m.source;
    INSERT INTO event_keys (connection_id, key_hash, event_id, seen_at)
      SELECT e.connection_id, decode(md5(m.id::text), 'hex'), m.id, m.at FROM made m JOIN source e ON e.n = m.source;
    CREATE TEMP TABLE copied AS
      SELECT gen_random_uuid() AS run_id, gen_random_uuid() AS step_id, r.id AS old_run, s.id AS old_step, m.id, m.at
        FROM made m JOIN source e ON e.n = m.source JOIN runs r ON r.event_id = e.id JOIN steps s ON s.run_id = r.id;
    INSERT INTO runs (id, event_id, event_at, rule_id, rule_version_id, connection_id, ticket_id, lane_id, state,
                      reason, created_at, ended_at)
      SELECT c.run_id, c.id, c.at, r.rule_id, r.rule_version_id, r.connection_id, r.ticket_id, r.lane_id, r.state,
             r.reason, c.at, c.at
        FROM copied c JOIN runs r ON r.id = c.old_run;
    INSERT INTO steps (id, run_id, lane_id, connection_id, path, position, rule_order, action, state, attempts,
                       result, decided_at)
      SELECT c.step_id, c.run_id, s.lane_id, s.connection_id, s.path, s.position, s.rule_order, s.action, s.state,
             s.attempts, s.result, c.at
        FROM copied c JOIN steps s ON s.id = c.old_step;
    INSERT INTO attempts (id, started_at, step_id, number, state, reason, took_ms)
      SELECT gen_random_uuid(), c.at, c.step_id, a.number, a.state, a.reason, a.took_ms
        FROM copied c JOIN attempts a ON a.step_id = c.old_step;`;
}
