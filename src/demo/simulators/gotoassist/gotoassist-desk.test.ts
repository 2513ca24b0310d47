import { afterEach, describe, expect, it } from 'vitest';

import { startGotoDesk, type GotoDesk, type GotoOptions } from './gotoassist-desk.ts';
import { gotoIds } from './seed.ts';

const noon = Date.parse('2026-11-23T12:20:00Z');
const minute = 60_000;

interface Answer {
  readonly status: string;
  readonly result: {
    incidents: { reference_num: number }[];
    total_entries: number;
    total_pages: number;
  } & Record<string, unknown>;
  readonly errors: { error: string }[];
}

interface Setup {
  readonly desk: GotoDesk;
  readonly clock: { at: number; now(): number };
  readonly send: (method: string, path: string, body?: unknown) => Promise<Answer>;
  readonly refs: (query: string) => Promise<number[]>;
}

let close: () => Promise<void> = async () => undefined;
afterEach(() => close());

async function setup(options: GotoOptions = {}): Promise<Setup> {
  const clock = { at: noon, now: () => clock.at };
  const desk = await startGotoDesk({ clock, ...options });
  close = () => desk.close();
  const authorization = `Basic ${Buffer.from(`x:${desk.token}`).toString('base64')}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const send: Setup['send'] = async (method, path, body) => {
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    return (await (await fetch(`${desk.url}/${path}`, init)).json()) as Answer;
  };
  const refs = async (query: string): Promise<number[]> =>
    (await send('GET', `incidents.json?${query}`)).result.incidents.map((row) => row.reference_num);
  return { desk, clock, send, refs };
}

const report = `report_id=${gotoIds.report}&order=last_active_at`;

describe('the incident list', () => {
  it("shows the token user's own open incidents unless a report or services are named", async () => {
    const { desk, refs } = await setup();
    const own = desk.human.create({ title: 'mine', assignedUserId: gotoIds.deskbot });

    expect(await refs('')).toEqual([own]);
    expect(
      await refs(`limit=50&service_ids[]=${gotoIds.network}&service_ids[]=${gotoIds.workplace}`),
    ).toHaveLength(10);
    expect(await refs(`limit=50&${report}`)).toHaveLength(13);
  });

  it('pages by ten and says how many pages there are', async () => {
    const { send, refs } = await setup();

    const { result } = await send('GET', `incidents.json?${report}`);

    expect([result.incidents.length, result.total_entries, result.total_pages]).toEqual([10, 12, 2]);
    expect(await refs(`${report}&page=2`)).toHaveLength(2);
  });

  it('runs in either direction', async () => {
    const { desk, clock, refs } = await setup();
    clock.at += minute;
    desk.human.edit(13_534, { title: 'active' });

    expect((await refs(report))[0]).toBe(13_534);
    desk.direction = 'asc';
    expect((await refs(`${report}&page=2`)).at(-1)).toBe(13_534);
  });

  it('shifts when somebody changes an incident during the walk', async () => {
    const { desk, clock, refs } = await setup();
    const first = await refs(`${report}&limit=6`);
    clock.at += minute;
    desk.beforeEachRequest = () => desk.human.edit(13_534, { title: 'jumps to the front' });

    expect((await refs(`${report}&limit=6&page=2`))[0]).toBe(first[5]);
  });

  it('has bare rows with wrapped watches, empty dates as "" and no status', async () => {
    const { desk, send } = await setup();
    const ref = desk.human.create({ title: 'x' });
    await send('POST', `incidents/${ref}/watches.json`, { watch: { watched_by: gotoIds.ali } });

    const { result } = await send('GET', `incidents.json?${report}`);
    const row = result.incidents.find((one) => one.reference_num === ref);

    expect(row).toMatchObject({ closed_at: '', watches: [{ watch: { watched_by: { id: gotoIds.ali } } }] });
    expect(row).not.toHaveProperty('status');
    expect((await send('GET', `incidents/${ref}/watches.json`)).result).toMatchObject({
      watches: [{ watched_by: { id: gotoIds.ali } }],
    });
    desk.rows = 'wrapped';
    expect((await send('GET', `incidents.json?${report}`)).result.incidents[0]).toHaveProperty(
      'incident.reference_num',
    );
  });
});

describe('failures', () => {
  it('come with HTTP 200 and a code', async () => {
    const { desk, send } = await setup();
    const failed = await send('GET', 'incidents/1.json');
    const headers = {
      authorization: `Basic ${Buffer.from('x:wrong').toString('base64')}`,
      'content-type': 'application/json',
    };
    const stranger = await fetch(`${desk.url}/incidents.json`, { headers });

    expect(failed).toMatchObject({ status: 'Failed', errors: [{ error: '[E400] no incident found' }] });
    expect(stranger.status).toBe(200);
    expect(await stranger.json()).toMatchObject({
      status: 'Failed',
      errors: [{ error: '[E906] Invalid verifier' }],
    });
  });

  it('say E902 until the clock passes the hour', async () => {
    const { clock, send } = await setup({ perHour: 2 });
    const status = async (): Promise<string> => {
      const answer = await send('GET', 'users/current_user.json');
      return answer.errors?.[0]?.error.slice(0, 6) ?? answer.status;
    };

    expect([await status(), await status(), await status()]).toEqual(['Success', 'Success', '[E902]']);
    clock.at += 39 * minute;
    expect(await status()).toBe('[E902]');
    clock.at += minute;
    expect(await status()).toBe('Success');
  });

  it('may come with a status that fits, and wrong names or types are no API calls at all', async () => {
    const { desk } = await setup({ failures: 'by_status' });
    const headers = { authorization: `Basic ${Buffer.from(`x:${desk.token}`).toString('base64')}` };
    const status = async (path: string, type?: string): Promise<number> =>
      (
        await fetch(`${desk.url}/${path}`, {
          headers: type === undefined ? headers : { ...headers, 'content-type': type },
        })
      ).status;

    expect(await status('incidents/1.json', 'application/json')).toBe(400);
    expect(await status('incidents', 'application/json')).toBe(404);
    expect(await status('incidents.json')).toBe(404);
  });
});

describe('changing incidents', () => {
  it('creates with title, service and opening, and recomputes due dates with the priority', async () => {
    const { desk, send } = await setup();
    const wanted = {
      title: 'VPN',
      service_id: gotoIds.network,
      opened_at: '23 Nov 2026, 12:00',
      symptom: 'It is slow',
    };

    const { result } = await send('POST', 'incidents.json', { incident: wanted });
    const made = result['incident'] as { reference_num: number; due_date: string };
    expect(made).toMatchObject({
      status: 'Open',
      opened_at: '2026-11-23T12:00:00Z',
      due_date: '2026-11-24T12:00:00Z',
      symptoms: [{ symptom: { note: 'It is slow' } }],
    });

    await send('PUT', `incidents/${made.reference_num}.json`, {
      incident: { priority_id: gotoIds.urgent, assigned_user_id: gotoIds.ali },
    });
    expect(desk.incident(made.reference_num)).toMatchObject({
      assignedUserId: gotoIds.ali,
      dueDate: Date.parse('2026-11-23T16:00:00Z'),
    });
    expect(await send('POST', 'incidents.json', { incident: { service_id: 20 } })).toMatchObject({
      status: 'Failed',
    });
    // Ids belong to one service.
    expect(
      await send('PUT', `incidents/${made.reference_num}.json`, { incident: { priority_id: 158 } }),
    ).toMatchObject({ status: 'Failed' });
  });

  it('resolves, closes and reopens only with all parts present', async () => {
    const { desk, send } = await setup();
    const ref = desk.human.create({ title: 'x' });
    const put = async (incident: object): Promise<string> => {
      const { status, result } = await send('PUT', `incidents/${ref}.json`, { incident });
      return status === 'Success' ? String((result['incident'] as { status: string }).status) : status;
    };
    const at = '2026-11-23T12:30:00Z';

    expect(await put({ resolved_at: at })).toBe('Failed');
    await send('POST', `incidents/${ref}/resolutions.json`, {
      resolution: { note: 'fixed', user_id: gotoIds.nora },
    });
    expect(await put({ resolved_at: at })).toBe('Resolved');
    expect(await put({ closed_at: at, closure_code: 0 })).toBe('Failed');
    expect(await put({ closed_at: at, closure_code: 0, closure_comment: 'done' })).toBe('Closed');
    expect(await put({ closed_at: '', closure_code: '' })).toBe('Closed');
    expect(await put({ closed_at: null, closure_code: null })).toBe('Open');
  });

  it('adds notes with their id, each as often as it is sent', async () => {
    const { desk, send } = await setup();
    const ref = desk.human.create({ title: 'x' });
    const comment = { comment: { note: 'same', user_id: gotoIds.deskbot } };

    const { result } = await send('POST', `incidents/${ref}/comments.json`, comment);
    await send('POST', `incidents/${ref}/comments.json`, comment);

    expect(result['comment']).toMatchObject({
      note: 'same',
      user: { id: gotoIds.deskbot },
      external_email: '',
    });
    expect(desk.incident(ref).notes).toHaveLength(2);
    expect(
      await send('POST', `incidents/${ref}/comments.json`, { comment: { note: 'by nobody' } }),
    ).toMatchObject({ status: 'Failed' });
  });

  it('links with exactly one other record and unlinks it', async () => {
    const { send } = await setup();

    expect(
      await send('POST', 'links/incidents/13534.json', { incident_id: 13_535, change_id: 4 }),
    ).toMatchObject({ status: 'Failed' });
    expect((await send('POST', 'links/incidents/13534.json', { incident_id: 13_535 })).result).toMatchObject({
      incidents: [{ incident_id: 13_535 }],
    });
    expect((await send('DELETE', 'links/incidents/13534/incidents/13535.json')).result).toMatchObject({
      incidents: [],
    });
  });

  it('keeps time against a record', async () => {
    const { send } = await setup();

    const made = await send('POST', 'time_entries.json', {
      time_entry: { entry: 'B#13534', hours: '1', description: 'logs' },
    });
    const listed = await send('GET', 'time_entries.json');

    expect(made.result['time_entry']).toMatchObject({ hours: 1, description: 'logs' });
    expect(listed.result['time_entries']).toHaveLength(1);
  });
});

describe('lookups', () => {
  it('wraps everything in a service and marks groups among users', async () => {
    const { send } = await setup();

    expect((await send('GET', `services/${gotoIds.network}.json`)).result['service']).toMatchObject({
      service_priorities: [{ service_priority: { level: 1, id: gotoIds.urgent } }, {}, {}, {}],
      beetil_categories: [{ beetil_category: { name: 'VPN' } }, {}],
    });
    const users = (await send('GET', 'users.json')).result['users'] as object[];
    expect(users.filter((user) => 'group_link' in user)).toHaveLength(1);
  });
});
