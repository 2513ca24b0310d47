import { sql } from 'kysely';
import { afterEach, describe, expect, test } from 'vitest';
import { collectingLog } from '../../../test/support/app.ts';
import { createTestDatabase } from '../../../test/support/database.ts';
import type { Clock } from '../../clock.ts';
import { openConnection } from '../../connections.ts';
import {
  startInvgateDesk,
  type InvgateDesk,
  type InvgateOptions,
} from '../../demo/simulators/invgate/invgate-desk.ts';
import { invgateIds } from '../../demo/simulators/invgate/seed.ts';
import type { InvgateRequest } from '../../demo/simulators/invgate/state.ts';
import { seededRandom } from '../../demo/simulators/support/random.ts';
import type { DeskEvent } from '../../event.ts';
import { pollOnce } from '../../ingest/poll.ts';
import type { KnownNames } from '../../match/load.ts';
import { openDatabase } from '../../record/database.ts';
import { createIdSource } from '../../record/ids.ts';
import { registerInstance } from '../../record/instances.ts';
import { createActiveRules } from '../../rules/active.ts';
import { publishRules } from '../../rules/publish.ts';
import { invgate } from './index.ts';

/** The adapter under the real engine: what people do at the desk, and the events that come of it. */

const MINUTE = 60_000;

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

interface Engine {
  readonly desk: InvgateDesk;
  readonly logged: readonly string[];
  /** Moves the desk's and the adapter's clock. */
  readonly pass: (ms: number) => void;
  /** Walks every feed once. */
  readonly poll: () => Promise<void>;
  /** Nobody polls for so long: the database's clock cannot be moved, so its memory is moved back. */
  readonly outage: (ms: number) => Promise<void>;
  readonly events: () => Promise<readonly DeskEvent[]>;
  readonly coverage: () => Promise<readonly { feed: string; from_at: Date; to_at: Date }[]>;
}

const LISTENS = `
id: approvals
name: listens, so that approvals are read
on: [approval.requested, approval.decided]
when: { title: never }
mode: shadow
then: [{ acknowledge: {} }]
`;

const NOBODY_LISTENS = LISTENS.replace(/^on: .*$/m, 'on: [ticket.created]');

const KNOWN: KnownNames = {
  connections: {
    acme: { vendor: 'invgate', vendorName: 'InvGate', actions: invgate.capabilities.actions },
  },
  lists: [],
  calendars: [],
  environment: [],
  oncall: [],
};

async function start(
  desk: InvgateOptions,
  settings: Record<string, unknown>,
  rules = LISTENS,
): Promise<Engine> {
  let shift = 0;
  const clock: Clock = {
    now: () => Date.now() + shift,
    monotonic: () => performance.now() + shift,
    sleep: () => Promise.resolve(),
  };
  const cloned = await createTestDatabase();
  opened.push(() => cloned.drop());
  const simulator = await startInvgateDesk({ clock, oldRequests: true, ...desk });
  opened.push(() => simulator.close());
  const database = openDatabase({ url: cloned.url, poolSize: 4 });
  opened.push(() => database.close());
  const logged: string[] = [];
  const log = collectingLog(logged);
  const connection = await openConnection(
    {
      name: 'acme',
      vendor: invgate,
      settings: invgate.settings.parse({
        url: simulator.url,
        key: simulator.key,
        author: 'deskbot',
        ...settings,
      }),
      settleMs: 1_000,
      reference: 'auto',
      lateAfterMs: 15 * MINUTE,
      poll: null,
      budget: { rate: 600_000, burst: 60_000, perMs: MINUTE },
    },
    { database, clock, log },
  );
  opened.push(() => connection.adapter?.close() ?? Promise.resolve());
  const newId = createIdSource(() => clock.now());
  const active = createActiveRules(database, { lists: {}, locales: {}, workingMs: null });
  await publishRules(database, [{ file: 'rules.yaml', text: rules }], KNOWN, { when: 'changed', by: 'test' });
  await active.refresh();
  const instanceId = newId();
  await registerInstance(database.db, instanceId, 'test');
  const deps = {
    database,
    store: { active, newId, now: () => clock.now() },
    instanceId,
    log,
    onRuns: () => undefined,
    crash: () => undefined,
  };
  return {
    desk: simulator,
    logged,
    pass: (ms) => {
      shift += ms;
    },
    poll: async () => {
      await sql`UPDATE feeds SET next_poll_at = app_now()`.execute(database.db);
      while (await pollOnce(connection, deps, new AbortController().signal));
    },
    outage: async (ms) => {
      shift += ms;
      await sql`UPDATE coverage SET from_at = from_at - ${ms}::float8 * interval '1 millisecond',
          to_at = to_at - ${ms}::float8 * interval '1 millisecond'`.execute(database.db);
      await sql`UPDATE feeds SET last_complete_at = last_complete_at - ${ms}::float8 * interval '1 millisecond'`.execute(
        database.db,
      );
    },
    events: async () => {
      const { rows } = await sql<{ doc: DeskEvent; raw: Buffer | null }>`
        SELECT doc, raw FROM events ORDER BY id`.execute(database.db);
      return rows.map(({ doc, raw }) =>
        raw === null ? doc : { ...doc, body: JSON.parse(String(raw)) as unknown },
      );
    },
    coverage: async () =>
      (
        await sql<{ feed: string; from_at: Date; to_at: Date }>`
          SELECT feed, from_at, to_at FROM coverage ORDER BY feed, from_at`.execute(database.db)
      ).rows,
  };
}

function ofType(events: readonly DeskEvent[], type: string): readonly DeskEvent[] {
  return events.filter((event) => event.type === type);
}

/** The one thing that a repeat would show. */
function idsOf(events: readonly DeskEvent[]): readonly string[] {
  return events.map((event) => event.ticket_id ?? '').toSorted();
}

const FINAL: readonly number[] = [6, 7, 8];

describe('hundreds of random edits, some of them while the pages are read', () => {
  test.each([
    ['by sweeps, new envelope', 1, { envelope: 'new' }, {}],
    [
      'by sweeps, old envelope, comments that move last_update',
      2,
      { envelope: 'old', commentBumps: true },
      {},
    ],
    ['by sweeps, unknown ids fail the call', 3, { unknownIds: 'error', listedStatuses: [1, 2, 3, 4] }, {}],
    ['by a view in pages of ten', 4, { envelope: 'old' }, { view_id: invgateIds.view }],
    ['by a view, new envelope', 5, { viewPageSize: 7, hourPageSize: 5 }, { view_id: invgateIds.view }],
  ] as const)('%s', async (_, seed, options, settings) => {
    const engine = await start({ ...options, seed }, settings, NOBODY_LISTENS);
    const { desk } = engine;
    const random = seededRandom(seed);
    const old = new Set([...desk.state.requests.keys()].map(String));
    const known = new Set(
      [...desk.state.requests.values()].filter((row) => !FINAL.includes(row.statusId)).map((row) => row.id),
    );
    await engine.poll();
    // The desk tells whole seconds: what happens within the baseline's own is history.
    engine.pass(2_000);
    const removed = new Set<string>();
    const before = { comments: desk.state.comments.length, executions: desk.state.executions.length };

    for (let round = 0; round < 14; round += 1) {
      // Equal time stamps: several edits within a second, and none between two rounds now and then.
      for (let edit = random.below(12); edit > 0; edit -= 1) desk.randomEdit();
      if (round % 3 === 1) {
        desk.beforeEachRequest = () => {
          if (random.next() < 0.5) desk.randomEdit();
          if (random.next() < 0.2) desk.envelope = desk.envelope === 'new' ? 'old' : 'new';
        };
      }
      if (round === 9) {
        const id = [...desk.state.requests.keys()][3] ?? 0;
        desk.human.status(id, 2);
        await engine.poll();
        desk.human.remove(id);
        removed.add(String(id));
      }
      await engine.poll();
      desk.beforeEachRequest = null;
      engine.pass(random.pick([1_000, 30_000, 3 * MINUTE]));
    }
    engine.pass(11 * MINUTE);
    await engine.poll();
    const count = (await engine.events()).length;
    engine.pass(11 * MINUTE);
    await engine.poll();

    const events = await engine.events();
    expect(engine.logged.filter((line) => line.startsWith('error'))).toEqual([]);
    expect(events).toHaveLength(count);
    checkOnce(events);
    const present = [...desk.state.requests.values()];
    const made = present.filter((row) => !old.has(String(row.id))).map((row) => String(row.id));
    expect(idsOf(ofType(events, 'ticket.created')).filter((id) => !removed.has(id))).toEqual(made.toSorted());
    expect(idsOf(ofType(events, 'ticket.gone'))).toEqual([...removed]);
    const fired = ofType(events, 'trigger.fired').map((event) => event.trigger?.execution_id ?? '');
    const executed = desk.state.executions.slice(before.executions).map((one) => String(one.id));
    expect(fired.toSorted()).toEqual(executed.toSorted());
    expect(
      present.filter((row) => !isShown(row, events, 'view_id' in settings)).map((row) => row.id),
    ).toEqual([]);
    checkComments(desk, before.comments, events, known);
  });

  /** No key twice, no empty change, and each change begins where the one before ended. */
  function checkOnce(events: readonly DeskEvent[]): void {
    expect(new Set(events.map((event) => event.key)).size).toBe(events.length);
    const last = new Map<string, unknown>();
    const wrong: unknown[] = [];
    // A closed request that was there before the baseline and is touched: nobody knows what changed.
    for (const event of ofType(events, 'ticket.updated').filter((one) => !one.unknown.includes('title'))) {
      const changes = Object.entries(event.changes ?? {});
      if (changes.length === 0) wrong.push(event.key);
      for (const [field, { from, to }] of changes) {
        const key = `${event.ticket_id} ${field}`;
        const goesOn = !last.has(key) || idOf(from) === idOf(last.get(key));
        if (!goesOn || idOf(from) === idOf(to)) wrong.push([event.key, field, from, to]);
        last.set(key, to);
      }
    }
    expect(wrong).toEqual([]);
  }

  function idOf(value: unknown): unknown {
    return typeof value === 'object' && value !== null && 'id' in value ? value.id : value;
  }

  /** The last event of a request shows it as it is. A closed one is only seen through a view. */
  function isShown(row: InvgateRequest, events: readonly DeskEvent[], byView: boolean): boolean {
    const last = events.findLast((event) => event.ticket_id === String(row.id) && event.ticket !== null);
    if (last?.ticket == null) return true;
    const { title, status, priority, queue, assignee, phase } = last.ticket;
    if (FINAL.includes(row.statusId) && !byView) return ['closed', 'rejected', 'cancelled'].includes(phase);
    const shown = [title, status?.id, priority?.id, queue?.id, assignee?.id ?? 'null'];
    const real = [row.title, row.statusId, row.priorityId, row.assignedGroupId, row.assignedId];
    return shown.join() === real.map(String).join();
  }

  /** Comments on requests that were open at the baseline and are now; those of new ones come with them. */
  function checkComments(
    desk: InvgateDesk,
    before: number,
    events: readonly DeskEvent[],
    known: ReadonlySet<number>,
  ): void {
    const told = ofType(events, 'comment.added').map((event) => event.comment?.id);
    const wanted = desk.state.comments.slice(before).filter(({ requestId }) => {
      const row = desk.state.requests.get(requestId);
      return known.has(requestId) && row !== undefined && !FINAL.includes(row.statusId);
    });
    expect(wanted.filter((comment) => !told.includes(String(comment.id)))).toEqual([]);
  }
});

test('an outage of three hours is said, healed as far as possible, and late', async () => {
  const engine = await start({ oldRequests: false }, {});
  const { desk } = engine;
  const known = desk.human.create({ title: 'known' });
  await engine.poll();
  await engine.outage(90 * MINUTE);
  const lost = desk.human.create({ title: 'opened and closed in the outage' });
  desk.human.close(lost);
  desk.human.fireTrigger(invgateIds.slaTrigger, known);
  await engine.outage(90 * MINUTE);
  const fresh = desk.human.create({ title: 'fresh' });

  await engine.poll();
  await engine.poll();

  const events = await engine.events();
  const gaps = ofType(events, 'feed.gap').map((event) => event.body);
  expect(gaps).toEqual([
    {
      feed: 'created',
      from: expect.any(String) as string,
      to: expect.any(String) as string,
      recoverable: true,
    },
    {
      feed: 'triggers',
      from: expect.any(String) as string,
      to: expect.any(String) as string,
      recoverable: false,
    },
  ]);
  const created = ofType(events, 'ticket.created').map((event) => [event.ticket_id, event.late, event.via]);
  expect(created).toEqual([
    [String(fresh), false, 'backfill'],
    [String(lost), true, 'backfill'],
  ]);
  expect(ofType(events, 'trigger.fired')).toEqual([]);
  expect((await engine.coverage()).map((row) => row.feed)).toEqual([
    'approvals',
    'created',
    'news',
    'triggers',
    'triggers',
    'updated',
  ]);
});

test("a trigger's event carries its ticket, and an approval's too", async () => {
  const engine = await start({ oldRequests: false }, {});
  const { desk } = engine;
  const id = desk.human.create({ title: 'VPN down', priorityId: 4 });
  await engine.poll();
  await engine.poll();
  desk.human.fireTrigger(invgateIds.vipTrigger, id);
  desk.state.approvals.push({
    id: 5,
    requestId: id,
    authorId: 2,
    description: 'New laptop',
    type: 2,
    status: -1,
    voterIds: [1],
    createdAt: Math.floor(Date.now() / 1000) + 60,
  });

  await engine.poll();

  const events = await engine.events();
  expect(ofType(events, 'trigger.fired')).toMatchObject([
    { trigger: { name: 'VIP request created' }, ticket: { priority: { level: 'urgent' } }, feed: 'triggers' },
  ]);
  expect(ofType(events, 'approval.requested')).toMatchObject([
    { ticket_id: String(id), ticket: { title: 'VPN down' }, body: { approval: '5' } },
  ]);
});
