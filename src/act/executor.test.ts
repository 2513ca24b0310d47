import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine, type StepRow, type Worker } from '../../test/support/engine.ts';
import { until } from '../../test/support/until.ts';
import { defer } from '../demo/simulators/support/defer.ts';
import { startReceiver, type Receiver } from '../demo/simulators/receiver.ts';
import { startSlack, type Slack } from '../demo/simulators/slack/slack.ts';
import type { Database } from '../record/database.ts';
import { freeLanes } from '../record/lanes.ts';

let engine: Engine;
let receiver: Receiver;
let slack: Slack;
beforeAll(async () => {
  [receiver, slack] = await Promise.all([startReceiver(), startSlack()]);
  engine = await createEngine({
    slack,
    httpAllow: [new URL(receiver.url).host],
    environment: { TOKEN: 'whsec_c2VjcmV0c2VjcmV0' },
  });
});
afterAll(async () => {
  await engine.close();
  await Promise.all([receiver.close(), slack.close()]);
});
beforeEach(async () => {
  await engine.clear();
  receiver.faults.clear();
  receiver.calls.clear();
  slack.faults.clear();
});

async function publish(then: string, more = ''): Promise<void> {
  const when = 'when: { category: Network }';
  await engine.publish(`id: r\nname: r\non: [ticket.created]\n${when}\nthen:\n${then}\n${more}`);
}

/** A new ticket, seen by the engine; @returns its id */
async function ticket(subject = 'VPN down'): Promise<number> {
  const id = engine.desk.human.create({ subject, category: 'Network' });
  await engine.refresh(id);
  engine.desk.calls.clear();
  return id;
}

async function step(position = 0): Promise<StepRow> {
  const found = (await engine.steps())[position];
  if (found === undefined) throw new Error(`there is no step ${position}`);
  return found;
}

const states = async (): Promise<readonly string[]> =>
  (await engine.steps()).map(({ state, reason }) => (reason === null ? state : `${state}: ${reason}`));

describe('a lease', () => {
  test('that was taken over lets its old owner record nothing', async () => {
    await publish('  - comment: { text: "on it" }');
    const id = await ticket();
    const held = engine.desk.faults.hold('POST comment', 'after');
    const frozen = await engine.worker();
    await frozen.executor.claimOnce();
    await held.arrived;
    await takeLanesFrom(frozen);

    held.release();
    await frozen.executor.settle();
    const afterOld = await step();
    await engine.work();

    expect(afterOld).toMatchObject({ state: 'sending' });
    expect(await step()).toMatchObject({ state: 'done' });
    expect(engine.desk.comments(id)).toHaveLength(1);
  });

  test('lost before the send keeps the call from being made', async () => {
    await publish('  - comment: { text: "on it" }');
    const id = await ticket();
    const held = engine.desk.faults.hold('GET comments');
    const frozen = await engine.worker();
    await frozen.executor.claimOnce();
    await held.arrived;
    await takeLanesFrom(frozen);
    await engine.work();

    held.release();
    await frozen.executor.settle();

    expect(await step()).toMatchObject({ state: 'done', attempts: 1 });
    expect(engine.desk.comments(id)).toHaveLength(1);
  });

  test('of a crash in the middle of a send is verified, not sent, before deadline and settle time', async () => {
    await publish('  - comment: { text: "on it" }');
    const id = await ticket();
    await crashAt('before_send');

    await engine.work();
    const early = await step();
    await engine.work('15 seconds');
    const beforeSettle = engine.desk.calls.named('POST comment').length;
    await engine.work('25 seconds');
    await engine.work('60 seconds');

    expect(early).toMatchObject({ state: 'sending', reason: 'outcome unknown: not found yet' });
    expect(beforeSettle).toBe(0);
    expect(await step()).toMatchObject({ state: 'done', attempts: 2 });
    expect(engine.desk.comments(id)).toHaveLength(1);
  });

  test('of a crash after a send finds what was sent', async () => {
    await publish('  - comment: { text: "on it" }');
    const id = await ticket();
    await crashAt('after_send');

    await engine.work();

    expect(await step()).toMatchObject({ state: 'done', attempts: 1 });
    expect(engine.desk.comments(id)).toHaveLength(1);
  });

  test('of a claim whose answer was lost is given back', async () => {
    await publish('  - acknowledge: {}');
    await ticket();
    const cut = cutAfterCommit(engine.database);
    const worker = await engine.worker({ database: cut.database });
    cut.armed = true;

    await expect(worker.executor.claimOnce()).rejects.toThrow('cut');
    await worker.work();

    expect(await states()).toEqual(['done']);
  });

  test('is of one step per ticket: two workers never act on one ticket at once', async () => {
    await publish('  - comment: { text: "1" }\n  - comment: { text: "2" }\n  - comment: { text: "3" }');
    const ids = [await ticket('a'), await ticket('b'), await ticket('c')];
    const underWay = new Map<string, number>();
    const clashes: string[] = [];
    engine.desk.beforeEachRequest = (call) => {
      if (call.name !== 'comment') return;
      const id = call.params.get('id') ?? '';
      if (underWay.has(id)) clashes.push(id);
      underWay.set(id, 1);
      setImmediate(() => underWay.delete(id));
    };

    const workers = await Promise.all([engine.worker(), engine.worker()]);
    await Promise.all(workers.map((worker) => worker.work()));
    await engine.work();

    expect(clashes).toEqual([]);
    for (const id of ids) {
      const said = engine.desk.comments(id).map((comment) => comment.body.slice(0, 1));
      expect(said).toEqual(['1', '2', '3']);
    }
  });
});

describe('a receiver that hangs', () => {
  test('holds up nobody, however many steps wait for it', async () => {
    const desk =
      'id: desk\nname: desk\non: [ticket.created]\nwhen: { category: Network }\nthen: [{ comment: { text: "on it" } }]';
    const post = `then: [{ http.post: { url: "${receiver.url}/in" } }]`;
    await engine.publish(
      `${desk}\n---\nid: post\nname: post\non: [custom.x]\nwhen: { connection: acme }\n${post}\n`,
    );
    receiver.faults.always('*', { kind: 'hang' });
    await Promise.all(Array.from({ length: 300 }, () => engine.happen({ type: 'custom.x' })));
    const id = await ticket();
    const worker = await engine.worker();

    await until('the comment', async () => {
      await worker.executor.claimOnce();
      return engine.desk.comments(id).length === 1;
    });
    const waiting = (await states()).filter((state) => state.startsWith('postponed: busy'));
    receiver.faults.clear();
    await worker.executor.stop(0);

    expect(waiting.length).toBeGreaterThan(100);
  });
});

test('a desk that hangs with all its room taken holds up no wait and no step of our own', async () => {
  const room = 4;
  await engine.publish(`
id: desk
name: desk
on: [ticket.created]
when: { category: Network }
then: [{ comment: { text: "on it" } }]
---
id: wait
name: wait
on: [custom.x]
when: { connection: acme }
then: [{ emit: { type: custom.y } }, { wait: 1h }, { http.post: { url: "${receiver.url}/in" } }]
`);
  const ids = Array.from({ length: room }, () =>
    engine.desk.human.create({ subject: 'x', category: 'Network' }),
  );
  await engine.refresh(...ids);
  const held = ids.map(() => engine.desk.faults.hold('GET ticket'));
  const worker = await engine.worker();
  await worker.executor.claimOnce();
  const [first] = held;
  await first?.arrived;

  await engine.happen({ type: 'custom.x' });
  const waiting = await until('the wait', async () => {
    await worker.executor.claimOnce();
    return (await engine.steps()).find(({ action, state }) => action === 'wait' && state !== 'pending');
  });
  const [emitted] = (await engine.steps()).filter(({ action }) => action === 'emit');
  engine.desk.faults.clear();
  await worker.executor.settle();

  expect([emitted?.state, waiting.state]).toEqual(['done', 'waiting']);
});

describe('a step is not taken', () => {
  test('when the event is late and a customer would see it; the others are', async () => {
    await publish(
      '  - comment: { text: "hello", public: true }\n  - comment: { text: "internal" }\n  - close: {}',
    );
    const id = engine.desk.human.create({ subject: 'x', category: 'Network' });
    engine.desk.ticket(id).issueDate = Date.now() - 16 * 60_000;
    await sql`UPDATE feeds SET baseline_at = baseline_at - interval '1 hour'`.execute(engine.database.db);
    await engine.refresh(id);

    await engine.work();

    expect(await states()).toEqual(['suppressed: late', 'done', 'suppressed: late']);
  });

  test('when the rule says that late does not matter, it is', async () => {
    await publish('  - comment: { text: "hello", public: true }', 'late: true');
    const id = engine.desk.human.create({ subject: 'x', category: 'Network' });
    engine.desk.ticket(id).issueDate = Date.now() - 16 * 60_000;
    await engine.refresh(id);

    await engine.work();

    expect(await states()).toEqual(['done']);
  });

  test('when the conditions of an event older than 30 s do not hold any more', async () => {
    await publish('  - comment: { text: "on it" }');
    const id = await ticket();
    engine.desk.human.edit(id, { category: 'Printer' });

    await engine.work('31 seconds');

    expect(await states()).toEqual(['skipped: the conditions no longer hold']);
    expect(await engine.runs()).toMatchObject([{ state: 'ended', reason: 'the conditions no longer hold' }]);
  });

  test('is taken without a second look when the event is younger', async () => {
    await publish('  - comment: { text: "on it" }');
    const id = await ticket();
    engine.desk.human.edit(id, { category: 'Printer' });

    await engine.work('25 seconds');

    expect(await states()).toEqual(['done']);
  });

  test('no condition is looked at again after our own first write', async () => {
    await publish('  - reassign: { queue: Network L2 }\n  - comment: { text: "moved" }');
    await ticket();
    const worker = await engine.worker();
    await worker.executor.claimOnce();
    await worker.executor.settle();

    await engine.work('40 seconds');

    expect(await states()).toEqual(['done', 'done']);
  });

  test('nor after the first part of an action whose second part has to wait', async () => {
    await publish('  - set: { category: VPN, custom: { Asset number: "7" } }');
    const id = await ticket();
    engine.desk.faults.next((call) => call.method === 'POST' && call.name.includes('custom'), {
      kind: 'too_many',
      retryAfter: 0,
    });
    const worker = await engine.worker();
    await worker.executor.claimOnce();
    await worker.executor.settle();
    const between = await step();

    await engine.work('60 seconds');

    expect(between).toMatchObject({ state: 'postponed', parts: { fields: { child: null } } });
    expect(await states()).toEqual(['done']);
    expect(engine.desk.ticket(id).customFields.get(502)).toBe('7');
  });

  test('after a wait when nobody needs to act any more', async () => {
    await publish('  - wait: 15m\n  - comment: { text: "still open" }');
    const id = await ticket();
    await engine.work();
    engine.desk.human.close(id);

    await engine.work('16 minutes');

    expect(await states()).toEqual(['done', 'skipped: while no longer holds']);
    expect(await engine.runs()).toMatchObject([{ state: 'ended', reason: 'while no longer holds' }]);
  });

  test('before the wait is over', async () => {
    await publish('  - wait: 15m\n  - comment: { text: "still open" }');
    await ticket();

    await engine.work();
    await engine.work('14 minutes');
    const early = await states();
    await engine.work('16 minutes');

    expect(early).toEqual(['waiting: waits', 'pending']);
    expect(await states()).toEqual(['done', 'done']);
  });

  test("after a wait when the rule's own while fails", async () => {
    await publish(
      '  - wait: 15m\n  - comment: { text: "still open" }',
      'while: { assignee: { empty: true } }',
    );
    const id = await ticket();
    await engine.work();
    engine.desk.human.assign(id, 'ali@acme.com');

    await engine.work('16 minutes');

    expect((await states())[1]).toBe('skipped: while no longer holds');
  });

  test('after a wait when the ticket is gone', async () => {
    await publish('  - wait: 15m\n  - comment: { text: "still open" }');
    const id = await ticket();
    await engine.work();
    engine.desk.human.remove(id);

    await engine.work('16 minutes');

    expect((await states())[1]).toBe('skipped: the ticket is gone');
  });

  test('by a shadow rule, whose steps are recorded', async () => {
    await publish('  - comment: { text: "on it" }', 'mode: shadow');
    const id = await ticket();

    await engine.work();

    expect(await engine.runs()).toMatchObject([{ state: 'done', reason: 'shadow' }]);
    expect(await states()).toEqual(['suppressed: shadow']);
    expect(engine.desk.comments(id)).toEqual([]);
  });

  test('once its rule was switched off', async () => {
    await publish('  - wait: 15m\n  - comment: { text: "on it" }');
    await ticket();
    await engine.work();
    await publish('  - wait: 15m\n  - comment: { text: "on it" }', 'mode: off');

    await engine.work('16 minutes');

    expect(await engine.runs()).toMatchObject([{ state: 'ended' }]);
    expect((await states())[1]).toMatch(/^skipped/);
  });

  test('after a required step that failed', async () => {
    await publish('  - comment: { text: "on it" }\n    required: true\n  - acknowledge: {}');
    await ticket();
    engine.desk.faults.next('POST comment', { kind: 'status', status: 400 });

    await engine.work();

    expect((await states())[0]).toMatch(/^dead/);
    expect((await states())[1]).toBe('skipped: a required step is dead');
  });

  test('the run goes on after a dead step that nothing depends on', async () => {
    await publish('  - comment: { text: "on it" }\n  - acknowledge: {}');
    await ticket();
    engine.desk.faults.next('POST comment', { kind: 'status', status: 400 });

    await engine.work();

    expect((await states())[1]).toBe('done');
    expect(await engine.runs()).toMatchObject([{ state: 'done' }]);
  });
});

describe('http.post', () => {
  const post = (more = ''): string => `  - http.post: { url: "${receiver.url}/in"${more} }`;

  test('sends the event with the rule, signed, under the id of its step', async () => {
    await publish(post(', secret: "${TOKEN}", headers: { x-key: "k ${TOKEN}" }'));
    const id = await ticket();

    await engine.work();

    const [call] = receiver.calls.all;
    expect(call?.json).toMatchObject({ type: 'ticket.created', ticket_id: String(id), rule: 'r' });
    expect(call?.headers).toMatchObject({
      'webhook-id': (await step()).id,
      'webhook-signature': expect.stringMatching(/^v1,/),
      'x-key': 'k whsec_c2VjcmV0c2VjcmV0',
    });
    expect(await step()).toMatchObject({ state: 'done', result: { status: 200 } });
  });

  test.each([
    ['a lost answer', { kind: 'reset_after' }],
    ['500', { kind: 'status', status: 500, applied: true }],
    ['408', { kind: 'status', status: 408 }],
    ['409', { kind: 'status', status: 409 }],
    ['425', { kind: 'status', status: 425 }],
  ] as const)('is tried again with the same id after %s', async (_, fault) => {
    await publish(post());
    await ticket();
    receiver.faults.next('*', fault);

    await engine.work();
    const first = await step();
    await engine.work('10 seconds');

    const ids = receiver.calls.all.map((call) => call.headers['webhook-id']);
    expect(first).toMatchObject({ state: 'pending', attempts: 1 });
    expect(await step()).toMatchObject({ state: 'done', attempts: 2 });
    expect(ids).toEqual([first.id, first.id]);
  });

  test.each([
    ['400', { kind: 'status', status: 400, body: 'bad field' }, 'dead', 1],
    ['410', { kind: 'status', status: 410 }, 'dead', 1],
    ['302', { kind: 'status', status: 302 }, 'dead', 1],
    ['429', { kind: 'too_many', retryAfter: 30 }, 'postponed', 0],
  ] as const)('%s is as the table says', async (_, fault, state, attempts) => {
    await publish(post());
    await ticket();
    receiver.faults.next('*', fault);

    await engine.work();

    expect(await step()).toMatchObject({ state, attempts });
  });

  test('ends as a dead letter after twelve attempts', async () => {
    await publish(post());
    await ticket();
    receiver.faults.always('*', { kind: 'status', status: 500 });
    await engine.work();
    await sql`UPDATE steps SET attempts = 11`.execute(engine.database.db);

    await engine.work('20 seconds');

    expect(await step()).toMatchObject({ state: 'dead', attempts: 12 });
    expect((await step()).reason).toMatch(/^12 attempts used; last: .*500/);
  });

  test('of a receiver that refuses connections is postponed, for at most a day', async () => {
    const gone = await startReceiver();
    const open = await createEngine({ httpAllow: [new URL(gone.url).host] });
    await gone.close();
    const then = `  - http.post: { url: "${gone.url}/in" }`;
    await open.publish(`id: r\nname: r\non: [custom.x]\nwhen: { connection: acme }\nthen:\n${then}`);
    await open.happen({ type: 'custom.x' });

    await open.work();
    const [first] = await open.steps();
    await open.work('25 hours');
    const [second] = await open.steps();
    await open.close();

    expect(first).toMatchObject({ state: 'postponed', attempts: 0 });
    expect(second?.reason).toMatch(/^gave up after 24 h/);
    expect(second).toMatchObject({ state: 'dead' });
  });

  test('with resend: never is left to a person when the outcome is unknown', async () => {
    await publish(post(', resend: never'));
    await ticket();
    receiver.faults.next('*', { kind: 'reset_after' });

    await engine.work();
    await engine.work('1 hour');

    expect(await step()).toMatchObject({ state: 'uncertain', attempts: 1 });
    expect(receiver.calls.all).toHaveLength(1);
  });

  test('with resend: never found in sending after a crash is not sent again', async () => {
    await publish(post(', resend: never'));
    await ticket();
    await crashAt('before_send');

    await engine.work();

    expect(await step()).toMatchObject({ state: 'uncertain' });
    expect(receiver.calls.all).toEqual([]);
  });
});

describe('slack.post', () => {
  const POST = '  - slack.post: { channel: "#noc", text: "{{ ticket.title }}" }';
  const said = (): number => slack.messagesIn('noc').length;

  test('whose answer is lost is found by its metadata and not posted again', async () => {
    await publish(POST);
    await ticket();
    const before = said();
    slack.faults.next('chat.postMessage', { kind: 'reset_after' });

    await engine.work();
    await engine.work('60 seconds');

    expect(await step()).toMatchObject({ state: 'done' });
    expect(said() - before).toBe(1);
  });

  test('that got lost on the way is posted once, after settle time and two looks', async () => {
    await publish(POST);
    await ticket();
    const before = said();
    slack.faults.next('chat.postMessage', { kind: 'reset_before' });

    await engine.work();
    const unknown = await step();
    await engine.work('25 seconds');
    await engine.work('60 seconds');

    expect(unknown).toMatchObject({ state: 'sending' });
    expect(await step()).toMatchObject({ state: 'done' });
    expect(said() - before).toBe(1);
  });

  test('stays in doubt while the history cannot be read', async () => {
    await publish(POST);
    await ticket();
    const before = said();
    slack.faults.next('chat.postMessage', { kind: 'reset_after' });
    slack.faults.always('conversations.history', { kind: 'status', status: 503 });

    await engine.work();
    await engine.work('60 seconds');
    const doubtful = await step();
    slack.faults.clear();
    await engine.work('10 minutes');

    expect(doubtful).toMatchObject({ state: 'sending' });
    expect(await step()).toMatchObject({ state: 'done' });
    expect(said() - before).toBe(1);
  });

  test('in doubt stays so while there is no room to look it up', async () => {
    const room = 16;
    await publish(POST);
    const ids = Array.from({ length: room + 1 }, (_, n) =>
      engine.desk.human.create({ subject: `In doubt ${n}`, category: 'Network' }),
    );
    await engine.refresh(...ids);
    const sentAt = Date.now();
    const intent = { write: null, sentAt, deadlineAt: sentAt, before: [], absences: 0 };
    await sql`UPDATE steps SET state = 'sending', intent = ${JSON.stringify(intent)}::jsonb`.execute(
      engine.database.db,
    );
    const held = Array.from({ length: room }, () => slack.faults.hold('conversations.history'));

    const worker = await engine.worker();
    await worker.executor.claimOnce();
    await Promise.all(held.map(({ arrived }) => arrived));
    const turnedAway = await until('the one that found no room', async () =>
      (await engine.steps()).find(({ reason }) => reason?.startsWith('busy') === true),
    );
    for (const fault of held) fault.release();
    await worker.executor.settle();

    expect(turnedAway).toMatchObject({ state: 'sending', intent: { absences: 0 } });
  });

  test('is left to a person where Deskhand may not read the channel', async () => {
    await publish(POST);
    await ticket();
    const before = said();
    slack.scopes.delete('channels:history');
    slack.faults.next('chat.postMessage', { kind: 'reset_after' });

    await engine.work();
    slack.scopes.add('channels:history');

    expect(await step()).toMatchObject({ state: 'uncertain' });
    expect(said() - before).toBe(1);
  });
});

/** What another instance does after the owner of these lanes stopped moving its counter. */
async function takeLanesFrom(worker: Worker): Promise<void> {
  await engine.database.transaction((tx) => freeLanes(tx, [worker.instanceId], 100));
}

/** A worker that dies at this point: it never comes back from it, and its lanes are taken over. */
async function crashAt(point: 'before_send' | 'after_send'): Promise<void> {
  const reached = defer<void>();
  let dead = false;
  const worker = await engine.worker({
    crash: (at) => {
      if (at !== point) return;
      dead = true;
      reached.resolve();
      throw new DyingError('dying');
    },
    database: deaf(engine.database, () => dead),
  });
  await worker.executor.claimOnce();
  await reached.promise;
  await takeLanesFrom(worker);
}

class DyingError extends Error {}

/** A database that is written nothing to any more once the process is dead: what it is asked for never ends. */
function deaf(database: Database, isDead: () => boolean): Database {
  const never = new Promise<never>(() => undefined);
  return {
    ...database,
    transaction: (work) => (isDead() ? never : database.transaction(work)),
    oneTrip: (issue) => (isDead() ? never : database.oneTrip(issue)),
  };
}

function cutAfterCommit(database: Database): { armed: boolean; readonly database: Database } {
  const cut = {
    armed: false,
    database: {
      ...database,
      transaction: async <T>(work: Parameters<typeof database.transaction<T>>[0]): Promise<T> => {
        const result = await database.transaction(work);
        if (!cut.armed) return result;
        cut.armed = false;
        throw new Error('cut');
      },
    },
  };
  return cut;
}
