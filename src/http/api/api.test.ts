import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../test/support/engine.ts';
import { ADMIN_TOKEN as TOKEN, createTestApi, SECRET, type TestApi } from '../../../test/support/api.ts';
import { describeApi } from './api.ts';

let engine: Engine;
let api: TestApi;
let call: TestApi['call'];

beforeAll(async () => {
  engine = await createEngine();
  api = createTestApi(engine);
  call = api.call;
});
afterAll(() => engine.close());
beforeEach(() => engine.clear());

const rule = (id: string, then: string, more = ''): string =>
  `id: ${id}\nname: ${id}\non: [custom.test]\n${more}\nthen:\n${then}\n`;

/** A rule whose one step dies: the receiver is not allowed. */
async function deadLetter(more = ''): Promise<{ step: string; run: string }> {
  await engine.publish(rule('r', `  - http.post: { url: "https://nowhere.example/" }\n${more}`));
  await engine.happen({ type: 'custom.test', ticketId: '7' });
  await engine.work();
  const { body } = await call('GET', '/dead-letters');
  return { step: body.items[0].step_id, run: body.items[0].run_id };
}

describe('whoever asks', () => {
  test.each([
    ['nothing', {}],
    ['another token', { authorization: 'Bearer wrong' }],
    ['the token as a password', { authorization: `Basic ${btoa(`:${TOKEN}`)}` }],
  ])('with %s is refused everywhere (input 96)', async (_, headers) => {
    for (const path of ['/events', '/status', '/nothing', '/steps/1/retry']) {
      const response = await api.app.request(path, { headers });

      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ error: { reason: 'unauthorized' } });
    }
  });

  test('with the token in the address is refused (input 103)', async () => {
    expect((await api.app.request(`/events?token=${TOKEN}`)).status).toBe(401);
    expect((await call('GET', `/events?token=${TOKEN}`)).status).toBe(400);
  });
});

describe('whoever guesses the token', () => {
  const from = async (remoteAddress: string, token: string, forwarded = 'none'): Promise<Response> =>
    api.app.request(
      '/status',
      { headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': forwarded } },
      { incoming: { socket: { remoteAddress } } },
    );

  test('waits after 60 wrong ones, whatever X-Forwarded-For says; the right one passes (inputs 33, 102)', async () => {
    const answers: Response[] = [];
    for (let n = 0; n < 100; n += 1) answers.push(await from('198.51.100.7', `guess-${n}`, `10.0.0.${n}`));

    const statuses = answers.map((answer) => answer.status);
    expect(statuses).toEqual([...Array(60).fill(401), ...Array(40).fill(429)]);
    expect(Number(answers.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await answers.at(-1)?.json()).toMatchObject({ error: { reason: 'too_many_wrong_tokens' } });
    expect((await from('198.51.100.8', 'guess')).status).toBe(401);
    expect((await api.app.request('/status')).status).toBe(401);
    expect((await from('198.51.100.7', TOKEN)).status).toBe(200);
  });
});

describe('a change asked for by a page', () => {
  const types = ['application/x-www-form-urlencoded', 'text/plain', 'application/json'];
  const ask = async (headers: Readonly<Record<string, string>>): Promise<number> => {
    const authorization = `Bearer ${TOKEN}`;
    const all = { authorization, host: 'desk.example', ...headers };
    return (await api.app.request('/resume-all', { method: 'POST', headers: all })).status;
  };

  test.each<readonly [string, Readonly<Record<string, string>>]>([
    ...types.map((type) => ['97', { origin: 'https://evil.example', 'content-type': type }] as const),
    ['97', { origin: 'null' }],
    ['98', { 'sec-fetch-site': 'cross-site' }],
    ['98', { 'sec-fetch-site': 'same-site', origin: 'https://desk.example' }],
  ])('of another site is refused, also with the token (input %s): %j', async (_, headers) => {
    expect(await ask(headers)).toBe(403);
  });

  test.each([{}, { origin: 'https://desk.example' }, { 'sec-fetch-site': 'same-origin' }])(
    'of our own, or by a program, is done: %j',
    async (headers) => {
      expect(await ask(headers)).toBe(200);
    },
  );
});

describe('lists', () => {
  test('are read page by page, each row once', async () => {
    for (let n = 0; n < 5; n += 1) await engine.happen({ type: 'custom.test', key: `e${n}` });

    const keys: string[] = [];
    let after = '';
    for (let pages = 0; pages < 9; pages += 1) {
      const { body } = await call('GET', `/events?limit=2${after}`);
      keys.push(...body.items.map((event: { key: string }) => event.key));
      if (body.next === null) break;
      after = `&after=${body.next}`;
    }

    expect(keys).toEqual(['e4', 'e3', 'e2', 'e1', 'e0']);
  });

  test.each([
    'connections',
    'events',
    'tickets',
    'rules',
    'runs',
    'steps',
    'dead-letters',
    'uncertain',
    'timers',
    'silences',
  ])(
    '/%s has items and next, takes only known parameters, and 404s for what is not there (input 105)',
    async (path) => {
      const list = await call('GET', `/${path}`);
      const unknown = await call('GET', `/${path}?sort=id;DROP TABLE events`);
      const missing = await call('GET', `/${path}/no-such-id`);
      const noUuid = await call('GET', `/${path}/0190a7b8-0000-7000-8000-000000000000`);

      expect(list).toMatchObject({ status: 200, body: { items: expect.any(Array), next: null } });
      expect(unknown).toMatchObject({ status: 400, body: { error: { reason: 'bad_request' } } });
      expect(missing).toMatchObject({ status: 404, body: { error: { reason: 'not_found' } } });
      expect(noUuid.status).toBe(404);
    },
  );

  test.each(['limit=0', 'limit=1001', 'limit=x', "after=' OR 1=1 --"])(
    'refuse %s (input 106)',
    async (query) => {
      expect((await call('GET', `/events?${encodeURI(query)}`)).status).toBe(400);
    },
  );

  test('of tickets show the ticket as every surface does', async () => {
    const id = engine.desk.human.create({ subject: 'VPN down', category: 'Network' });
    await engine.refresh(id);

    const list = await call('GET', '/tickets?connection=acme');
    const one = await call('GET', `/tickets/acme/${id}`);

    expect(list.body.items).toContainEqual(one.body);
    expect(one.body).toMatchObject({
      connection: 'acme',
      ticket_id: String(id),
      ticket: { id: String(id), title: 'VPN down', acknowledged: false },
    });
    expect((await call('GET', '/tickets/acme/none')).status).toBe(404);
  });

  test('of connections show feeds and what is left of the budget', async () => {
    const { body } = await call('GET', '/connections/acme');

    expect(body).toMatchObject({
      id: 'acme',
      state: 'ok',
      paused: false,
      feeds: expect.arrayContaining([
        expect.objectContaining({ feed: 'tickets', baseline_done: true, failures: 0 }),
      ]),
    });
  });

  test('and every other answer show no configured secret (input 109)', async () => {
    await engine.happen({ type: 'custom.test', key: 'k', body: { echoed: `the desk said ${SECRET}` } });

    const { body } = await call('GET', '/events');

    expect(body.items[0].body).toEqual({ echoed: 'the desk said [secret]' });
  });
});

describe('a dead letter', () => {
  test('carries what a person needs to decide', async () => {
    const { step, run } = await deadLetter();

    const { body } = await call('GET', '/dead-letters');

    expect(body.items).toEqual([
      expect.objectContaining({
        step_id: step,
        run_id: run,
        rule: 'r',
        connection: 'acme',
        ticket_id: '7',
        action: 'http.post',
        reason: expect.stringContaining('nowhere.example'),
        attempts: expect.any(Number),
      }),
    ]);
  });

  test('that is retried makes its finished run active, and is taken again', async () => {
    const { step, run } = await deadLetter();
    expect((await call('GET', `/runs/${run}`)).body.state).toBe('done');
    const before = api.woken();

    const retried = await call('POST', `/steps/${step}/retry`);
    const active = await call('GET', `/runs/${run}`);
    await engine.work();

    expect(retried).toMatchObject({ status: 200, body: { state: 'pending', attempts: 0, reason: null } });
    expect(api.woken()).toBe(before + 1);
    expect(active.body.state).toBe('active');
    expect((await call('GET', `/steps/${step}`)).body).toMatchObject({ state: 'dead' });
    expect((await call('GET', `/runs/${run}`)).body.state).toBe('done');
  });

  test('of a required step brings back what its run skipped', async () => {
    await engine.publish(
      rule(
        'r',
        '  - http.post: { url: "https://nowhere.example/" }\n    required: true\n  - emit: { type: custom.after }',
      ),
    );
    await engine.happen({ type: 'custom.test' });
    await engine.work();
    const [dead] = (await call('GET', '/dead-letters')).body.items;
    const skipped = (await engine.steps()).map((step) => step.state);

    await call('POST', `/steps/${dead.step_id}/retry`);

    expect(skipped).toEqual(['dead', 'skipped']);
    expect((await engine.steps()).map((step) => step.state)).toEqual(['pending', 'pending']);
    expect((await engine.runs())[0]).toMatchObject({ state: 'active', reason: null });
  });

  test('runs beside a later step of its run without starting the one after', async () => {
    const { step } = await deadLetter('  - wait: 10m\n  - emit: { type: custom.after }');

    await call('POST', `/steps/${step}/retry`);
    await engine.work();

    expect((await engine.steps()).map(({ action, state }) => [action, state])).toEqual([
      ['http.post', 'dead'],
      ['wait', 'waiting'],
      ['emit', 'pending'],
    ]);
    expect((await engine.runs())[0]?.state).toBe('active');
  });

  test('that is skipped stays so', async () => {
    const { step } = await deadLetter();

    const skipped = await call('POST', `/steps/${step}/skip`);

    expect(skipped.body).toMatchObject({ state: 'skipped', reason: 'skipped by a person' });
    expect(await call('POST', `/steps/${step}/retry`)).toMatchObject({
      status: 409,
      body: { error: { reason: 'wrong_state' } },
    });
  });

  test('is the only thing that can be retried', async () => {
    expect((await call('POST', '/steps/nothing/retry')).status).toBe(404);
    expect((await call('POST', '/steps/0190a7b8-0000-7000-8000-000000000000/resend')).status).toBe(404);
  });
});

test('the description of the API is the checked in one', async () => {
  const description = `${JSON.stringify(describeApi(api.app), null, 2)}\n`;

  await expect(description).toMatchFileSnapshot('../../../openapi.json');
});
