import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createEngine, type Engine } from '../test/support/engine.ts';
import { until } from '../test/support/until.ts';
import { SILENT } from '../test/support/silent-log.ts';
import type { Clock } from './clock.ts';
import { joinInstances, type Instance } from './instance.ts';
import { readPulses } from './record/instances.ts';
import { LOCKS } from './record/locks.ts';
import { openStandingSession, type StandingSession } from './record/standing-session.ts';
import { claimSteps } from './record/steps.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
const sessions: StandingSession[] = [];
afterEach(() => Promise.all(sessions.splice(0).map((session) => session.close())));
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

async function join(clock: Clock, alone = false): Promise<Instance> {
  const session = await openStandingSession(engine.database, SILENT);
  sessions.push(session);
  const parts = { database: engine.database, session, clock, log: SILENT, name: 'test', alone };
  return joinInstances(engine.store.newId(), parts);
}

/** What a kill does to the one that joined as the nth: the kernel closes its connections. */
async function kill(nth: number): Promise<void> {
  await sessions[nth]?.close();
  await until('the lock is gone', async () => {
    const pulses = await readPulses(engine.database.db);
    return [...pulses.values()].some((pulse) => pulse.sessionGone);
  });
}

const claim = (by: Instance): Promise<number> =>
  engine.database.transaction(async (tx) => (await claimSteps(tx, by.id, 10)).length);

/** One with a lease, and another one. */
async function holderAndOther(clock: Clock): Promise<readonly [Instance, Instance]> {
  const [holder, other] = [await join(clock), await join(clock)];
  await engine.happen({ type: 'custom.x', ticketId: 't1' });
  await claim(holder);
  return [holder, other];
}

test('an instance whose counter does not move for 15 s loses its leases', async () => {
  const clock = new HandClock();
  const [, other] = await holderAndOther(clock);

  await other.takeOver();
  clock.passed += 14_999;
  await other.takeOver();
  const early = await claim(other);
  clock.passed += 1;
  await other.takeOver();

  expect(early).toBe(0);
  expect(await claim(other)).toBe(1);
});

test('a killed one loses its leases as soon as its session was gone for half a second', async () => {
  const clock = new HandClock();
  const [, other] = await holderAndOther(clock);
  await kill(0);

  await other.takeOver();
  clock.passed += 499;
  await other.takeOver();
  const early = await claim(other);
  clock.passed += 1;
  await other.takeOver();

  expect(early).toBe(0);
  expect(await claim(other)).toBe(1);
});

test('a new one takes over what a killed one held after one more look', async () => {
  const clock = new HandClock();
  const killed = await join(clock);
  await engine.happen({ type: 'custom.x', ticketId: 't1' });
  await claim(killed);
  await kill(0);
  const next = await join(clock);

  clock.passed += 500;
  await next.takeOver();

  expect(await claim(next)).toBe(1);
});

test('one whose session broke and was opened again keeps its leases', async () => {
  const clock = new HandClock();
  const [busy, other] = await holderAndOther(clock);
  const keyOf = async (): Promise<number | null> =>
    (
      await engine.database.db
        .selectFrom('instances')
        .select('session_key')
        .where('id', '=', busy.id)
        .executeTakeFirstOrThrow()
    ).session_key;
  const before = await keyOf();
  await sql`
    SELECT pg_terminate_backend(pid) FROM pg_locks
     WHERE locktype = 'advisory' AND classid = ${LOCKS.instance}::bigint::oid AND objid = ${before}::bigint::oid`.execute(
    engine.database.db,
  );

  await other.takeOver();
  await until('another session stands', async () => (await keyOf()) !== before);
  clock.passed += 5_000;
  await other.takeOver();

  expect(await claim(other)).toBe(0);
});

test('one whose counter moves keeps them, however long it takes and wherever the clocks jump', async () => {
  const clock = new HandClock();
  const [busy, other] = await holderAndOther(clock);

  for (let round = 0; round < 10; round++) {
    clock.passed += 10_000;
    clock.wall += round % 2 === 0 ? 7_200_000 : -14_400_000;
    await busy.beat();
    await other.takeOver();
  }

  expect(await claim(other)).toBe(0);
});

test('one that was taken for dead registers again, and says so', async () => {
  const clock = new HandClock();
  const [frozen, other] = [await join(clock), await join(clock)];
  await other.takeOver();
  clock.passed += 20_000;
  await other.takeOver();

  expect(await frozen.beat()).toBe(false);
  expect(await frozen.beat()).toBe(true);
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

  await other.beat();

  expect(await claim(other)).toBe(1);
});

test('one that leaves gives everything back', async () => {
  const [leaving, other] = [await join(new HandClock()), await join(new HandClock())];
  await engine.happen({ type: 'custom.x', ticketId: 't1' });
  await claim(leaving);

  await leaving.leave();

  expect(await claim(other)).toBe(1);
});
