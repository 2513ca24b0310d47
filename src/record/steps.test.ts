import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../test/support/engine.ts';
import { freeLanes } from './lanes.ts';
import { recordOutcomes, type Outcome } from './outcomes.ts';
import { claimSteps, type ClaimedStep } from './steps.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.close());
beforeEach(async () => {
  await engine.clear();
  await engine.publish(
    'id: r\nname: r\non: [custom.x]\nwhen: { connection: acme }\nthen: [{ acknowledge: {} }, { acknowledge: {} }]\nlimit: { per_ticket: 900/1h }\n',
  );
});

const [A, B] = ['018f0000-0000-7000-8000-00000000000a', '018f0000-0000-7000-8000-00000000000b'] as const;
const claim = (by: string, limit = 100): Promise<readonly ClaimedStep[]> =>
  engine.database.transaction((tx) => claimSteps(tx, by, limit));
const record = async (by: string, outcomes: readonly Outcome[]): Promise<ReadonlySet<string>> =>
  (await recordOutcomes(engine.database, by, outcomes)).steps;
const done = (step: ClaimedStep): Outcome => ({
  stepId: step.stepId,
  runId: step.runId,
  laneId: step.laneId,
  fence: step.fence,
  state: 'done',
  reason: null,
  dueInMs: null,
  held: false,
  intent: null,
  parts: {},
  result: null,
  attempts: 1,
  attempt: null,
  endRun: null,
  progress: null,
  bound: [],
  writes: null,
  alone: false,
});
const lanes = async (): Promise<number> => {
  const { rows } = await sql<{ count: number }>`SELECT count(*)::int AS count FROM lanes`.execute(
    engine.database.db,
  );
  return rows[0]?.count ?? 0;
};

describe('a claim', () => {
  test('takes one step of a lane, and nobody gets another of it', async () => {
    for (let number = 0; number < 4; number++) await engine.happen({ type: 'custom.x', ticketId: 't1' });

    const [first, second] = [await claim(A), await claim(B)];

    expect([first.length, second.length]).toEqual([1, 0]);
    expect(first[0]).toMatchObject({ path: '0', ticketId: 't1' });
  });

  test('by many at once shares the lanes without an overlap', async () => {
    for (let number = 0; number < 30; number++)
      await engine.happen({ type: 'custom.x', ticketId: `t${number % 15}` });

    const claims = await Promise.all(
      Array.from({ length: 6 }, (_, number) => claim(number % 2 === 0 ? A : B, 4)),
    );

    const taken = claims.flat().map((step) => step.laneId);
    expect(new Set(taken).size).toBe(taken.length);
    const rest = (await claim(A)).map((step) => step.laneId);
    expect(new Set([...taken, ...rest]).size).toBe(15);
  });

  test('goes by due time, then by event: the order in which things happened', async () => {
    const events: string[] = [];
    for (const ticketId of ['t1', 't2', 't3'])
      events.push(await engine.happen({ type: 'custom.x', ticketId }));

    const order = [...(await claim(A, 1)), ...(await claim(A, 1)), ...(await claim(A, 1))].map(
      (step) => step.eventId,
    );

    expect(order).toEqual(events);
  });

  test('of a step in sending comes before the others of its lane', async () => {
    await engine.happen({ type: 'custom.x', ticketId: 't1' });
    await engine.happen({ type: 'custom.x', ticketId: 't1' });
    await sql`
      UPDATE steps SET state = 'sending', due_at = app_now() + interval '1 hour' WHERE id = (
        SELECT id FROM steps WHERE due_at IS NOT NULL ORDER BY id DESC LIMIT 1)`.execute(engine.database.db);

    expect(await claim(A)).toEqual([]);
  });

  test('finds nothing while a waiting step is not due, and everything else of that lane goes on', async () => {
    await engine.happen({ type: 'custom.x', ticketId: 't1' });
    const [waiting] = await claim(A);
    if (waiting === undefined) throw new Error('nothing was claimed');
    await record(A, [{ ...done(waiting), state: 'waiting', reason: 'waits', dueInMs: 3_600_000 }]);
    await engine.happen({ type: 'custom.x', ticketId: 't1' });

    const [other] = await claim(A);

    expect(other?.runId).not.toBe(waiting.runId);
  });
});

describe('an outcome', () => {
  test('starts the next step, and after the last one ends the run and removes the lane', async () => {
    await engine.happen({ type: 'custom.x', ticketId: 't1' });

    await record(A, (await claim(A)).map(done));
    const between = await engine.steps();
    await record(A, (await claim(A)).map(done));

    expect(between.map((step) => step.state)).toEqual(['done', 'pending']);
    expect(await engine.runs()).toMatchObject([{ state: 'done' }]);
    expect(await lanes()).toBe(0);
  });

  test('under a lost lease is not recorded', async () => {
    await engine.happen({ type: 'custom.x', ticketId: 't1' });
    const [old] = await claim(A);
    await engine.database.transaction((tx) => freeLanes(tx, [A], 100));
    await claim(B);

    const recorded = await record(A, old === undefined ? [] : [done(old)]);

    expect([...recorded]).toEqual([]);
    expect((await engine.steps())[0]?.state).toBe('pending');
  });

  test('of long ago is not recorded when its lane was removed, made again and leased by the same instance', async () => {
    await engine.happen({ type: 'custom.x', ticketId: 't1' });
    const [old] = await claim(A);
    await engine.database.transaction((tx) => freeLanes(tx, [A], 100));
    await record(B, (await claim(B)).map(done));
    await record(B, (await claim(B)).map(done));
    await engine.happen({ type: 'custom.x', ticketId: 't1' });
    await claim(A);

    const recorded = await record(A, old === undefined ? [] : [{ ...done(old), state: 'dead' }]);

    expect([...recorded]).toEqual([]);
    expect((await engine.steps())[0]?.state).toBe('done');
  });

  test('that comes again, because its answer was lost, changes nothing', async () => {
    await engine.happen({ type: 'custom.x', ticketId: 't1' });
    const outcomes = (await claim(A)).map(done);
    await record(A, outcomes);

    const again = await record(A, outcomes);

    expect([...again]).toEqual([]);
    expect((await engine.steps()).map((step) => step.state)).toEqual(['done', 'pending']);
  });

  test('meeting a new event of its ticket leaves the lane open', async () => {
    await engine.happen({ type: 'custom.x', ticketId: 't1' });
    await record(A, (await claim(A)).map(done));
    const last = (await claim(A)).map(done);

    await Promise.all([record(A, last), engine.happen({ type: 'custom.x', ticketId: 't1' })]);

    expect(await claim(B)).toHaveLength(1);
  });

  test('that ends the run skips what is left, with the reason', async () => {
    await engine.happen({ type: 'custom.x', ticketId: 't1' });

    await record(
      A,
      (await claim(A)).map((step) => ({ ...done(step), state: 'skipped', endRun: 'the rule is off' })),
    );

    expect((await engine.steps())[1]).toMatchObject({ state: 'skipped', reason: 'the rule is off' });
    expect(await engine.runs()).toMatchObject([{ state: 'ended', reason: 'the rule is off' }]);
  });
});

test('freed lanes make a step in sending due at once, and keep what they are told to', async () => {
  await engine.happen({ type: 'custom.x', ticketId: 't1' });
  await engine.happen({ type: 'custom.x', ticketId: 't2' });
  const claimed = await claim(A);
  await sql`UPDATE steps SET state = 'sending', due_at = app_now() + interval '1 hour' WHERE due_at IS NOT NULL`.execute(
    engine.database.db,
  );

  const freed = await engine.database.transaction((tx) =>
    freeLanes(tx, [A], 100, [claimed[0]?.laneId ?? '']),
  );

  expect(freed).toBe(1);
  expect((await claim(B)).map((step) => step.laneId)).toEqual([claimed[1]?.laneId]);
});
