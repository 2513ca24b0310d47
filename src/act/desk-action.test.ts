import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine, type StepRow } from '../../test/support/engine.ts';

let engine: Engine;
let id: number;
beforeAll(async () => {
  engine = await createEngine({ settings: { phases: { 'On hold': 'waiting' } } });
});
afterAll(() => engine.close());
beforeEach(async () => {
  await engine.clear();
});

/** A ticket is created and seen; the rule below plans these steps for it. */
async function planned(then: string, more = ''): Promise<void> {
  await engine.publish(
    `id: r\nname: r\non: [ticket.created]\nwhen: { category: Network }\nthen:\n${then}\n${more}`,
  );
  id = engine.desk.human.create({ subject: 'VPN down', category: 'Network' });
  await engine.refresh(id);
  engine.desk.calls.clear();
}

async function step(position = 0): Promise<StepRow> {
  const found = (await engine.steps())[position];
  if (found === undefined) throw new Error(`there is no step ${position}`);
  return found;
}

const COMMENT = '  - comment: { text: "on it" }';
const REASSIGN = '  - reassign: { agent: ali@acme.com }';
const texts = (): readonly string[] =>
  engine.desk.comments(id).map((comment) => comment.body.replace(/\s*\[ref \w{6}\]$/, ''));
const posted = (name: string): number =>
  engine.desk.calls.all.filter((call) => call.method === 'POST' && call.name === name).length;
/** Past deadline and settle time, then past the second look. */
const SETTLED = '25 seconds';
const LOOKED_TWICE = '60 seconds';

describe('a send', () => {
  test('is on record before the call is made', async () => {
    await planned(COMMENT);
    const held = engine.desk.faults.hold('POST comment');

    const working = engine.work();
    await held.arrived;
    const during = await step();
    held.release();
    await working;

    expect(during.state).toBe('sending');
    expect(during.intent).toMatchObject({ absences: 0, write: { part: 'comment' } });
    expect((await step()).state).toBe('done');
    expect(texts()).toEqual(['on it']);
  });

  test('skips what is so already', async () => {
    await planned(REASSIGN);
    engine.desk.human.assign(id, 'ali@acme.com');

    await engine.work();

    expect(await step()).toMatchObject({ state: 'skipped', reason: 'already so', attempts: 0 });
    expect(posted('updateticket')).toBe(0);
  });

  test('to a ticket that is gone becomes a dead letter', async () => {
    await planned(REASSIGN);
    engine.desk.human.remove(id);

    await engine.work();

    expect(await step()).toMatchObject({ state: 'dead', reason: 'the ticket is gone' });
  });
});

describe('a comment whose answer is lost', () => {
  test('is found at once and not sent again when the desk has it', async () => {
    await planned(COMMENT);
    engine.desk.faults.next('POST comment', { kind: 'reset_after' });

    await engine.work();
    await engine.work(LOOKED_TWICE);

    expect(await step()).toMatchObject({ state: 'done', attempts: 1 });
    expect(texts()).toEqual(['on it']);
    expect(posted('comment')).toBe(1);
  });

  test.each([
    { kind: 'status', status: 500, applied: true },
    { kind: 'bad_gateway', applied: true },
    { kind: 'login_page' },
    { kind: 'cut_off' },
  ] as const)('is not doubled after $kind', async (fault) => {
    await planned(COMMENT);
    engine.desk.faults.next('POST comment', fault);

    await engine.work();
    await engine.work(SETTLED);
    await engine.work(LOOKED_TWICE);

    expect(await step()).toMatchObject({ state: 'done' });
    expect(texts()).toEqual(['on it']);
  });

  test('is sent again only after the settle time and two absences', async () => {
    await planned(COMMENT);
    engine.desk.faults.next('POST comment', { kind: 'reset_before' });

    await engine.work();
    const unknown = await step();
    await engine.work(SETTLED);
    const absentOnce = await step();
    const sentBefore = posted('comment');
    await engine.work(LOOKED_TWICE);

    expect(unknown).toMatchObject({ state: 'sending', reason: 'outcome unknown: not found yet' });
    expect(unknown.dueInMs).toBeGreaterThan(15_000);
    expect(absentOnce).toMatchObject({ state: 'sending', intent: { absences: 1 } });
    expect(sentBefore).toBe(1);
    expect(await step()).toMatchObject({ state: 'done', attempts: 2 });
    expect(texts()).toEqual(['on it']);
    expect(posted('comment')).toBe(2);
  });

  test('stays in doubt, never resent, while the desk cannot be read', async () => {
    await planned(COMMENT);
    engine.desk.faults.next('POST comment', { kind: 'reset_after' });
    const down = engine.desk.faults.always('GET comments', { kind: 'status', status: 500 });
    // The list before the send must succeed.
    engine.desk.faults.next('GET comments', { kind: 'latency', ms: 0 });

    await engine.work();
    const first = await step();
    await engine.work(LOOKED_TWICE);
    const second = await step();
    down();
    await engine.work('600 seconds');

    expect(first).toMatchObject({ state: 'sending' });
    expect(second).toMatchObject({ state: 'sending' });
    expect(await step()).toMatchObject({ state: 'done' });
    expect(texts()).toEqual(['on it']);
  });

  test('is found although our clock had jumped ahead of the desk’s by an hour', async () => {
    await planned(COMMENT);
    engine.desk.faults.next('POST comment', { kind: 'reset_after' });

    await engine.work('1 hour');

    expect(await step()).toMatchObject({ state: 'done', attempts: 1 });
    expect(texts()).toEqual(['on it']);
  });

  test('that never gets through ends as a dead letter', async () => {
    await planned(COMMENT);
    engine.desk.faults.always('POST comment', { kind: 'reset_before' });
    await engine.work();
    await sql`UPDATE steps SET attempts = 12`.execute(engine.database.db);

    await engine.work(SETTLED);
    await engine.work(LOOKED_TWICE);

    expect(await step()).toMatchObject({ state: 'dead' });
    expect((await step()).reason).toMatch(/^12 attempts used/);
    expect(posted('comment')).toBe(1);
  });

  test('is not mistaken for an equal comment that stood there before', async () => {
    await planned(`${COMMENT}\n${COMMENT}`);
    engine.desk.faults.next('POST comment', { kind: 'latency', ms: 0 });
    engine.desk.faults.next('POST comment', { kind: 'reset_before' });

    await engine.work();
    await engine.work(SETTLED);
    await engine.work(LOOKED_TWICE);

    expect(texts()).toEqual(['on it', 'on it']);
    expect((await engine.steps()).map((one) => one.state)).toEqual(['done', 'done']);
  });
});

describe('a comment before a move', () => {
  test('is not sent again when planning the move fails', async () => {
    await planned('  - close: { text: "bye" }');
    engine.desk.faults.next('POST close', { kind: 'too_many', retryAfter: 0 });

    await engine.work();
    await engine.work(LOOKED_TWICE);

    expect(await step()).toMatchObject({ state: 'done' });
    expect(texts()).toEqual(['bye']);
    expect(engine.desk.ticket(id).statusId).toBe(3);
  });

  test('is not sent again when the ticket cannot be read after it', async () => {
    await planned('  - set: { priority: high, custom: { Asset number: "7" } }');
    engine.desk.faults.next('POST updateticket', { kind: 'latency', ms: 0 });
    let reads = 0;
    engine.desk.faults.next((call) => call.method === 'GET' && call.name === 'ticket' && ++reads >= 2, {
      kind: 'status',
      status: 503,
    });

    await engine.work();
    const interrupted = await step();
    await engine.work(LOOKED_TWICE);

    expect(interrupted).toMatchObject({ state: 'pending', parts: { fields: { child: null } } });
    expect(await step()).toMatchObject({ state: 'done' });
    expect(posted('updateticket')).toBe(1);
  });
});

describe('a reassignment that was interrupted', () => {
  test('is done when the desk has the value', async () => {
    await planned(REASSIGN);
    engine.desk.faults.next('POST updateticket', { kind: 'reset_after' });

    await engine.work();

    expect(await step()).toMatchObject({ state: 'done' });
    expect(posted('updateticket')).toBe(1);
  });

  test('is not repeated over a value that a person set meanwhile', async () => {
    await planned(REASSIGN);
    engine.desk.faults.next('POST updateticket', { kind: 'reset_before' });
    await engine.work();
    engine.desk.human.assign(id, 'nora@acme.com');

    await engine.work(SETTLED);
    await engine.work(LOOKED_TWICE);

    expect(await step()).toMatchObject({
      state: 'skipped',
      reason: 'someone else changed assignee meanwhile',
    });
    expect(engine.desk.ticket(id).assignedToUserId).toBe(2);
    expect(posted('updateticket')).toBe(1);
  });

  test('that was refused is not repeated over such a value either', async () => {
    await planned(REASSIGN);
    engine.desk.faults.next('POST updateticket', { kind: 'too_many', retryAfter: 0 });
    await engine.work();
    engine.desk.human.assign(id, 'nora@acme.com');

    await engine.work(LOOKED_TWICE);

    expect(await step()).toMatchObject({ state: 'skipped' });
    expect(engine.desk.ticket(id).assignedToUserId).toBe(2);
  });

  test('is repeated when the value is still the one from before', async () => {
    await planned(REASSIGN);
    engine.desk.faults.next('POST updateticket', { kind: 'reset_before' });

    await engine.work();
    await engine.work(SETTLED);
    await engine.work(LOOKED_TWICE);

    expect(await step()).toMatchObject({ state: 'done', attempts: 2 });
    expect(engine.desk.ticket(id).assignedToUserId).toBe(3);
  });
});

describe('a person chosen in turn', () => {
  test('is chosen once per step, however often it is tried', async () => {
    await planned('  - reassign: { agent: { rotate: [ali@acme.com, nora@acme.com] } }');
    const first = id;
    engine.desk.faults.next('POST updateticket', { kind: 'reset_before' });
    await engine.work();
    await engine.work(SETTLED);
    await engine.work(LOOKED_TWICE);
    const second = engine.desk.human.create({ subject: 'VPN down again', category: 'Network' });
    await engine.refresh(second);

    await engine.work();

    expect((await engine.steps()).map(({ state, attempts }) => [state, attempts])).toEqual([
      ['done', 2],
      ['done', 1],
    ]);
    expect(engine.desk.ticket(first).assignedToUserId).toBe(3);
    expect(engine.desk.ticket(second).assignedToUserId).toBe(2);
  });

  test('by the fewest open tickets stays chosen although the counts have changed', async () => {
    await planned('  - reassign: { agent: { least_open: [ali@acme.com, nora@acme.com] } }');
    engine.desk.faults.next('POST updateticket', { kind: 'reset_before' });
    await engine.work();
    const other = engine.desk.human.create({ subject: 'x', category: 'Printer' });
    engine.desk.human.assign(other, 'ali@acme.com');
    await engine.refresh(other);

    await engine.work(SETTLED);
    await engine.work(LOOKED_TWICE);

    expect(engine.desk.ticket(id).assignedToUserId).toBe(3);
  });
});

describe('an answer that says no', () => {
  test.each([
    ['429', { kind: 'too_many', retryAfter: 0 }, 'postponed', 0],
    ['409', { kind: 'status', status: 409 }, 'done', 1],
    ['404', { kind: 'status', status: 404, body: 'no such ticket' }, 'dead', 1],
    ['400', { kind: 'status', status: 400, body: 'no such user' }, 'dead', 1],
    ['501', { kind: 'status', status: 501 }, 'dead', 1],
  ] as const)('%s: the step is as the table says', async (_, fault, state, attempts) => {
    await planned(REASSIGN);
    engine.desk.faults.next('POST updateticket', fault);

    const worker = await engine.worker();
    await worker.executor.claimOnce();
    await worker.executor.settle();

    expect(await step()).toMatchObject({ state, attempts });
  });

  test('is quoted in the dead letter', async () => {
    await planned(REASSIGN);
    engine.desk.faults.next('POST updateticket', { kind: 'status', status: 400, body: 'no such user' });

    await engine.work();

    expect((await step()).reason).toContain('no such user');
  });

  test('409 without end is tried again with back-off and ends after 12 attempts', async () => {
    await planned(REASSIGN);
    engine.desk.faults.always('POST updateticket', { kind: 'status', status: 409 });

    const worker = await engine.worker();
    await worker.executor.claimOnce();
    await worker.executor.settle();
    const once = await step();
    await sql`UPDATE steps SET attempts = 11`.execute(engine.database.db);
    await engine.work('700 seconds');

    expect(once).toMatchObject({ state: 'pending', attempts: 1 });
    expect(await step()).toMatchObject({ state: 'dead', attempts: 12 });
  });

  test('401 postpones without using an attempt', async () => {
    await planned(REASSIGN);
    engine.desk.faults.next('POST updateticket', { kind: 'status', status: 401 });

    await engine.work();
    const found = await step();
    engine = await restarted();

    expect(found).toMatchObject({ state: 'postponed', attempts: 0 });
    expect(found.reason).toMatch(/^auth: /);
  });

  test('of a desk that takes no connections postpones without using an attempt', async () => {
    await planned(REASSIGN);
    await engine.desk.close();

    await engine.work();
    const found = await step();
    engine = await restarted();

    expect(found).toMatchObject({ state: 'postponed', attempts: 0 });
    expect(found.reason).toMatch(/^unreachable: /);
  });
});

async function restarted(): Promise<Engine> {
  await engine.close();
  return createEngine();
}
