import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startJitbitDesk, type JitbitDesk } from '../src/demo/simulators/jitbit/jitbit-desk.ts';
import { startReceiver, type Receiver } from '../src/demo/simulators/receiver.ts';
import { pauseAll } from '../src/operate/pauses.ts';
import { openDatabase, type Database } from '../src/record/database.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { until } from './support/until.ts';
import { createStage, type Stage } from './torture/stage.ts';

/**
 * A backup is restored (R23): the database is copied while work is open, goes on without the copy, and then the copy
 * is started with `--hold`. It must send nothing of its own until somebody says so.
 */

const RULES = (receiver: string): string => `
id: told
name: New tickets are told
on: [ticket.created]
when: { connection: desk, category: Network }
then:
  - comment: { text: "Taken: {{ ticket.title }}" }
  - http.post: { url: "${receiver}/in" }
`;
const SEEN_MS = 60_000;

let desk: JitbitDesk;
let receiver: Receiver;
let before: TestDatabase;
let restored: TestDatabase | undefined;
const stages: Stage[] = [];
const pools: Database[] = [];

beforeAll(async () => {
  [desk, receiver, before] = await Promise.all([
    startJitbitDesk({ rateLimit: 'off' }),
    startReceiver(),
    createTestDatabase(),
  ]);
});
afterAll(async () => {
  await Promise.all(stages.map((stage) => stage.close()));
  await Promise.all(pools.map((pool) => pool.close()));
  await Promise.all([desk.close(), receiver.close(), before.drop(), restored?.drop()]);
});

async function stageOn({
  url,
}: TestDatabase): Promise<{ readonly stage: Stage; readonly database: Database }> {
  const config = `
connections:
  desk: { vendor: jitbit, url: "${desk.url}", token: "${desk.token}", poll: { tickets: 1s, reconcile: 1w }, settle: 2s, rate: 100000/m }
http: { allow: ["${new URL(receiver.url).host}"] }
`;
  const stage = await createStage({
    databaseUrl: url,
    config,
    rules: RULES(receiver.url),
  });
  const database = openDatabase({ url, poolSize: 1 });
  stages.push(stage);
  pools.push(database);
  return { stage, database };
}

const newTicket = (subject: string): number =>
  desk.human.create({ subject, category: 'Network', priority: 2 });
const comments = (...tickets: readonly number[]): readonly number[] =>
  tickets.map((id) => desk.comments(id).length);
const told = (): number => receiver.calls.named('in').length;
/** How often each `webhook-id` came about a ticket. */
function deliveriesOf(ticket: number): readonly number[] {
  const ids = receiver.calls
    .named('in')
    .filter((call) => (call.json as { ticket_id: string }).ticket_id === String(ticket))
    .map((call) => call.headers['webhook-id']);
  return [...new Set(ids)].map((id) => ids.filter((other) => other === id).length);
}
const counted = async (database: Database, text: string): Promise<number> =>
  (await sql<{ count: number }>`SELECT count(*)::int AS count FROM ${sql.raw(text)}`.execute(database.db))
    .rows[0]?.count ?? 0;
const closeAll = async (): Promise<void> => {
  await Promise.all(stages.splice(0).map((stage) => stage.close()));
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
};

test('a restored backup started with --hold sends nothing until it is confirmed', async () => {
  const first = await stageOn(before);
  await first.stage.start();
  await until(
    'the baseline',
    async () => (await counted(first.database, 'feeds WHERE baseline_done_at IS NULL')) === 0,
    SEEN_MS,
  );
  const done = newTicket('done before the backup');
  await until('it to be told', () => told() === 1, SEEN_MS);
  // Received is not yet recorded: a kill before that tells again, under the same id.
  await first.stage.settled(SEEN_MS);
  await pauseAll(first.database, 'a test');
  const open = newTicket('open in the backup');
  await until(
    'its step',
    async () => (await counted(first.database, "steps WHERE state = 'pending'")) > 0,
    SEEN_MS,
  );
  await closeAll();
  const quiet = openDatabase({ url: before.url, poolSize: 1 });
  await pauseAll(quiet, null);
  await quiet.close();
  restored = await createTestDatabase(before);

  const later = await stageOn(before);
  await later.stage.start();
  const after = newTicket('after the backup');
  await until('both to be told', () => told() === 3, SEEN_MS);
  await later.stage.settled(SEEN_MS);
  await closeAll();
  expect(comments(done, open, after)).toEqual([1, 1, 1]);

  const second = await stageOn(restored);
  const server = await second.stage.start({ DESKHAND_ADMIN_TOKEN: 'admin-token' }, ['--hold']);
  const fresh = newTicket('while it is held');
  await until(
    'the desk to be read up to now',
    async () => (await counted(second.database, `events WHERE ticket_id IN ('${after}', '${fresh}')`)) >= 2,
    SEEN_MS,
  );
  const status = (await (
    await fetch(`http://127.0.0.1:${server.port}/api/v1/status`, {
      headers: { authorization: 'Bearer admin-token' },
    })
  ).json()) as { readonly paused: string };
  const attempts = await counted(
    second.database,
    "steps WHERE state = 'sending' OR attempts > 0 AND state <> 'done'",
  );

  expect(status.paused).toBe('held at start');
  expect(attempts).toBe(0);
  expect(comments(done, open, after, fresh)).toEqual([1, 1, 1, 0]);
  expect(told()).toBe(3);

  const confirmed = await fetch(`http://127.0.0.1:${server.port}/api/v1/resume-all`, {
    method: 'POST',
    headers: { authorization: 'Bearer admin-token' },
  });
  await second.stage.settled(SEEN_MS);

  expect(confirmed.status).toBe(200);
  // What was confirmed goes on; nobody is told again of what the backup knew to be done.
  expect(comments(done, fresh)).toEqual([1, 1]);
  expect(deliveriesOf(done)).toEqual([1]);
  expect(deliveriesOf(fresh)).toEqual([1]);
  // The backup's own open step has the id that it had: its receiver knows the second one as a repeat.
  expect(deliveriesOf(open)).toEqual([2]);
}, 240_000);
