import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../test/support/engine.ts';
import { openHands } from '../../test/support/hands.ts';
import { toOutcome } from '../act/outcome.ts';
import { decided } from '../act/task.ts';
import { CommitUnknownError, type Database } from '../record/database.ts';
import { recordOutcomes } from '../record/outcomes.ts';
import { claimSteps } from '../record/steps.ts';
import { pauseRule } from '../record/rules.ts';
import type { EventDraft } from './event-draft.ts';
import { ownEvent } from './own-events.ts';
import { storeGroup } from './store-event.ts';
import { storeNew, type StoredNew } from './store-new.ts';

let engine: Engine;
let hands: ReturnType<typeof openHands>;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.close());
beforeEach(async () => {
  await engine.clear();
  hands = openHands(engine.store.newId());
});

const RULE = 'id: r\nname: r\non: [custom.x]\nwhen: { connection: acme }\nthen: [{ acknowledge: {} }]\n';

function draft(key: string, ticketId?: string): EventDraft {
  return ownEvent(
    {
      type: 'custom.x',
      key,
      connectionId: engine.connection.id,
      connection: 'acme',
      vendor: 'jitbit',
      body: {},
      ...(ticketId === undefined ? {} : { ticketId }),
    },
    engine.store,
  );
}
const store = (drafts: readonly EventDraft[], database = engine.database): Promise<StoredNew | null> =>
  storeNew(database, drafts, engine.store, hands);
const takenEvents = (): readonly string[] => hands.taken.map(({ event }) => event.event.key);

describe('a group of new events', () => {
  test('is stored with its runs, and the first step of each ticket comes back leased', async () => {
    await engine.publish(RULE);

    const stored = await store([draft('a', '1'), draft('b', '2'), draft('c', '1')]);
    stored?.start();

    expect((await engine.runs()).map(({ state }) => state)).toEqual(['active', 'active', 'active']);
    expect(takenEvents()).toEqual(['a', 'b']);
    expect(stored?.unclaimed).toBe(1);
  });

  test('is what a claim would have found', async () => {
    await engine.publish(RULE);
    (await store([draft('a', '1')]))?.start();
    await storeGroup(engine.database, [draft('b', '2')], engine.store);

    const [claimed] = await engine.database.transaction((tx) => claimSteps(tx, hands.instanceId, 10));

    const [taken] = hands.taken;
    const own = {
      stepId: '',
      runId: '',
      laneId: '',
      fence: 0,
      eventId: '',
      eventAt: 0,
      ticketId: '',
      now: 0,
    };
    const same = (step: object | undefined): object => ({ ...step, ...own, lagMs: 0 });
    expect(same(taken?.claimed)).toEqual(same(claimed));
    expect(Math.abs((taken?.claimed.now ?? 0) - (claimed?.now ?? 0))).toBeLessThan(60_000);
  });

  test('is in no other hands, and its outcome counts', async () => {
    await engine.publish(RULE);
    (await store([draft('a', '1')]))?.start();

    const others = await engine.database.transaction((tx) => claimSteps(tx, engine.store.newId(), 10));
    const [taken] = hands.taken;
    if (taken === undefined) throw new Error('nothing was taken');
    const { claimed } = taken;
    const call = { id: engine.store.newId(), startedAt: claimed.now, tookMs: 1 };
    const recorded = await recordOutcomes(engine.database, hands.instanceId, [
      toOutcome(claimed, decided('done', null), call, null),
    ]);

    expect(others).toEqual([]);
    expect([...recorded.steps]).toEqual([claimed.stepId]);
    expect((await engine.runs()).map(({ state }) => state)).toEqual(['done']);
  });

  test('leaves a lane alone that somebody works on', async () => {
    await engine.publish(RULE);
    await storeGroup(engine.database, [draft('a', '1')], engine.store);
    await engine.database.transaction((tx) => claimSteps(tx, engine.store.newId(), 10));

    const stored = await store([draft('b', '1')]);
    stored?.start();

    expect(takenEvents()).toEqual([]);
    expect(stored?.unclaimed).toBe(1);
  });
});

describe('the long way is taken, and nothing is stored, when', () => {
  /** What the group left in the database. */
  const leftBy = async (drafts: readonly EventDraft[]): Promise<object> => {
    const before = (await engine.events()).length;
    const stored = await store(drafts);
    const { rows: lanes } = await sql`SELECT 1 FROM lanes WHERE lease_owner = ${hands.instanceId}`.execute(
      engine.database.db,
    );
    return { stored, events: (await engine.events()).length - before, lanes };
  };
  const NOTHING = { stored: null, events: 0, lanes: [] };

  test('an event came before', async () => {
    await engine.publish(RULE);
    await storeGroup(engine.database, [draft('a')], engine.store);

    expect(await leftBy([draft('b', '2'), draft('a', '1')])).toEqual(NOTHING);
  });

  test('a key stands twice in the group', async () => {
    expect(await leftBy([draft('a'), draft('a')])).toEqual(NOTHING);
  });

  test('the rule set was switched elsewhere', async () => {
    await engine.publish(RULE);
    const stale = engine.store.active.current();
    await engine.publish(RULE.replace('id: r', 'id: other'));
    const active = { ...engine.store.active, current: () => stale };

    const stored = await storeNew(engine.database, [draft('a', '1')], { ...engine.store, active }, hands);

    expect(stored).toBeNull();
    expect(await engine.events()).toEqual([]);
  });

  test.each([
    ['with what is stored', ['a', 'b'], ['c']],
    ['with both', ['a'], ['b', 'c']],
  ])('a limit is reached %s', async (_, before, group) => {
    await engine.publish(`${RULE}limit: { per_ticket: 2/1h }\n`);
    await storeGroup(
      engine.database,
      before.map((key) => draft(key, '1')),
      engine.store,
    );

    expect(await leftBy(group.map((key) => draft(key, '1')))).toEqual(NOTHING);
  });

  test('the pair is muted', async () => {
    await engine.publish(RULE);
    await sql`INSERT INTO mutes VALUES ('r', ${engine.connection.id}, '1', app_now() + interval '1 hour')`.execute(
      engine.database.db,
    );

    expect(await leftBy([draft('a', '1')])).toEqual(NOTHING);
  });
});

test('up to the limit, the short way is taken', async () => {
  await engine.publish(`${RULE}limit: { per_ticket: 3/1h }\n`);
  await storeGroup(engine.database, [draft('a', '1')], engine.store);

  expect(await store([draft('b', '1'), draft('c', '1')])).not.toBeNull();
});

test('a limit that the group itself reaches is on record', async () => {
  await engine.publish(`${RULE}limit: { per_ticket: 2/1h }\n`);

  await store([draft('a', '1'), draft('b', '1'), draft('c', '1')]);

  expect((await engine.runs()).map(({ state, reason }) => reason ?? state)).toEqual([
    'active',
    'active',
    'suppressed: limit',
  ]);
});

test('a paused rule holds its runs here too', async () => {
  await engine.publish(RULE);
  await engine.database.transaction((tx) => pauseRule(tx, 'r', 'by hand'));
  await engine.store.active.refresh();

  await store([draft('a', '1')]);

  expect((await engine.runs()).map(({ state }) => state)).toEqual(['held']);
});

test.each([
  ['is not known', new CommitUnknownError('lost'), true],
  ['is a refusal', Object.assign(new Error('no'), { code: '22P05' }), false],
])('lanes are let go when the outcome %s', async (_, error, unknown) => {
  await engine.publish(RULE);
  const letGo: boolean[] = [];
  const database: Database = { ...engine.database, oneTrip: () => Promise.reject(error) };

  await expect(
    storeNew(database, [draft('a', '1')], engine.store, {
      ...hands,
      letGo: (_kept, doubtful) => letGo.push(doubtful),
    }),
  ).rejects.toThrow(error);

  expect(letGo).toEqual([unknown]);
});
