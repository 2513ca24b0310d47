import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../test/support/engine.ts';
import { systemClock } from '../clock.ts';
import { openConnection, type Connection } from '../connections.ts';
import { readStatus } from '../operate/status.ts';
import { VendorError } from '../errors.ts';
import type { FeedPage } from '../vendors/vendor.ts';
import type { Database } from '../record/database.ts';
import { freeFeeds } from '../record/feeds.ts';
import { backoffMs, historyEnd, pollOnce } from './poll.ts';
import { refreshOnce } from './refresh.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ desk: { oldTickets: true } });
});
afterAll(() => engine.close());
beforeEach(async () => {
  await engine.clear();
  await sql`UPDATE connections SET state = 'ok', state_reason = NULL, silent_until = NULL`.execute(
    engine.database.db,
  );
  await sql`UPDATE feeds SET failures = 0, lease_owner = NULL`.execute(engine.database.db);
});

const never = new AbortController().signal;
const types = async (): Promise<readonly string[]> => (await engine.events()).map((event) => event.type);
const feed = async (): Promise<{
  cursor: unknown;
  failures: number;
  lastError: string | null;
  inMs: number;
}> => {
  const { rows } = await sql<{ cursor: unknown; failures: number; lastError: string | null; inMs: number }>`
    SELECT cursor, failures, last_error AS "lastError",
           (extract(epoch FROM next_poll_at - app_now()) * 1000)::float8 AS "inMs"
      FROM feeds WHERE feed = 'tickets'`.execute(engine.database.db);
  if (rows[0] === undefined) throw new Error('there is no feed');
  return rows[0];
};
const coveredTo = async (): Promise<number> => {
  const { rows } = await sql<{
    at: Date;
  }>`SELECT max(to_at) AS at FROM coverage WHERE feed = 'tickets'`.execute(engine.database.db);
  return rows[0]?.at.getTime() ?? 0;
};
const isDue = (): Promise<unknown> =>
  sql`UPDATE feeds SET next_poll_at = app_now() WHERE feed = 'tickets'`.execute(engine.database.db);

describe('the baseline', () => {
  test('of twenty old tickets is silent, and knows the open ones afterwards', async () => {
    const { rows } = await sql<{ known: number }>`SELECT count(*)::int AS known FROM tickets`.execute(
      engine.database.db,
    );

    expect(rows[0]?.known).toBeGreaterThan(10);
    await engine.pollAll();
    expect(await types()).toEqual([]);
  });

  test('holds nudges back until it is done; they are not lost', async () => {
    await sql`UPDATE feeds SET baseline_done_at = NULL, cursor = NULL`.execute(engine.database.db);
    const id = engine.desk.human.create({ subject: 'during the baseline' });
    await engine.refresh(id);
    const during = await types();
    await engine.pollAll();
    await sql`UPDATE nominations SET due_at = app_now()`.execute(engine.database.db);

    engine.desk.human.edit(id, { priority: 2 });
    await refreshOnce(engine.connection, engine.poll, never);

    expect(during).toEqual([]);
    expect(await types()).toEqual(['ticket.updated']);
  });
});

test('history ends with the second before the baseline: a stamp of whole seconds may be later than it says', () => {
  const baselineAt = Date.parse('2026-11-23T10:00:00.700Z');

  expect(historyEnd(baselineAt)).toBe(Date.parse('2026-11-23T10:00:00Z'));
  expect(historyEnd(Date.parse('2026-11-23T10:00:00Z'))).toBe(Date.parse('2026-11-23T10:00:00Z'));
});

describe('a poll', () => {
  test('sees what is new and what changed, once', async () => {
    const id = engine.desk.human.create({ subject: 'new' });
    await engine.pollAll();
    engine.desk.human.edit(id, { priority: 2 });
    engine.desk.human.comment(id, 'look', { by: 'requester' });

    await engine.pollAll();
    await engine.pollAll();

    expect((await types()).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'comment.added',
      'ticket.created',
      'ticket.updated',
    ]);
  });

  test('that fails keeps its cursor and comes again after a while, with the reason', async () => {
    await engine.pollAll();
    const { cursor } = await feed();
    engine.desk.human.create({ subject: 'must not be lost' });
    engine.desk.faults.next('GET tickets', { kind: 'bad_gateway' });
    await isDue();
    await pollOnce(engine.connection, engine.poll, never);
    const failed = await feed();

    await engine.pollAll();

    expect(failed).toMatchObject({ cursor, failures: 1 });
    expect(failed.lastError).toContain('502');
    expect(failed.inMs).toBeGreaterThan(1_000);
    expect(await types()).toEqual(['ticket.created']);
    expect(await feed()).toMatchObject({ failures: 0, lastError: null });
  });

  test('that fails at a desk that is away comes again when the desk is tried, and says that it fails', async () => {
    const retryAt = Date.now() + 15_000;
    const away = withPages(engine.connection, () => {
      const { name: connection } = engine.connection;
      throw new VendorError('no answer', { reason: 'timeout', vendor: 'jitbit', connection, retryAt });
    });
    for (let round = 0; round < 3; round++) {
      await isDue();
      await pollOnce(away, engine.poll, never);
    }

    expect((await feed()).inMs).toBeLessThanOrEqual(15_000);
    expect(await types()).toEqual(['connection.degraded']);
  });

  test('that fails three times says so once, and once more when it is well again', async () => {
    engine.desk.faults.next('GET tickets', { kind: 'status', status: 500 }, 5);
    for (let round = 0; round < 5; round++) {
      await isDue();
      await pollOnce(engine.connection, engine.poll, never);
    }
    const away = await types();

    await engine.pollAll();

    expect(away).toEqual(['connection.degraded']);
    expect(await types()).toEqual(['connection.degraded', 'connection.recovered']);
  });

  test('of another feed does not say that all is well while one still fails', async () => {
    engine.desk.faults.next('GET tickets', { kind: 'status', status: 500 }, 3);
    for (let round = 0; round < 3; round++) {
      await isDue();
      await pollOnce(engine.connection, engine.poll, never);
    }
    await sql`UPDATE feeds SET next_poll_at = app_now() WHERE feed = 'reconcile'`.execute(engine.database.db);

    await pollOnce(engine.connection, engine.poll, never);
    const meanwhile = await types();
    await engine.pollAll();

    expect(meanwhile).toEqual(['connection.degraded']);
    expect(await types()).toEqual(['connection.degraded', 'connection.recovered']);
  });

  test('with a fallback is degraded with its reason, once, until a walk does without', async () => {
    const limping = withPages(engine.connection, (page) => ({
      ...page,
      degraded: 'the desk ignores sorting',
    }));
    for (let round = 0; round < 2; round++) {
      await isDue();
      await pollOnce(limping, engine.poll, never);
    }
    const status = await readStatus(engine.database, new Map());
    const [shown] = status.connections;

    await engine.pollAll();

    expect(shown).toMatchObject({ state: 'degraded', reason: 'the desk ignores sorting' });
    expect(shown?.feeds).toContainEqual(
      expect.objectContaining({ feed: 'tickets', degraded: 'the desk ignores sorting' }),
    );
    expect(status.attention).toEqual(['acme is degraded (the desk ignores sorting)']);
    expect(await types()).toEqual(['connection.degraded', 'connection.recovered']);
  });

  test('that takes very long goes on in the next round, and has covered nothing before its end', async () => {
    let [pages, minutes] = [0, 0];
    const { adapter } = withPages(engine.connection, (page) => {
      pages += 1;
      minutes += 3;
      return { ...page, next: pages < 5 ? pages : null };
    });
    if (adapter === null) throw new Error('there is an adapter');
    const readPage: typeof adapter.readPage = (feed, position, ...rest) =>
      adapter.readPage(feed, { ...position, next: null }, ...rest);
    const slow = { ...engine.connection, adapter: { ...adapter, readPage } };
    const now = (): number => Date.now() + minutes * 60_000;
    const poll = { ...engine.poll, store: { ...engine.poll.store, now } };
    const rounds: unknown[] = [];
    await isDue();
    for (let round = 0; round < 3; round++) {
      const covered = await coveredTo();
      await pollOnce(slow, poll, never);
      rounds.push([pages, (await feed()).inMs > 0, (await coveredTo()) > covered]);
    }

    expect(rounds).toEqual([
      [2, false, false],
      [4, false, false],
      [5, true, true],
    ]);
  });

  test('with refused credentials is not repeated, until they have changed', async () => {
    const refused = withPages(engine.connection, () => {
      throw new VendorError('refused', { reason: 'auth', vendor: 'jitbit', connection: 'acme' });
    });
    for (let round = 0; round < 2; round++) {
      await isDue();
      await pollOnce(refused, engine.poll, never);
    }
    const stopped = await feed();
    const { name, vendor, settleMs, reference, lateAfterMs } = engine.connection;
    const options = { name, vendor, settleMs, reference, lateAfterMs, poll: null, budget: null };
    const deps = { database: engine.database, clock: systemClock, log: engine.poll.log };
    const reopen = async (settings: unknown): Promise<void> =>
      (await openConnection({ ...options, settings }, deps)).adapter?.close();
    await reopen(engine.connection.settings);
    const same = await feed();

    await reopen({ ...(engine.connection.settings as object), token: 'a new one' });

    expect(await types()).toEqual(['connection.auth_failed']);
    expect(stopped.inMs).toBeGreaterThan(365 * 86_400_000);
    expect(same.inMs).toBeGreaterThan(365 * 86_400_000);
    expect((await feed()).inMs).toBeLessThanOrEqual(0);
  });

  test('asks for the self-test again after a day', async () => {
    const tests = (): number => engine.desk.calls.named('POST authorization').length;
    await engine.pollAll();
    const before = tests();
    await sql`UPDATE connections SET tested_at = tested_at - interval '25 hours'`.execute(engine.database.db);

    await engine.pollAll();
    await engine.pollAll();

    expect(tests() - before).toBe(1);
  });

  test('whose lease was taken over meanwhile moves no cursor, and nothing is lost or doubled', async () => {
    await engine.pollAll();
    const { cursor } = await feed();
    engine.desk.human.create({ subject: 'seen by two' });
    const held = engine.desk.faults.hold('GET tickets');
    await isDue();
    const frozen = pollOnce(engine.connection, engine.poll, never);
    await held.arrived;
    await engine.database.transaction((tx) => freeFeeds(tx, [engine.poll.instanceId]));

    held.release();
    await frozen;
    const after = await feed();
    await engine.pollAll();

    expect(after.cursor).toEqual(cursor);
    expect(await types()).toEqual(['ticket.created']);
  });

  test('that could not give its lease back goes on by itself', async () => {
    engine.desk.human.create({ subject: 'while the database was away' });
    await isDue();
    const cut = cutAfter(engine.database);
    engine.desk.beforeEachRequest = () => void (cut.away = true);
    await expect(
      pollOnce(engine.connection, { ...engine.poll, database: cut.database }, never),
    ).rejects.toThrow('away');
    engine.desk.beforeEachRequest = null;

    await engine.pollAll();

    expect(await types()).toEqual(['ticket.created']);
  });
});

test.each([
  [0, 60_000, 5_000],
  [2, 60_000, 20_000],
  [9, 60_000, 60_000],
  [9, 1_000, 60_000],
  [9, 180_000, 180_000],
  [9, 86_400_000, 600_000],
])('after %i failures in a row a feed asked every %i ms is asked again in %i', (failures, everyMs, inMs) => {
  expect(backoffMs(failures, everyMs)).toBe(inMs);
});

describe('a nominated ticket', () => {
  test('that cannot be read stays nominated with the reason, and is read later', async () => {
    const id = engine.desk.human.create({ subject: 'unreadable' });
    engine.desk.faults.next('GET ticket', { kind: 'status', status: 500 });
    await engine.refresh(id);
    const { rows } = await sql<{
      failures: number;
      last_error: string;
    }>`SELECT failures, last_error FROM nominations`.execute(engine.database.db);
    const before = await types();

    await engine.refresh(id);

    expect(rows).toMatchObject([{ failures: 1, last_error: expect.stringContaining('500') }]);
    expect(before).toEqual([]);
    expect(await types()).toEqual(['ticket.created']);
    expect((await sql`SELECT 1 FROM nominations`.execute(engine.database.db)).rows).toEqual([]);
  });

  test('of many: one that fails does not hold up the others', async () => {
    const ids = ['a', 'b', 'c'].map((subject) => engine.desk.human.create({ subject }));
    engine.desk.faults.next((call) => call.name === 'ticket' && call.params.get('id') === String(ids[1]), {
      kind: 'status',
      status: 500,
    });

    await engine.refresh(...ids);

    expect((await engine.events()).map((event) => Number(event.ticketId)).toSorted((a, b) => a - b)).toEqual([
      ids[0],
      ids[2],
    ]);
  });
});

/** The same connection with other pages. */
function withPages(connection: Connection, change: (page: FeedPage) => FeedPage): Connection {
  const { adapter } = connection;
  if (adapter === null) throw new Error('there is an adapter');
  return {
    ...connection,
    adapter: {
      selfTest: (context) => adapter.selfTest(context),
      readPage: async (...args) => change(await adapter.readPage(...args)),
      readChanged: (...args) => adapter.readChanged(...args),
      readTicket: (...args) => adapter.readTicket(...args),
      nextWrite: (...args) => adapter.nextWrite(...args),
      send: (...args) => adapter.send(...args),
      listChildren: (...args) => adapter.listChildren(...args),
      close: () => adapter.close(),
    },
  };
}

/** A database that stops answering from a moment on. */
function cutAfter(database: Database): { away: boolean; readonly database: Database } {
  const fail = (): never => {
    throw new Error('away');
  };
  const cut = {
    away: false,
    database: {
      ...database,
      get db(): Database['db'] {
        return cut.away ? fail() : database.db;
      },
      transaction: <T>(work: Parameters<typeof database.transaction<T>>[0]): Promise<T> =>
        cut.away ? Promise.reject(new Error('away')) : database.transaction(work),
    },
  };
  return cut;
}

describe('the nightly walk over open tickets', () => {
  test('reads what is missing in it by id: a ticket deleted at the desk is gone', async () => {
    const id = engine.desk.human.create({ subject: 'to be deleted' });
    await engine.pollAll();
    engine.desk.human.remove(id);
    await sql`UPDATE feeds SET next_poll_at = app_now() WHERE feed = 'reconcile'`.execute(engine.database.db);

    await pollOnce(engine.connection, engine.poll, never);
    await refreshOnce(engine.connection, engine.poll, never);

    const events = (await engine.events()).filter((event) => event.ticketId === String(id));
    expect(events.map((event) => event.type)).toEqual(['ticket.created', 'ticket.gone']);
  });

  test('sees a change and its undoing, though neither moved a time stamp and the other list told the first', async () => {
    const quiet = await createEngine({ desk: { silentEdits: ['dueDate'] } });
    const id = quiet.desk.human.create({ subject: 'due some day' });
    const walk = async (feed: string): Promise<void> => {
      await sql`UPDATE feeds SET next_poll_at = app_now() WHERE feed = ${feed}`.execute(quiet.database.db);
      await pollOnce(quiet.connection, quiet.poll, never);
    };
    const due = (day: number): void =>
      quiet.desk.human.edit(id, { dueAt: Date.parse(`2026-12-0${day}T09:00:00Z`) });
    await walk('tickets');
    due(1);
    await walk('reconcile');
    due(2);
    await walk('tickets');
    due(1);

    await walk('reconcile');

    const changes = (await quiet.events()).map((event) => event.doc.changes?.['due_at']?.to);
    await quiet.close();
    const [first, second] = ['2026-12-01T09:00:00.000Z', '2026-12-02T09:00:00.000Z'];
    expect(changes).toEqual([undefined, first, second, first]);
  });

  test('that was killed between two pages begins again: what is missing shows only in the whole', async () => {
    const ids = Array.from({ length: 320 }, (_, index) => engine.desk.human.create({ subject: `${index}` }));
    await engine.pollAll();
    const [gone = 0] = ids;
    engine.desk.human.remove(gone);
    await sql`UPDATE feeds SET next_poll_at = app_now() WHERE feed = 'reconcile'`.execute(engine.database.db);
    const cut = cutAfter(engine.database);
    let pages = 0;
    engine.desk.beforeEachRequest = (call) => {
      pages += call.name === 'tickets' ? 1 : 0;
      cut.away = pages > 1;
    };
    await expect(
      pollOnce(engine.connection, { ...engine.poll, database: cut.database }, never),
    ).rejects.toThrow('away');
    engine.desk.beforeEachRequest = null;

    await pollOnce(engine.connection, engine.poll, never);
    await refreshOnce(engine.connection, engine.poll, never);

    const events = (await engine.events()).filter((event) => event.ticketId === String(gone));
    expect(events.map((event) => event.type)).toEqual(['ticket.created', 'ticket.gone']);
  }, 60_000);
});
