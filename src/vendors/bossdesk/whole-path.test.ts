import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBossDesk, type BossDesk } from '../../demo/simulators/bossdesk/bossdesk-desk.ts';
import { stamp } from '../../demo/simulators/bossdesk/rows.ts';
import { bossIds } from '../../demo/simulators/bossdesk/seed.ts';
import type { DeskEvent } from '../../event.ts';
import { startTestApp, type TestApp } from '../../../test/support/app.ts';
import { until } from '../../../test/support/until.ts';
import { bossdesk } from './index.ts';

/** From a change on the desk to what comes of it, with all loops and a database; without `author`. */

const RULES = `
id: network
name: Network goes to Network L2
when: { connection: boss, category: Network }
then:
  - reassign: { queue: Network L2, agent: ali@acme.com }
  - tag: { add: [vip] }
  - comment: { text: "Moved: {{ ticket.title }}" }
  - task: { title: "Call {{ ticket.requester }}" }
`;

let desk: BossDesk;
let stage: TestApp;
/** Tickets that the baseline leaves out. */
let closedBefore: ReadonlySet<string>;

beforeAll(async () => {
  desk = await startBossDesk();
  const closed = [...desk.state.tickets.values()].filter((one) => one.closedAt !== null);
  closedBefore = new Set(closed.map(({ friendlyId }) => String(friendlyId)));
  const connection = {
    name: 'boss',
    vendor: bossdesk,
    settings: bossdesk.settings.parse({ url: desk.url, key: desk.key }),
    settleMs: 1_000,
    reference: 'auto' as const,
    lateAfterMs: 15 * 60_000,
    maxBody: 1024,
    poll: { changes: 100, open: 200 },
    budget: { rate: 60_000, burst: 6_000, perMs: 60_000 },
    verify: null,
  };
  const { actions } = bossdesk.capabilities;
  const known = { boss: { vendor: 'bossdesk', vendorName: 'BOSSDesk', actions } };
  const names = { connections: known, lists: [], calendars: [], environment: [], oncall: [] };
  stage = await startTestApp({ rules: RULES, more: { connections: [connection], known: names } });
  await stage.ready();
});
afterAll(async () => {
  await stage.close();
  await desk.close();
});

/** How long a busy machine may take: what is waited for comes or it does not. */
const PATIENCE_MS = 40_000;

interface Shown {
  readonly state: string;
  readonly reason: string | null;
}

async function api(method: 'GET' | 'POST', path: string): Promise<Shown> {
  const answer = await fetch(`${stage.base}/api/v1/connections/boss${path}`, {
    method,
    headers: { authorization: 'Bearer admin-token' },
  });
  return (await answer.json()) as Shown;
}

async function events(id: number): Promise<readonly DeskEvent[]> {
  const { rows } = await sql<{ doc: DeskEvent }>`
    SELECT doc FROM events WHERE ticket_id = ${String(id)} ORDER BY id`.execute(stage.database.db);
  return rows.map(({ doc }) => doc);
}

async function keyCounts(): Promise<readonly { readonly key: string; readonly count: number }[]> {
  const { rows } = await sql<{ key: string; count: number }>`
    SELECT doc->>'key' AS key, count(*)::int AS count FROM events GROUP BY 1`.execute(stage.database.db);
  return rows;
}

/** Keys of what happened to tasks and approvals, as the desk shows it now. */
function occurrences({ state }: BossDesk): readonly string[] {
  return [...state.tickets.values()].flatMap(({ tasks, approvals }) => [
    ...tasks.map((task) => `task:${task.id}`),
    ...tasks.flatMap(({ id, closedAt }) =>
      closedAt === null ? [] : [`task:${id}:closed:${stamp(closedAt)}`],
    ),
    ...approvals.map((one) => `approval:${one.id}`),
    ...approvals.flatMap(({ id, status, respondedAt }) =>
      respondedAt === null ? [] : [`approval:${id}:${status}:${stamp(respondedAt)}`],
    ),
  ]);
}

test('a new ticket is moved, tagged, commented and given a task, and all of it is known as our own', async () => {
  const id = desk.human.create({ title: 'VPN down', categoryId: bossIds.network });
  await until('the task', () => desk.ticket(id).tasks.length > 0);
  const seen = await until('the comment among the events', async () => {
    const all = await events(id);
    return (
      all.some(({ type }) => type === 'task.added') && all.some(({ type }) => type === 'comment.added') && all
    );
  });

  expect(desk.ticket(id)).toMatchObject({
    teamId: bossIds.networkL2,
    agentId: bossIds.ali,
    tagIds: [bossIds.tagVip],
    comments: [{ body: '<p>Moved: VPN down</p>', isPublic: false }],
    tasks: [{ title: 'Call Mert Şahin' }],
  });
  const byType = (type: string): readonly DeskEvent[] => seen.filter((event) => event.type === type);
  expect(byType('ticket.created')).toHaveLength(1);
  expect(byType('comment.added')).toMatchObject([{ own: true, comment: { public: false } }]);
  expect(byType('task.added')).toMatchObject([{ ticket: { id: String(id) } }]);
  expect(byType('ticket.updated').every(({ own }) => own)).toBe(true);
});

test('a hundred random edits end with what the desk shows; each comment, task and approval is one event', async () => {
  const known = new Set([...desk.state.tickets.values()].flatMap((one) => one.comments.map(({ id }) => id)));
  const before = new Set(occurrences(desk));
  desk.beforeEachRequest = () => {
    if (edits > 0) desk.randomEdit();
    edits -= 1;
  };
  let edits = 100;
  await until('the edits', () => edits <= 0, PATIENCE_MS);
  desk.beforeEachRequest = null;
  const comments = [...desk.state.tickets.values()].flatMap((one) =>
    one.comments.filter(({ id }) => !known.has(id)).map(({ id }) => `comment:${one.friendlyId}:${id}`),
  );

  const told = await until(
    'all titles',
    async () => {
      const { rows } = await sql<{ id: string; title: string }>`
      SELECT ticket_id AS id, snapshot->>'title' AS title FROM tickets`.execute(stage.database.db);
      const titles = new Map(rows.map((row) => [row.id, row.title]));
      const same = [...desk.state.tickets.values()].every((one) => {
        return titles.get(String(one.friendlyId)) === one.title;
      });
      return same && rows;
    },
    PATIENCE_MS,
  );
  const missed = async (): Promise<readonly string[]> => {
    const keys = new Set((await keyCounts()).map(({ key }) => key));
    // The first comments of a ticket that was not held before are part of its first event.
    const isFirst = (id = ''): boolean => keys.has(`created:${id}`) || closedBefore.has(id);
    const all = [...comments.filter((key) => !isFirst(key.split(':')[1])), ...occurrences(desk)];
    return all.filter((key) => !before.has(key) && !keys.has(key));
  };
  await until('the events', async () => (await missed()).length === 0, PATIENCE_MS / 2).catch(() => null);

  expect(await missed()).toEqual([]);
  expect(told.length).toBeGreaterThan(10);
  const counts = await keyCounts();
  expect(counts.filter(({ count }) => count > 1)).toEqual([]);
  expect(counts.some(({ key }) => key.startsWith('approval:'))).toBe(true);
}, 120_000);

test('a plan that lapsed stops the connection, which goes on once it is paid and resumed', async () => {
  const stateIs = (state: string): Promise<Shown> =>
    until(
      state,
      async () => {
        const shown = await api('GET', '');
        return shown.state === state && shown;
      },
      PATIENCE_MS,
    );
  desk.lapsed = true;
  await stateIs('stopped');
  const messages = await until(
    'the event',
    async () => {
      const { rows } = await sql<{ message: string }>`
        SELECT convert_from(raw, 'UTF8')::jsonb->>'message' AS message FROM events
         WHERE type = 'connection.auth_failed'`.execute(stage.database.db);
      return rows.length > 0 && rows;
    },
    PATIENCE_MS,
  );
  const id = desk.human.create({ title: 'while it was stopped' });

  desk.lapsed = false;
  await api('POST', '/resume');
  await stateIs('ok');
  const told = await until('the ticket', async () => (await events(id))[0], PATIENCE_MS);

  expect(messages).toEqual([{ message: expect.stringContaining('the account has expired') as string }]);
  expect(told.type).toBe('ticket.created');
}, 90_000);

test('a desk that begins to ignore filters is degraded, and the API says why', async () => {
  desk.searchMode = 'ignores';
  const shown = await until(
    'the state',
    async () => {
      const connection = await api('GET', '');
      return connection.reason?.includes('ignores filters') === true && connection;
    },
    PATIENCE_MS,
  );

  const reason = expect.stringMatching(/the desk ignores filters .* set search_id/) as string;
  expect(shown).toMatchObject({
    state: 'degraded',
    reason,
    feeds: [{ feed: 'changes', degraded: reason }, { degraded: null }, { degraded: null }],
  });
}, 60_000);
