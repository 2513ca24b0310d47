import { afterEach, describe, expect, it } from 'vitest';

import { startReceiver } from '../receiver.ts';
import { startInvgateDesk, type InvgateDesk, type InvgateOptions } from './invgate-desk.ts';
import { invgateIds } from './seed.ts';

const noon = Date.parse('2026-11-23T12:00:00Z');
const epoch = noon / 1000;
const author = { author_id: String(invgateIds.deskbot) };

interface Setup {
  readonly desk: InvgateDesk;
  readonly clock: { at: number; now(): number };
  readonly send: (method: string, path: string, fields?: Record<string, string>) => Promise<Response>;
  /** The JSON of a GET. */
  readonly get: (path: string) => Promise<unknown>;
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function setup(options: InvgateOptions = {}): Promise<Setup> {
  const clock = { at: noon, now: () => clock.at };
  const desk = await startInvgateDesk({ clock, ...options });
  closing.push(() => desk.close());
  const authorization = `Basic ${Buffer.from(`${desk.user}:${desk.key}`).toString('base64')}`;
  const send: Setup['send'] = (method, path, fields) =>
    fetch(`${desk.url}/${path}`, {
      method,
      headers: { authorization },
      ...(fields === undefined ? {} : { body: new URLSearchParams(fields) }),
    });
  return { desk, clock, send, get: async (path) => (await send('GET', path)).json() };
}

describe('feeds', () => {
  it('shows requests created within the last hour of the clock, whatever changed since', async () => {
    const { desk, clock, get } = await setup();
    const id = desk.human.create({ title: 'new' });
    clock.at += 3_599_000;
    expect(await get('incidents.last.hour')).toMatchObject({
      data: [{ id, created_at: epoch }],
      next_page_key: null,
    });

    desk.human.edit(id, { priorityId: 5 });
    clock.at += 1000;
    expect(await get('incidents.last.hour')).toEqual({ data: [], next_page_key: null });
  });

  it('answers in the older shapes when set so, for all calls or for one', async () => {
    const { desk, get } = await setup();
    const id = desk.human.create({ title: 'new' });
    desk.envelopes.set('incidents.last.hour', 'old');

    expect(await get('incidents.last.hour')).toMatchObject([
      { id, created_at: String(epoch), closed_at: '' },
    ]);
    expect(await get(`incident?id=${id}`)).toMatchObject({ id, closed_at: null });

    desk.envelope = 'old';
    expect(await get(`incident?id=${id}`)).toMatchObject([{ id }]);
    expect(await get(`incidents?ids[]=${id}`)).toMatchObject([{ id }]);
  });

  it('drops trigger executions after an hour', async () => {
    const { desk, clock, get } = await setup();
    const id = desk.human.fireTrigger(invgateIds.slaTrigger, 301);

    expect(await get('triggers.executions')).toEqual([
      { id, trigger_id: invgateIds.slaTrigger, request_id: 301, executed_at: epoch },
    ]);
    clock.at += 3_600_000;
    expect(await get('triggers.executions')).toEqual([]);
    expect(await get(`triggers?trigger_id=${invgateIds.slaTrigger}`)).toEqual([
      { id: invgateIds.slaTrigger, trigger_name: 'Resolution SLA at 80%' },
    ]);
  });

  it('walks a view newest first with opaque keys, in rows that are not requests', async () => {
    const { desk, clock, get } = await setup({ viewPageSize: 5 });
    clock.at += 1000;
    desk.human.edit(303, { title: 'latest' });
    const base = `incidents.details.by.view?view_id=${invgateIds.view}&sort_by=last_update&order_by=desc`;
    const ids: number[] = [];
    let key: string | null = '';
    while (key !== null) {
      const page = (await get(`${base}&page_key=${key}`)) as {
        data: { id: number }[];
        next_page_key: string | null;
      };
      ids.push(...page.data.map((row) => row.id));
      key = page.next_page_key;
    }

    expect(ids).toHaveLength(12);
    expect(ids[0]).toBe(303);
    expect(await get(base)).toMatchObject({
      data: [{ last_update: { value: epoch + 1 }, request: { subject: 'latest' } }, {}, {}, {}, {}],
    });
  });

  it('lists ids of open requests by status as text', async () => {
    const { desk, get } = await setup({ oldRequests: false });
    const open = desk.human.create({ title: 'open' });
    desk.human.close(desk.human.create({ title: 'closed' }));

    expect(await get('incidents.by.status?status_ids[]=1&status_ids[]=6')).toEqual({
      status: 'OK',
      info: '',
      requestIds: [String(open)],
      limit: 100,
      offset: 0,
      total: 1,
    });
    expect(await get('incidents.by.helpdesk?id=1')).toMatchObject({ status: 'ERROR' });
  });

  it('reads requests in bulk with their comments, keyed by id and without unknown ones', async () => {
    const { desk, get } = await setup();
    const id = desk.human.create({ title: 'x' });
    desk.human.comment(id, 'for us', { internal: true });

    const found = await get(`incidents?ids[]=${id}&ids[]=999999&comments=1`);

    expect(found).toMatchObject({ [id]: { id, comments: [{ message: 'for us', customer_visible: 0 }] } });
    expect(JSON.stringify(found)).not.toContain('is_solution');
    expect(await get(`incident.comment?request_id=${id}`)).toMatchObject([
      { customer_visible: false, is_solution: false, msg_num: 1 },
    ]);
  });

  it('gives [] where an object is empty', async () => {
    const { desk, send, get } = await setup();
    const id = desk.human.create({ title: 'x' });
    const field = { request_id: String(id), ...author, custom_field_uid: String(invgateIds.tier) };

    expect(await get(`incident?id=${id}`)).toMatchObject({ custom_fields: [] });
    await send('POST', 'incident.custom_field', { ...field, 'values[]': 'gold' });
    expect(await get(`incident?id=${id}`)).toMatchObject({
      custom_fields: { [invgateIds.tier]: { a1f3: 'gold' } },
    });
    await send('DELETE', `incident.custom_field?${new URLSearchParams(field).toString()}`);
    expect(await get(`incident?id=${id}`)).toMatchObject({ custom_fields: [] });
    expect(await get('incidents.by.customer?id=2')).toMatchObject({ requests: [] });
  });

  it('escapes text for HTML unless asked not to, which the bulk call cannot be', async () => {
    const { desk, get } = await setup();
    const id = desk.human.create({ title: 'a < b & "c"' });
    const coded = 'a &lt; b &amp; &quot;c&quot;';

    expect(await get(`incident?id=${id}`)).toMatchObject({ title: coded });
    expect(await get(`incident?id=${id}&decoded_special_characters=1`)).toMatchObject({
      title: 'a < b & "c"',
    });
    expect(await get(`incidents?ids[]=${id}&decoded_special_characters=1`)).toMatchObject({
      [id]: { title: coded },
    });
  });
});

describe('refusals', () => {
  it('answers 428 to missing parameters and comma lists, 405 to wrong methods, 404 to unknown calls', async () => {
    const { send } = await setup();

    const missing = await send('GET', 'incident');
    expect([missing.status, await missing.json()]).toEqual([
      428,
      { error: 'Parameter id is required', status: 428 },
    ]);
    expect((await send('GET', 'incidents?ids[]=301,302')).status).toBe(428);
    expect((await send('GET', 'incidents?ids=301,302')).status).toBe(428);
    expect((await send('GET', 'incident.reassign')).status).toBe(405);
    expect((await send('GET', 'incidents/last/hour')).status).toBe(404);
  });

  it('refuses with 200 and ERROR', async () => {
    const { send } = await setup();
    const wanted = {
      request_id: '302',
      group_id: String(invgateIds.majorIncidents),
      ...author,
      agent_id: '3',
    };

    const response = await send('POST', 'incident.reassign', wanted);

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      status: 'ERROR',
      info: 'The agent does not belong to the help desk',
    });
  });

  it('may read writes from the query alone, and then applies nothing from a form', async () => {
    const { desk, send } = await setup({ writesIn: 'query' });
    const fields = { id: '302', priority_id: '5' };

    expect((await send('PUT', 'incident', fields)).status).toBe(428);
    expect(desk.request(302).priorityId).not.toBe(5);
    expect((await send('PUT', `incident?${new URLSearchParams(fields).toString()}`)).status).toBe(200);
    expect(desk.request(302).priorityId).toBe(5);
  });

  it('gives OAuth tokens that open only what they were asked for, or nothing at all', async () => {
    const { desk } = await setup();
    const empty = await setup({ emptyScopes: true });
    const status = async (of: InvgateDesk, scope: string): Promise<number> => {
      const body = new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: of.oauth.clientId,
        client_secret: of.oauth.clientSecret,
        scope,
      });
      const { access_token: token } = (await (
        await fetch(of.oauth.url, { method: 'POST', body })
      ).json()) as { access_token: string };
      return (await fetch(`${of.url}/incident?id=302`, { headers: { authorization: `Bearer ${token}` } }))
        .status;
    };

    expect(await status(desk, 'api.v1.incident:get')).toBe(200);
    expect(await status(desk, 'api.v1.incident:put')).toBe(403);
    expect(await status(empty.desk, 'api.v1.incident:get')).toBe(403);
    expect((await fetch(`${desk.url}/sd.version`)).status).toBe(401);
  });
});

describe('changing requests', () => {
  it('creates with an id as text, edits with the request itself as the answer', async () => {
    const { desk, send } = await setup();
    const fields = {
      creator_id: '1',
      customer_id: '11',
      category_id: '22',
      priority_id: '4',
      type_id: '1',
      title: 'VPN',
    };

    const made = (await (await send('POST', 'incident', fields)).json()) as { request_id: string };
    const edited = await send('PUT', 'incident', { id: made.request_id, priority_id: '5' });

    expect(made).toMatchObject({ status: 'OK', request_id: expect.any(String) as string });
    expect(await edited.json()).toMatchObject({ id: Number(made.request_id), priority_id: 5 });
    expect(desk.request(Number(made.request_id))).toMatchObject({ userId: 11, sourceId: 4, statusId: 1 });
  });

  it('comments without giving an id and without moving last_update', async () => {
    const { desk, clock, send } = await setup();
    const was = desk.request(302).lastUpdate;
    clock.at += 5000;

    const answer = await send('POST', 'incident.comment', {
      request_id: '302',
      ...author,
      comment: 'hi',
      customer_visible: '0',
    });

    expect(await answer.json()).toEqual({ status: 'OK' });
    expect(desk.comments(302)).toMatchObject([{ message: 'hi', customerVisible: false }]);
    expect(desk.request(302).lastUpdate).toBe(was);
  });

  it('keeps to its transitions: a second one is an error', async () => {
    const { desk, send } = await setup();
    const id = desk.human.create({ title: 'x' });
    const request = { request_id: String(id), ...author };
    const state = async (method: string, name: string, fields: Record<string, string>): Promise<unknown> => {
      const answer = (await (await send(method, name, fields)).json()) as { status: unknown };
      return [answer.status, desk.request(id).statusId];
    };

    expect(await state('POST', 'incident.reassign', { ...request, group_id: '2', agent_id: '2' })).toEqual([
      'OK',
      2,
    ]);
    expect(await state('POST', 'incident.waitingfor.customer', request)).toEqual(['OK', 4]);
    expect(
      await state('POST', 'incident.comment', { ...request, comment: 'fixed', is_solution: '1' }),
    ).toEqual(['OK', 5]);
    expect(await state('PUT', 'incident.solution.accept', { id: String(id), rating: '3' })).toEqual([428, 5]);
    expect(await state('PUT', 'incident.solution.accept', { id: String(id), rating: '5' })).toEqual([
      'OK',
      6,
    ]);
    expect(await state('PUT', 'incident.solution.accept', { id: String(id), rating: '5' })).toEqual([
      'ERROR',
      6,
    ]);
    expect(await state('PUT', 'incident.reopen', request)).toEqual(['OK', 2]);
    expect(await state('POST', 'incident.reject', request)).toEqual(['OK', 7]);
    expect(await state('POST', 'incident.waitingfor.agent', request)).toEqual(['ERROR', 7]);
  });

  it('holds approvals that voters decide once', async () => {
    const { desk, send, get } = await setup();
    const wanted = { request_id: '302', ...author, approval_user_id: '2', description: 'Buy it?' };

    await send('POST', 'incident.spontaneous_approval', wanted);
    const [approval] = desk.state.approvals;
    const vote = { approval_id: String(approval?.id), user_id: '2' };

    expect(await get(`incident.approval.possible_voters?approval_id=${approval?.id}`)).toEqual([
      { user_id: 2, status: -1 },
    ]);
    expect(await (await send('PUT', 'incident.approval.accept', vote)).json()).toEqual({ status: 'OK' });
    expect(await (await send('PUT', 'incident.approval.accept', vote)).json()).toMatchObject({
      status: 'ERROR',
    });
    expect(await get('incident.approval?request_id=302&only_pending=1')).toEqual([]);
  });

  it('publishes breaking news for at least one help desk or group', async () => {
    const { desk, send } = await setup();
    const news = { type_id: '1', title: 'Outage', body: 'VPN is down' };

    expect((await send('POST', 'breakingnews', news)).status).toBe(428);
    expect(
      await (await send('POST', 'breakingnews', { ...news, 'affected_helpdesk_ids[]': '1' })).json(),
    ).toMatchObject({ status: 'OK' });
    expect(desk.state.news).toMatchObject([{ title: 'Outage', helpdeskIds: [1], statusId: 1 }]);
  });
});

describe('lookups', () => {
  it('pages categories by twenty with ids as text', async () => {
    const { get } = await setup();

    const first = (await get('categories')) as { id: string }[];
    const second = (await get('categories?page=2')) as { id: string }[];

    expect([first.length, second.length]).toEqual([20, 7]);
    expect(first[0]?.id).toBe('1');
    expect(await get('categories?page_size=500')).toHaveLength(27);
  });

  it('finds people by name and by pages of ten', async () => {
    const { get } = await setup();

    expect(await get('user.by?username=deskbot')).toMatchObject({ id: invgateIds.deskbot, user_type: 1 });
    const page = (await get('users.by?email=customer')) as {
      data: Record<string, unknown>;
      next_page_key: string;
    };
    expect(Object.keys(page.data)).toHaveLength(10);
    expect(
      Object.keys(
        ((await get(`users.by?email=customer&page_key=${page.next_page_key}`)) as typeof page).data,
      ),
    ).toHaveLength(2);
  });
});

describe('web services of rules', () => {
  it('are called with the request id, as JSON or as a form', async () => {
    const { desk } = await setup();
    const receiver = await startReceiver();
    closing.push(() => receiver.close());
    desk.addWebhook({ url: receiver.url, on: ['created'], headers: { 'x-secret': 's' } });
    desk.addWebhook({ url: receiver.url, on: ['commented'], format: 'form' });

    const id = desk.human.create({ title: 'x' });
    await desk.settled();
    desk.human.comment(id, 'hello');
    await desk.settled();

    expect(receiver.calls.all.map((call) => call.body.toString())).toEqual([
      `{"request_id":"${id}"}`,
      `request_id=${id}`,
    ]);
    expect(receiver.calls.all[0]?.headers['x-secret']).toBe('s');
  });
});
