import { afterEach, describe, expect, it } from 'vitest';

import { startBossDesk, type BossDesk, type BossOptions } from './bossdesk-desk.ts';
import { bossIds } from './seed.ts';

const noon = Date.parse('2026-11-23T12:00:00Z');

interface Setup {
  readonly desk: BossDesk;
  readonly clock: { at: number; now(): number };
  readonly send: (method: string, path: string, body?: unknown) => Promise<Response>;
  readonly get: (path: string) => Promise<unknown>;
  readonly ids: (query: string) => Promise<number[]>;
}

let close: () => Promise<void> = async () => undefined;
afterEach(() => close());

async function setup(options: BossOptions = {}): Promise<Setup> {
  const clock = { at: noon, now: () => clock.at };
  const desk = await startBossDesk({ clock, ...options });
  close = () => desk.close();
  const headers = { authorization: `Token token="${desk.key}"`, 'content-type': 'application/json' };
  const send: Setup['send'] = (method, path, body) =>
    fetch(`${desk.url}/${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const get = async (path: string): Promise<unknown> => (await send('GET', path)).json();
  const ids = async (query: string): Promise<number[]> =>
    ((await get(`tickets?${query}`)) as { friendly_id: number }[]).map((row) => row.friendly_id);
  return { desk, clock, send, get, ids };
}

describe('the ticket list', () => {
  it('has rows without updated_at and pages of 15, at most 30', async () => {
    const { desk, get, ids } = await setup({ oldTickets: false });
    for (let count = 0; count < 40; count++) desk.human.create({ title: `Ticket ${count}` });

    expect(await ids('')).toHaveLength(15);
    expect(await ids('per_page=500')).toHaveLength(30);
    expect(await ids('per_page=30&page=2')).toHaveLength(10);
    const [row] = (await get('tickets')) as object[];
    for (const name of ['updated_at', 'created_at', 'team', 'tags', 'lock_version'])
      expect(row).not.toHaveProperty(name);
  });

  it('honours q, and ignores what it does not know without a word', async () => {
    const { desk, clock, ids } = await setup({ oldTickets: false });
    const first = desk.human.create({ title: 'first' });
    clock.at += 1000;
    const second = desk.human.create({ title: 'second' });

    expect(await ids('q[updated_at_gteq]=2999-01-01T00:00:00Z')).toEqual([]);
    expect(await ids('q[updated_at_gteq]=2026-11-23T12:00:01Z')).toEqual([second]);
    expect(await ids('q[s]=updated_at+asc')).toEqual([first, second]);
    expect(await ids('q[s]=updated_at+desc')).toEqual([second, first]);
    expect(await ids('q[no_such_gteq]=1&q[s]=colour+asc')).toEqual([second, first]);
  });

  it('may ignore q altogether, or only the sort', async () => {
    const { desk, ids } = await setup();
    const never = 'q[updated_at_gteq]=2999-01-01T00:00:00Z';
    desk.searchMode = 'ignores';
    expect(await ids(never)).toHaveLength(10);

    desk.searchMode = 'ignores_sort';
    expect(await ids(never)).toEqual([]);
    expect(await ids('q[s]=id+asc')).toEqual(await ids('q[s]=id+desc'));
  });

  it('keeps microseconds behind the milliseconds it shows', async () => {
    const { desk, get, ids } = await setup({ oldTickets: false });
    const id = desk.human.create({ title: 'x' });
    const { updated_at: shown } = (await get(`tickets/${id}`)) as { updated_at: string };

    expect(shown).toBe('2026-11-23T12:00:00.000Z');
    expect(await ids(`q[updated_at_eq]=${shown}`)).toEqual([]);
    expect(await ids(`q[updated_at_gt]=${shown}`)).toEqual([id]);
    expect(await ids(`q[updated_at_gteq]=${shown}`)).toEqual([id]);
  });

  it('gives all tickets of a bulk edit one timestamp', async () => {
    const { desk, clock } = await setup({ oldTickets: false });
    const all = Array.from({ length: 35 }, (_, count) => desk.human.create({ title: `Ticket ${count}` }));
    clock.at += 5;

    desk.human.bulkEdit(all, { priorityId: bossIds.critical });

    expect(new Set(all.map((id) => desk.ticket(id).updatedAt)).size).toBe(1);
  });

  it('reads times without a zone in that of the account', async () => {
    const { desk, ids } = await setup({ oldTickets: false, timeZone: 'Europe/Istanbul' });
    const id = desk.human.create({ title: 'x' });

    expect(await ids('q[updated_at_gteq]=2026-11-23T14:59:00')).toEqual([id]);
    expect(await ids('q[updated_at_gteq]=2026-11-23T15:01:00')).toEqual([]);
  });
});

describe('changing tickets', () => {
  it('answers 204 without a body, and 409 to a stale lock_version', async () => {
    const { desk, send } = await setup();
    const id = desk.human.create({ title: 'x' });
    const edit = { ticket: { priority_id: bossIds.high, lock_version: 0 } };

    const first = await send('PATCH', `tickets/${id}`, edit);
    const again = await send('PATCH', `tickets/${id}`, edit);

    expect([first.status, await first.text()]).toEqual([204, '']);
    expect(again.status).toBe(409);
    expect(desk.ticket(id)).toMatchObject({ priorityId: bossIds.high, lockVersion: 1 });
  });

  it('overwrites without a lock_version and never lets status be written', async () => {
    const { desk, send, get } = await setup();
    const id = desk.human.create({ title: 'x' });
    desk.human.edit(id, { title: 'y' });

    await send('PATCH', `tickets/${id}`, {
      ticket: { title: 'z', status: 'closed', agent_id: bossIds.ali, tag_ids: [bossIds.tagVip] },
    });
    await send('PATCH', `tickets/${id}`, {
      ticket: { tag_ids: [bossIds.tagOnsite], custom_fields: { 49: true } },
    });
    await send('PATCH', `tickets/${id}`, { ticket: { custom_fields: { 934: 'hi' } } });

    expect(await get(`tickets/${id}`)).toMatchObject({
      title: 'z',
      status: 'assigned',
      tags: [{ name: 'onsite' }],
      custom_fields: { 49: true, 934: 'hi' },
    });
  });

  it('explains refusals by field, and wants its wrapper', async () => {
    const { desk, send } = await setup();
    const id = desk.human.create({ title: 'x' });

    const blank = await send('POST', 'tickets', {
      ticket: { type_id: bossIds.incident, priority_id: bossIds.high },
    });
    expect([blank.status, await blank.json()]).toEqual([422, { errors: { title: ["can't be blank"] } }]);
    expect((await send('POST', 'tickets', { title: 'x' })).status).toBe(400);
    const silent = await send('POST', `tickets/${id}/comments`, { comment: { body: 'x' } });
    expect([silent.status, await silent.json()]).toEqual([
      422,
      { errors: { is_public: ["can't be blank"] } },
    ]);
  });

  it('creates tickets and comments with their ids', async () => {
    const { desk, send } = await setup();
    const wanted = {
      title: 'New',
      type_id: bossIds.incident,
      priority_id: bossIds.low,
      requester_id: bossIds.ceo,
    };

    const made = await send('POST', 'tickets', { ticket: wanted });
    const ticket = (await made.json()) as { friendly_id: number };
    const said = await send('POST', `tickets/${ticket.friendly_id}/comments`, {
      comment: { body: '<p>a</p>', is_public: false },
    });

    expect([made.status, said.status]).toEqual([201, 201]);
    expect(await said.json()).toMatchObject({
      id: expect.any(Number) as number,
      is_public: false,
      from_agent: true,
    });
    expect(desk.ticket(ticket.friendly_id).comments).toHaveLength(1);
  });

  it('closes and reopens once', async () => {
    const { desk, send } = await setup();
    const id = desk.human.create({ title: 'x' });
    const step = async (what: string): Promise<number> =>
      (await send('PATCH', `tickets/${id}/${what}`, {})).status;

    expect([await step('close'), await step('close'), await step('reopen'), await step('reopen')]).toEqual([
      200, 422, 200, 422,
    ]);
  });

  it('keeps tasks and time entries, one of them with an impossible time', async () => {
    const { desk, send, get } = await setup();
    const id = desk.human.create({ title: 'x' });
    const task = (await (
      await send('POST', `tickets/${id}/tasks`, { task: { title: 'call', due_at: '2026-11-28 15:00:00' } })
    ).json()) as { id: number };
    expect(task).toMatchObject({ due_at: '2026-11-28T15:00:00.000Z', closed_at: null });

    expect((await send('PATCH', `tickets/${id}/tasks/${task.id}/close`, {})).status).toBe(200);
    const entry = await send('POST', `tickets/${id}/time_entries`, {
      time_entry: { date: '31-12-2026', duration: 60 },
    });
    expect(await entry.json()).toMatchObject({ date: '2026-12-31', duration: 60 });
    expect((await send('DELETE', `tickets/${id}/tasks/${task.id}`)).status).toBe(204);
    expect(JSON.stringify(await get('tickets/72'))).toContain('2016-10-23T12:45:74.234Z');
  });
});

describe('the door', () => {
  it('takes its own scheme, wants a content type and answers 402 when the plan lapses', async () => {
    const { desk, send } = await setup();
    const plain = await fetch(`${desk.url}/account`, {
      headers: { authorization: `Token token="${desk.key}"` },
    });

    expect((await fetch(`${desk.url}/account`)).status).toBe(401);
    expect(plain.status).toBe(400);
    expect((await send('GET', 'account')).status).toBe(200);
    desk.lapsed = true;
    expect((await send('GET', 'account')).status).toBe(402);
  });

  it('answers 501 to saved searches of other classes', async () => {
    const { send } = await setup();

    expect((await send('GET', `searches/${bossIds.problemSearch}`)).status).toBe(501);
    expect(await (await send('GET', `searches/${bossIds.ticketSearch}`)).json()).toHaveLength(2);
  });
});
