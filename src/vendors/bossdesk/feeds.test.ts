import { afterEach, describe, expect, test } from 'vitest';
import {
  startBossDesk,
  type BossDesk,
  type BossOptions,
} from '../../demo/simulators/bossdesk/bossdesk-desk.ts';
import { bossIds, brokenTaskId } from '../../demo/simulators/bossdesk/seed.ts';
import {
  byId,
  ContractClock,
  contractContext,
  ContractIo,
  walk,
  type Walked,
} from '../../../test/vendor-contract.ts';
import type { Adapter, Json, TicketRow } from '../vendor.ts';
import { bossdesk } from './index.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

let close: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of close) await end();
  close = [];
});

interface Setup {
  readonly desk: BossDesk;
  readonly clock: ContractClock;
  readonly io: ContractIo;
  readonly adapter: Adapter;
  /** Walks a feed to its end; without a cursor its baseline. */
  readonly poll: (cursor: Json | null, feed?: string) => Promise<Walked>;
}

async function setUp(options: BossOptions = {}, settings: Record<string, unknown> = {}): Promise<Setup> {
  const clock = new ContractClock();
  // Not a whole second, so that a `Date` header is always a little older than the answer.
  clock.ms += 345;
  const desk = await startBossDesk({ clock, oldTickets: false, ...options });
  const io = new ContractIo(clock);
  const { connect } = bossdesk;
  if (connect === null) throw new Error('bossdesk has an API');
  const adapter = connect(bossdesk.settings.parse({ url: desk.url, key: desk.key, ...settings }), io);
  close.push(
    () => adapter.close(),
    () => desk.close(),
  );
  const poll: Setup['poll'] = (cursor, feed = 'changes') =>
    walk(adapter, feed, { cursor, baseline: cursor === null });
  return { desk, clock, io, adapter, poll };
}

function ids(rows: readonly TicketRow[]): readonly number[] {
  return rows.map((row) => Number(row.observed.id));
}

function listCalls(desk: BossDesk): readonly string[] {
  return desk.calls.all.map((call) => `${call.name}?${decodeURIComponent(call.query)}`);
}

describe('the start-up probes', () => {
  test('a desk that honours filter and sort is polled by keyset', async () => {
    const { desk, adapter } = await setUp({}, { author: 'deskbot' });
    desk.human.create({ title: 'one' });
    desk.human.create({ title: 'two' });

    const result = await adapter.selfTest(contractContext());

    expect(result).toEqual({ botUserId: String(bossIds.deskbot), findings: [] });
    expect(desk.calls.all.every((call) => call.method === 'GET')).toBe(true);
    expect(desk.calls.all.every((call) => call.headers['content-type'] === 'application/json')).toBe(true);
  });

  test.each([
    ['ignores_sort', {}, /degraded: the desk ignores sorting/],
    ['ignores', { search_id: bossIds.ticketSearch }, /degraded: .* come from the saved search/],
    ['ignores', {}, /degraded: .* no search_id/],
  ] as const)('a desk that %s (with %j) is degraded', async (searchMode, settings, finding) => {
    const { desk, adapter, poll } = await setUp({ searchMode }, { author: 'deskbot', ...settings });
    desk.human.create({ title: 'one' });
    desk.human.create({ title: 'two' });

    const { findings } = await adapter.selfTest(contractContext());
    const { degraded } = await poll(null);

    expect(findings).toEqual([expect.stringMatching(finding)]);
    expect(`degraded: ${degraded}`).toBe(findings[0]);
  });

  test('without author nobody knows whose key it is, and an unknown author is refused', async () => {
    const { adapter } = await setUp();
    const other = await setUp({}, { author: 'deskbott' });

    const result = await adapter.selfTest(contractContext());

    expect(result.botUserId).toBeNull();
    expect(result.findings).toEqual([expect.stringMatching(/author is not set/)]);
    await expect(other.adapter.selfTest(contractContext())).rejects.toThrow(/nearest: Desk Bot/);
  });

  test('a plan without API access stops with a message', async () => {
    const { desk, adapter } = await setUp();
    desk.lapsed = true;

    const failed = adapter.selfTest(contractContext());

    await expect(failed).rejects.toMatchObject({ reason: 'auth', status: 402 });
    await expect(failed).rejects.toThrow(/plan has no API access/);
  });

  test('they are repeated daily, and a change of mind is told', async () => {
    const { desk, clock, io, poll } = await setUp();
    desk.human.create({ title: 'one' });
    desk.human.create({ title: 'two' });
    const before = await poll(null);
    desk.searchMode = 'ignores_sort';
    clock.ms += DAY;
    const ignored = await poll(before.cursor);
    desk.searchMode = 'honours';
    clock.ms += DAY;

    const again = await poll(ignored.cursor);

    expect(ignored.cursor).toMatchObject({ mode: 'window' });
    expect([before.degraded, ignored.degraded, again.degraded]).toEqual([
      undefined,
      expect.stringMatching(/ignores sorting/),
      undefined,
    ]);
    expect(io.warnings).toEqual([
      expect.stringMatching(/ignores sorting/),
      expect.stringMatching(/honours filters and sorting again/),
    ]);
  });

  test('a filter that is ignored from one poll to the next is noticed at once', async () => {
    const { desk, clock, io, poll } = await setUp();
    for (let index = 0; index < 3; index += 1) desk.human.create({ title: `Ticket ${index}` });
    clock.ms += DAY / 2;
    let { cursor } = await poll(null);
    desk.searchMode = 'ignores';
    clock.ms += MINUTE;

    ({ cursor } = await poll(cursor));
    expect(io.warnings).toEqual([expect.stringMatching(/has begun to ignore a filter/)]);
    ({ cursor } = await poll(cursor));

    expect(cursor).toMatchObject({ mode: 'probe' });
  });
});

describe('the baseline', () => {
  test('leaves what is new since it began, and what changed meanwhile, to the first walk after it', async () => {
    const { desk, clock, poll } = await setUp();
    const old = Array.from({ length: 65 }, (_, index) => desk.human.create({ title: `Ticket ${index}` }));
    clock.ms += MINUTE;
    const fresh: number[] = [];
    desk.beforeEachRequest = (call) => {
      clock.ms += SECOND;
      if (!decodeURIComponent(call.query).includes('id_gt')) return;
      fresh.push(desk.human.create({ title: 'while it was read' }));
      desk.human.edit(old[fresh.length] ?? 0, { title: 'changed meanwhile' });
    };

    const baseline = await poll(null);
    desk.beforeEachRequest = null;
    clock.ms += MINUTE;
    const { rows } = await poll(baseline.cursor);

    expect(ids(baseline.rows)).toEqual(old);
    expect(fresh.length).toBeGreaterThan(1);
    expect(ids(rows).toSorted((a, b) => a - b)).toEqual([...old.slice(1, 1 + fresh.length), ...fresh]);
  });
});

describe('a filter that begins to be ignored', () => {
  test.each(['honours', 'ignores_sort'] as const)(
    'on a desk that %s before does not make the whole desk be read',
    async (searchMode) => {
      const { desk, clock, poll } = await setUp({ searchMode });
      const old = Array.from({ length: 300 }, (_, index) => desk.human.create({ title: `Ticket ${index}` }));
      clock.ms += DAY / 2;
      let { cursor } = await poll(null);
      clock.ms += MINUTE;
      for (let index = 0; index < 40; index += 1) desk.human.create({ title: `New ${index}` });
      desk.human.edit(old[5] ?? 0, { title: 'changed' });
      desk.searchMode = 'ignores';
      const before = desk.calls.all.length;

      for (let polls = 0; polls < 3; polls += 1) {
        clock.ms += MINUTE;
        ({ cursor } = await poll(cursor));
      }

      expect(cursor).toMatchObject({ mode: 'probe' });
      expect(desk.calls.all.length - before).toBeLessThan(250);
    },
  );
});

describe('a list without order, read twice', () => {
  /** Three pages of tickets that changed since the cursor that is given. */
  async function changedMany({
    desk,
    clock,
    poll,
  }: Setup): Promise<{ cursor: Json; all: readonly number[] }> {
    const all = Array.from({ length: 70 }, (_, index) => desk.human.create({ title: `Ticket ${index}` }));
    clock.ms += 60 * MINUTE;
    const { cursor } = await poll(null);
    clock.ms += MINUTE;
    for (const id of all) desk.human.edit(id, { title: `Changed ${id}` });
    clock.ms += MINUTE;
    return { cursor, all };
  }

  test('gets on although people change tickets between any two calls', async () => {
    const setup = await setUp({ searchMode: 'ignores_sort' });
    const { desk, clock, poll } = setup;
    const { cursor, all } = await changedMany(setup);
    const began = clock.ms;
    desk.beforeEachRequest = () => {
      clock.ms += SECOND;
      desk.human.create({ title: 'meanwhile' });
    };

    const busy = await poll(cursor);
    desk.beforeEachRequest = null;
    desk.calls.clear();
    await poll(busy.cursor);

    expect(all.filter((id) => !ids(busy.rows).includes(id))).toEqual([]);
    expect(busy.cursor).toMatchObject({ mode: 'window' });
    expect((busy.cursor as { at: number }).at).toBeGreaterThan(began - MINUTE);
    // What changed before the walk is not read again.
    expect(listCalls(desk).some((call) => call.startsWith(`tickets/${all[0]}?`))).toBe(false);
  });

  test('is read from the same place again when the first reading skipped a ticket', async () => {
    const setup = await setUp({ searchMode: 'ignores_sort' });
    const { desk, clock, poll } = setup;
    const { cursor, all } = await changedMany(setup);
    let pages = 0;
    desk.beforeEachRequest = (call) => {
      if (call.name !== 'tickets') return;
      pages += 1;
      // Newest first: moves the first of the second page to the first page, which has been read.
      if (pages === 2) desk.human.remove(all[69] ?? 0);
    };

    const slid = await poll(cursor);
    desk.beforeEachRequest = null;
    desk.searchMode = 'honours';
    clock.ms += MINUTE;
    const after = await poll(slid.cursor);

    expect(ids(slid.rows)).toContain(all[39]);
    expect(slid.cursor).toMatchObject({ at: (cursor as { at: number }).at });
    // It was tried out whether the desk sorts again.
    expect(after.cursor).toMatchObject({ mode: 'keyset' });
    expect((after.cursor as { at: number }).at).toBeGreaterThan((cursor as { at: number }).at);
  });
});

describe('the feed of changes', () => {
  test('an idle poll is one call; a changed ticket costs one more', async () => {
    const { desk, clock, adapter, poll } = await setUp();
    const id = desk.human.create({ title: 'one' });
    clock.ms += MINUTE;
    let { cursor } = await poll(null);
    desk.human.edit(id, { title: 'two' });
    clock.ms += MINUTE;
    desk.calls.clear();

    const changed = await poll(cursor);
    const reads = await adapter.readChanged(changed.rows, new Set(['comments']), contractContext());
    clock.ms += MINUTE;
    const callsOfChange = listCalls(desk);
    desk.calls.clear();
    ({ cursor } = await poll(changed.cursor));

    expect(callsOfChange).toEqual([
      expect.stringMatching(/^tickets\?q\[updated_at_gteq\]=.*Z&/),
      `tickets/${id}?`,
    ]);
    expect(reads).toEqual([expect.objectContaining({ gone: false, id: String(id), comments: [] })]);
    expect(listCalls(desk)).toHaveLength(1);
  });

  test('a change in the last millisecond that was shown is not skipped', async () => {
    const { desk, clock, poll } = await setUp();
    const [first, second] = [desk.human.create({ title: 'one' }), desk.human.create({ title: 'two' })];
    clock.ms += MINUTE;
    let { cursor, rows } = await poll(null);
    desk.human.edit(first, { title: 'one again' });
    ({ cursor, rows } = await poll(cursor));
    expect(ids(rows)).toContain(first);
    // Same millisecond as the edit before, after the poll.
    desk.human.edit(second, { title: 'two again' });
    clock.ms += MINUTE;

    ({ rows } = await poll(cursor));

    expect(byId(rows).get(String(second))?.observed.title).toBe('two again');
  });

  test('more than a page with one stamp is read whole', async () => {
    const { desk, clock, poll } = await setUp();
    const all = Array.from({ length: 80 }, (_, index) => desk.human.create({ title: `Ticket ${index}` }));
    clock.ms += 10 * MINUTE;
    const { cursor } = await poll(null);
    clock.ms += MINUTE;
    desk.human.bulkEdit(all, { priorityId: bossIds.critical });
    clock.ms += MINUTE;
    desk.human.edit(all[3] ?? 0, { title: 'later' });
    clock.ms += MINUTE;

    const { rows, cursor: after } = await poll(cursor);

    const seen = byId(rows);
    expect([...seen.keys()].map(Number).toSorted((a, b) => a - b)).toEqual(all);
    expect([...seen.values()].every((row) => row.observed.priority?.level === 'critical')).toBe(true);
    clock.ms += MINUTE;
    expect((await poll(after)).rows).toHaveLength(0);
  });

  test('a bulk edit on a desk that sorts no more does not hide what changed before it', async () => {
    const { desk, clock, poll } = await setUp();
    const all = Array.from({ length: 70 }, (_, index) => desk.human.create({ title: `Ticket ${index}` }));
    clock.ms += 10 * MINUTE;
    const { cursor } = await poll(null);
    for (const id of all.slice(0, 5)) {
      clock.ms += MINUTE;
      desk.human.edit(id, { title: 'one of a few' });
    }
    clock.ms += MINUTE;
    desk.human.bulkEdit(all.slice(-45), { priorityId: bossIds.critical });
    desk.searchMode = 'ignores_sort';
    clock.ms += MINUTE;

    const { rows } = await poll(cursor);

    const changed = [...all.slice(0, 5), ...all.slice(-45)];
    expect([...byId(rows).keys()].map(Number).toSorted((a, b) => a - b)).toEqual(changed);
  });

  test('a ticket edited between the list and its own call does not carry the walk away', async () => {
    const { desk, clock, poll } = await setUp();
    const all = Array.from({ length: 75 }, (_, index) => {
      clock.ms += SECOND;
      return desk.human.create({ title: `Ticket ${index}` });
    });
    clock.ms += 10 * MINUTE;
    const { cursor } = await poll(null);
    for (const id of all) {
      clock.ms += SECOND;
      desk.human.edit(id, { title: `Moved ${id}` });
    }
    clock.ms += MINUTE;
    let calls = 0;
    desk.beforeEachRequest = () => {
      calls += 1;
      clock.ms += 100;
      // The last row of the first page, right before it is read.
      if (calls === 20) desk.human.edit(all[29] ?? 0, { title: 'jumped' });
    };

    const { rows } = await poll(cursor);

    const seen = byId(rows);
    expect(all.filter((id) => !seen.has(String(id)))).toEqual([]);
  });

  test('changes of long ago are found after any downtime', async () => {
    const { desk, clock, poll } = await setUp();
    const id = desk.human.create({ title: 'one' });
    const { cursor } = await poll(null);
    clock.ms += MINUTE;
    desk.human.edit(id, { title: 'while we slept' });
    clock.ms += 30 * DAY;

    const { rows } = await poll(cursor);

    expect(byId(rows).get(String(id))?.observed.title).toBe('while we slept');
  });

  test('tasks and approvals are told once the baseline is over; old ones and impossible times are not', async () => {
    const { desk, clock, poll } = await setUp({ oldTickets: true });
    const old = [...desk.state.tickets.values()].find((one) =>
      one.tasks.some(({ id }) => id === brokenTaskId),
    );
    const { cursor } = await poll(null);
    clock.ms += MINUTE;
    const at = clock.ms * 1000;
    const id = old?.friendlyId ?? 0;
    const done = desk.human.addTask(id, 'Done');
    Object.assign(old?.tasks.at(-1) ?? {}, { createdAt: at - DAY * 1000 });
    const added = desk.human.addTask(id, 'New');
    desk.human.closeTask(id, done);
    const approval = desk.human.askApproval(id, bossIds.ceo);
    clock.ms += MINUTE;

    const { occurrences, cursor: after } = await poll(cursor);
    desk.human.answerApproval(id, approval, 'rejected', 'too dear');
    clock.ms += MINUTE;
    const answered = await poll(after);

    expect(occurrences.map(({ key, type }) => [key.replace(/T.*/, ''), type])).toEqual([
      [expect.stringMatching(`^task:${done}:closed:`), 'task.closed'],
      [`task:${added}`, 'task.added'],
      [`approval:${approval}`, 'approval.requested'],
    ]);
    expect(occurrences[1]).toMatchObject({ ticketId: String(id), body: { task: { title: 'New' } } });
    const news = answered.occurrences.filter(({ key }) => !occurrences.some((one) => one.key === key));
    expect(news).toMatchObject([
      {
        key: expect.stringMatching(`^approval:${approval}:rejected:`) as string,
        type: 'approval.decided',
        body: { approval: { status: 'rejected', comment: 'too dear', user: 'ceo' } },
      },
    ]);
  });
});

describe('when the list does not help', () => {
  test('the saved search shows changes of rows, and a search of another class is given up for numbers', async () => {
    const settings = { search_id: bossIds.ticketSearch };
    const { desk, clock, adapter, poll } = await setUp({ searchMode: 'ignores' }, settings);
    const id = desk.human.create({ title: 'one' });
    const { cursor, rows } = await poll(null);
    clock.ms += MINUTE;
    desk.human.edit(id, { title: 'two' });
    const fresh = desk.human.create({ title: 'fresh' });

    const after = await poll(cursor);
    const reads = await adapter.readChanged(after.rows, new Set(['comments']), contractContext());

    expect(byId(after.rows).get(String(id))?.version).not.toBe(byId(rows).get(String(id))?.version);
    expect(ids(after.rows)).toContain(fresh);
    expect(reads.every((read) => !read.gone && read.observed.created_at != null)).toBe(true);

    const wrong = await setUp({ searchMode: 'ignores' }, { search_id: bossIds.problemSearch });
    wrong.desk.human.create({ title: 'one' });
    const baseline = await wrong.poll(null);
    const failed = await wrong.poll(baseline.cursor);
    expect(failed.cursor).toMatchObject({ mode: 'probe' });
    expect(wrong.io.warnings).toEqual([expect.stringMatching(/is of no use/)]);
  });

  test('new tickets are found by number over holes, every five minutes', async () => {
    const { desk, clock, poll } = await setUp({ searchMode: 'ignores' });
    desk.human.create({ title: 'known' });
    let { cursor } = await poll(null);
    clock.ms += 5 * MINUTE;
    const fresh = Array.from({ length: 45 }, (_, index) => desk.human.create({ title: `New ${index}` }));

    const found = await poll(cursor);
    ({ cursor } = found);
    clock.ms += MINUTE;
    desk.calls.clear();
    await poll(cursor);

    expect(ids(found.rows)).toEqual(fresh);
    expect(desk.calls.all).toHaveLength(0);
  });
});

describe('the round of open tickets', () => {
  test('each open ticket is read once in half an hour, in slices', async () => {
    const { desk, clock, poll } = await setUp({ childrenTouch: false });
    const all = Array.from({ length: 40 }, (_, index) => desk.human.create({ title: `Ticket ${index}` }));
    desk.human.close(all[5] ?? 0);
    let { cursor } = await poll(null, 'open');
    const seen: number[] = [];
    for (let minute = 0; minute < 30; minute += 1) {
      clock.ms += MINUTE;
      const slice = await poll(cursor, 'open');
      ({ cursor } = slice);
      seen.push(...ids(slice.rows));
    }

    expect(seen.toSorted((a, b) => a - b)).toEqual(all.filter((id) => id !== all[5]));
  });

  test('a comment that moves no stamp is seen by it', async () => {
    const { desk, clock, adapter, poll } = await setUp({ childrenTouch: false });
    const id = desk.human.create({ title: 'quiet' });
    const open = await poll(null, 'open');
    const first = await poll(open.cursor, 'open');
    clock.ms += 31 * MINUTE;
    desk.human.comment(id, '<p>hello</p>');

    const round = await poll(first.cursor, 'open');
    const [read] = await adapter.readChanged(round.rows, new Set(), contractContext());

    const before = byId(first.rows).get(String(id))?.version;
    expect(byId(round.rows).get(String(id))?.version).not.toBe(before);
    expect(read).toMatchObject({ comments: [{ text: 'hello', public: true, author: { kind: 'agent' } }] });
  });

  test('a ticket that came and went between two nightly walks is looked for, because it is held for open', async () => {
    const { desk, clock, adapter, poll } = await setUp();
    desk.human.create({ title: 'stays' });
    const first = await poll(null, 'reconcile');
    clock.ms += DAY;

    const position = { cursor: first.cursor, next: null, baseline: false, unfinished: ['999'] };
    const listed = await adapter.readPage('reconcile', position, new Set(), contractContext());
    const told = await adapter.readPage(
      'reconcile',
      { ...position, next: listed.next },
      new Set(),
      contractContext(),
    );

    expect(told.rows.map((row) => row.observed.id)).toEqual(['999']);
  });

  test('the nightly walk lists what is open, and looks for what is missing since the night before', async () => {
    const { desk, clock, adapter, poll } = await setUp();
    const all = Array.from({ length: 65 }, (_, index) => desk.human.create({ title: `Ticket ${index}` }));
    const [closed, deleted] = [all[0] ?? 0, all[40] ?? 0];
    const first = await poll(null, 'reconcile');
    clock.ms += DAY;
    desk.human.close(closed);
    desk.human.remove(deleted);

    const { rows } = await poll(first.cursor, 'reconcile');
    const missing = rows.filter((row) => row.version.startsWith('missing'));
    const reads = await adapter.readChanged(missing, new Set(), contractContext());

    // The baseline is that of `changes`.
    expect(first.rows).toEqual([]);
    expect(ids(rows)).toEqual([...all.filter((id) => id !== closed && id !== deleted), closed, deleted]);
    expect(reads).toMatchObject([
      { gone: false, observed: { phase: 'closed' } },
      { gone: true, id: String(deleted) },
    ]);
  });
});

/** What ingest would hold after applying every row of every walk in order. */
class Snapshot {
  readonly states = new Map<string, string>();
  readonly versions = new Map<string, string>();
  changes = 0;

  apply(rows: readonly TicketRow[]): void {
    for (const { observed, version } of rows) {
      if (this.versions.get(observed.id) === version) continue;
      this.versions.set(observed.id, version);
      const state = [
        observed.title,
        observed.priority?.id,
        observed.queue?.id ?? '',
        observed.assignee?.id ?? '',
        observed.tags?.toSorted().join('+'),
        observed.closed_at != null,
      ].join('/');
      // The baseline's rows have no team and no tags.
      if (observed.tags === undefined) continue;
      if (this.states.get(observed.id) !== state) this.changes += 1;
      this.states.set(observed.id, state);
    }
  }
}

function truth(desk: BossDesk): ReadonlyMap<string, string> {
  const tagName = (id: number): string => desk.state.tags.get(id)?.name ?? '';
  return new Map(
    [...desk.state.tickets.values()].map((ticket) => {
      const tags = ticket.tagIds.map(tagName).toSorted().join('+');
      const state = [
        ticket.title,
        ticket.priorityId,
        ticket.teamId ?? '',
        ticket.agentId ?? '',
        tags,
        ticket.closedAt !== null,
      ];
      return [String(ticket.friendlyId), state.join('/')];
    }),
  );
}

describe('nothing is missed while people edit between any two requests', () => {
  test.each([
    ['honours', 11],
    ['honours', 12],
    ['ignores_sort', 13],
    ['ignores_sort', 14],
  ] as const)('a desk that %s, seed %i', async (searchMode, seed) => {
    const { desk, clock, poll } = await setUp({ searchMode, seed });
    for (let index = 0; index < 70; index += 1) desk.human.create({ title: `Ticket ${index}` });
    const snapshot = new Snapshot();
    let { cursor, rows } = await poll(null);
    snapshot.apply(rows);
    let requests = 0;
    for (let round = 0; round < 6; round += 1) {
      // Some edits fall into one millisecond, some into one statement; some days pass without a poll.
      desk.beforeEachRequest = () => {
        requests += 1;
        if (requests % 3 === 0) for (let edit = 0; edit < 3; edit += 1) desk.randomEdit();
        if (requests % 2 === 0) clock.ms += 150;
      };
      if (round === 3)
        desk.human.bulkEdit([...desk.state.tickets.keys()].slice(0, 45), { priorityId: bossIds.low });
      ({ cursor, rows } = await poll(cursor));
      snapshot.apply(rows);
      desk.beforeEachRequest = null;
      for (let edit = 0; edit < 40; edit += 1) desk.randomEdit();
      clock.ms += round % 4 === 2 ? 3 * DAY : MINUTE;
    }
    for (let last = 0; last < 3; last += 1) {
      ({ cursor, rows } = await poll(cursor));
      snapshot.apply(rows);
      clock.ms += MINUTE;
    }

    expect(desk.state.tickets.size).toBeGreaterThan(100);
    expect(snapshot.states).toEqual(truth(desk));

    const before = snapshot.changes;
    ({ rows } = await poll(cursor));
    snapshot.apply(rows);
    expect(snapshot.changes).toBe(before);
  });
});
