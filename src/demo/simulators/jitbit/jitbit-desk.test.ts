import { afterEach, describe, expect, it } from 'vitest';

import { jitbitIds } from './seed.ts';
import { startJitbitDesk, type JitbitDesk, type JitbitOptions } from './jitbit-desk.ts';

const noon = Date.parse('2026-11-23T12:00:00Z');
const minute = 60_000;

interface Setup {
  readonly desk: JitbitDesk;
  readonly clock: { at: number; now(): number };
  readonly get: (path: string) => Promise<Response>;
  readonly post: (name: string, fields: Record<string, string>, token?: string) => Promise<Response>;
  readonly rows: (query: string) => Promise<{ IssueID: number; LastUpdated: string; Origin: string }[]>;
}

let close: () => Promise<void> = async () => undefined;
afterEach(() => close());

async function setup(options: JitbitOptions = {}): Promise<Setup> {
  const clock = { at: noon, now: () => clock.at };
  const desk = await startJitbitDesk({ clock, ...options });
  close = () => desk.close();
  const bearer = (token = desk.token): Record<string, string> => ({ authorization: `Bearer ${token}` });
  const get = (path: string): Promise<Response> => fetch(`${desk.url}/api/${path}`, { headers: bearer() });
  return {
    desk,
    clock,
    get,
    post: (name, fields, token) =>
      fetch(`${desk.url}/api/${name}`, {
        method: 'POST',
        headers: bearer(token),
        body: new URLSearchParams(fields),
      }),
    rows: async (query) => (await (await get(`Tickets?${query}`)).json()) as never,
  };
}

describe('the ticket list', () => {
  it('returns ten rows unless asked for more, and never more than 300', async () => {
    const { desk, rows } = await setup();
    for (let count = 0; count < 320; count++) desk.human.create({ subject: `Ticket ${count}` });

    expect(await rows('')).toHaveLength(10);
    expect(await rows('count=5000')).toHaveLength(300);
    expect(await rows('count=300&offset=300')).toHaveLength(40);
  });

  it('compares updatedFrom as a date in the zone of the server', async () => {
    const { desk, clock, rows } = await setup({ timeZone: 'Europe/Istanbul', oldTickets: false });
    clock.at = Date.parse('2026-11-22T20:59:00Z');
    desk.human.create({ subject: 'the day before there' });
    clock.at = Date.parse('2026-11-22T21:01:00Z');
    const id = desk.human.create({ subject: 'already Monday there' });

    const found = await rows('updatedFrom=2026-11-23');

    expect(found.map((row) => row.IssueID)).toEqual([id]);
    expect(found[0]?.LastUpdated).toBe('2026-11-22T21:01:00Z');
    expect(found[0]?.Origin).toBe('WebApp');
  });

  it('gives its rows in the configured order', async () => {
    const { desk, clock, rows } = await setup({ oldTickets: false });
    const [first, second] = [desk.human.create({ subject: 'a' }), desk.human.create({ subject: 'b' })];
    clock.at += minute;
    desk.human.edit(first, { priority: 2 });
    const ids = async (): Promise<number[]> => (await rows('')).map((row) => row.IssueID);

    expect(await ids()).toEqual([first, second]);
    desk.rowOrder = 'oldest_first';
    expect(await ids()).toEqual([second, first]);
    desk.rowOrder = 'by_id';
    expect(await ids()).toEqual([first, second]);
  });

  it('filters by category, status, person, tag and mode', async () => {
    const { desk, rows } = await setup({ oldTickets: false });
    const vpn = desk.human.create({
      subject: 'x',
      category: 'VPN',
      requester: 'ceo@acme.com',
      tags: ['vip'],
    });
    const printer = desk.human.create({ subject: 'y', category: 'Hardware > Printer' });
    desk.human.close(printer);
    const ids = async (query: string): Promise<number[]> => (await rows(query)).map((row) => row.IssueID);

    expect(await ids(`categoryId=${jitbitIds.vpn}&categoryId=999`)).toEqual([vpn]);
    expect(await ids('sectionId=201')).toEqual([printer]);
    expect(await ids('statusId=3')).toEqual([printer]);
    expect(await ids('mode=unclosed')).toEqual([vpn]);
    expect(await ids(`fromUserId=${jitbitIds.ceo}`)).toEqual([vpn]);
    expect(await ids('tagName=VIP')).toEqual([vpn]);
  });

  it('lets people change tickets between two pages', async () => {
    const { desk, clock, rows } = await setup();
    const before = await rows('count=10');
    clock.at += minute;
    desk.beforeEachRequest = () => desk.human.edit(1001, { priority: 2 });

    const next = await rows('count=10&offset=10');

    // The edited ticket moved to the front, so the last row of page one is the first of page two.
    expect(next[0]?.IssueID).toBe(before[9]?.IssueID);
  });
});

describe('changing tickets', () => {
  it('creates a ticket and answers with its bare number', async () => {
    const { desk, post } = await setup();

    const made = await post('ticket', {
      categoryId: String(jitbitIds.network),
      subject: 'No network',
      body: 'since noon',
      priorityId: '2',
      tags: 'vip, floor3',
      origin: '3',
      customFields: `{"${jitbitIds.asset}":"N-17"}`,
    });

    const id = Number(await made.text());
    expect(desk.ticket(id)).toMatchObject({
      subject: 'No network',
      priority: 2,
      tags: ['vip', 'floor3'],
      origin: 3,
    });
    expect(desk.ticket(id).customFields.get(jitbitIds.asset)).toBe('N-17');
  });

  it('replaces all tags on UpdateTicket and adds one on TagTicket', async () => {
    const { desk, post } = await setup();
    desk.human.edit(1001, { tags: ['a', 'b'] });

    await post('UpdateTicket', { id: '1001', tags: 'c' });
    await post('tagticket', { ticketId: '1001', name: 'd' });

    expect(desk.ticket(1001).tags).toEqual(['c', 'd']);
  });

  it('refuses JSON bodies, missing parameters, unknown tickets and wrong methods in words', async () => {
    const { desk, get, post } = await setup();
    const headers = { authorization: `Bearer ${desk.token}`, 'content-type': 'application/json' };
    const asJson = await fetch(`${desk.url}/api/UpdateTicket`, {
      method: 'POST',
      headers,
      body: '{"id":1001}',
    });

    expect([asJson.status, await asJson.text()]).toEqual([400, 'Use query-string or POST vars, not JSON']);
    expect((await post('UpdateTicket', { priority: '1' })).status).toBe(400);
    expect((await post('UpdateTicket', { id: '99' })).status).toBe(404);
    expect((await post('UpdateTicket', { id: '1001', priority: 'high' })).status).toBe(400);
    expect((await get('UpdateTicket?id=1001')).status).toBe(405);
    expect((await get('NoSuchMethod')).status).toBe(404);
  });

  it('assigns technicians of the category only, and nobody with 0', async () => {
    const { desk, post } = await setup();
    const id = desk.human.create({ subject: 'x', category: 'Hardware > Printer' });

    const refused = await post('UpdateTicket', { id: String(id), assignedUserId: String(jitbitIds.nora) });
    const taken = await post('UpdateTicket', { id: String(id), assignedUserId: String(jitbitIds.ali) });

    expect([refused.status, taken.status]).toEqual([400, 200]);
    expect(desk.ticket(id).assignedToUserId).toBe(jitbitIds.ali);
    await post('UpdateTicket', { id: String(id), assignedUserId: '0' });
    expect(desk.ticket(id).assignedToUserId).toBeNull();
  });

  it('lets a requester see and edit own tickets only', async () => {
    const { desk, post } = await setup();
    const own = desk.human.create({ subject: 'mine', requester: 'mert@acme.com' });
    const foreign = desk.human.create({ subject: 'not mine', requester: 'ceo@acme.com' });
    const watched = desk.human.create({ subject: 'watched', requester: 'ceo@acme.com' });
    desk.human.subscribe(watched, 'mert@acme.com');
    const update = async (id: number): Promise<number> =>
      (await post('UpdateTicket', { id: String(id), subject: 'changed' }, 'mert-token')).status;

    expect([await update(own), await update(foreign), await update(watched)]).toEqual([200, 404, 403]);
  });

  it('leaves LastUpdated alone for edits configured to be silent', async () => {
    const { desk, clock, post } = await setup({ silentEdits: ['tags'] });
    const was = desk.ticket(1001).lastUpdated;
    clock.at += minute;

    await post('TagTicket', { ticketId: '1001', name: 'quiet' });
    expect(desk.ticket(1001).lastUpdated).toBe(was);

    await post('UpdateTicket', { id: '1001', priority: '2' });
    expect(desk.ticket(1001).lastUpdated).toBe(clock.at);
  });

  it('sets the resolved date on Close and clears it on reopening', async () => {
    const { desk, post } = await setup();
    const id = desk.human.create({ subject: 'x' });

    await post('Close', { id: String(id), suppressNotification: 'true' });
    expect(desk.ticket(id)).toMatchObject({ statusId: 3, resolvedDate: noon });

    desk.human.reopen(id);
    expect(desk.ticket(id)).toMatchObject({ statusId: 2, resolvedDate: null });
  });

  it('takes option ids for drop-downs and shows them with their text', async () => {
    const { get, post } = await setup();
    const ids = { ticketId: '1001', fieldId: String(jitbitIds.device) };

    expect((await post('SetCustomField', { ...ids, value: 'Phone' })).status).toBe(400);
    expect(
      (await post('SetCustomFields', { ticketId: '1001', [`cf${jitbitIds.device}`]: '7002' })).status,
    ).toBe(200);

    const values = await (await get('TicketCustomFields?id=1001')).json();
    expect(values).toMatchObject([{ FieldID: jitbitIds.device, Value: '7002', ValueWithOption: 'Phone' }]);
  });

  it('deletes the second ticket of a merge', async () => {
    const { desk, get, post } = await setup();

    await post('MergeTickets', { id: '1001', id2: '1004' });

    expect((await get('ticket?id=1004')).status).toBe(404);
    expect(desk.comments(1001).length).toBeGreaterThan(1);
  });

  it('links tickets and keeps the parent as bare text', async () => {
    const { get, post } = await setup();

    await post('LinkTickets', { id: '1001', id2: '1002' });
    await post('AddSubTicket', { parentId: '1001', childId: '1003' });

    expect(await (await get('LinkedTickets?id=1002')).json()).toMatchObject([{ TicketID: 1001 }]);
    expect(await (await get('SubTickets?id=1001')).json()).toMatchObject([{ IssueID: 1003, Origin: 0 }]);
    expect(await (await get('ParentTicket?id=1003')).text()).toBe('1001');
    expect(await (await get('ParentTicket?id=1001')).text()).toBe('0');
  });
});

describe('comments', () => {
  it('keeps two equal comments as two', async () => {
    const { desk, post } = await setup();
    const id = String(desk.human.create({ subject: 'x' }));

    await post('comment', { id, body: 'same' });
    await post('comment', { id, body: 'same', forTechsOnly: 'true' });

    expect(desk.comments(Number(id)).map((one) => [one.body, one.forTechsOnly])).toEqual([
      ['same', false],
      ['same', true],
    ]);
  });

  it('may rewrite the text as HTML', async () => {
    const { desk, get, post } = await setup({ commentBodies: 'html' });
    const id = String(desk.human.create({ subject: 'x' }));

    await post('comment', { id, body: 'a < b\nsee https://acme.com/x' });

    expect(await (await get(`comments?id=${id}`)).json()).toMatchObject([
      { Body: '<!--html--><p>a &lt; b<br />see <a href="https://acme.com/x">https://acme.com/x</a></p>' },
    ]);
  });

  it('hides notes for technicians from requesters', async () => {
    const { desk, get } = await setup();
    const id = desk.human.create({ subject: 'x', requester: 'mert@acme.com' });
    desk.human.comment(id, 'secret', { techsOnly: true });
    const asMert = await fetch(`${desk.url}/api/comments?id=${id}`, {
      headers: { authorization: 'Bearer mert-token' },
    });

    expect(await asMert.json()).toEqual([]);
    expect(await (await get(`comments?id=${id}`)).json()).toHaveLength(1);
  });

  it('logs changes as system comments', async () => {
    const { desk } = await setup();
    const id = desk.human.create({ subject: 'x' });

    desk.human.edit(id, { priority: 2 });

    const [line] = desk.comments(id, { system: true });
    expect(line).toMatchObject({ isSystem: true, body: 'Priority changed from "Normal" to "Critical"' });
  });
});

describe('the door', () => {
  it('knows its user by token and by password', async () => {
    const { desk, post } = await setup();
    const basic = `Basic ${Buffer.from('nora:nora-password').toString('base64')}`;
    const byPassword = await fetch(`${desk.url}/api/Authorization`, {
      method: 'POST',
      headers: { authorization: basic },
    });

    expect(await byPassword.json()).toMatchObject({ Email: 'nora@acme.com', IsAdmin: false, IsTech: true });
    expect(await (await post('Authorization', {})).json()).toMatchObject({ Email: 'deskbot@acme.com' });
  });

  it('blocks the caller for five minutes after three wrong logins in a row', async () => {
    const { clock, post } = await setup();
    const statuses: number[] = [];
    for (let count = 0; count < 3; count++) statuses.push((await post('Authorization', {}, 'wrong')).status);
    statuses.push((await post('Authorization', {})).status);

    clock.at += 5 * minute;
    statuses.push((await post('Authorization', {})).status);

    expect(statuses).toEqual([401, 401, 401, 403, 200]);
  });

  it('answers 429 beyond the budget of a minute, counting Search and UserByEmail apart', async () => {
    const { clock, get } = await setup({ perMinute: 3, searchPerMinute: 2 });
    const statuses = async (path: string, calls: number): Promise<number[]> => {
      const seen: number[] = [];
      for (let count = 0; count < calls; count++) seen.push((await get(path)).status);
      return seen;
    };

    expect(await statuses('categories', 4)).toEqual([200, 200, 200, 429]);
    expect(await statuses('Search?query=vpn', 3)).toEqual([200, 200, 429]);
    clock.at += minute;
    expect(await statuses('categories', 1)).toEqual([200]);
  });

  it('leads to the sign-in page outside /api', async () => {
    const { desk } = await setup();

    const response = await fetch(`${desk.url}/Tickets`);

    expect(response.headers.get('content-type')).toContain('text/html');
    expect(await response.text()).toContain('Sign in');
  });
});

describe('faults', () => {
  it('may apply a write and lose the answer', async () => {
    const { desk, post } = await setup();
    const id = desk.human.create({ subject: 'x' });
    desk.faults.next('comment', { kind: 'reset_after' });
    desk.faults.next('comment', { kind: 'reset_before' });

    await expect(post('comment', { id: String(id), body: 'one' })).rejects.toThrow('fetch failed');
    await expect(post('comment', { id: String(id), body: 'two' })).rejects.toThrow('fetch failed');

    expect(desk.comments(id).map((comment) => comment.body)).toEqual(['one']);
    expect(desk.calls.named('comment').map((call) => [call.fault, call.handled])).toEqual([
      ['reset_after', true],
      ['reset_before', false],
    ]);
  });

  it('holds a request until it is released', async () => {
    const { desk, get } = await setup();
    const held = desk.faults.hold('tickets');

    const waiting = get('Tickets');
    const call = await held.arrived;
    expect(call.handled).toBe(false);
    held.release();

    expect((await waiting).status).toBe(200);
  });

  it('breaks answers in the ways of proxies and networks', async () => {
    const { desk, get } = await setup();
    desk.human.edit(1001, { subject: 'Şube' });
    desk.faults.next('*', { kind: 'too_many', retryAfter: 7 });
    desk.faults.next('*', { kind: 'bad_gateway' });
    desk.faults.next('*', { kind: 'login_page' });
    desk.faults.next('*', { kind: 'truncated' });
    desk.faults.next('*', { kind: 'wrong_charset' });
    desk.faults.next('*', { kind: 'cut_off' });

    const limited = await get('categories');
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '7']);
    expect((await get('categories')).status).toBe(502);
    expect(await (await get('categories')).text()).toContain('Sign in');
    await expect((await get('categories')).json()).rejects.toThrow('JSON');
    expect(await (await get('ticket?id=1001')).text()).not.toContain('Şube');
    await expect(get('categories').then((response) => response.text())).rejects.toThrow('terminated');
    expect((await get('categories')).status).toBe(200);
  });
});

describe('automation rules', () => {
  it('posts its template for what people do, once and without repeating', async () => {
    const { desk } = await setup();
    const receiver = await startJitbitDesk();
    const stop = desk.addWebhook({ url: `${receiver.url}/api/hook`, on: ['created', 'new_reply', 'closed'] });

    const id = desk.human.create({ subject: 'x' });
    desk.human.comment(id, 'hello', { by: 'requester' });
    desk.human.edit(id, { priority: 1 });
    await desk.settled();
    stop();
    desk.human.close(id);

    expect(receiver.calls.all.map((call) => call.body.toString())).toEqual([
      `{"ticketId":"${id}","hook":"created"}`,
      `{"ticketId":"${id}","hook":"new_reply"}`,
    ]);
    expect(desk.deliveries.map((delivery) => delivery.status)).toEqual([401, 401]);
    await receiver.close();
  });

  it('puts values into the template as plain text', async () => {
    const { desk } = await setup();
    desk.addWebhook({
      url: 'http://127.0.0.1:9/',
      on: ['created'],
      template: '{"s":"#subject#","p":"#priority#"}',
    });

    desk.human.create({ subject: 'a "quoted" one', priority: 2 });
    await desk.settled();

    expect(desk.deliveries[0]).toMatchObject({ body: '{"s":"a "quoted" one","p":"Critical"}', status: null });
  });
});
