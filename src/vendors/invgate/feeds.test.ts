import { afterEach, describe, expect, test } from 'vitest';
import {
  startInvgateDesk,
  type InvgateDesk,
  type InvgateOptions,
} from '../../demo/simulators/invgate/invgate-desk.ts';
import { invgateIds } from '../../demo/simulators/invgate/seed.ts';
import {
  ContractClock,
  contractContext,
  ContractIo,
  NO_NEEDS,
  vendorFailure,
  walk,
  type Walked,
} from '../../../test/vendor-contract.ts';
import type { Adapter, FeedGap, FeedPosition, Json } from '../vendor.ts';
import { invgate } from './index.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

interface Setup {
  readonly desk: InvgateDesk;
  readonly clock: ContractClock;
  readonly io: ContractIo;
  readonly adapter: Adapter;
  /** Walks a feed to its end; without a cursor it is the baseline. */
  readonly walk: (
    feed: string,
    cursor: Json | null,
    more?: More,
  ) => Promise<Walked & { readonly ids: readonly string[] }>;
  /** Calls since the last time, `GET name?query`. */
  readonly calls: () => readonly string[];
}

type More = Partial<FeedPosition> & { readonly needs?: ReadonlySet<string> };

async function setUp(options: InvgateOptions = {}, settings: Record<string, unknown> = {}): Promise<Setup> {
  const clock = new ContractClock();
  const desk = await startInvgateDesk({ clock, oldRequests: false, ...options });
  const io = new ContractIo(clock);
  const adapter = connectTo(desk, io, settings);
  opened.push(adapter, desk);
  return {
    desk,
    clock,
    io,
    adapter,
    walk: async (feed, cursor, { needs = NO_NEEDS, ...more } = {}) => {
      const position = { baseline: cursor === null, unfinished: [], gap: null, ...more, cursor };
      const walked = await walk(adapter, feed, position, needs);
      return { ...walked, ids: walked.rows.map((row) => row.observed.id) };
    },
    calls: () => {
      const calls = desk.calls.all.map((call) => {
        const query = decodeURIComponent(call.query);
        return `${call.method} ${call.name}${query === '' ? '' : `?${query}`}`;
      });
      desk.calls.clear();
      return calls;
    },
  };
}

function connectTo(desk: InvgateDesk, io: ContractIo, settings: Record<string, unknown>): Adapter {
  const { connect } = invgate;
  if (connect === null) throw new Error('invgate has an API');
  const written = { url: desk.url, user: desk.user, key: desk.key, author: 'deskbot', ...settings };
  return connect(invgate.settings.parse(written), io);
}

function gapOf(clock: ContractClock, hours: number): FeedGap {
  return {
    from: new Date(clock.ms - hours * HOUR).toISOString(),
    to: new Date(clock.ms - 55 * MINUTE).toISOString(),
  };
}

describe('created', () => {
  test.each(['new', 'old'] as const)(
    'shows every request of the last hour in the %s envelope',
    async (envelope) => {
      const { desk, clock, walk } = await setUp({ envelope, hourPageSize: 3 });
      const { cursor } = await walk('created', null);
      const ids = Array.from({ length: 7 }, (_, index) => String(desk.human.create({ title: `R ${index}` })));
      desk.human.close(Number(ids[0]));

      const first = await walk('created', cursor);
      clock.ms += HOUR + MINUTE;
      const later = await walk('created', first.cursor);

      expect(first.ids).toEqual(ids);
      expect(first.rows[0]?.observed).toMatchObject({ phase: 'closed', title: 'R 0', display_id: '#301' });
      expect(later.ids).toEqual([]);
      expect(later.cursor).toEqual({ maxId: '307' });
    },
  );

  test('costs one call when nothing happens', async () => {
    const { walk, calls } = await setUp();
    const { cursor } = await walk('created', null);
    calls();

    await walk('created', cursor);

    expect(calls()).toEqual(['GET incidents.last.hour']);
  });

  /** Ten requests in an outage of three hours, every second one closed in it, and one since. */
  async function outage(setup: Setup): Promise<{ ids: readonly string[]; cursor: Json }> {
    const { desk, clock, walk } = setup;
    desk.human.create({ title: 'before' });
    const { cursor } = await walk('created', null);
    const ids = Array.from({ length: 10 }, (_, index) => {
      clock.ms += 10 * MINUTE;
      const id = desk.human.create({ title: `R ${index}` });
      if (index % 2 === 0) desk.human.close(id);
      return String(id);
    });
    clock.ms += 80 * MINUTE;
    ids.push(String(desk.human.create({ title: 'since' })));
    setup.calls();
    return { ids, cursor };
  }

  test('heals a gap with the saved view, newest id first', async () => {
    const setup = await setUp({ viewPageSize: 4 }, { view_id: invgateIds.view });
    const { ids, cursor } = await outage(setup);

    const { ids: seen } = await setup.walk('created', cursor, { gap: gapOf(setup.clock, 3) });

    expect([...new Set(seen)].toSorted()).toEqual(ids);
    expect(setup.calls().filter((call) => call.includes('sort_by=id&order_by=desc'))).toHaveLength(3);
  });

  test.each(['omitted', 'error'] as const)(
    'heals a gap by trying ids where there is no view; unknown ids are %s',
    async (unknownIds) => {
      const setup = await setUp({ unknownIds });
      const { ids, cursor } = await outage(setup);
      setup.desk.human.remove(Number(ids[3]));

      const { ids: seen } = await setup.walk('created', cursor, { gap: gapOf(setup.clock, 3) });

      expect([...new Set(seen)].toSorted()).toEqual(ids.filter((id) => id !== ids[3]));
    },
  );

  test('a quiet last hour ends the search after three blocks without any request', async () => {
    const setup = await setUp();
    const { ids, cursor } = await outage(setup);
    setup.clock.ms += 2 * HOUR;

    const { ids: seen } = await setup.walk('created', cursor, { gap: gapOf(setup.clock, 5) });

    expect(seen).toEqual(ids);
    expect(setup.calls().filter((call) => call.startsWith('GET incidents?'))).toHaveLength(4);
  });
});

describe('updated, by sweeps', () => {
  test('reads fifty requests a call and lists ids once', async () => {
    const { desk, walk, calls } = await setUp();
    const ids = Array.from({ length: 120 }, (_, index) => String(desk.human.create({ title: `R ${index}` })));
    const { cursor } = await walk('updated', null);
    calls();

    const { ids: seen } = await walk('updated', cursor);

    expect(seen).toEqual(ids);
    const made = calls();
    expect(made.filter((call) => call.startsWith('GET incidents.by.status'))).toHaveLength(1);
    expect(made.filter((call) => call.startsWith('GET incidents?'))).toHaveLength(3);
    expect(made).toHaveLength(4);
  });

  test('pages of ids that the desk keeps short are all read', async () => {
    const { desk, walk } = await setUp({ envelope: 'old' });
    const ids = Array.from({ length: 1_100 }, (_, index) =>
      String(desk.human.create({ title: `R ${index}` })),
    );

    const { ids: seen } = await walk('updated', null);

    expect(seen).toEqual(ids);
  });

  test('what left the list is read by id: closed, and gone', async () => {
    const { desk, walk, adapter } = await setUp();
    const closed = String(desk.human.create({ title: 'closed' }));
    const removed = String(desk.human.create({ title: 'removed' }));
    const { cursor } = await walk('updated', null);
    desk.human.close(Number(closed));
    desk.human.remove(Number(removed));

    const { rows } = await walk('updated', cursor, { unfinished: [closed, removed] });
    const reads = await adapter.readChanged(rows, NO_NEEDS, contractContext());

    expect(rows.map((row) => [row.observed.id, row.observed.phase])).toEqual([
      [closed, 'closed'],
      [removed, undefined],
    ]);
    expect(reads[1]).toEqual({ gone: true, id: removed });
  });

  test('a comment that does not move last_update changes the token; the same state in the other envelope does not', async () => {
    const { desk, walk } = await setUp({ commentBumps: false });
    const id = desk.human.create({ title: 'Keyboard <Ctrl> key & "mouse"' });
    const baseline = await walk('updated', null);
    desk.envelope = 'old';
    const old = await walk('updated', baseline.cursor);
    desk.human.comment(id, 'hello');
    const commented = await walk('updated', old.cursor);

    expect(old.rows[0]?.version).toBe(baseline.rows[0]?.version);
    expect(commented.rows[0]?.version).not.toBe(old.rows[0]?.version);
    expect(old.rows[0]?.observed.title).toBe('Keyboard <Ctrl> key & "mouse"');
  });
});

describe('updated, by a saved view', () => {
  async function withView(
    options: InvgateOptions = {},
  ): Promise<Setup & { ids: readonly string[]; cursor: Json }> {
    const setup = await setUp(options, { view_id: invgateIds.view });
    const ids = Array.from({ length: 60 }, (_, index) =>
      String(setup.desk.human.create({ title: `R ${index}` })),
    );
    setup.clock.ms += 30 * MINUTE;
    const { cursor } = await setup.walk('updated', null);
    setup.calls();
    return { ...setup, ids, cursor };
  }

  test('an idle poll is one call, and a changed request one more', async () => {
    const { desk, clock, walk, calls, ids, cursor } = await withView();
    const first = await walk('updated', cursor);
    const idle = [...calls()];
    clock.ms += 3 * MINUTE;
    desk.human.edit(Number(ids[7]), { priorityId: 5 });
    clock.ms += 3 * MINUTE;

    const second = await walk('updated', first.cursor);
    const busy = calls();
    clock.ms += MINUTE;
    const third = await walk('updated', second.cursor);

    expect(idle.filter((call) => call.includes('details.by.view'))).toHaveLength(1);
    expect(second.ids).toEqual([ids[7]]);
    expect(busy).toHaveLength(2);
    expect(third.ids).toEqual([]);
    expect(calls()).toHaveLength(1);
  });

  test('a second change within the same second is seen', async () => {
    const { desk, clock, walk, ids, cursor } = await withView();
    const first = await walk('updated', cursor);
    clock.ms += MINUTE;
    desk.human.edit(Number(ids[0]), { title: 'one' });
    const one = await walk('updated', first.cursor);
    desk.human.edit(Number(ids[0]), { title: 'two' });
    clock.ms += 3 * MINUTE;

    const two = await walk('updated', one.cursor);

    expect(one.rows[0]?.observed.title).toBe('one');
    expect(two.rows[0]?.observed.title).toBe('two');
  });

  test('closed requests are seen by the view, comments by a sweep every ten minutes', async () => {
    const { desk, clock, walk, ids, cursor } = await withView();
    const first = await walk('updated', cursor);
    clock.ms += MINUTE;
    desk.human.close(Number(ids[1]));
    desk.human.comment(Number(ids[2]), 'silent');
    clock.ms += 2 * MINUTE;
    const viewed = await walk('updated', first.cursor, { unfinished: ids });
    clock.ms += 8 * MINUTE;
    const swept = await walk('updated', viewed.cursor, { unfinished: ids });

    expect(viewed.ids).toEqual([ids[1]]);
    expect(swept.ids).toEqual(ids);
  });

  describe('on a server that ignores the order', () => {
    /** The next page of the view: requests, and how many minutes ago they were updated. */
    function answer(
      { desk, clock }: Setup,
      rows: readonly (readonly [string | undefined, number])[],
      key: string | null,
    ): void {
      const data = rows.map(([id, minutesAgo]) => ({
        id,
        last_update: { value: Math.floor((clock.ms - minutesAgo * MINUTE) / 1000) },
      }));
      const body = JSON.stringify({ metadata: {}, data, next_page_key: key });
      const fault = { kind: 'status', status: 200, body, type: 'application/json' } as const;
      desk.faults.next('incidents.details.by.view', fault);
    }

    test('it is read to its end, and said', async () => {
      const setup = await withView();
      const { walk, io, cursor, ids } = setup;
      const [, one, two, three, four] = ids;
      // The first page ends long before the overlap.
      const page = [[one, 500] as const, [two, 1] as const, [three, 500] as const];
      answer(setup, page, 'k2');
      answer(setup, [[four, 0]], null);

      const { ids: seen } = await walk('updated', cursor);

      expect(seen).toEqual([two, four]);
      expect(io.warnings).toEqual([expect.stringMatching(/does not come newest first/)]);
    });

    test('and lists in it by chance, all of it is read once an hour', async () => {
      const setup = await withView();
      const { clock, walk, cursor: baseline, ids } = setup;
      const [, one, two, three, four] = ids;
      let cursor = baseline;
      const seen: string[] = [];
      for (let polls = 1; polls <= 6; polls += 1) {
        clock.ms += 10 * MINUTE;
        // By id: what was just opened comes first, and hides that an old request was edited after the first poll.
        answer(setup, [[four, 0] as const, [three, 500] as const], 'k2');
        if (polls === 6) answer(setup, [[two, 500] as const, [one, 45] as const], null);
        const walked = await walk('updated', cursor);
        ({ cursor } = walked);
        seen.push(...walked.ids);
      }

      expect(seen.filter((id) => id === one)).toHaveLength(1);
      expect(seen.filter((id) => id === four)).toHaveLength(6);
    });
  });

  test('a view without the column is an error that names it', async () => {
    const { desk, walk, cursor } = await withView();
    const body = JSON.stringify({ metadata: {}, data: [{ id: 1, status: { id: 1 } }], next_page_key: null });
    desk.faults.next('incidents.details.by.view', {
      kind: 'status',
      status: 200,
      body,
      type: 'application/json',
    });

    const error = await vendorFailure(walk('updated', cursor));

    expect(error.message).toMatch(/last update.*keys id, status/s);
    expect(error.reason).toBe('unreadable');
  });
});

describe('triggers', () => {
  test('each execution is told once, with its name, its ticket and the state of that', async () => {
    const { desk, clock, walk } = await setUp();
    const id = desk.human.create({ title: 'slow' });
    desk.human.fireTrigger(invgateIds.slaTrigger, id);
    const { cursor } = await walk('triggers', null);
    clock.ms += 5 * MINUTE;
    const execution = String(desk.human.fireTrigger(invgateIds.slaTrigger, id));

    const first = await walk('triggers', cursor);
    const second = await walk('triggers', first.cursor);

    expect(first.occurrences).toEqual([
      {
        key: `trigger:${execution}`,
        type: 'trigger.fired',
        ticketId: String(id),
        occurredAt: '2026-11-23T09:05:00.000Z',
        trigger: {
          id: '11',
          name: 'Resolution SLA at 80%',
          execution_id: execution,
          executed_at: '2026-11-23T09:05:00.000Z',
        },
        body: { id: '11', name: 'Resolution SLA at 80%', execution_id: execution, request_id: String(id) },
      },
    ]);
    expect(first.ids).toEqual([String(id)]);
    expect(second.occurrences).toEqual([]);
  });

  test('a trigger that was added meanwhile has its name', async () => {
    const { desk, clock, walk } = await setUp();
    const id = desk.human.create({ title: 'slow' });
    const { cursor } = await walk('triggers', null);
    desk.human.fireTrigger(invgateIds.slaTrigger, id);
    const first = await walk('triggers', cursor);
    desk.state.triggers.set(77, 'Brand new');
    clock.ms += MINUTE;
    desk.human.fireTrigger(77, id);

    const { occurrences } = await walk('triggers', first.cursor);

    expect(occurrences.map((one) => one.trigger?.name)).toEqual(['Brand new']);
  });
});

describe('breaking news and approvals', () => {
  test('news are told when they are published and when they change', async () => {
    const { desk, walk } = await setUp();
    const news = (id: number, title: string): (typeof desk.state.news)[number] => ({
      id,
      typeId: 1,
      statusId: 1,
      title,
      body: 'VPN &amp; Wi-Fi',
      helpdeskIds: [1],
      groupIds: [],
      resolutionTime: null,
      creatorId: 2,
      createdAt: 1_795_424_400,
      updates: [],
    });
    desk.state.news.push(news(1, 'old'));
    const { cursor } = await walk('news', null);
    desk.state.news.push(news(2, 'VPN down'));
    const published = await walk('news', cursor);
    const [old] = desk.state.news;
    if (old !== undefined) old.statusId = 2;
    const updated = await walk('news', published.cursor);
    const idle = await walk('news', updated.cursor);

    expect(published.occurrences).toMatchObject([
      {
        key: 'bn:2',
        type: 'breakingnews.published',
        body: { title: 'VPN down', text: 'VPN & Wi-Fi', severity: 'high' },
      },
    ]);
    expect(updated.occurrences).toMatchObject([
      { key: 'bn:1:1', type: 'breakingnews.updated', body: { closed: true } },
    ]);
    expect(idle.occurrences).toEqual([]);
  });

  test.each([403, 404, 405])(
    'a desk that answers %i to a newer call is not asked again for hours',
    async (status) => {
      const { desk, clock, walk, calls, io } = await setUp();
      desk.faults.always('breakingnews.all', { kind: 'status', status, body: '{}' });
      const { cursor } = await walk('news', null);
      calls();

      await walk('news', cursor);
      const quiet = calls();
      clock.ms += 7 * HOUR;
      await walk('news', cursor);

      expect(quiet).toEqual([]);
      expect(calls()).toHaveLength(1);
      expect(io.warnings).toHaveLength(2);
    },
  );

  const NEEDS = { needs: new Set(['approvals']) };

  function ask(desk: InvgateDesk, id: number, requestId: number, createdAt: number): void {
    const approval = {
      id,
      requestId,
      authorId: 2,
      description: 'New laptop',
      type: 2 as const,
      voterIds: [1],
    };
    desk.state.approvals.push({ ...approval, status: -1, createdAt });
  }

  test('approvals are told when asked for and when decided, also after the request was closed', async () => {
    const { desk, clock, walk } = await setUp();
    const id = desk.human.create({ title: 'laptop' });
    ask(desk, 1, id, Math.floor(clock.ms / 1000) - 86_400);
    const baseline = await walk('approvals', null, NEEDS);
    const unfinished = [String(id)];
    const before = await walk('approvals', baseline.cursor, { ...NEEDS, unfinished });
    clock.ms += 5 * MINUTE;
    ask(desk, 2, id, Math.floor(clock.ms / 1000));
    const asked = await walk('approvals', before.cursor, { ...NEEDS, unfinished });
    for (const approval of desk.state.approvals) approval.status = approval.id === 1 ? 1 : 0;
    desk.human.close(id);
    const decided = await walk('approvals', asked.cursor, NEEDS);

    expect(before.occurrences).toEqual([]);
    expect(asked.occurrences.map((one) => [one.key, one.type])).toEqual([['appr:2', 'approval.requested']]);
    expect(decided.occurrences.map((one) => one.key)).toEqual(['appr:1:1', 'appr:2', 'appr:2:0']);
    expect(decided.occurrences[0]).toMatchObject({ type: 'approval.decided', body: { status: 'approved' } });
  });

  test('nothing is read while no rule listens', async () => {
    const { desk, walk, calls } = await setUp();
    const id = desk.human.create({ title: 'laptop' });
    const { cursor } = await walk('approvals', null);

    await walk('approvals', cursor, { unfinished: [String(id)] });

    expect(calls()).toEqual([]);
  });

  test('requests are looked at in turn, newest first', async () => {
    const { desk, walk, calls } = await setUp();
    const unfinished = Array.from({ length: 70 }, (_, index) =>
      String(desk.human.create({ title: `R ${index}` })),
    );
    let { cursor } = await walk('approvals', null, NEEDS);
    const asked: string[][] = [];
    for (let poll = 0; poll < 4; poll += 1) {
      ({ cursor } = await walk('approvals', cursor, { ...NEEDS, unfinished }));
      asked.push(calls().map((call) => /request_id=(\d+)/.exec(call)?.[1] ?? ''));
    }

    expect(asked.map((ids) => ids.length)).toEqual([30, 30, 10, 30]);
    expect(asked.slice(0, 3).flat()).toEqual(unfinished.toReversed());
    expect(asked[3]).toEqual(asked[0]);
  });
});
