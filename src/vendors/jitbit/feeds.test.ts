import { afterEach, describe, expect, test } from 'vitest';
import {
  startJitbitDesk,
  type JitbitDesk,
  type JitbitOptions,
} from '../../demo/simulators/jitbit/jitbit-desk.ts';
import {
  byId,
  ContractClock,
  contractContext,
  ContractIo,
  NO_NEEDS,
  walk,
} from '../../../test/vendor-contract.ts';
import type { Adapter, Json } from '../vendor.ts';
import { jitbit } from './index.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

interface Setup {
  readonly desk: JitbitDesk;
  readonly clock: ContractClock;
  readonly io: ContractIo;
  readonly adapter: Adapter;
  readonly poll: (cursor: Json | null, needs?: ReadonlySet<string>) => ReturnType<typeof walk>;
  readonly queries: () => readonly string[];
}

async function setUp(options: JitbitOptions = {}): Promise<Setup> {
  const clock = new ContractClock();
  const desk = await startJitbitDesk({ clock, rateLimit: 'off', oldTickets: false, ...options });
  const io = new ContractIo(clock);
  const adapter = connectTo(desk, io);
  opened.push(adapter, desk);
  return {
    desk,
    clock,
    io,
    adapter,
    poll: (cursor, needs = NO_NEEDS) =>
      walk(adapter, 'tickets', { cursor, baseline: cursor === null }, needs),
    queries: () => {
      const calls = desk.calls.named('tickets').map((call) => call.query);
      desk.calls.clear();
      return calls;
    },
  };
}

function connectTo(desk: JitbitDesk, io: ContractIo): Adapter {
  const { connect } = jitbit;
  if (connect === null) throw new Error('jitbit has an API');
  return connect(jitbit.settings.parse({ url: desk.url, token: desk.token }), io);
}

describe('what is asked for', () => {
  test('the baseline is everything that is not closed, in pages of 300 that overlap by 10', async () => {
    const { desk, poll, queries } = await setUp();
    for (let index = 0; index < 301; index += 1) desk.human.create({ subject: `Ticket ${index}` });

    await poll(null);

    expect(queries()).toEqual(['mode=unclosed&count=300&offset=0', 'mode=unclosed&count=300&offset=290']);
  });

  test('a poll asks from the day before the date of the cursor, closed tickets too', async () => {
    const { desk, clock, poll, queries } = await setUp();
    desk.human.create({ subject: 'one' });
    const { cursor } = await poll(null);
    queries();
    clock.ms += 5 * DAY;

    await poll(cursor);

    // The cursor stays at what was seen, not at now: the last update was on the 23rd.
    expect(queries()).toEqual(['mode=all&updatedFrom=2026-11-22&count=300&offset=0']);
  });

  test('custom fields are asked for only when a rule reads them', async () => {
    const { desk, poll, queries } = await setUp();
    const id = desk.human.create({ subject: 'one', customFields: { Device: '7001', 'Asset number': 'A-1' } });

    const { rows } = await poll(null, new Set(['custom.Device']));

    expect(queries()).toEqual(['mode=unclosed&count=300&offset=0&includeCustomFields=true']);
    expect(byId(rows).get(String(id))?.observed.custom).toEqual({
      Device: { id: '501', name: 'Device', value: 'Laptop' },
      'Asset number': { id: '502', name: 'Asset number', value: 'A-1' },
    });
  });

  test('on an empty desk the cursor is its own clock, so that the next poll is no baseline', async () => {
    const { clock, poll, queries } = await setUp();
    const { cursor } = await poll(null);
    queries();

    await poll(cursor);

    expect(cursor).toMatchObject({ at: clock.now() });
    expect(queries()).toEqual(['mode=all&updatedFrom=2026-11-22&count=300&offset=0']);
  });
});

describe('calls', () => {
  async function busyDesk(rowOrder: JitbitOptions['rowOrder']): Promise<Setup & { cursor: Json }> {
    const setup = await setUp(rowOrder === undefined ? {} : { rowOrder });
    const ids = Array.from({ length: 320 }, (_, index) =>
      setup.desk.human.create({ subject: `Ticket ${index}` }),
    );
    // Touched in an order that is not the one of their ids.
    for (const id of ids.toReversed().filter((one) => one % 3 === 0)) {
      setup.clock.ms += MINUTE;
      setup.desk.human.edit(id, { priority: 1 });
    }
    setup.clock.ms += 20 * MINUTE;
    const { cursor } = await setup.poll((await setup.poll(null)).cursor);
    setup.queries();
    return { ...setup, cursor };
  }

  test('a list that comes newest first is read only as far as it can have changed', async () => {
    const { clock, poll, queries, cursor } = await busyDesk('newest_first');
    clock.ms += MINUTE;

    await poll(cursor);

    expect(queries()).toHaveLength(1);
  });

  test('every ten minutes it is read to its end all the same', async () => {
    const { clock, poll, queries, cursor } = await busyDesk('newest_first');
    clock.ms += 11 * MINUTE;

    const next = await poll(cursor);
    clock.ms += MINUTE;
    const full = queries().length;
    await poll(next.cursor);

    expect([full, queries().length]).toEqual([2, 1]);
  });

  test.each(['oldest_first', 'by_id'] as const)(
    'a list that comes %s is always read to its end',
    async (order) => {
      const { clock, poll, queries, cursor } = await busyDesk(order);
      clock.ms += MINUTE;

      await poll(cursor);

      expect(queries()).toHaveLength(2);
    },
  );

  test('untouched tickets in the order of their ids are not taken for newest first', async () => {
    const { desk, clock, poll } = await setUp({ rowOrder: 'newest_first' });
    for (let index = 0; index < 310; index += 1) {
      clock.ms += 1_000;
      desk.human.create({ subject: `Ticket ${index}` });
    }
    const { cursor } = await poll((await poll(null)).cursor);
    desk.calls.clear();

    await poll(cursor);

    expect(desk.calls.named('tickets')).toHaveLength(2);
  });
});

/** What ingest would hold after applying every row of every walk in order. */
class Snapshot {
  readonly titles = new Map<string, string | null | undefined>();
  readonly versions = new Map<string, string>();
  changes = 0;

  apply(rows: Awaited<ReturnType<typeof walk>>['rows']): void {
    for (const { observed, version } of rows) {
      if (this.versions.get(observed.id) !== version) this.changes += 1;
      this.versions.set(observed.id, version);
      this.titles.set(observed.id, `${observed.title}/${observed.priority?.id}/${observed.status?.id}`);
    }
  }
}

function truth(desk: JitbitDesk): Map<string, string> {
  return new Map(
    [...desk.state.tickets.values()].map((ticket) => [
      String(ticket.id),
      `${ticket.subject}/${ticket.priority}/${ticket.statusId}`,
    ]),
  );
}

describe('nothing is missed', () => {
  test.each([
    ['newest_first', 'UTC'],
    ['oldest_first', 'Pacific/Kiritimati'],
    ['by_id', 'Etc/GMT+12'],
  ] as const)(
    'while people edit between any two requests, rows %s, server in %s',
    async (rowOrder, timeZone) => {
      const { desk, clock, poll } = await setUp({ rowOrder, timeZone, seed: 7 });
      for (let index = 0; index < 330; index += 1) desk.human.create({ subject: `Ticket ${index}` });
      const snapshot = new Snapshot();
      let { cursor, rows } = await poll(null);
      snapshot.apply(rows);
      for (let round = 0; round < 8; round += 1) {
        // Some edits fall into one millisecond, some days pass without a poll.
        desk.beforeEachRequest = () => {
          for (let edit = 0; edit < 15; edit += 1) desk.randomEdit();
          clock.ms += 400;
        };
        ({ cursor, rows } = await poll(cursor));
        snapshot.apply(rows);
        clock.ms += round % 4 === 3 ? 3 * DAY : MINUTE;
      }
      desk.beforeEachRequest = null;
      ({ cursor, rows } = await poll(cursor));
      snapshot.apply(rows);

      expect(snapshot.titles).toEqual(truth(desk));

      const before = snapshot.changes;
      ({ rows } = await poll(cursor));
      snapshot.apply(rows);
      expect(snapshot.changes).toBe(before);
    },
  );

  test('an edit that does not move LastUpdated shows in the nightly walk, and in polls of its day', async () => {
    const { desk, clock, adapter, poll } = await setUp({ silentEdits: ['priority'] });
    const old = desk.human.create({ subject: 'old' });
    const { cursor, rows } = await poll(null);
    clock.ms += 9 * DAY;
    desk.human.create({ subject: 'new' });
    const later = await poll(cursor);
    desk.human.edit(old, { priority: 2 });

    const polled = await poll(later.cursor);
    const nightly = await walk(adapter, 'reconcile', { cursor: null, baseline: false });

    expect(byId(polled.rows).has(String(old))).toBe(false);
    expect(byId(nightly.rows).get(String(old))?.version).not.toBe(byId(rows).get(String(old))?.version);
    expect(byId(nightly.rows).get(String(old))?.observed.priority?.level).toBe('critical');
  });

  test('the nightly walk lists what is open, so that what is missing from it can be looked for', async () => {
    const { desk, adapter } = await setUp();
    const [open, closed] = [desk.human.create({ subject: 'open' }), desk.human.create({ subject: 'closed' })];
    desk.human.close(closed);

    const { rows } = await walk(adapter, 'reconcile', { cursor: null, baseline: false });

    expect([...byId(rows).keys()]).toEqual([String(open)]);
    expect(jitbit.capabilities.feeds.find((feed) => feed.name === 'reconcile')?.lists).toBe('open');
  });

  test('a removed row makes the pages slide; the overlap catches it', async () => {
    const { desk, poll } = await setUp({ rowOrder: 'by_id' });
    const ids = Array.from({ length: 400 }, (_, index) => desk.human.create({ subject: `Ticket ${index}` }));
    const { cursor } = await poll(null);
    let requests = 0;
    desk.beforeEachRequest = () => {
      requests += 1;
      // More rows than the overlap leave the front while the first page is on its way.
      if (requests === 2) for (const id of ids.slice(0, 40)) desk.human.remove(id);
    };

    const { rows } = await poll(cursor);

    const left = ids.slice(40).map(String);
    expect(left.filter((id) => !byId(rows).has(id))).toEqual([]);
  });
});

test('a row with nulls and unknown keys is read; one without id names the call and its keys', async () => {
  const { desk, adapter } = await setUp();
  const odd = {
    IssueID: 5,
    Subject: null,
    Priority: null,
    Status: 7,
    StatusID: null,
    Email: 3,
    LastUpdated: 'soon',
    New: {},
  };
  const position = { cursor: null, next: null, baseline: true };
  desk.faults.next('tickets', {
    kind: 'status',
    status: 200,
    body: JSON.stringify([odd]),
    type: 'application/json',
  });
  const page = await adapter.readPage('tickets', position, NO_NEEDS, contractContext());
  desk.faults.next('tickets', {
    kind: 'status',
    status: 200,
    body: '[{"Id":5,"Name":"x"}]',
    type: 'application/json',
  });
  const failed = adapter.readPage('tickets', position, NO_NEEDS, contractContext());

  expect(page.rows[0]?.observed).toMatchObject({
    id: '5',
    title: null,
    status: null,
    priority: null,
    updated_at: null,
  });
  await expect(failed).rejects.toThrow(/GET Tickets: unexpected shape: expected IssueID .* keys Id, Name/);
});

test('an id beyond 2^53 stays exact', async () => {
  const { desk, adapter } = await setUp();
  const body = '[{"IssueID":9007199254740993,"UserID":12345678901234567890}]';
  desk.faults.next('tickets', { kind: 'status', status: 200, body, type: 'application/json' });

  const position = { cursor: null, next: null, baseline: true };
  const page = await adapter.readPage('tickets', position, NO_NEEDS, contractContext());

  expect(page.rows[0]?.observed).toMatchObject({
    id: '9007199254740993',
    requester: { id: '12345678901234567890' },
  });
});
