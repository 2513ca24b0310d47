import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../test/support/engine.ts';
import { CommitUnknownError, type Database } from '../record/database.ts';
import { publishRules } from '../rules/publish.ts';
import { createActiveRules } from '../rules/active.ts';
import { ownEvent } from './own-events.ts';
import type { EventDraft } from './event-draft.ts';
import { storeEvents, storeGroup } from './store-event.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.close());
beforeEach(() => engine.clear());

const RULE = 'id: r\nname: r\non: [custom.x]\nwhen: { connection: acme }\nthen: [{ acknowledge: {} }]\n';

function draft(key: string, more: { ticketId?: string; depth?: number } = {}): EventDraft {
  return ownEvent(
    {
      type: 'custom.x',
      key,
      connectionId: engine.connection.id,
      connection: 'acme',
      vendor: 'jitbit',
      body: {},
      ...more,
    },
    engine.store,
  );
}
const store = (drafts: readonly EventDraft[]): ReturnType<typeof storeGroup> =>
  storeGroup(engine.database, drafts, engine.store);
const keys = async (): Promise<readonly string[]> => (await engine.events()).map((event) => event.doc.key);
const outcomes = async (): Promise<readonly string[]> =>
  (await engine.runs()).map(
    ({ rule, state, reason }) => `${rule} ${state}${reason === null ? '' : ` (${reason})`}`,
  );

describe('storing by key', () => {
  test('the same group twice stores one of each, and says which event it was', async () => {
    await engine.publish(RULE);
    const group = [draft('a'), draft('b')];
    await store(group);

    const again = await store([draft('b'), draft('c'), draft('a')]);

    expect(await keys()).toEqual(['a', 'b', 'c']);
    expect(await outcomes()).toHaveLength(3);
    expect(again.stored[0]).toEqual({ eventId: group[1]?.id, duplicate: true });
    expect(again.stored.map((one) => one.duplicate)).toEqual([true, false, true]);
  });

  test('a key that stands twice in one group belongs to the first', async () => {
    const group = [draft('a'), draft('a')];

    const { stored } = await store(group);

    expect(await engine.events()).toHaveLength(1);
    expect(stored.map((one) => one.duplicate)).toEqual([false, true]);
    expect(stored[1]?.eventId).toBe(group[0]?.id);
  });

  test('a draft is new only if every one of its keys is', async () => {
    const two = (id: string, more: string): EventDraft => {
      const made = draft(id);
      return { ...made, keys: [...made.keys, { key: more, renewAfterMs: null }] };
    };
    await store([two('a', 'delivery-1')]);

    const { stored } = await store([two('b', 'delivery-1'), two('a', 'delivery-2'), two('c', 'delivery-3')]);

    expect(stored.map((one) => one.duplicate)).toEqual([true, true, false]);
    expect(await keys()).toEqual(['a', 'c']);
  });

  test('the same key of another connection is another event', async () => {
    const other = { ...draft('a'), connectionId: 0 };

    await store([draft('a'), other]);

    expect(await engine.events()).toHaveLength(2);
  });

  test('many groups at once with keys in opposite orders neither deadlock nor double', async () => {
    const names = Array.from({ length: 40 }, (_, number) => `k${number}`);

    await Promise.all(
      [names, names.toReversed(), names, names.toReversed()].map((list) =>
        store(list.map((key) => draft(key))),
      ),
    );

    expect(await engine.events()).toHaveLength(40);
  });
});

describe('a commit whose answer was lost', () => {
  test('that took place is recognised by our own ids, and is no repeat', async () => {
    await engine.publish(RULE);
    const group = [draft('a'), draft('b')];

    const { stored } = await storeGroup(losing(engine.database, 'after'), group, engine.store);

    expect(stored).toEqual(group.map((one) => ({ eventId: one.id, duplicate: false })));
    expect(await outcomes()).toHaveLength(2);
  });

  test('that did not take place is done again', async () => {
    await engine.publish(RULE);

    const { stored } = await storeGroup(losing(engine.database, 'before'), [draft('a')], engine.store);

    expect(stored.map((one) => one.duplicate)).toEqual([false]);
    expect(await keys()).toEqual(['a']);
    expect(await outcomes()).toHaveLength(1);
  });
});

/** A database that loses the answer to the first commit, which took place or did not. */
function losing(database: Database, when: 'before' | 'after'): Database {
  let left = 1;
  return {
    ...database,
    async transaction(work) {
      if (left === 0) return database.transaction(work);
      left -= 1;
      if (when === 'after') await database.transaction(work);
      throw new CommitUnknownError('lost');
    },
  };
}

describe('a switch of the rule set', () => {
  test('while groups are in flight: every event is judged by exactly one set', async () => {
    const known = { connections: {}, lists: [], calendars: [], environment: [], oncall: [] };
    const set = (id: number): string =>
      RULE.replace('id: r', `id: r${id}`).replace(/when.*/, 'when: { event.type: custom.x }');
    const publish = async (id: number): Promise<void> => {
      await publishRules(engine.database, [{ file: 'r.yaml', text: set(id) }], known, {
        when: 'changed',
        by: 'test',
      });
    };
    await publish(0);
    const other = createActiveRules(engine.database, { lists: {}, locales: {}, workingMs: null });
    const stores = [engine.store, { ...engine.store, active: other }];

    const storing = Array.from({ length: 40 }, async (_, number) => {
      await new Promise((resolve) => setTimeout(resolve, number * 3));
      const deps = stores[number % 2] ?? engine.store;
      await storeGroup(engine.database, [draft(`a${number}`), draft(`b${number}`)], deps);
    });
    for (let id = 1; id <= 12; id++) await publish(id);
    await Promise.all(storing);

    const { rows } = await sql<{ runs: number; right: number }>`
      SELECT count(r.*)::int AS runs,
             count(*) FILTER (WHERE EXISTS (SELECT FROM rule_set_rules s
               WHERE s.rule_set_id = e.rule_set_id AND s.rule_version_id = r.rule_version_id))::int AS right
        FROM events e LEFT JOIN runs r ON r.event_id = e.id GROUP BY e.id`.execute(engine.database.db);
    expect(rows).toHaveLength(80);
    expect(rows.every((row) => row.runs === 1 && row.right === 1)).toBe(true);
  });

  test('waits for groups that hold the old one', async () => {
    await engine.publish(RULE);
    const order: string[] = [];
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    let isPinned = (): void => undefined;
    const pinned = new Promise<void>((resolve) => (isPinned = resolve));
    const group = engine.database.transaction(async (tx) => {
      const book = await engine.store.active.pin(tx);
      isPinned();
      await held;
      await storeEvents(tx, book, [draft('a')], engine.store);
      order.push('stored');
    });
    await pinned;
    const switched = engine.publish(RULE.replace('id: r', 'id: r2')).then(() => order.push('switched'));

    setTimeout(letGo, 100);
    await Promise.all([group, switched]);

    expect(order).toEqual(['stored', 'switched']);
    expect((await outcomes())[0]).toMatch(/^r active/);
  });
});

describe('limits', () => {
  const burst = async (count: number, ticketId = 't1'): Promise<void> => {
    for (let number = 0; number < count; number++)
      await store([draft(`${ticketId}-${number}`, { ticketId })]);
  };

  test('the default limit mutes the pair once, with one event that shows the chain', async () => {
    await engine.publish(RULE);

    await burst(8);

    const muted = (await engine.events()).filter((event) => event.type === 'rule.muted');
    expect(muted).toHaveLength(1);
    expect(await outcomes()).toEqual([
      ...Array.from({ length: 5 }, () => 'r active'),
      'r ended (suppressed: limit)',
      'r ended (suppressed: muted)',
      'r ended (suppressed: muted)',
    ]);
    const { rows } = await sql<{ raw: Buffer }>`SELECT raw FROM events WHERE type = 'rule.muted'`.execute(
      engine.database.db,
    );
    expect(JSON.parse(rows[0]?.raw.toString() ?? '')).toMatchObject({
      rule: 'r',
      chain: { key: 't1-5', depth: 0 },
    });
  });

  test('hold within one group as over several', async () => {
    await engine.publish(RULE);

    await store(Array.from({ length: 7 }, (_, number) => draft(`k${number}`, { ticketId: 't1' })));

    expect((await outcomes()).filter((outcome) => outcome === 'r active')).toHaveLength(5);
    expect((await engine.events()).filter((event) => event.type === 'rule.muted')).toHaveLength(1);
  });

  test('of one ticket do not touch another', async () => {
    await engine.publish(RULE);

    await burst(7, 't1');
    await burst(1, 't2');

    expect((await engine.runs()).find((run) => run.ticketId === 't2')?.state).toBe('active');
  });

  test('a written per_ticket limit suppresses without muting', async () => {
    await engine.publish(`${RULE}limit: { per_ticket: 2/1h }\n`);

    await burst(4);

    expect(await outcomes()).toEqual([
      'r active',
      'r active',
      'r ended (suppressed: limit)',
      'r ended (suppressed: limit)',
    ]);
    expect((await engine.events()).map((event) => event.type)).not.toContain('rule.muted');
  });

  test('per_rule pauses the rule once and holds what comes after', async () => {
    await engine.publish(`${RULE}limit: { per_rule: 3/1h }\n`);

    for (let number = 0; number < 5; number++) await store([draft(`k${number}`, { ticketId: `t${number}` })]);
    await engine.store.active.refresh();
    await store([draft('k9', { ticketId: 't9' })]);

    expect(await outcomes()).toEqual([
      'r active',
      'r active',
      'r active',
      ...Array.from({ length: 2 }, () => 'r held (rule paused: per_rule limit)'),
      'r held (rule paused)',
    ]);
    expect((await engine.events()).filter((event) => event.type === 'rule.paused')).toHaveLength(1);
  });

  test('per_rule does not count what was suppressed: one ticket’s storm pauses nothing', async () => {
    await engine.publish(`${RULE}limit: { per_rule: 8/1h }\n`);

    await burst(30);
    await burst(1, 'calm');

    expect((await engine.runs()).find((run) => run.ticketId === 'calm')?.state).toBe('active');
  });

  test('a chain of causes ends at depth five', async () => {
    await engine.publish(RULE);

    await store([draft('four', { depth: 4 }), draft('five', { depth: 5 })]);

    expect(await outcomes()).toEqual(['r active', 'r ended (suppressed: causation depth)']);
  });

  test('a rule that emits what fires it stops by itself', async () => {
    await engine.publish(
      'id: loop\nname: loop\non: [custom.x]\nwhen: { connection: acme }\nthen: [{ emit: { type: x } }]\n',
    );
    await store([draft('start')]);

    await engine.work();

    expect((await engine.runs()).map((run) => [run.depth, run.state])).toEqual([
      [0, 'done'],
      [1, 'done'],
      [2, 'done'],
      [3, 'done'],
      [4, 'done'],
      [5, 'ended'],
    ]);
  });
});
