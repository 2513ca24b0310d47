import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../../../test/support/api.ts';
import { createEngine, type Engine } from '../../../test/support/engine.ts';
import { startReceiver, type Receiver } from '../../demo/simulators/receiver.ts';
import { readPauses } from '../../record/operate/pauses.ts';

let engine: Engine;
let receiver: Receiver;
let api: TestApi;
let call: TestApi['call'];

beforeAll(async () => {
  receiver = await startReceiver();
  engine = await createEngine({ httpAllow: [new URL(receiver.url).host] });
  api = createTestApi(engine);
  call = api.call;
});
afterAll(async () => {
  await engine.close();
  await receiver.close();
});
beforeEach(async () => {
  await engine.clear();
  receiver.calls.clear();
});

const rule = (id: string, then: string, more = ''): string =>
  `id: ${id}\nname: ${id}\non: [custom.test]\n${more}\nthen:\n${then}\n`;
const post = (): string => `  - http.post: { url: "${receiver.url}" }\n`;

describe('an uncertain step', () => {
  async function uncertain(more = ''): Promise<string> {
    await engine.publish(rule('r', `${post()}${more}`));
    await engine.happen({ type: 'custom.test', ticketId: '7' });
    await engine.work();
    await sql`UPDATE steps SET state = 'uncertain', reason = 'no answer' WHERE action = 'http.post'`.execute(
      engine.database.db,
    );
    receiver.calls.clear();
    return (await call('GET', '/uncertain')).body.items[0].step_id;
  }

  test('is sent again when a person says so', async () => {
    const step = await uncertain();

    const resent = await call('POST', `/steps/${step}/resend`);
    await engine.work();

    expect(resent.body.state).toBe('pending');
    expect(receiver.calls.all).toHaveLength(1);
    expect((await call('GET', `/steps/${step}`)).body.state).toBe('done');
    expect((await call('GET', '/uncertain')).body.items).toEqual([]);
  });

  test('is done when a person says that it took effect', async () => {
    const step = await uncertain();

    const done = await call('POST', `/steps/${step}/mark-done`);
    await engine.work();

    expect(done.body).toMatchObject({ state: 'done', reason: 'marked done by a person' });
    expect(receiver.calls.all).toHaveLength(0);
  });

  test('cannot be retried without that word', async () => {
    const step = await uncertain();

    expect((await call('POST', `/steps/${step}/retry`)).status).toBe(409);
  });
});

describe('a paused rule', () => {
  const other = 'id: other\nname: other\non: [custom.other]\nthen: [{ emit: { type: custom.x } }]\n';

  test('holds its matches until it is resumed, and releases them', async () => {
    await engine.publish(`${rule('r', post())}---\n${other}`);
    const paused = await call('POST', '/rules/r/pause');
    await engine.happen({ type: 'custom.test', ticketId: '1' });
    await engine.happen({ type: 'custom.test', ticketId: '2' });
    await engine.work();
    const held = (await call('GET', '/runs?state=held')).body.items;

    const resumed = await call('POST', '/rules/r/resume');
    await engine.work();

    expect(paused.body).toEqual({ rule: 'r', paused: true, changed: true });
    expect(held).toHaveLength(2);
    expect(resumed.body).toMatchObject({ paused: false, released: 2, discarded: 0 });
    expect(receiver.calls.all).toHaveLength(2);
    expect((await engine.runs()).map((run) => run.state)).toEqual(['done', 'done']);
  });

  test('discards them when told to', async () => {
    await engine.publish(rule('r', post()));
    await call('POST', '/rules/r/pause', { reason: 'maintenance' });
    await engine.happen({ type: 'custom.test' });
    expect((await call('GET', '/rules/r')).body).toMatchObject({
      paused: true,
      pause_reason: 'maintenance',
      held: 1,
    });

    const resumed = await call('POST', '/rules/r/resume', { held: 'discard' });
    await engine.work();

    expect(resumed.body).toMatchObject({ released: 0, discarded: 1 });
    expect(receiver.calls.all).toHaveLength(0);
    expect((await engine.runs())[0]).toMatchObject({ state: 'ended', reason: 'discarded by a person' });
  });

  test('by its own limit asks what becomes of them', async () => {
    await engine.publish(rule('r', post(), 'limit: { per_rule: 1/1h }'));
    await engine.happen({ type: 'custom.test', ticketId: '1' });
    await engine.happen({ type: 'custom.test', ticketId: '2' });

    const unsaid = await call('POST', '/rules/r/resume');
    const said = await call('POST', '/rules/r/resume', { held: 'release' });

    expect(unsaid).toMatchObject({ status: 409, body: { error: { reason: 'held_runs' } } });
    expect(said.body.released).toBe(1);
  });

  test('has to exist', async () => {
    expect((await call('POST', '/rules/none/pause')).status).toBe(404);
    expect((await call('POST', '/rules/none/resume')).status).toBe(404);
  });
});

describe('pausing', () => {
  test('all stops every action, and is seen by whoever reads it next', async () => {
    const first = await call('POST', '/pause-all');
    const again = await call('POST', '/pause-all');
    const { all } = await readPauses(engine.database.db);
    const resumed = await call('POST', '/resume-all');

    expect([first.body, again.body]).toEqual([
      { paused: true, changed: true },
      { paused: true, changed: false },
    ]);
    expect(all).toBe('paused by a person');
    expect(resumed.body).toEqual({ paused: false, changed: true });
    expect((await readPauses(engine.database.db)).all).toBeNull();
  });

  test('all keeps the reason that was given', async () => {
    await call('POST', '/pause-all', { reason: 'switch change' });
    const { body } = await call('GET', '/status');
    await call('POST', '/resume-all');

    expect(body.paused).toBe('switch change');
    expect((await call('POST', '/pause-all', { reason: '' })).status).toBe(400);
  });

  test('a connection stops its polls', async () => {
    const paused = await call('POST', '/connections/acme/pause');
    engine.desk.human.create({ subject: 'unseen' });
    engine.desk.calls.clear();
    await engine.pollAll();
    const calls = engine.desk.calls.all.length;
    await call('POST', '/connections/acme/resume');
    await engine.pollAll();

    expect(paused.body).toEqual({ connection: 'acme', paused: true, changed: true });
    expect(calls).toBe(0);
    expect(engine.desk.calls.all.length).toBeGreaterThan(0);
    expect((await call('POST', '/connections/none/pause')).status).toBe(404);
  });
});

describe('replay', () => {
  test('runs a stored event again and keeps the old run', async () => {
    await engine.publish(rule('r', post()));
    const event = await engine.happen({ type: 'custom.test', key: 'k1', ticketId: '7' });
    await engine.work();

    const replayed = await call('POST', '/replay', { event: 'k1' });
    const again = await call('POST', '/replay', { event });
    await engine.work();

    expect(replayed.body).toMatchObject({
      events: 1,
      runs: [{ rule: 'r', event_id: event, replay_no: 1, state: 'active' }],
    });
    expect(again.body.runs[0].replay_no).toBe(2);
    expect(receiver.calls.all).toHaveLength(3);
    expect((await call('GET', `/runs?event_id=${event}`)).body.items).toHaveLength(3);
  });

  test('of a span matches with the rules of today', async () => {
    await engine.happen({ type: 'custom.test' });
    await engine.happen({ type: 'custom.other' });
    await engine.publish(rule('new', post()));

    const { body } = await call('POST', '/replay', { since: '1h' });

    expect(body.events).toBe(2);
    expect(body.runs).toEqual([expect.objectContaining({ rule: 'new', replay_no: 1 })]);
  });

  test.each([
    [{}, 400],
    [{ event: 'none' }, 404],
    [{ since: 'yesterday' }, 400],
    [{ event: 'a', since: '1h' }, 400],
  ])('of %j is refused', async (body, status) => {
    expect((await call('POST', '/replay', body)).status).toBe(status);
  });
});

describe('explain', () => {
  beforeEach(() => engine.publish(rule('vip', post(), 'when: { priority: high, title: { contains: vpn } }')));

  test('tells of an event as people write it', async () => {
    const { body } = await call('POST', '/explain', {
      rule: 'vip',
      event: { type: 'custom.test', ticket: { title: 'VPN down', priority: 'low' } },
    });

    expect(body).toMatchObject({ rule: 'vip', verdict: 'no match', reason: 'conditions' });
    expect(body.conditions).toEqual([
      expect.objectContaining({ field: 'priority', wanted: 'high', truth: 'false' }),
    ]);
  });

  test('refuses unknown rules, unknown fields and no event at all', async () => {
    expect((await call('POST', '/explain', { rule: 'none', event: {} })).status).toBe(404);
    expect((await call('POST', '/explain', { rule: 'vip', event: { titel: 'x' } })).status).toBe(400);
    expect((await call('POST', '/explain', { rule: 'vip' })).status).toBe(400);
  });
});

describe('why', () => {
  test('gives every rule’s verdict with the conditions that speak against it, and what was done', async () => {
    await engine.publish(
      [
        'id: network\nname: Network\non: [ticket.created]\nwhen: { category: Network }\nthen:\n  - comment: { text: "on it" }\n',
        'id: vip\nname: VIP\non: [ticket.created]\nwhen: { category: Network, priority: critical, title: { contains: vpn } }\nthen:\n  - comment: { text: "vip" }\n',
        'id: closed\nname: Closed\non: [ticket.updated]\nwhen: { phase: closed }\nthen:\n  - comment: { text: "bye" }\n',
      ].join('---\n'),
    );
    const id = engine.desk.human.create({ subject: 'VPN down', category: 'Network' });
    await engine.refresh(id);
    await engine.work();
    // What is active now does not matter: the event names the set that it was matched with.
    await engine.publish('id: later\nname: later\nwhen: { title: x }\nthen: [{ acknowledge: {} }]\n');

    const { body } = await call('GET', `/tickets/acme/${id}/why`);

    const [event] = body.events;
    const verdicts = Object.fromEntries(event.rules.map((each: { rule: string }) => [each.rule, each]));
    expect(Object.keys(verdicts)).toEqual(['closed', 'network', 'vip']);
    expect(verdicts['network']).toMatchObject({ verdict: 'match', conditions: [] });
    expect(verdicts['vip']).toMatchObject({
      verdict: 'no match',
      near_miss: true,
      conditions: [{ field: 'priority', wanted: 'critical', got: expect.anything(), truth: 'false' }],
    });
    expect(verdicts['closed']).toMatchObject({ verdict: 'no match', near_miss: false });
    expect(event.runs).toEqual([
      expect.objectContaining({
        rule: 'network',
        state: 'done',
        steps: [
          expect.objectContaining({
            action: 'comment',
            state: 'done',
            tries: [expect.objectContaining({ state: 'succeeded', number: 1 })],
          }),
        ],
      }),
    ]);
  });

  test('of a ticket that nobody knows is 404', async () => {
    expect((await call('GET', '/tickets/acme/none/why')).status).toBe(404);
    expect((await call('GET', '/tickets/none/1/why')).status).toBe(404);
  });
});

describe('a ticket', () => {
  test('that is acknowledged ends the runs that wait for it', async () => {
    await engine.publish(rule('r', `  - wait: 15m\n${post()}`));
    await engine.happen({ type: 'custom.test', ticketId: '7' });
    await engine.work();

    const first = await call('POST', '/tickets/acme/7/acknowledge', { by: 'nora@acme.com' });
    const again = await call('POST', '/tickets/acme/7/acknowledge');
    const ticket = await call('GET', '/tickets/acme/7');

    expect(first.body).toMatchObject({ changed: true, ended_runs: 1 });
    expect(again.body).toMatchObject({ changed: false, ended_runs: 0 });
    expect(ticket.body).toMatchObject({ acknowledged_by: 'nora@acme.com', ticket: { acknowledged: true } });
    expect((await engine.runs())[0]).toMatchObject({ state: 'ended' });
  });

  test('is snoozed until a time to come, and woken', async () => {
    await engine.happen({ type: 'custom.test', ticketId: '7' });

    const snoozed = await call('POST', '/tickets/acme/7/snooze', { until: '2h' });
    const woken = await call('POST', '/tickets/acme/7/snooze', { until: null });

    expect(Date.parse(snoozed.body.snoozed_until)).toBeGreaterThan(Date.now() + 3_600_000);
    expect(woken.body.snoozed_until).toBeNull();
    expect((await call('POST', '/tickets/acme/7/snooze', { until: '2020-01-01' })).status).toBe(400);
    expect((await call('POST', '/tickets/acme/7/snooze', {})).status).toBe(400);
    expect((await call('POST', '/tickets/acme/none/snooze', { until: '2h' })).status).toBe(404);
  });
});

describe('silences', () => {
  test('are added, listed and ended', async () => {
    const asked = { when: { queue: 'Network L2' }, until: '2h', reason: 'switch change' };

    const added = await call('POST', '/silences', asked);
    const list = await call('GET', '/silences');
    const ended = await call('POST', `/silences/${added.body.id}/end`);

    expect(added.body).toMatchObject({
      when: { queue: 'Network L2' },
      reason: 'switch change',
      active: true,
    });
    expect(list.body.items).toContainEqual(added.body);
    expect(ended.body).toMatchObject({ active: false, ended_by: 'the API' });
  });

  test('of the configuration come first, page by page, and end only there', async () => {
    const now = Date.now();
    const silence = { when: {}, fromMs: now - 1_000, untilMs: now + 60_000 };
    const { call: ask } = createTestApi(engine, [
      { ...silence, reason: 'first' },
      { ...silence, untilMs: now - 500, reason: 'second' },
    ]);
    await ask('POST', '/silences', { when: {}, until: '2h', reason: 'third' });

    const seen: string[] = [];
    let after = '';
    for (let page = 0; page < 5; page += 1) {
      const { body } = await ask('GET', `/silences?limit=1${after}`);
      seen.push(
        ...body.items.map((item: { reason: string; active: boolean }) => `${item.reason} ${item.active}`),
      );
      if (body.next === null) break;
      after = `&after=${body.next}`;
    }
    const one = await ask('GET', '/silences/silences.0');
    const end = await ask('POST', '/silences/silences.0/end');

    expect(seen.slice(0, 3)).toEqual(['first true', 'second false', 'third true']);
    expect(one.body).toMatchObject({ reason: 'first', configured: true, created_at: null });
    expect(end).toMatchObject({ status: 409, body: { error: { reason: 'wrong_state' } } });
    expect((await ask('GET', '/silences/silences.2')).status).toBe(404);
  });

  test.each([
    { when: { quee: 'x' }, until: '2h', reason: 'r' },
    { when: { queue: 'x' }, until: 'soon', reason: 'r' },
    { when: { queue: 'x' }, until: '2h', from: '3h', reason: 'r' },
    { when: { queue: 'x' }, until: '2h' },
  ])('that are not one are refused: %j', async (body) => {
    expect((await call('POST', '/silences', body)).status).toBe(400);
  });
});

test('a backtest takes rules as YAML and refuses mistakes with their place', async () => {
  await engine.happen({ type: 'custom.test', ticketId: '7' });

  const { body } = await call('POST', '/backtest', { rules: rule('draft', post()), since: '1h' });
  const wrong = await call('POST', '/backtest', { rules: 'id: x\nwehn: {}\n' });

  expect(body.rules).toEqual([expect.objectContaining({ rule: 'draft', matches: 1, http_posts: 1 })]);
  expect(wrong).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringMatching(/rules:2:1: .*wehn/) } },
  });
});

describe('timers', () => {
  beforeEach(() => sql`DELETE FROM schedules`.execute(engine.database.db));
  const arm = (count: number): Promise<unknown> =>
    sql`
      INSERT INTO timers (connection_id, ticket_id, rule_id, due_at)
      SELECT ${engine.connection.id}::int, n::text, CASE WHEN n = 2 THEN '' ELSE 'r' END, app_now() + n * interval '1 hour'
        FROM generate_series(1, ${count}) n`.execute(engine.database.db);

  test('of rules, schedules and steps are one list, page by page, and shown one by one', async () => {
    await engine.publish(rule('w', `  - wait: 90m\n${post()}`));
    await engine.happen({ type: 'custom.test', ticketId: '7' });
    await engine.work();
    await arm(3);
    await sql`
      INSERT INTO schedules (rule_id, cron, time_zone, next_at)
      VALUES ('daily', '0 9 * * *', 'UTC', app_now() + interval '2 hours 30 minutes')`.execute(
      engine.database.db,
    );
    const { items: all } = (await call('GET', '/timers')).body;
    const paged = [];
    let after = '';
    for (let pages = 0; pages < 9; pages += 1) {
      const { body } = await call('GET', `/timers?limit=2${after}`);
      paged.push(...body.items);
      if (body.next === null) break;
      after = `&after=${body.next}`;
    }
    const single = [];
    for (const { id } of all) single.push((await call('GET', `/timers/${id}`)).body);

    expect(all).toMatchObject([
      { kind: 'rule', rule: 'r', connection: 'acme', ticket_id: '1', step_id: null },
      { kind: 'step', rule: 'w', connection: 'acme', ticket_id: '7', action: 'wait' },
      { kind: 'overdue', rule: null, ticket_id: '2' },
      { kind: 'schedule', rule: 'daily', connection: null, ticket_id: null, reason: '0 9 * * * UTC' },
      { kind: 'rule', rule: 'r', ticket_id: '3' },
    ]);
    expect(paged).toEqual(all);
    expect(single).toEqual(all);
  });

  test('that are due at the same moment are neither left out nor shown twice', async () => {
    await arm(3);
    await sql`UPDATE timers SET due_at = app_now() + interval '1 hour'`.execute(engine.database.db);

    const first = await call('GET', '/timers?limit=2');
    const rest = await call('GET', `/timers?limit=2&after=${first.body.next}`);

    const tickets = [...first.body.items, ...rest.body.items].map((item) => item.ticket_id);
    expect(tickets).toEqual(['1', '2', '3']);
    expect(rest.body.next).toBeNull();
  });

  test('that nobody knows are 404, and pages that nobody gave are 400', async () => {
    const unknown = [
      'nonsense',
      ...[
        ['step', 'x'],
        ['schedule', 'none'],
        ['timer', 'acme', '1', 'r'],
      ].map((parts) => Buffer.from(JSON.stringify(parts)).toString('base64url')),
    ];

    for (const id of unknown) expect((await call('GET', `/timers/${id}`)).status).toBe(404);
    expect((await call('GET', '/timers?after=nonsense')).status).toBe(400);
  });
});
