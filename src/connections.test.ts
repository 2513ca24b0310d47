import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../test/support/database.ts';
import { systemClock } from './clock.ts';
import { openConnection } from './connections.ts';
import { openDatabase, type Database } from './record/database.ts';
import type { CallLane, VendorIo } from './vendors/vendor.ts';
import { vendors } from './vendors/registry.ts';

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
let cloned: TestDatabase;
let databases: readonly Database[];
beforeAll(async () => {
  cloned = await createTestDatabase();
  const open = (clockOffset?: string): Database =>
    openDatabase({ url: cloned.url, poolSize: 4, ...(clockOffset === undefined ? {} : { clockOffset }) });
  databases = [open(), open(), open('-2 hours')];
});
afterAll(async () => {
  await Promise.all(databases.map((database) => database.close()));
  await cloned.drop();
});
beforeEach(() => sql`TRUNCATE budgets`.execute(databaseAt(0).db));

function databaseAt(index: number): Database {
  const database = databases[index];
  if (database === undefined) throw new Error('no such database');
  return database;
}

/** What an adapter on that instance is lent. */
async function ioOn(database: Database): Promise<VendorIo> {
  let lent: VendorIo | null = null;
  const { connect } = vendors.jitbit;
  if (connect === null) throw new Error('jitbit has an API');
  const settings = vendors.jitbit.settings.parse({ url: 'http://127.0.0.1:9', token: 't' });
  await openConnection(
    {
      name: 'acme',
      vendor: {
        ...vendors.jitbit,
        connect: (_, io) => {
          lent = io;
          return connect(settings, io);
        },
      },
      settings,
      settleMs: 1_000,
      reference: 'auto',
      lateAfterMs: 900_000,
      poll: null,
      budget: null,
    },
    { database, clock: systemClock, log: silent },
  );
  if (lent === null) throw new Error('nothing was lent');
  return lent;
}

/** How many of these calls were granted. */
async function granted(ios: readonly VendorIo[], lane: CallLane, calls: number): Promise<number> {
  const asked = Array.from({ length: calls }, async (_, number) => {
    await ios[number % ios.length]?.spend('default', lane);
  });
  return (await Promise.allSettled(asked)).filter((one) => one.status === 'fulfilled').length;
}

test('two instances share one budget: together they get no more than one alone', async () => {
  const ios = [await ioOn(databaseAt(0)), await ioOn(databaseAt(1))];

  const escalations = await granted(ios, 'escalation', 60);

  expect(escalations).toBeGreaterThan(4);
  expect(escalations).toBeLessThanOrEqual(10);
});

test('a call without room says when to come back, and that nothing was sent', async () => {
  const io = await ioOn(databaseAt(0));
  await granted([io], 'action', 60);

  const refused = await io.spend('default', 'action').catch((error: unknown) => error);

  expect(refused).toMatchObject({ reason: 'rate_limited', notApplied: true, connection: 'acme' });
  const { retryAt } = refused as { retryAt: number };
  expect(retryAt - systemClock.now()).toBeGreaterThan(0);
  expect(retryAt - systemClock.now()).toBeLessThan(5_000);
});

test('a clock that was set back two hours neither gives calls away nor stops them', async () => {
  const [io, behind] = [await ioOn(databaseAt(0)), await ioOn(databaseAt(2))];
  await granted([io], 'escalation', 60);

  const now = await granted([behind], 'escalation', 20);
  await sql`UPDATE budgets SET refilled_at = refilled_at - interval '5 seconds'`.execute(databaseAt(0).db);
  const later = await granted([behind], 'escalation', 20);

  expect(now).toBeLessThanOrEqual(1);
  expect(later).toBeGreaterThan(1);
});
