import { Webhook } from 'standardwebhooks';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NOTHING_KNOWN } from '../src/match/load.ts';
import { MONITORING_SECRET, startTestApp, type TestApp } from './support/app.ts';
import { until } from './support/until.ts';

/** Operating a whole Deskhand over HTTP: the one switch, and what the edge gives away. */

const ADMIN = 'admin-token-5f2c91';
const SIGNING = 'whsec_c2lnbmluZy1zZWNyZXQtNzc=';
const RULES = `
id: alerts
name: Alerts are told
on: [webhook.received]
when: { connection: monitoring }
then:
  - http.post: { url: "{{receiver}}/alert", secret: "\${SIGNING}" }
`;

let stage: TestApp;

beforeAll(async () => {
  stage = await startTestApp({
    rules: RULES,
    more: {
      known: NOTHING_KNOWN,
      adminToken: ADMIN,
      environment: { SIGNING },
      retention: { eventsMs: 90 * 86_400_000, attemptsMs: 90 * 86_400_000, keysMs: 400 * 86_400_000 },
    },
  });
  await stage.ready();
});
afterAll(() => stage.close());

let sent = 0;
async function alert(title: string): Promise<number> {
  sent += 1;
  const body = JSON.stringify({ alert: { id: `A-${sent}`, title } });
  const at = new Date();
  const response = await fetch(`${stage.base}/hooks/monitoring`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': `msg-${sent}`,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(MONITORING_SECRET).sign(`msg-${sent}`, at, body),
    },
  });
  return response.status;
}

const get = (path: string, token = ADMIN): Promise<Response> =>
  fetch(`${stage.base}${path}`, { headers: { authorization: `Bearer ${token}` } });
const post = (path: string): Promise<Response> =>
  fetch(`${stage.base}/api/v1${path}`, { method: 'POST', headers: { authorization: `Bearer ${ADMIN}` } });
const told = (): number => stage.receiver.calls.named('alert').length;

test('pause-all stops every action and keeps ingesting; resume-all lets held steps go on', async () => {
  await post('/pause-all');
  const status = await alert('held back');
  const waiting = await until('the step to be planned', async () => {
    const { rows } = await sql<{ state: string }>`SELECT state FROM steps`.execute(stage.database.db);
    return rows[0];
  });
  const paused = (await (await get('/api/v1/status')).json()) as { ok: boolean; paused: string };
  const before = told();

  await post('/resume-all');
  await until('the post', () => told() === before + 1);

  expect(status).toBe(202);
  expect(waiting.state).toBe('pending');
  expect(before).toBe(0);
  expect(paused).toMatchObject({ ok: false, paused: 'paused by a person' });
});

test('rows go into partitions from the start', async () => {
  await alert('partitioned');
  const { rows } = await sql<{ rows: number }>`SELECT count(*)::int AS rows FROM events_default`.execute(
    stage.database.db,
  );

  expect(rows[0]?.rows).toBe(0);
});

test('metrics count what happened', async () => {
  await alert('counted');
  const text = await until('the counters', async () => {
    const body = await (await get('/metrics')).text();
    return /deskhand_attempts_total\{action="http.post",outcome="done"\} [1-9]/.test(body) ? body : null;
  });

  expect(text).toMatch(/deskhand_events_total\{connection="monitoring",type="webhook.received"\} [1-9]/);
  expect(text).toMatch(/deskhand_runs_total\{rule="alerts",outcome="active"\} [1-9]/);
  expect(text).toMatch(/deskhand_deliveries_total\{connection="monitoring",outcome="accepted"\} [1-9]/);
  expect(text).toMatch(/deskhand_dispatch_lag_seconds_count [1-9]/);
  expect(text).toMatch(/deskhand_match_seconds_count [1-9]/);
  expect(text).toMatch(/deskhand_commit_group_size_count [1-9]/);
});

test('every metric of the surface is scraped with its name, type and labels', async () => {
  await post('/pause-all');
  await alert('waits');
  const text = await until('a waiting step, a read feed and a budget', async () => {
    const body = await (await get('/metrics')).text();
    const seen = ['steps{', 'feed_lag_seconds{', 'budget_left{', 'attempts_total{'];
    return seen.every((sample) => body.includes(`\ndeskhand_${sample}`)) ? body : null;
  });
  await post('/resume-all');

  const shown = new Map<string, string>();
  for (const [, name = '', type = ''] of text.matchAll(/^# TYPE (deskhand_\w+) (\w+)$/gm)) {
    const sample = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? `, 'm').exec(text);
    const labels = [...(sample?.[1] ?? '').matchAll(/(\w+)="/g)].map(([, label]) => label);
    shown.set(name.replace('deskhand_', ''), [type, ...labels].join(' '));
  }
  expect(Object.fromEntries(shown)).toEqual({
    oldest_pending_age_seconds: 'gauge',
    dispatch_lag_seconds: 'histogram',
    feed_lag_seconds: 'gauge connection feed',
    deliveries_total: 'counter connection outcome',
    events_total: 'counter connection type',
    runs_total: 'counter rule outcome',
    steps: 'gauge state',
    attempts_total: 'counter action outcome',
    budget_left: 'gauge connection',
    timers_pending: 'gauge',
    timer_lateness_seconds: 'histogram',
    match_seconds: 'histogram',
    commit_group_size: 'histogram',
    audit_overdue: 'gauge',
  });
});

test('without the token nothing is shown but health and the description (inputs 96, 114)', async () => {
  const paths = ['/metrics', '/api/v1/status', '/api/v1/events', '/api/v1/nothing'];
  const refused = await Promise.all(paths.map(async (path) => (await get(path, 'wrong')).status));
  const health = await (await fetch(`${stage.base}/healthz`)).text();
  const ready = await (await fetch(`${stage.base}/readyz`)).text();
  const described = await fetch(`${stage.base}/openapi.json`);

  expect(refused).toEqual([401, 401, 401, 401]);
  expect([health, ready]).toEqual(['ok', 'ready']);
  expect(described.status).toBe(200);
});

test('what cannot be read is answered without a stack (input 108)', async () => {
  const response = await fetch(`${stage.base}/api/v1/replay`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' },
    body: '{"event": ',
  });
  const text = await response.text();

  expect(response.status).toBe(400);
  expect(text).not.toMatch(/\bat .+:\d+:\d+|node_modules|src\//);
  expect(JSON.parse(text)).toMatchObject({ error: { reason: 'bad_request' } });
});

test('whoever guesses tokens is told to wait, by the address of the socket; the right token passes (input 102)', async () => {
  const statuses: number[] = [];
  for (let n = 0; n < 100; n += 1) statuses.push((await get('/metrics', `guess-${n}`)).status);

  expect(statuses[0]).toBe(401);
  expect(statuses.slice(60)).toEqual(Array(40).fill(429));
  expect((await get('/metrics')).status).toBe(200);
  const told = stage.logged.filter((line) => line.includes('too many wrong tokens'));
  expect(told).toHaveLength(1);
  expect(told[0]).toContain('127.0.0.1');
});
