import { sql } from 'kysely';
import { afterEach, expect, test } from 'vitest';
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

const KNOWN: KnownNames = {
  connections: {
    acme: { vendor: 'invgate', vendorName: 'InvGate', actions: invgate.capabilities.actions },
  },
  lists: [],
  calendars: [],
  environment: [],
  oncall: [],
};

async function start(desk: InvgateOptions, settings: Record<string, unknown>): Promise<Engine> {
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
  const log = collectingLog([]);
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
  await publishRules(database, [{ file: 'rules.yaml', text: LISTENS }], KNOWN, {
    when: 'changed',
    by: 'test',
  });
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
