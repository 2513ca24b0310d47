import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts';
import { upsertConnection } from './connections.ts';
import { openDatabase, type Database } from './database.ts';
import {
  connectionsInBaseline,
  freeFeeds,
  leaseDueFeed,
  LeaseLostError,
  releaseFeed,
  saveWalk,
  upsertFeeds,
  type LeasedFeed,
} from './feeds.ts';
import { fulfil, nominate, putOff, takeNominations } from './nominations.ts';

const [A, B] = ['018f0000-0000-7000-8000-00000000000a', '018f0000-0000-7000-8000-00000000000b'] as const;
let cloned: TestDatabase;
let database: Database;
let id: number;
beforeAll(async () => {
  cloned = await createTestDatabase();
  database = openDatabase({ url: cloned.url, poolSize: 3 });
  id = await upsertConnection(database.db, 'acme', 'jitbit');
});
afterAll(async () => {
  await database.close();
  await cloned.drop();
});
beforeEach(async () => {
  await sql`TRUNCATE feeds, nominations`.execute(database.db);
  await upsertFeeds(database.db, [{ connectionId: id, feed: 'tickets', settingsHash: 'one' }]);
});

async function lease(by: string): Promise<LeasedFeed> {
  const feed = await leaseDueFeed(database.db, by, [id]);
  if (feed === null) throw new Error('no feed is due');
  return feed;
}
const save = (by: string, feed: LeasedFeed, walk: Parameters<typeof saveWalk>[3]): Promise<void> =>
  database.transaction((tx) => saveWalk(tx, by, feed, walk));

describe('the lease of a feed', () => {
  test('belongs to one instance, until it is given back with the next moment', async () => {
    const feed = await lease(A);
    const meanwhile = await leaseDueFeed(database.db, B, [id]);
    await releaseFeed(database.db, A, feed, { inMs: 0, error: null });

    expect(meanwhile).toBeNull();
    expect((await lease(B)).fence).toBeGreaterThan(feed.fence);
  });

  test('that was taken over lets its old owner move no cursor', async () => {
    const frozen = await lease(A);
    await database.transaction((tx) => freeFeeds(tx, [A]));
    const taken = await lease(B);

    await expect(save(A, frozen, { cursor: 'old' })).rejects.toThrow(LeaseLostError);
    await save(B, taken, { cursor: 'new' });

    const { rows } = await sql`SELECT cursor FROM feeds`.execute(database.db);
    expect(rows).toEqual([{ cursor: 'new' }]);
  });

  test('that was taken over is not given back by its old owner', async () => {
    const frozen = await lease(A);
    await database.transaction((tx) => freeFeeds(tx, [A]));
    await lease(B);

    await releaseFeed(database.db, A, frozen, { inMs: 0, error: null });

    expect(await leaseDueFeed(database.db, A, [id])).toBeNull();
  });

  test('that could not be given back, because the database was away, is taken again by its own instance', async () => {
    const lost = await lease(A);

    const again = await lease(A);

    expect(again.fence).toBeGreaterThan(lost.fence);
    await expect(save(A, lost, { cursor: 'old' })).rejects.toThrow(LeaseLostError);
  });
});

describe('a walk', () => {
  test('goes on at its saved page, and ends the baseline with its cursor', async () => {
    const first = await lease(A);
    await save(A, first, { nextPage: { offset: 290 } });
    await releaseFeed(database.db, A, first, { inMs: 0, error: 'broken' });

    const second = await lease(A);
    const inBaseline = await connectionsInBaseline(database.db);
    await save(A, second, { cursor: { at: 1 } });

    expect(second).toMatchObject({
      nextPage: { offset: 290 },
      cursor: null,
      failures: 1,
      baselineDoneAt: null,
    });
    expect([...inBaseline]).toEqual([id]);
    expect([...(await connectionsInBaseline(database.db))]).toEqual([]);
  });

  test('of other settings starts over with a silent baseline; of the same ones it does not', async () => {
    await save(A, await lease(A), { cursor: { at: 1 } });

    await upsertFeeds(database.db, [{ connectionId: id, feed: 'tickets', settingsHash: 'one' }]);
    const same = await connectionsInBaseline(database.db);
    await upsertFeeds(database.db, [{ connectionId: id, feed: 'tickets', settingsHash: 'two' }]);

    expect([...same]).toEqual([]);
    expect([...(await connectionsInBaseline(database.db))]).toEqual([id]);
  });
});

describe('nominations', () => {
  const wish = (): Promise<void> =>
    database.transaction((tx) => nominate(tx, [{ connectionId: id, ticketId: '1', via: 'webhook' }], 0));
  const left = async (): Promise<unknown> =>
    (await sql`SELECT wish, failures, last_error FROM nominations`.execute(database.db)).rows;

  test('of one ticket are one row, and a wish that came meanwhile survives the fulfilment', async () => {
    await wish();
    const taken = await takeNominations(database.db, id, 10, 60_000);
    await wish();

    await database.transaction((tx) => fulfil(tx, taken));

    expect(await left()).toEqual([{ wish: 2, failures: 0, last_error: null }]);
    expect(await takeNominations(database.db, id, 10, 60_000)).toHaveLength(1);
  });

  test('are taken once at a time, and come back by themselves after a crash', async () => {
    await wish();
    await takeNominations(database.db, id, 10, 60_000);
    const later = openDatabase({ url: cloned.url, poolSize: 1, clockOffset: '61 seconds' });

    const now = await takeNominations(database.db, id, 10, 60_000);
    const afterwards = await takeNominations(later.db, id, 10, 60_000);
    await later.close();

    expect([now.length, afterwards.length]).toEqual([0, 1]);
  });

  test('survive failures with the reason; a newer wish is not put off', async () => {
    await wish();
    const [taken] = await takeNominations(database.db, id, 10, 60_000);
    if (taken === undefined) throw new Error('nothing was taken');
    await putOff(database.db, taken, 60_000, 'the desk is away', true);
    const failed = await left();
    await wish();
    await putOff(database.db, taken, 60_000, 'late news', true);

    expect(failed).toEqual([{ wish: 1, failures: 1, last_error: 'the desk is away' }]);
    expect(await takeNominations(database.db, id, 10, 60_000)).toHaveLength(1);
  });
});
