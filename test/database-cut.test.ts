import { sql } from 'kysely';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startTestApp, MONITORING_SECRET, type TestApp } from './support/app.ts';
import { until } from './support/until.ts';
import { startDatabaseProxy, type DatabaseProxy } from './torture/proxy.ts';

/** PostgreSQL goes away under a running Deskhand, in several ways; Deskhand is never restarted. */

const RULES = `
id: told
name: Every new ticket is commented and told
on: [ticket.created]
when: { connection: acme, title: { starts_with: cut } }
then:
  - comment: { text: "seen" }
  - http.post: { url: "{{receiver}}/told" }
`;

let proxy: DatabaseProxy;
let stage: TestApp;
beforeAll(async () => {
  const { port } = new URL(inject('testServer').adminUrl);
  proxy = await startDatabaseProxy(() => Number(port));
  stage = await startTestApp({ rules: RULES, databasePort: proxy.port });
  await stage.ready();
});
afterAll(async () => {
  await stage.close();
  await proxy.close();
});

/** Ends every session of the app, in the middle of whatever it does. */
async function cut(): Promise<void> {
  await sql`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'deskhand'`
    .execute(stage.database.db)
    .catch(() => undefined);
}

test('sessions cut anywhere and between COMMIT and its answer: nothing is lost, nothing is done twice', async () => {
  const ids: number[] = [];
  proxy.cutEveryNthCommit(7);
  for (let round = 0; round < 8; round++) {
    ids.push(stage.desk.human.create({ subject: `cut ${round}`, category: 'Network' }));
    await cut();
    await new Promise((resolve) => setTimeout(resolve, round * 7));
  }
  await until('connections to be cut after COMMIT', () => proxy.cuts >= 5);
  proxy.cutEveryNthCommit(0);

  await until(
    'every run to be done',
    async () => {
      const { rows } = await sql<{ done: number }>`
        SELECT count(*)::int AS done FROM runs WHERE state = 'done'`.execute(stage.database.db);
      return rows[0]?.done === ids.length;
    },
    30_000,
  );

  expect(ids.map((id) => stage.desk.comments(id).length)).toEqual(ids.map(() => 1));
  expect(stage.receiver.received.size).toBe(ids.length);
  const { rows } = await sql<{ leased: number }>`
    SELECT count(*)::int AS leased FROM lanes WHERE lease_owner IS NOT NULL`.execute(stage.database.db);
  expect(rows[0]?.leased).toBe(0);
}, 45_000);

async function post(): Promise<Response> {
  const body = '{"alert":{"id":"1","title":"disk"}}';
  const now = new Date();
  const headers = {
    'content-type': 'application/json',
    'webhook-id': 'held',
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': new Webhook(MONITORING_SECRET).sign('held', now, body),
  };
  return fetch(`${stage.base}/hooks/monitoring`, { method: 'POST', headers, body });
}

test('a database that hangs: 503 to senders and /readyz, and the delivery is taken once it is back', async () => {
  proxy.hold();
  const asked = performance.now();
  const [refused, ready, healthy] = await Promise.all([
    post(),
    fetch(`${stage.base}/readyz`),
    fetch(`${stage.base}/healthz`),
  ]);
  const tookMs = performance.now() - asked;
  proxy.release();

  const taken = await until('the delivery to be taken', async () => {
    const answer = await post();
    return answer.ok && answer;
  });

  expect([refused.status, ready.status, healthy.status]).toEqual([503, 503, 200]);
  expect(refused.headers.get('retry-after')).not.toBeNull();
  expect(tookMs).toBeLessThan(8_000);
  expect(await taken.json()).toMatchObject({ delivery: expect.any(String) as string });
});
