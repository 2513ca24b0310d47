import { afterEach, describe, expect, test } from 'vitest';
import {
  startGotoDesk,
  type GotoDesk,
  type GotoOptions,
} from '../../demo/simulators/gotoassist/gotoassist-desk.ts';
import { gotoIds } from '../../demo/simulators/gotoassist/seed.ts';
import { VendorError } from '../../errors.ts';
import {
  byId,
  ContractClock,
  contractContext,
  ContractIo,
  vendorFailure,
  walk,
  type Walked,
} from '../../../test/vendor-contract.ts';
import type { Adapter, Json, TicketRow } from '../vendor.ts';
import { gotoassist } from './index.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let close: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of close) await end();
  close = [];
});

interface Setup {
  readonly desk: GotoDesk;
  readonly clock: ContractClock;
  readonly io: ContractIo;
  readonly adapter: Adapter;
  /** Walks a feed to its end; without a cursor its baseline. */
  readonly poll: (cursor: Json | null, feed?: string, unfinished?: readonly string[]) => Promise<Walked>;
}

async function setUp(options: GotoOptions = {}, settings: Record<string, unknown> = {}): Promise<Setup> {
  const clock = new ContractClock();
  clock.ms += 345;
  const desk = await startGotoDesk({ clock, oldIncidents: false, perHour: 1e6, ...options });
  const io = new ContractIo(clock);
  const { connect } = gotoassist;
  if (connect === null) throw new Error('gotoassist has an API');
  const filter = 'service_ids' in settings ? {} : { report_id: gotoIds.report };
  const given = { url: desk.url, token: desk.token, ...filter, ...settings };
  const adapter = connect(gotoassist.settings.parse(given), io);
  close.push(
    () => adapter.close(),
    () => desk.close(),
  );
  const poll: Setup['poll'] = (cursor, feed = 'incidents', unfinished = []) =>
    walk(adapter, feed, { cursor, baseline: cursor === null, unfinished });
  return { desk, clock, io, adapter, poll };
}

function refs(rows: readonly TicketRow[]): readonly number[] {
  return rows.map((row) => Number(row.observed.id));
}

function calls(desk: GotoDesk): readonly string[] {
  return desk.calls.all.map((call) => `${call.name}?${decodeURIComponent(call.query)}`);
}

describe('the start-up test', () => {
  test.each([
    [{}, gotoIds.deskbot],
    [{ author: 17 }, gotoIds.nora],
    [{ author: 'ali demir' }, gotoIds.ali],
  ])('with %j it writes as %i', async (settings, id) => {
    const { desk, adapter } = await setUp({}, settings);

    expect(await adapter.selfTest(contractContext())).toEqual({ botUserId: String(id), findings: [] });
    expect(desk.calls.all.every((call) => call.method === 'GET')).toBe(true);
    expect(desk.calls.all.every((call) => call.headers['content-type'] === 'application/json')).toBe(true);
  });

  test('a report or services are needed, because a list without them shows the own incidents only', () => {
    const given = { url: 'https://deskapi.gotoassist.com/v1', token: 'x' };
    const messages = (settings: object): readonly string[] =>
      gotoassist.settings.safeParse(settings).error?.issues.map((issue) => issue.message) ?? [];

    expect(messages(given)).toEqual([expect.stringContaining('either report_id or service_ids')]);
    expect(messages({ ...given, report_id: 1, service_ids: [2] })).toHaveLength(1);
    expect(messages({ ...given, service_ids: [20, '33'] })).toEqual([]);
  });

  test('a report that is not there is refused with the words of the desk', async () => {
    const { adapter } = await setUp({}, { report_id: 4 });

    const error = await vendorFailure(adapter.selfTest(contractContext()));

    expect(error).toMatchObject({ reason: 'refused', notApplied: true, status: 200 });
    expect(error.message).toContain('no report found');
  });
});

describe('failures inside a 200, or with a status', () => {
  test.each(['as_200', 'by_status'] as const)('%s: a wrong token stops the connection', async (failures) => {
    const { desk, io } = await setUp({ failures });
    const settings = { url: desk.url, token: 'wrong', report_id: 77 };
    const adapter = gotoassist.connect?.(gotoassist.settings.parse(settings), io);
    if (adapter === undefined) throw new Error('gotoassist has an API');
    close.push(() => adapter.close());

    const error = await vendorFailure(adapter.selfTest(contractContext()));

    expect(error).toMatchObject({ reason: 'auth', notApplied: true });
    expect(error.message).toContain('E906');
  });

  test.each(['as_200', 'by_status'] as const)(
    '%s: over the limit all are silent until the hour has passed',
    async (failures) => {
      const { desk, clock, io, poll } = await setUp({ failures, perHour: 5 });
      desk.human.create({ title: 'one' });
      clock.ms = Date.parse('2026-11-23T09:40:00.345Z');
      const { cursor } = await poll(null);
      desk.exhaustHour();

      const error = await vendorFailure(poll(cursor));
      expect(io.silences).toMatchObject([{ overLimit: true }]);
      const { inMs = 0 } = io.silences[0] ?? {};

      expect(error).toMatchObject({ reason: 'rate_limited', notApplied: true, retryAt: clock.ms + inMs });
      expect(inMs).toBeGreaterThan(20 * MINUTE);
      expect(inMs).toBeLessThan(22 * MINUTE);
      clock.ms += inMs;
      await poll(cursor);
    },
  );

  test('a limit that outlasts the hour is waited for up to an hour from its first sign', async () => {
    const { desk, clock, io, poll } = await setUp({ perHour: 3 });
    desk.human.create({ title: 'one' });
    clock.ms = Date.parse('2026-11-23T09:40:00.345Z');
    const { cursor } = await poll(null);
    desk.exhaustHour();
    await vendorFailure(poll(cursor));
    clock.ms = Date.parse('2026-11-23T10:01:00.345Z');
    desk.exhaustHour();

    await vendorFailure(poll(cursor));

    const until = clock.ms + (io.silences[1]?.inMs ?? 0);
    expect(until).toBeGreaterThan(Date.parse('2026-11-23T10:40:00Z'));
    expect(until).toBeLessThan(Date.parse('2026-11-23T10:42:00Z'));
  });

  test('a failure without a known code is a fault of the desk, and may have been applied', async () => {
    const { desk, poll } = await setUp();
    const body = '{"errors":[{"error":"something broke"}],"version":"1.0","status":"Failed"}';
    desk.faults.next('GET incidents.json', { kind: 'status', status: 200, body, type: 'application/json' });

    const error = await vendorFailure(poll(null));

    expect(error).toMatchObject({ reason: 'vendor_fault', notApplied: false });
    expect(error.message).toContain('something broke');
  });

  test.each(['as_200', 'by_status'] as const)(
    '%s: an incident that is not there is gone',
    async (failures) => {
      const { adapter } = await setUp({ failures });

      expect(await adapter.readTicket('4711', new Set(), contractContext())).toEqual({
        gone: true,
        id: '4711',
      });
    },
  );
});

describe.each(['asc', 'desc'] as const)('a list that runs %s', (direction) => {
  test('is one call when nothing happened, and one more for a change', async () => {
    const { desk, clock, poll } = await setUp({ direction });
    const all: number[] = [];
    for (let index = 0; index < 130; index += 1) {
      clock.ms += MINUTE;
      all.push(desk.human.create({ title: `Incident ${index}` }));
    }
    clock.ms += HOUR;
    let { cursor } = await poll(null);
    ({ cursor } = await poll(cursor));
    clock.ms += 10 * MINUTE;
    desk.calls.clear();
    ({ cursor } = await poll(cursor));
    const idle = calls(desk);
    desk.human.edit(all[2] ?? 0, { title: 'changed' });
    clock.ms += 10 * MINUTE;
    desk.calls.clear();

    const { rows } = await poll(cursor);

    expect(idle).toHaveLength(1);
    expect(refs(rows)).toEqual([all[2]]);
    expect(rows[0]?.observed.title).toBe('changed');
    expect(calls(desk)).toEqual([
      expect.stringContaining('order=last_active_at'),
      `incidents/${all[2]}.json?`,
    ]);
  });

  test('is read again from scratch when it turns round', async () => {
    const { desk, clock, poll } = await setUp({ direction });
    const all: number[] = [];
    for (let index = 0; index < 130; index += 1) {
      clock.ms += MINUTE;
      all.push(desk.human.create({ title: `Incident ${index}` }));
    }
    let { cursor } = await poll(null);
    clock.ms += HOUR;
    ({ cursor } = await poll(cursor));
    desk.direction = direction === 'asc' ? 'desc' : 'asc';
    desk.human.edit(all[2] ?? 0, { title: 'changed' });
    clock.ms += 10 * MINUTE;

    const { rows } = await poll(cursor);

    expect(refs(rows)).toEqual([all[2]]);
  });

  test('wrapped rows are the same rows', async () => {
    const { desk, clock, poll } = await setUp({ direction, rows: 'wrapped' });
    const ref = desk.human.create({ title: 'one' });
    clock.ms += MINUTE;
    const { cursor, rows } = await poll(null);
    clock.ms += 10 * MINUTE;
    desk.human.edit(ref, { title: 'two' });

    const after = await poll(cursor);

    expect(byId(rows).get(String(ref))?.observed.title).toBe('one');
    expect(byId(after.rows).get(String(ref))?.observed.title).toBe('two');
  });

  test('leaves what is new since the baseline began, and what changed meanwhile, to the walk after it', async () => {
    const { desk, clock, poll } = await setUp({ direction, maxLimit: 10 });
    const old = Array.from({ length: 25 }, (_, index) => desk.human.create({ title: `Incident ${index}` }));
    clock.ms += HOUR;
    const fresh: number[] = [];
    desk.beforeEachRequest = () => {
      clock.ms += 5_000;
      fresh.push(desk.human.create({ title: 'while it was read' }));
      desk.human.edit(old[fresh.length] ?? 0, { title: 'changed meanwhile' });
    };

    const baseline = await poll(null);
    desk.beforeEachRequest = null;
    const made = [...fresh];
    clock.ms += 10 * MINUTE;
    const { rows } = await poll(baseline.cursor);

    expect(refs(baseline.rows).some((ref) => made.includes(ref) && ref !== made[0])).toBe(false);
    const told = refs(rows);
    expect(made.slice(1).filter((ref) => !told.includes(ref))).toEqual([]);
    expect(old.slice(2, 1 + made.length).filter((ref) => !told.includes(ref))).toEqual([]);
  });

  test('a whole page of one stamp tells by its other end', async () => {
    const { desk, clock, poll } = await setUp({ direction });
    for (let index = 0; index < 60; index += 1) desk.human.create({ title: `Incident ${index}` });
    clock.ms += HOUR;
    const late = Array.from({ length: 60 }, (_, index) => desk.human.create({ title: `Late ${index}` }));
    clock.ms += HOUR;
    let { cursor } = await poll(null);
    ({ cursor } = await poll(cursor));
    clock.ms += HOUR;
    desk.human.edit(late[0] ?? 0, { title: 'changed' });
    clock.ms += 10 * MINUTE;

    const { rows, cursor: after } = await poll(cursor);

    expect(refs(rows)).toEqual([late[0]]);
    expect(after).toMatchObject({ direction });
  });
});

test('a list without order is read whole, which operators are told', async () => {
  const { desk, clock, adapter, poll } = await setUp({ direction: 'none', maxLimit: 10 });
  const all: number[] = [];
  for (let index = 0; index < 25; index += 1) {
    clock.ms += MINUTE;
    all.push(desk.human.create({ title: `Incident ${index}` }));
  }
  clock.ms += HOUR;
  desk.human.edit(all[3] ?? 0, { title: 'edited' });
  clock.ms += HOUR;
  let { cursor } = await poll(null);
  ({ cursor } = await poll(cursor));
  clock.ms += 10 * MINUTE;
  for (const index of [4, 14, 24]) desk.human.edit(all[index] ?? 0, { title: 'changed' });
  clock.ms += 10 * MINUTE;
  desk.calls.clear();

  const { rows, cursor: after } = await poll(cursor);

  expect(refs(rows)).toEqual([all[4], all[14], all[24]]);
  expect(calls(desk).filter((call) => call.startsWith('incidents.json'))).toHaveLength(3);
  const idle = { cursor: after, next: null, baseline: false };
  const page = await adapter.readPage('incidents', idle, new Set(), contractContext());
  expect(page.degraded).toContain('has no order');
  expect((await adapter.selfTest(contractContext())).findings.join()).toContain('has no order');
});

describe('a list whose order may be chance', () => {
  /** Three pages of incidents, half an hour apart, in the order of their creation. */
  function createMany({ desk, clock }: Setup): readonly number[] {
    return Array.from({ length: 25 }, (_, index) => {
      clock.ms += HOUR / 2;
      return desk.human.create({ title: `Incident ${index}` });
    });
  }

  test('is read whole once an hour: what it hid is told then, and that it has no order', async () => {
    const setup = await setUp({ direction: 'none', maxLimit: 10 });
    const { desk, clock, poll } = setup;
    const all = createMany(setup);
    clock.ms += HOUR;
    let { cursor } = await poll(null);
    ({ cursor } = await poll(cursor));
    // On the first page, while the newest are on the last one.
    desk.human.edit(all[3] ?? 0, { title: 'hidden' });
    const told: number[] = [];
    for (let polls = 0; polls < 6; polls += 1) {
      clock.ms += 10 * MINUTE;
      desk.human.edit(all[24] ?? 0, { title: `seen ${polls}` });
      const walked = await poll(cursor);
      ({ cursor } = walked);
      told.push(...refs(walked.rows));
    }

    expect(told.filter((ref) => ref === all[3])).toHaveLength(1);
    expect(told.filter((ref) => ref === all[24])).toHaveLength(6);
    expect(cursor).toMatchObject({ direction: 'mixed' });
  });

  test('that has an order again is read from its newest end again', async () => {
    const setup = await setUp({ direction: 'none', maxLimit: 10 });
    const { desk, clock, poll } = setup;
    const all = createMany(setup);
    desk.human.edit(all[3] ?? 0, { title: 'edited' });
    clock.ms += HOUR;
    let { cursor } = await poll(null);
    expect(cursor).toMatchObject({ direction: 'mixed' });
    desk.direction = 'desc';
    desk.human.edit(all[7] ?? 0, { title: 'edited too' });
    clock.ms += 10 * MINUTE;

    const found = await poll(cursor);
    ({ cursor } = found);
    desk.calls.clear();
    await poll(cursor);

    expect(refs(found.rows)).toEqual([all[7]]);
    expect(cursor).toMatchObject({ direction: 'desc' });
    expect(calls(desk)).toHaveLength(1);
  });

  test.each(['asc', 'desc'] as const)('that cannot be chance (%s) is not read whole', async (direction) => {
    const setup = await setUp({ direction, maxLimit: 10 });
    const { desk, clock, poll } = setup;
    const all = createMany(setup);
    desk.human.edit(all[3] ?? 0, { title: 'edited' });
    clock.ms += HOUR;
    let { cursor } = await poll(null);
    ({ cursor } = await poll(cursor));
    desk.calls.clear();

    for (let polls = 0; polls < 18; polls += 1) {
      clock.ms += 10 * MINUTE;
      ({ cursor } = await poll(cursor));
    }

    expect(calls(desk)).toHaveLength(18);
  });
});

describe('what the list does not show', () => {
  test('is in the incident: two changes in one second are both seen', async () => {
    const { desk, clock, poll } = await setUp();
    const ref = desk.human.create({ title: 'one' });
    let { cursor, rows } = await poll(null);
    clock.ms += 10 * MINUTE;
    desk.human.edit(ref, { categoryId: gotoIds.vpn });
    ({ cursor, rows } = await poll(cursor));
    // Rows show neither the category nor anything finer than a second.
    desk.human.edit(ref, { categoryId: gotoIds.wifi });
    clock.ms += 10 * MINUTE;

    const after = await poll(cursor);

    expect(byId(rows).get(String(ref))?.observed.category?.name).toBe('VPN');
    expect(byId(after.rows).get(String(ref))?.observed.category?.name).toBe('Wi-Fi');
    clock.ms += 10 * MINUTE;
    expect((await poll(after.cursor)).rows).toEqual([]);
  });

  test('notes of all kinds come with it, their readers unknown; empty dates are none', async () => {
    const { desk, clock, adapter, poll } = await setUp();
    const ref = desk.human.create({ title: 'one' });
    const { cursor } = await poll(null);
    clock.ms += 10 * MINUTE;
    desk.human.note(ref, 'It does not work', { kind: 'symptom', email: 'mert@acme.com' });
    desk.human.note(ref, 'Looking', { by: gotoIds.nora });
    const solution = desk.human.note(ref, 'Rebooted', { kind: 'resolution' });

    const { rows } = await poll(cursor);
    const [read] = await adapter.readChanged(rows, new Set(['comments']), contractContext());

    expect(read).toMatchObject({
      gone: false,
      observed: { description: 'It does not work', resolved_at: null, closed_at: null, phase: 'open' },
      comments: [
        { text: 'Looking', public: null, solution: false, author: { name: 'Nora Yilmaz', kind: 'agent' } },
        { id: `resolution:${solution}`, text: 'Rebooted', solution: true },
      ],
    });
  });

  test('e-mail addresses cost a call per person and day, and only where rules read them', async () => {
    const { desk, adapter } = await setUp();
    const ref = String(desk.human.create({ title: 'one', assignedUserId: gotoIds.ali }));
    const needs = new Set(['requester.email', 'assignee.email']);

    const plain = await adapter.readTicket(ref, new Set(), contractContext());
    desk.calls.clear();
    await adapter.readTicket(ref, needs, contractContext());
    const full = await adapter.readTicket(ref, needs, contractContext());

    expect(plain).toMatchObject({ observed: { requester: { name: 'Mert Şahin', email: null } } });
    expect(full).toMatchObject({
      observed: { requester: { email: 'mert@acme.com' }, assignee: { email: 'ali@acme.com', kind: 'agent' } },
    });
    expect(desk.calls.all).toHaveLength(4);
  });

  test('what leaves a list of services is looked for: closed, or gone', async () => {
    const { desk, clock, adapter, poll } = await setUp({}, { service_ids: [gotoIds.network] });
    const [stays, closes, goes] = ['stays', 'closes', 'goes'].map((title) => desk.human.create({ title }));
    const elsewhere = desk.human.create({
      title: 'elsewhere',
      serviceId: gotoIds.workplace,
      priorityId: 160,
    });
    let { cursor, rows } = await poll(null, 'reconcile');
    expect(rows).toEqual([]);
    clock.ms += 2 * HOUR;
    desk.human.close(closes ?? 0);
    desk.human.remove(goes ?? 0);

    ({ cursor, rows } = await poll(cursor, 'reconcile'));
    const reads = await adapter.readChanged(rows, new Set(), contractContext());

    expect(refs(rows)).toEqual([closes, goes]);
    expect(reads).toMatchObject([
      { gone: false, observed: { phase: 'closed' } },
      { gone: true, id: String(goes) },
    ]);
    expect(cursor).toEqual({ refs: [String(stays)] });
    expect(elsewhere).toBeGreaterThan(0);
  });

  test('came and went between two looks, and is looked for because it is held for open', async () => {
    const { desk, clock, adapter, poll } = await setUp({}, { service_ids: [gotoIds.network] });
    desk.human.create({ title: 'stays' });
    const { cursor } = await poll(null, 'reconcile');
    clock.ms += 2 * HOUR;
    const [closes, goes] = ['closes', 'goes'].map((title) => desk.human.create({ title }));
    desk.human.close(closes ?? 0);
    desk.human.remove(goes ?? 0);

    const unfinished = [String(closes), String(goes), 'problem-20'];
    const { rows } = await poll(cursor, 'reconcile', unfinished);
    const reads = await adapter.readChanged(rows, new Set(), contractContext());

    expect(reads).toMatchObject([
      { id: String(closes), gone: false, observed: { phase: 'closed' } },
      { id: String(goes), gone: true },
    ]);
  });
});

test('what was read is kept when the budget ends in the middle', async () => {
  const { desk, clock, io, adapter, poll } = await setUp();
  const all = Array.from({ length: 4 }, (_, index) => desk.human.create({ title: `Incident ${index}` }));
  const { cursor } = await poll(null);
  clock.ms += HOUR;
  for (const ref of all) desk.human.edit(ref, { title: 'changed' });
  clock.ms += MINUTE;
  const refusal = new VendorError('nothing left', {
    reason: 'rate_limited',
    vendor: 'gotoassist',
    connection: 'acme',
    notApplied: true,
  });
  desk.beforeEachRequest = (call) => {
    if (call.name.startsWith('incidents/')) io.refusal = refusal;
  };

  const listed = await adapter.readPage(
    'incidents',
    { cursor, next: null, baseline: false },
    new Set(),
    contractContext(),
  );
  const position = { cursor, next: listed.next, baseline: false };
  const first = await adapter.readPage('incidents', position, new Set(), contractContext());
  const starved = adapter.readPage(
    'incidents',
    { ...position, next: first.next },
    new Set(),
    contractContext(),
  );

  expect(first.rows).toHaveLength(1);
  await expect(starved).rejects.toBe(refusal);
  desk.beforeEachRequest = null;
  io.refusal = null;
  const rest = await adapter.readPage(
    'incidents',
    { ...position, next: first.next },
    new Set(),
    contractContext(),
  );
  expect(refs([...first.rows, ...rest.rows]).toSorted((a, b) => a - b)).toEqual(all);
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
        observed.assignee?.id ?? '',
        observed.closed_at != null,
      ];
      if (this.states.get(observed.id) !== state.join('/')) this.changes += 1;
      this.states.set(observed.id, state.join('/'));
    }
  }
}

function truth(desk: GotoDesk): ReadonlyMap<string, string> {
  return new Map(
    [...desk.state.incidents.values()].map((one) => {
      const state = [one.title, one.priorityId, one.assignedUserId ?? '', one.closedAt !== null];
      return [String(one.referenceNum), state.join('/')];
    }),
  );
}

describe('nothing is missed while people edit between any two requests', () => {
  test.each([
    ['asc', 21],
    ['asc', 22],
    ['desc', 23],
    ['desc', 24],
  ] as const)('a list that runs %s, seed %i', async (direction, seed) => {
    const { desk, clock, poll } = await setUp({ direction, seed, maxLimit: 25 });
    for (let index = 0; index < 60; index += 1) desk.human.create({ title: `Incident ${index}` });
    const snapshot = new Snapshot();
    let { cursor, rows } = await poll(null);
    snapshot.apply(rows);
    let requests = 0;
    for (let round = 0; round < 8; round += 1) {
      // Several edits fall into one second; some days pass without a poll.
      desk.beforeEachRequest = () => {
        requests += 1;
        if (requests % 2 === 0) for (let edit = 0; edit < 2; edit += 1) desk.randomEdit();
        if (requests % 3 === 0) clock.ms += 700;
      };
      ({ cursor, rows } = await poll(cursor));
      snapshot.apply(rows);
      desk.beforeEachRequest = null;
      for (let edit = 0; edit < 30; edit += 1) desk.randomEdit();
      clock.ms += round % 4 === 3 ? 2 * DAY : 10 * MINUTE;
    }
    for (let last = 0; last < 2; last += 1) {
      ({ cursor, rows } = await poll(cursor));
      snapshot.apply(rows);
      clock.ms += 10 * MINUTE;
    }

    expect(desk.state.incidents.size).toBeGreaterThan(90);
    expect(Object.fromEntries(snapshot.states)).toMatchObject(Object.fromEntries(truth(desk)));

    const before = snapshot.changes;
    ({ rows } = await poll(cursor));
    snapshot.apply(rows);
    expect(snapshot.changes).toBe(before);
  });
});
