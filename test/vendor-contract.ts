import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../src/clock.ts';
import type { Fault } from '../src/demo/simulators/support/faults.ts';
import { seededRandom, type Random } from '../src/demo/simulators/support/random.ts';
import type { Simulator } from '../src/demo/simulators/support/server.ts';
import { VendorError, type VendorReason } from '../src/errors.ts';
import {
  sameText,
  type Adapter,
  type CallContext,
  type FeedPage,
  type FeedPosition,
  type Json,
  type Occurrence,
  type PlannedWrite,
  type TicketRow,
  type Vendor,
  type VendorIo,
} from '../src/vendors/vendor.ts';

/**
 * What every adapter must do, against a simulated desk over real HTTP. A vendor's own tests call
 * `describeVendor(vendor, options)` and add only what is peculiar to it.
 */

/** A simulated desk as the contract needs it; the simulators of `src/demo` offer most of it. */
export interface ContractDesk {
  /** As an operator writes them. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** None of these may be seen in any error. */
  readonly secrets: readonly string[];
  readonly simulator: Simulator;
  /** A person opens a ticket; returns its id. */
  create(title: string): string;
  /** A person gives a ticket another title. */
  rename(id: string, title: string): void;
  /** A person writes a comment. */
  comment(id: string, text: string): void;
  remove(id: string): void;
  /** Texts of the comments that our own user has written, as the desk keeps them. */
  ownComments(id: string): readonly string[];
}

export interface ContractOptions {
  /** Starts an empty desk without limits, whose time is `clock`'s. */
  readonly start: (clock: Clock) => Promise<ContractDesk>;
  /** The feed of changes. */
  readonly feed: string;
  /** Tickets that need at least three pages of it. */
  readonly manyTickets: number;
  /** A call of the change feed and one that writes a comment, as the simulator names them. */
  readonly listCall: string;
  readonly commentCall: string;
  /** Statuses that this vendor means differently for reads of the feed. */
  readonly readReasons?: Readonly<Record<number, VendorReason>>;
  readonly writeReasons?: Readonly<Record<number, VendorReason>>;
  /** Rows of a walk are whole tickets: completing them makes no further call, so none can be gone by then. */
  readonly wholeRows?: boolean;
}

/** A clock that stands still unless it is moved. */
export class ContractClock implements Clock {
  ms = Date.parse('2026-11-23T09:00:00.000Z');
  now(): number {
    return this.ms;
  }
  monotonic(): number {
    return this.ms;
  }
  async sleep(ms: number): Promise<void> {
    this.ms += ms;
  }
}

/** Records what an adapter asks of us. */
export class ContractIo implements VendorIo {
  readonly connection = 'acme';
  readonly clock: ContractClock;
  readonly silences: { readonly inMs: number; readonly reason: string; readonly overLimit: boolean }[] = [];
  readonly warnings: string[] = [];
  readonly spent: string[] = [];
  /** Thrown by the next `spend`. */
  refusal: VendorError | null = null;

  constructor(clock: ContractClock) {
    this.clock = clock;
  }
  async spend(budget: string): Promise<void> {
    if (this.refusal !== null) throw this.refusal;
    this.spent.push(budget);
  }
  async silence(untilMs: number, reason: string, overLimit: boolean): Promise<void> {
    this.silences.push({ inMs: untilMs - this.clock.now(), reason, overLimit });
  }
  warn(message: string): void {
    this.warnings.push(message);
  }
}

export const NO_NEEDS: ReadonlySet<string> = new Set();

/** A context whose call is ended by the test's own time-out. */
export function contractContext(signal: AbortSignal = AbortSignal.timeout(10_000)): CallContext {
  return { lane: 'poll', signal };
}

/** A walk of a feed to its end. */
export interface Walked {
  readonly rows: readonly TicketRow[];
  readonly occurrences: readonly Occurrence[];
  readonly cursor: Json;
  /** As the last page said. */
  readonly degraded: string | undefined;
  readonly pages: number;
}

/** Walks a feed to its end. Cursors and places in the walk go through JSON, as they are stored between two pages. */
export async function walk(
  adapter: Adapter,
  feed: string,
  position: Omit<FeedPosition, 'next'>,
  needs: ReadonlySet<string> = NO_NEEDS,
): Promise<Walked> {
  const rows: TicketRow[] = [];
  const occurrences: Occurrence[] = [];
  let next: Json | null = null;
  for (let pages = 1; ; pages += 1) {
    const page: FeedPage = await adapter.readPage(feed, { ...position, next }, needs, contractContext());
    rows.push(...page.rows);
    occurrences.push(...page.occurrences);
    if (page.next === null) {
      return { rows, occurrences, cursor: stored(page.cursor), degraded: page.degraded, pages };
    }
    next = stored(page.next);
  }
}

function stored(value: Json): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

/** The last state of each ticket in a walk. */
export function byId(rows: readonly TicketRow[]): ReadonlyMap<string, TicketRow> {
  return new Map(rows.map((row) => [row.observed.id, row]));
}

/** The error of a promise that must fail with a {@link VendorError}. */
export async function vendorFailure(promise: Promise<unknown>): Promise<VendorError> {
  const error: unknown = await promise.then(
    (value) => new Error(`did not fail but gave ${inspect(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof VendorError)) throw error;
  return error;
}

/** Status → reason, and whether it proves that a write was not applied. */
const STATUSES: readonly (readonly [number, VendorReason, boolean])[] = [
  [400, 'refused', true],
  [401, 'auth', true],
  [402, 'auth', true],
  [403, 'auth', true],
  [404, 'not_found', true],
  [405, 'refused', true],
  [408, 'timeout', false],
  [409, 'conflict', true],
  [410, 'refused', true],
  [415, 'refused', true],
  [422, 'refused', true],
  [425, 'vendor_fault', true],
  [428, 'refused', true],
  [429, 'rate_limited', true],
  [500, 'vendor_fault', false],
  [502, 'vendor_fault', false],
  [503, 'vendor_fault', false],
  [504, 'vendor_fault', false],
];

/** Answers that are none, for reads. */
const BROKEN: readonly (readonly [string, Fault, VendorReason, RegExp])[] = [
  ['a sign-in page with status 200', { kind: 'login_page' }, 'unreadable', /wrong url\?/],
  ['half an answer', { kind: 'truncated' }, 'unreadable', /not JSON/],
  ['half an answer on a broken connection', { kind: 'cut_off' }, 'timeout', /broke/],
  ['a reset connection', { kind: 'reset_before' }, 'timeout', /broke/],
  ["a proxy's page", { kind: 'bad_gateway' }, 'vendor_fault', /502/],
  ['a redirect', { kind: 'status', status: 302, body: '' }, 'unreadable', /redirect to .*: wrong url\?/],
  [
    'JSON of another shape',
    { kind: 'status', status: 200, body: '{"oops":1,"rows":[]}', type: 'application/json' },
    'unreadable',
    /oops/,
  ],
  [
    'JSON nested a hundred thousand deep',
    { kind: 'status', status: 200, body: '['.repeat(100_000), type: 'application/json' },
    'unreadable',
    /not JSON/,
  ],
  ['nothing', { kind: 'status', status: 200, body: '', type: 'application/json' }, 'unreadable', /not JSON/],
];

const ODD_ROUNDS = 40;
const ODD_VALUES: readonly Json[] = [null, true, 0, -1, 1.5, '', 'x', [], [null], ['x'], {}, { x: null }];

/** A JSON text with one of its values replaced by an odd one. */
function withOddValue(body: string, random: Random): string {
  if (!/^[[{]/.test(body)) return body;
  const root: Record<string, unknown> = { all: JSON.parse(body) };
  const places: (readonly [Record<string, unknown>, string])[] = [];
  const visit = (holder: Record<string, unknown>): void => {
    for (const [key, value] of Object.entries(holder)) {
      places.push([holder, key]);
      if (typeof value === 'object' && value !== null) visit(value as Record<string, unknown>);
    }
  };
  visit(root);
  const [holder, key] = random.pick(places);
  holder[key] = random.pick(ODD_VALUES);
  return JSON.stringify(root['all']);
}

export function describeVendor<Settings>(vendor: Vendor<Settings>, options: ContractOptions): void {
  const { connect } = vendor;
  if (connect === null) throw new Error(`${vendor.id} has no API`);

  describe(`${vendor.name} keeps the vendor contract`, () => {
    let desk: ContractDesk;
    let clock: ContractClock;
    let io: ContractIo;
    let adapter: Adapter;

    beforeEach(async () => {
      clock = new ContractClock();
      desk = await options.start(clock);
      io = new ContractIo(clock);
      adapter = connect(vendor.settings.parse(desk.settings), io);
    });
    afterEach(async () => {
      await adapter.close();
      await desk.simulator.close();
    });

    const poll = (cursor: Json | null = null): ReturnType<typeof walk> =>
      walk(adapter, options.feed, { cursor, baseline: cursor === null });

    /** Plans an internal comment on a new ticket. */
    const planComment = async (text: string): Promise<{ id: string; write: PlannedWrite }> => {
      const id = desk.create('VPN down');
      const ticket = await adapter.readTicket(id, NO_NEEDS, contractContext());
      if (ticket.gone) throw new Error('the new ticket is gone');
      const action = { action: 'comment', text, public: false } as const;
      const write = await adapter.nextWrite(action, ticket, new Set(), contractContext());
      if (write === null) throw new Error('no comment was planned');
      return { id, write };
    };

    describe('reads', () => {
      test('the self-test tells who we are and changes nothing', async () => {
        const result = await adapter.selfTest(contractContext());

        expect(result.botUserId).toEqual(expect.any(String));
        expect(result.findings).toEqual([]);
      });

      test('the baseline lists every open ticket over all pages', async () => {
        const ids = Array.from({ length: options.manyTickets }, (_, index) => desk.create(`Ticket ${index}`));

        const { rows, pages } = await poll();

        expect([...byId(rows).keys()].toSorted()).toEqual(ids.toSorted());
        expect(pages).toBeGreaterThanOrEqual(3);
      });

      test('a walk goes on from its cursor: what changed has another version, the rest the same', async () => {
        const [changed, same] = [desk.create('one'), desk.create('two')];
        const baseline = await poll();
        clock.ms += 60_000;
        desk.rename(changed, 'one, renamed');

        const { rows } = await poll(baseline.cursor);

        const [before, after] = [byId(baseline.rows), byId(rows)];
        expect(after.get(changed)?.version).not.toBe(before.get(changed)?.version);
        expect(after.get(changed)?.observed.title).toBe('one, renamed');
        expect(after.get(same)?.version ?? before.get(same)?.version).toBe(before.get(same)?.version);
      });

      test('tickets that change while the pages are read are not lost by the next walk', async () => {
        const ids = Array.from({ length: options.manyTickets }, (_, index) => desk.create(`Ticket ${index}`));
        const { cursor } = await poll();
        let edits = 0;
        desk.simulator.beforeEachRequest = () => {
          clock.ms += 1_000;
          for (const id of ids.slice(edits, edits + 30)) desk.rename(id, `Moved ${id}`);
          edits += 30;
        };

        const during = await poll(cursor);
        desk.simulator.beforeEachRequest = null;
        const after = await poll(during.cursor);

        const seen = byId([...during.rows, ...after.rows]);
        const moved = ids.slice(0, edits);
        expect(edits).toBeGreaterThan(0);
        expect(moved.filter((id) => seen.get(id)?.observed.title !== `Moved ${id}`)).toEqual([]);
      });

      test('changed rows are completed in their order, with comments oldest first', async () => {
        const ids = [desk.create('one'), desk.create('two')];
        desk.comment(ids[0] ?? '', 'first');
        clock.ms += 1_000;
        desk.comment(ids[0] ?? '', 'second');
        const { rows } = await poll();

        const reads = await adapter.readChanged(rows, new Set(['comments']), contractContext());

        expect(reads.map((read) => read.id)).toEqual(rows.map((row) => row.observed.id));
        const read = reads.find(({ id }) => id === ids[0]);
        const texts =
          read?.gone === false ? read.comments?.filter((one) => !one.system).map((one) => one.text) : null;
        expect(texts).toEqual(['first', 'second']);
      });

      test('a ticket that was removed is gone, by id and between two calls', async () => {
        const id = desk.create('short-lived');
        const { rows } = await poll();
        desk.remove(id);

        const read = await adapter.readTicket(id, NO_NEEDS, contractContext());
        const last = [...byId(rows).values()];
        const changed = await adapter.readChanged(last, new Set(['comments']), contractContext());

        expect(read).toEqual({ gone: true, id });
        expect(changed.map((one) => [one.id, one.gone])).toEqual([[id, options.wholeRows !== true]]);
      });

      test('an invalid date is null, with a warning, and costs no ticket', async () => {
        const id = desk.create('one');
        const { cursor } = await poll();
        clock.ms += 60_000;
        desk.rename(id, 'one, renamed');
        const everyDate = /:(?:"\d{4}-\d\d-\d\d[^"]*"|"?\d{10}"?)(?=[,}\]])/g;
        // As the manual of BOSSDesk prints one (integration reference 1.5).
        const alter = (body: string): string => body.replaceAll(everyDate, ':"2017-12-07T12:45:74.234Z"');
        desk.simulator.faults.always('*', { kind: 'altered', alter });

        const { rows } = await poll(cursor);
        const read = await adapter.readTicket(id, NO_NEEDS, contractContext());

        expect(byId(rows).get(id)?.observed.title).toBe('one, renamed');
        expect(read).toMatchObject({ gone: false, observed: { created_at: null } });
        expect(io.warnings.filter((warning) => warning.includes('date'))).toHaveLength(1);
      });

      test('rows without an id are an answer that cannot be read, and the walk stays where it is', async () => {
        desk.create('one');
        const everyId = /"(\w*(?:id|_num))":"?\d+"?(?=[,}\]])/gi;
        const alter = (body: string): string => body.replaceAll(everyId, '"$1":null');
        desk.simulator.faults.always('*', { kind: 'altered', alter });

        const failure = await vendorFailure(poll());

        expect(failure.reason).toBe('unreadable');
        expect(failure.message).toContain('unexpected shape');
      });

      test('one odd value anywhere in an answer is lived with or told, and never a crash', async () => {
        const random = seededRandom(7);
        const id = desk.create('one');
        desk.comment(id, 'first');
        const needs = new Set(['comments', 'description', 'custom.tier']);
        const set = { action: 'set', priority: 'high', title: 'another' } as const;
        const alter = (body: string): string => (random.below(3) === 0 ? withOddValue(body, random) : body);
        const works: readonly (() => Promise<unknown>)[] = [
          () => adapter.selfTest(contractContext()),
          () => walk(adapter, options.feed, { cursor: null, baseline: true }, needs),
          () => adapter.readTicket(id, needs, contractContext()),
          async () => {
            const read = await adapter.readTicket(id, NO_NEEDS, contractContext());
            if (!read.gone) await adapter.nextWrite(set, read, new Set(), contractContext());
          },
        ];
        const crashes: unknown[] = [];
        for (let round = 0; round < ODD_ROUNDS; round += 1) {
          await adapter.close();
          adapter = connect(vendor.settings.parse(desk.settings), io);
          desk.simulator.faults.clear();
          desk.simulator.faults.always('*', { kind: 'altered', alter });
          for (const work of works) {
            await work().catch((error: unknown) => {
              if (!(error instanceof VendorError)) crashes.push(error);
            });
          }
        }

        expect(crashes).toEqual([]);
      });

      test('ids beyond 2^53 stay exact', async () => {
        const id = desk.create('one');
        const everyId = /"(\w*(?:id|_num))":"?\d+"?(?=[,}\]])/gi;
        const alter = (body: string): string => body.replaceAll(everyId, '"$1":9007199254740993');
        desk.simulator.faults.always('*', { kind: 'altered', alter });

        const read = await adapter.readTicket(id, NO_NEEDS, contractContext());

        if (read.gone) throw new Error('gone');
        const { requester, raw } = read.observed;
        expect(requester?.id).toBe('9007199254740993');
        expect(JSON.stringify(raw)).not.toContain('9007199254740992');
      });

      test('comments are null where nobody asked for them', async () => {
        const read = await adapter.readTicket(desk.create('quiet'), NO_NEEDS, contractContext());

        expect(read).toMatchObject({ gone: false, comments: null });
      });
    });

    describe('failures', () => {
      test.each(STATUSES)('status %i of a read is %s', async (status, reason) => {
        desk.simulator.faults.next(options.listCall, { kind: 'status', status, body: 'said why' });

        const error = await vendorFailure(poll());

        expect(error.reason).toBe(options.readReasons?.[status] ?? reason);
        expect(error).toMatchObject({ vendor: vendor.id, connection: 'acme', status });
        expect(error.message).toContain('said why');
      });

      test.each(STATUSES)(
        'status %i of a write is %s; not applied: %s',
        async (status, reason, notApplied) => {
          const { write } = await planComment('hello');
          desk.simulator.faults.next(options.commentCall, { kind: 'status', status, body: 'said why' });

          const error = await vendorFailure(adapter.send(write, contractContext()));

          expect(error.reason).toBe(options.writeReasons?.[status] ?? reason);
          expect(error.notApplied).toBe(notApplied);
        },
      );

      test.each(BROKEN)('%s is an error and never "no rows"', async (_, fault, reason, message) => {
        desk.simulator.faults.next(options.listCall, fault);

        const error = await vendorFailure(poll());

        expect(error.reason).toBe(reason);
        expect(error.message).toMatch(message);
        expect(error.message.toLowerCase()).toContain(options.listCall.replace('.json', '').toLowerCase());
      });

      test('bytes in another encoding than the header says do not stop the feed', async () => {
        const id = desk.create('Müşteri şikayeti');
        desk.simulator.faults.next(options.listCall, { kind: 'wrong_charset', encoding: 'latin1' });

        const { rows } = await poll();

        expect([...byId(rows).keys()]).toEqual([id]);
      });

      test('an answer that hangs ends with the signal', async () => {
        desk.simulator.faults.next(options.listCall, { kind: 'hang' });
        const abort = new AbortController();
        const position = { cursor: null, next: null, baseline: true };

        const reading = vendorFailure(
          adapter.readPage(options.feed, position, NO_NEEDS, contractContext(abort.signal)),
        );
        await expect.poll(() => desk.simulator.calls.named(options.listCall).length).toBe(1);
        abort.abort();

        expect(await reading).toMatchObject({ reason: 'timeout', notApplied: false });
      });

      test('a call whose signal is over is not made', async () => {
        const { write } = await planComment('hello');

        const error = await vendorFailure(adapter.send(write, contractContext(AbortSignal.abort())));

        expect(error).toMatchObject({ reason: 'timeout', notApplied: true });
        expect(desk.simulator.calls.named(options.commentCall)).toHaveLength(0);
      });

      test('a desk that refuses connections has certainly applied nothing', async () => {
        const { write } = await planComment('hello');
        await desk.simulator.close();
        // Another process, without a socket from before.
        await adapter.close();
        adapter = connect(vendor.settings.parse(desk.settings), io);

        const error = await vendorFailure(adapter.send(write, contractContext()));

        expect(error).toMatchObject({ reason: 'timeout', notApplied: true });
      });

      test('each call takes one from the budget first, and none is made when nothing is left', async () => {
        const { write } = await planComment('hello');
        const before = desk.simulator.calls.all.length;
        expect(io.spent).toHaveLength(before);
        io.refusal = new VendorError('no budget left', {
          reason: 'rate_limited',
          vendor: vendor.id,
          connection: 'acme',
          notApplied: true,
        });

        const error = await vendorFailure(adapter.send(write, contractContext()));

        expect(error).toBe(io.refusal);
        expect(desk.simulator.calls.all).toHaveLength(before);
      });
    });

    describe('rate limits', () => {
      test('Retry-After is honoured by everybody', async () => {
        desk.simulator.faults.next(options.listCall, { kind: 'too_many', retryAfter: 17 });

        const error = await vendorFailure(poll());

        expect(error).toMatchObject({
          reason: 'rate_limited',
          retryAt: clock.now() + 17_000,
          notApplied: true,
        });
        expect(io.silences).toEqual([
          { inMs: 17_000, reason: expect.any(String) as string, overLimit: true },
        ]);
      });

      test('without it the silence is 60, 120, 240 seconds, and 60 again after a success', async () => {
        const strike = async (): Promise<number | undefined> => {
          desk.simulator.faults.next(options.listCall, { kind: 'too_many' });
          const { retryAt = clock.now() } = await vendorFailure(poll());
          const wait = retryAt - clock.now();
          clock.ms = retryAt;
          return wait;
        };

        const waits = [await strike(), await strike(), await strike(), await strike()];
        await poll();
        waits.push(await strike());

        expect(waits).toEqual([60_000, 120_000, 240_000, 240_000, 60_000]);
      });
    });

    describe('appends', () => {
      test('a comment is found again, and what was there before is not taken for it', async () => {
        const { id, write } = await planComment('We are on it: a < b & "c"');
        desk.comment(id, 'We are on it: a < b & "c"');
        const before = await adapter.listChildren(write, contractContext());

        await adapter.send(write, contractContext());
        const after = await adapter.listChildren(write, contractContext());

        const known = new Set(before?.map((child) => child.id));
        const fresh = after?.filter((child) => !known.has(child.id)) ?? [];
        expect(fresh).toHaveLength(1);
        expect(fresh[0]?.authorId).toBe((await adapter.selfTest(contractContext())).botUserId);
        expect(sameText(write.append?.text ?? '', fresh[0]?.text ?? '')).toBe(true);
      });

      test.each([
        ['reset_after', 1],
        ['reset_before', 0],
      ] as const)(
        'after %s the outcome is unknown, and listing tells it: %i comment',
        async (kind, count) => {
          const { id, write } = await planComment('Exactly once');
          desk.simulator.faults.next(options.commentCall, { kind });

          const error = await vendorFailure(adapter.send(write, contractContext()));
          const children = (await adapter.listChildren(write, contractContext())) ?? [];

          expect(error).toMatchObject({ reason: 'timeout', notApplied: false });
          expect(children.filter((child) => sameText('Exactly once', child.text))).toHaveLength(count);
          expect(desk.ownComments(id)).toHaveLength(count);
        },
      );

      test('a comment that was confirmed is not planned again', async () => {
        const { id, write } = await planComment('Once');
        const ticket = await adapter.readTicket(id, NO_NEEDS, contractContext());
        if (ticket.gone) throw new Error('gone');
        const action = { action: 'comment', text: 'Once', public: false } as const;

        const next = await adapter.nextWrite(action, ticket, new Set([write.part]), contractContext());

        expect(next).toBeNull();
      });

      test('markup in a text does not reach the desk as markup', async () => {
        const { id, write } = await planComment('<img src=x onerror=alert(1)> & <script>');

        await adapter.send(write, contractContext());

        expect(desk.ownComments(id).join()).not.toMatch(/<(?:img|script)/i);
      });
    });

    test('no error shows a secret, whatever the desk sends back', async () => {
      const { write } = await planComment('hello');
      const echo = desk.secrets
        .flatMap((secret) => [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')])
        .join(' ');
      const faults: readonly Fault[] = [
        { kind: 'status', status: 400, body: `bad ${echo}` },
        { kind: 'status', status: 500, body: `<h1>${echo}</h1>`, type: 'text/html' },
        { kind: 'status', status: 200, body: `<html>${echo}`, type: 'text/html' },
        { kind: 'status', status: 200, body: `{"${echo.replaceAll('"', '')}":1}`, type: 'application/json' },
        { kind: 'reset_before' },
      ];
      const errors: VendorError[] = [];
      for (const fault of faults) {
        desk.simulator.faults.next(options.listCall, fault);
        errors.push(await vendorFailure(poll()));
        desk.simulator.faults.next(options.commentCall, fault);
        await adapter.send(write, contractContext()).catch((error: VendorError) => errors.push(error));
      }
      await desk.simulator.close();
      errors.push(await vendorFailure(poll()));

      const shown = errors.map((error) => inspect(error, { depth: 10 }) + JSON.stringify(error)).join('\n');
      for (const secret of desk.secrets) {
        expect(shown).not.toContain(secret);
        expect(shown).not.toContain(Buffer.from(secret).toString('base64').replace(/=+$/, ''));
      }
    });

    test('every declared action is planned or refused with a reason, every other one refused', async () => {
      const id = desk.create('anything');
      const ticket = await adapter.readTicket(id, NO_NEEDS, contractContext());
      if (ticket.gone) throw new Error('gone');
      const undeclared = [
        { action: 'task', title: 'x' },
        { action: 'approve', vote: 'accept' },
        { action: 'breaking_news', title: 'x', text: 'x' },
        { action: 'time_entry', minutes: 1 },
      ] as const;
      for (const action of undeclared.filter(
        (one) => vendor.capabilities.actions[one.action] === undefined,
      )) {
        const error = await vendorFailure(adapter.nextWrite(action, ticket, new Set(), contractContext()));
        expect(error).toMatchObject({ reason: 'refused', notApplied: true });
      }
    });
  });
}
