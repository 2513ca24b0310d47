import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createEngine, type Engine } from '../test/support/engine.ts';
import type { Clock } from './clock.ts';
import { joinInstances, type Instance } from './instance.ts';
import { claimSteps } from './record/steps.ts';

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.close());
beforeEach(async () => {
  await engine.clear();
  await sql`DELETE FROM instances`.execute(engine.database.db);
  await engine.publish(
    'id: r\nname: r\non: [custom.x]\nwhen: { connection: acme }\nthen: [{ acknowledge: {} }]\n',
  );
});

/** A clock whose wall time jumps and whose monotonic time tests move. */
class HandClock implements Clock {
  wall = 1_000_000;
  passed = 0;
  now(): number {
    return this.wall;
  }
  monotonic(): number {
    return this.passed;
  }
  sleep(): Promise<void> {
    return Promise.resolve();
  }
}

const join = (clock: Clock, alone = false): Promise<Instance> =>
  joinInstances(engine.store.newId(), { database: engine.database, clock, log: silent, name: 'test', alone });
const claim = (by: Instance): Promise<number> =>
  engine.database.transaction(async (tx) => (await claimSteps(tx, by.id, 10)).length);

test('an instance whose counter does not move for 15 s loses its leases', async () => {
  const clock = new HandClock();
  const [frozen, other] = [await join(clock), await join(clock)];
  await engine.happen({ type: 'custom.x', ticketId: 't1' });
  await claim(frozen);

  await other.runOnce();
  clock.passed += 14_999;
  await other.runOnce();
  const early = await claim(other);
  clock.passed += 1;
  await other.runOnce();

  expect(early).toBe(0);
  expect(await claim(other)).toBe(1);
});

test('one whose counter moves keeps them, however long it takes and wherever the clocks jump', async () => {
  const clock = new HandClock();
  const [busy, other] = [await join(clock), await join(clock)];
  await engine.happen({ type: 'custom.x', ticketId: 't1' });
  await claim(busy);

  for (let round = 0; round < 10; round++) {
    clock.passed += 10_000;
    clock.wall += round % 2 === 0 ? 7_200_000 : -14_400_000;
    await busy.runOnce();
    await other.runOnce();
  }

  expect(await claim(other)).toBe(0);
});

test('one that was taken for dead registers again, and says so', async () => {
  const clock = new HandClock();
  const [frozen, other] = [await join(clock), await join(clock)];
  await other.runOnce();
  clock.passed += 20_000;
  await other.runOnce();

  expect(await frozen.runOnce()).toBe(false);
  expect(await frozen.runOnce()).toBe(true);
});

test('the only one there can be takes over at once what an older one held', async () => {
  const older = await join(new HandClock());
  await engine.happen({ type: 'custom.x', ticketId: 't1' });
  await claim(older);

  const now = await join(new HandClock(), true);

  expect(await claim(now)).toBe(1);
});

test('leases of an instance that nobody knows any more are free', async () => {
  const gone = await join(new HandClock());
  await engine.happen({ type: 'custom.x', ticketId: 't1' });
  await claim(gone);
  await sql`DELETE FROM instances WHERE id = ${gone.id}`.execute(engine.database.db);
  const other = await join(new HandClock());

  await other.runOnce();

  expect(await claim(other)).toBe(1);
});

test('one that leaves gives everything back', async () => {
  const [leaving, other] = [await join(new HandClock()), await join(new HandClock())];
  await engine.happen({ type: 'custom.x', ticketId: 't1' });
  await claim(leaving);

  await leaving.leave();

  expect(await claim(other)).toBe(1);
});
