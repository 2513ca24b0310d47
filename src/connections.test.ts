import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../test/support/database.ts';
import { SILENT } from '../test/support/silent-log.ts';
import { systemClock } from './clock.ts';
import { openConnection } from './connections.ts';
import { openDatabase, type Database } from './record/database.ts';
import type { BudgetSpec, CallLane, Vendor, VendorIo } from './vendors/vendor.ts';
import { vendors } from './vendors/registry.ts';

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
beforeEach(async () => {
  await sql`TRUNCATE budgets`.execute(databaseAt(0).db);
  await sql`UPDATE connections SET silent_until = NULL`.execute(databaseAt(0).db);
});

function databaseAt(index: number): Database {
  const database = databases[index];
  if (database === undefined) throw new Error('no such database');
  return database;
}

/** What an adapter on that instance is lent. */
async function ioOn(
  database: Database,
  budgets: Vendor['capabilities']['budgets'] = vendors.jitbit.capabilities.budgets,
  budget: BudgetSpec | null = null,
): Promise<VendorIo> {
  let lent: VendorIo | null = null;
  const { connect } = vendors.jitbit;
  if (connect === null) throw new Error('jitbit has an API');
  const settings = vendors.jitbit.settings.parse({ url: 'http://127.0.0.1:9', token: 't' });
  await openConnection(
    {
      name: 'acme',
      vendor: {
        ...vendors.jitbit,
        capabilities: { ...vendors.jitbit.capabilities, budgets },
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
      budget,
    },
    { database, clock: systemClock, log: SILENT },
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

  // While it is asked, a call or two may come back.
  let refused: unknown;
  for (let call = 0; call < 20 && refused === undefined; call++) {
    refused = await io.spend('default', 'action').then(
      () => undefined,
      (error: unknown) => error,
    );
  }

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

describe('a budget that adapts', () => {
  const HOUR = 3_600_000;
  const hourly = { default: { rate: 45, burst: 6, perMs: HOUR, adapts: { mostPercent: 400 } } };
  const percent = async (): Promise<number | undefined> => {
    const { rows } = await sql<{ tokens: number }>`
      SELECT tokens FROM budgets WHERE budget = 'default:percent'`.execute(databaseAt(0).db);
    return rows[0]?.tokens;
  };
  /** So many hours pass, for the share and the tokens. */
  const pass = (hours: number): Promise<unknown> =>
    sql`UPDATE budgets SET refilled_at = refilled_at - ${hours}::float8 * interval '1 hour'`.execute(
      databaseAt(0).db,
    );

  test('is halved once by refusals of the same time, for all instances, and grows back by the hour', async () => {
    const ios = [await ioOn(databaseAt(0), hourly), await ioOn(databaseAt(1), hourly)] as const;
    const before = await granted(ios, 'escalation', 30);
    const until = systemClock.now() + HOUR;

    await Promise.all(ios.map((io) => io.silence(until, 'E902', true)));
    const halved = await percent();
    await pass(10);
    const after = await granted(ios, 'escalation', 30);

    expect(before).toBe(5);
    expect(halved).toBe(50);
    expect(await percent()).toBeCloseTo(50 * 1.1 ** 10);
    expect(after).toBe(6);
    await pass(100);
    expect(await granted(ios, 'escalation', 60)).toBe(20);
    expect(await percent()).toBe(400);
  });

  test('grants calls more slowly after a refusal, and an action still finds its own at once', async () => {
    const io = await ioOn(databaseAt(0), hourly);
    await granted([io], 'escalation', 30);
    await io.silence(systemClock.now() + HOUR, 'E902', true);
    await pass(0.9);

    expect(await granted([io], 'escalation', 30)).toBe(5);
  });

  test('is not made smaller by silence for another reason, nor larger than what the operator allows', async () => {
    const allowed = { rate: 90, burst: 10, perMs: HOUR };
    const io = await ioOn(databaseAt(0), hourly, allowed);

    await io.silence(systemClock.now() + 1_000, 'slow answers', false);
    await pass(50);
    const calls = await granted([io], 'escalation', 60);

    expect(calls).toBe(8);
    expect(await percent()).toBe(100);
  });

  test('is left alone where the vendor says its limit', async () => {
    const io = await ioOn(databaseAt(0));

    await io.silence(systemClock.now() + 1_000, 'rate limit (429)', true);
    await granted([io], 'action', 1);

    expect(await percent()).toBeUndefined();
  });
});

test('a setting that concerns one feed gives only that feed a new baseline', async () => {
  const { db } = databaseAt(0);
  const open = async (settings: Readonly<Record<string, unknown>>): Promise<void> => {
    const given = vendors.gotoassist.settings.parse({
      token: 't',
      report_id: 1,
      url: 'http://127.0.0.1:9',
      ...settings,
    });
    const common = {
      settleMs: 1_000,
      reference: 'auto',
      lateAfterMs: 900_000,
      poll: null,
      budget: null,
    } as const;
    const options = { ...common, name: 'legacy', vendor: vendors.gotoassist, settings: given };
    const deps = { database: databaseAt(0), clock: systemClock, log: SILENT };
    await (await openConnection(options, deps)).adapter?.close();
  };
  await open({});
  await sql`UPDATE feeds SET baseline_done_at = app_now()`.execute(db);

  await open({ also: ['problems'] });
  const { rows } = await sql<{ feed: string }>`
    SELECT feed FROM feeds WHERE baseline_done_at IS NULL`.execute(db);

  expect(rows).toEqual([{ feed: 'others' }]);
});
