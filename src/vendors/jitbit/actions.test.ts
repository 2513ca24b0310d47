import { describe, expect, test } from 'vitest';
import { startJitbitDesk, type JitbitDesk } from '../../demo/simulators/jitbit/jitbit-desk.ts';
import { jitbitIds } from '../../demo/simulators/jitbit/seed.ts';
import { ActionStage } from '../../../test/actions.ts';
import { contractContext, vendorFailure } from '../../../test/vendor-contract.ts';
import type { DeskAction } from '../vendor.ts';
import { jitbit } from './index.ts';

const stage = new ActionStage<JitbitDesk>(jitbit, {
  start: (clock) =>
    startJitbitDesk({ clock, rateLimit: 'off', oldTickets: false, timeZone: 'Europe/Istanbul' }),
  settings: ({ url, token }) => ({
    url,
    token,
    phases: { 'On hold': 'waiting' },
    write_time_zone: 'Europe/Istanbul',
  }),
  create: ({ human }) => human.create({ subject: 'VPN down', tags: ['vip', 'onsite'] }),
  tell: ({ method, name, params }) =>
    method !== 'POST' || name === 'authorization' ? null : `${name} ${decodeURIComponent(String(params))}`,
});
const { plan, perform, changes, refusal } = stage;

describe('reassign', () => {
  test.each([
    ['e-mail', 'ALI@acme.com'],
    ['user name', 'ali'],
    ['full name', 'ali demir'],
    ['full name in Turkish capitals', 'ALİ DEMİR'],
    ['id', '3'],
  ])('moves to a queue and a person by %s in one call', async (_, agent) => {
    const writes = await perform({ action: 'reassign', queue: 'Hardware > Printer', agent });

    expect(changes()).toEqual([`updateticket id=${stage.id}&categoryId=103&assignedUserId=3`]);
    expect(writes[0]).toMatchObject({
      part: 'reassign',
      kind: 'state',
      sets: {
        category: {
          from: { id: '101', name: 'Network', path: 'Network' },
          to: { id: '103', name: 'Printer', path: 'Hardware > Printer' },
        },
        queue: { from: { id: '101', name: 'Network' }, to: { id: '201', name: 'Hardware' } },
        assignee: { from: null, to: { id: '3', name: 'Ali Demir' } },
      },
    });
  });

  test.each(['network l2', 'NETWORK L2', '106', 'Ｎｅｔｗｏｒｋ Ｌ2'])(
    'knows a queue as %j',
    async (queue) => {
      await perform({ action: 'reassign', queue });

      expect(stage.desk.ticket(stage.id).categoryId).toBe(jitbitIds.networkL2);
    },
  );

  test("knows a section by Jitbit's own spelling of the path", async () => {
    await perform({ action: 'reassign', queue: 'Hardware \\ Laptop' });

    expect(stage.desk.ticket(stage.id).categoryId).toBe(jitbitIds.laptop);
  });

  test('leaves alone what is so already', async () => {
    stage.desk.human.assign(stage.id, 'ali@acme.com');

    expect(await plan({ action: 'reassign', queue: 'Network', agent: 'ali@acme.com' })).toBeNull();
  });

  test('null takes the assignee away', async () => {
    stage.desk.human.assign(stage.id, 'ali@acme.com');

    await perform({ action: 'reassign', agent: null });

    expect(changes()).toEqual([`updateticket id=${stage.id}&assignedUserId=0`]);
    expect(stage.desk.ticket(stage.id).assignedToUserId).toBeNull();
  });

  test('a person who is no technician of the category is refused before anything is sent', async () => {
    const message = await refusal({ action: 'reassign', queue: 'Printer', agent: 'nora@acme.com' });

    expect(message).toContain('no technician "nora@acme.com"');
    expect(message).toContain('category Hardware > Printer');
    expect(message).toContain('Ali Demir');
  });

  test('an unknown queue is refused with the nearest names, after one more look', async () => {
    const message = await refusal({ action: 'reassign', queue: 'Netwrok L2' });

    expect(message).toBe('Jitbit: no category "Netwrok L2"; nearest: Network L2, Network');
  });

  test('a section of several categories is ambiguous', async () => {
    const message = await refusal({ action: 'reassign', queue: 'Hardware' });

    expect(message).toContain('write one of Hardware > Printer, Hardware > Laptop');
  });

  test('a category that appeared a minute ago is found', async () => {
    await plan({ action: 'reassign', queue: 'VPN' });
    stage.desk.state.categories.set(108, {
      ...(stage.desk.state.categories.get(101) ?? never()),
      id: 108,
      name: 'Radio',
    });
    stage.io.clock.ms += 60_000;

    await perform({ action: 'reassign', queue: 'Radio' });

    expect(stage.desk.ticket(stage.id).categoryId).toBe(108);
  });

  test('works for an account that may not list users', async () => {
    const bot = stage.desk.state.users.get(jitbitIds.deskbot) ?? never();
    stage.desk.state.users.set(bot.id, { ...bot, isAdmin: false });

    await perform({ action: 'reassign', agent: 'ali@acme.com' });

    expect(stage.desk.ticket(stage.id).assignedToUserId).toBe(jitbitIds.ali);
    expect(stage.io.silences).toEqual([]);
  });
});

function never(): never {
  throw new Error('not in the seed');
}

describe('comment', () => {
  test.each([
    [false, true],
    [true, false],
  ])('public: %s sends forTechsOnly: %s (input 78)', async (isPublic, techsOnly) => {
    const write = await plan({ action: 'comment', text: 'On it', public: isPublic });
    if (write === null) throw new Error('nothing planned');
    await stage.adapter.send(write, contractContext());

    expect(stage.desk.comments(stage.id)).toMatchObject([
      { body: 'On it', forTechsOnly: techsOnly, isSystem: false },
    ]);
  });
});

describe('set', () => {
  test('sends all fields in one call and tells what will be read back', async () => {
    stage.desk.human.edit(stage.desk.human.create({ subject: 'teaches the status' }), { status: 'On hold' });

    const writes = await perform({
      action: 'set',
      priority: 'critical',
      category: 'VPN',
      status: 'on hold',
      title: 'VPN down in Ankara',
      due_at: '2026-12-24T10:00:00.000Z',
    });

    expect(changes()).toEqual([
      `updateticket id=${stage.id}&categoryId=102&priority=2&statusId=9&subject=VPN+down+in+Ankara&dueDate=2026-12-24T13:00:00`,
    ]);
    expect(writes[0]?.sets).toMatchObject({
      priority: { from: 'normal', to: 'critical' },
      status: { from: { id: '1', name: 'New' }, to: { id: '9', name: 'On hold' } },
      phase: { from: 'new', to: 'waiting' },
      title: { from: 'VPN down', to: 'VPN down in Ankara' },
      due_at: { from: null, to: '2026-12-24T10:00:00.000Z' },
    });
    expect(stage.desk.ticket(stage.id).dueDate).toBe(Date.parse('2026-12-24T10:00:00Z'));
    expect(stage.io.warnings).toEqual([]);
  });

  test('a due date that comes back as another instant is warned of', async () => {
    await stage.reconnect({ write_time_zone: 'America/New_York' });

    await stage.adapter.send(
      (await plan({ action: 'set', due_at: '2026-12-24T10:00:00.000Z' })) ?? never(),
      contractContext(),
    );

    expect(stage.io.warnings).toEqual([expect.stringContaining('check write_time_zone')]);
  });

  test('a due date is taken away', async () => {
    stage.desk.human.edit(stage.id, { dueAt: Date.parse('2026-12-24T10:00:00Z') });

    await perform({ action: 'set', due_at: null });

    expect(stage.desk.ticket(stage.id).dueDate).toBeNull();
  });

  test.each([
    ['urgent', 2],
    ['Critical', 2],
    ['high', 1],
    ['NORMAL', 0],
    ['-1', -1],
  ])('priority %s is written as %i', async (priority, expected) => {
    stage.desk.human.edit(stage.id, { priority: expected === 0 ? 1 : 0 });

    await perform({ action: 'set', priority });

    expect(stage.desk.ticket(stage.id).priority).toBe(expected);
  });

  test('custom fields go out together: options by their id, checkboxes as true or false', async () => {
    const writes = await perform({
      action: 'set',
      custom: { device: 'phone', 'Asset number': 17, Outage: true },
    });

    expect(changes()).toEqual([`setcustomfields ticketId=${stage.id}&cf501=7002&cf502=17&cf503=true`]);
    expect(writes[0]?.sets).toEqual({
      'custom.Device': { from: null, to: 'Phone' },
      'custom.Asset number': { from: null, to: '17' },
      'custom.Outage': { from: null, to: true },
    });
    expect(await plan({ action: 'set', custom: { Device: 'Phone', Outage: 'true' } })).toBeNull();
  });

  test('null clears a custom field', async () => {
    stage.desk.human.edit(stage.id, { customFields: { 'Asset number': 'A-1' } });

    await perform({ action: 'set', custom: { 'Asset number': null } });

    expect(stage.desk.ticket(stage.id).customFields.size).toBe(0);
  });

  test.each([
    [{ custom: { Devise: 'Phone' } }, 'no custom field "Devise"; nearest: Device'],
    [{ custom: { Device: 'Fone' } }, 'no option of "Device" "Fone"; nearest: Phone'],
    [{ custom: { Outage: 'maybe' } }, 'takes true or false'],
    [{ priority: 'hihg' }, 'no priority "hihg"; nearest: High'],
    [{ status: 'On hodl' }, 'no status "On hodl"; nearest: On hold'],
    [{ type: 'Incident' }, 'Jitbit has no ticket types'],
  ])('%j is refused, with the nearest names', async (fields, expected) => {
    stage.desk.human.edit(stage.desk.human.create({ subject: 'teaches the status' }), { status: 'On hold' });

    expect(await refusal({ action: 'set', ...fields } as DeskAction)).toContain(expected);
  });

  test('a status that only configuration knows is written by its id', async () => {
    await stage.reconnect({ names: { status: { 9: 'Beklemede' } } });

    await perform({ action: 'set', status: 'BEKLEMEDE' });

    expect(stage.desk.ticket(stage.id).statusId).toBe(9);
  });
});

describe('tag and watch', () => {
  test('tags are added one by one, present ones left alone', async () => {
    await perform({ action: 'tag', add: ['VIP', 'network', 'ankara'], remove: [] });

    expect(changes()).toEqual([
      `tagticket ticketId=${stage.id}&name=network`,
      `tagticket ticketId=${stage.id}&name=ankara`,
    ]);
  });

  test('removing rewrites the list as it is at that moment', async () => {
    const write = await plan({ action: 'tag', add: ['done'], remove: ['onsite', 'never there'] });

    expect(write?.sets).toEqual({ tags: { from: ['vip', 'onsite'], to: ['vip', 'done'] } });
    await perform({ action: 'tag', add: ['done'], remove: ['onsite', 'never there'] });
    expect(stage.desk.ticket(stage.id).tags).toEqual(['vip', 'done']);
    expect(changes()).toEqual([`updateticket id=${stage.id}&tags=vip,done`]);
  });

  test('subscribers are added and removed by e-mail', async () => {
    stage.desk.human.subscribe(stage.id, 'lena@acme.com');

    await perform({ action: 'watch', add: ['ceo@acme.com', 'mert@acme.com'], remove: ['lena@acme.com'] });

    expect(changes()).toEqual([
      `addsubscriber id=${stage.id}&userId=${jitbitIds.ceo}`,
      `addsubscriber id=${stage.id}&userId=${jitbitIds.mert}`,
      `removesubscriber id=${stage.id}&userId=${jitbitIds.lena}`,
    ]);
    expect(stage.io.spent.filter((budget) => budget === 'search').length).toBeGreaterThan(0);
  });
});

describe('moves', () => {
  test('close says why first, as an internal note, and declares what the desk moves along', async () => {
    const writes = await perform({ action: 'close', text: 'Fixed by a reboot' });

    expect(changes()).toEqual([
      `comment id=${stage.id}&body=Fixed+by+a+reboot&forTechsOnly=true`,
      `close id=${stage.id}`,
    ]);
    expect(writes[1]).toMatchObject({
      kind: 'transition',
      sets: { phase: { from: 'new', to: 'closed' }, status: { to: { id: '3', name: 'Closed' } } },
      alsoChanges: ['resolved_at', 'closed_at'],
    });
    expect(await plan({ action: 'close', text: 'Again' })).toBeNull();
  });

  test('resolve closes, or takes the status that is configured for it', async () => {
    await stage.reconnect({ phases: { 'On hold': 'resolved' }, names: { status: { 9: 'On hold' } } });

    await perform({ action: 'resolve' });

    expect(stage.desk.ticket(stage.id).statusId).toBe(9);
  });

  test('reopen puts a closed ticket into process and leaves an open one alone', async () => {
    expect(await plan({ action: 'reopen' })).toBeNull();
    stage.desk.human.close(stage.id);

    await perform({ action: 'reopen' });

    expect(stage.desk.ticket(stage.id).statusId).toBe(2);
  });

  test('waiting for the customer is a status that the configuration names; back to the agents is In process', async () => {
    stage.desk.human.edit(stage.desk.human.create({ subject: 'teaches the status' }), { status: 'On hold' });

    await perform({ action: 'wait_for', who: 'customer' });
    expect(stage.desk.ticket(stage.id).statusId).toBe(9);
    await perform({ action: 'wait_for', who: 'agent' });
    expect(stage.desk.ticket(stage.id).statusId).toBe(2);
  });

  test('without such a status, or with a time, waiting is refused', async () => {
    expect(await refusal({ action: 'wait_for', who: { until: '2026-12-24T10:00:00.000Z' } })).toContain(
      'no waiting',
    );
    await stage.reconnect({ phases: {} });
    expect(await refusal({ action: 'wait_for', who: 'customer' })).toContain('phases');
  });

  test('a desk that wants GET for Close gets it, after a 405 only', async () => {
    stage.desk.faults.next('POST close', { kind: 'status', status: 405 });

    await perform({ action: 'close' });

    expect(stage.desk.calls.named('close').map((call) => call.method)).toEqual(['POST', 'GET']);
    expect(stage.desk.ticket(stage.id).statusId).toBe(3);
  });
});

describe('appends', () => {
  test('a created ticket has its id, its requester and its text, and is found again', async () => {
    const action: DeskAction = {
      action: 'create_ticket',
      title: 'Major outage',
      text: 'Three VPN tickets in an hour [ref k3f9qa]',
      category: 'Major incidents',
      priority: 'high',
      requester: 'ceo@acme.com',
    };
    const write = await stage.adapter.nextWrite(action, null, new Set(), contractContext());
    if (write === null) throw new Error('nothing planned');
    const before = await stage.adapter.listChildren(write, contractContext());

    const { childId } = await stage.adapter.send(write, contractContext());
    const after = await stage.adapter.listChildren(write, contractContext());

    expect(before).toEqual([]);
    expect(after).toMatchObject([{ id: childId, text: action.text, authorId: null }]);
    expect(stage.desk.ticket(Number(childId))).toMatchObject({
      subject: 'Major outage',
      categoryId: jitbitIds.majorIncidents,
      priority: 1,
      userId: jitbitIds.ceo,
      origin: 3,
    });
  });

  test('a ticket without category is refused on a desk that has several', async () => {
    const planned = stage.adapter.nextWrite(
      { action: 'create_ticket', title: 'x', text: 'y' },
      null,
      new Set(),
      contractContext(),
    );

    expect((await vendorFailure(planned)).message).toContain('category (or queue) is missing');
  });

  test('time is added to the total once, and never over what somebody else added', async () => {
    const write = (await plan({ action: 'time_entry', minutes: 15 })) ?? never();
    const before = await stage.adapter.listChildren(write, contractContext());
    await stage.adapter.send(write, contractContext());
    const after = await stage.adapter.listChildren(write, contractContext());
    const again = await vendorFailure(stage.adapter.send(write, contractContext()));

    expect([before, after].map((children) => children?.[0]?.id)).toEqual(['total 0 s', 'total 900 s']);
    expect(after?.[0]?.text).toBe(write.append?.text);
    expect(again).toMatchObject({ reason: 'conflict', notApplied: true });
    expect(stage.desk.ticket(stage.id).timeSpentInSeconds).toBe(900);
  });

  test('tickets are linked once', async () => {
    const other = stage.desk.human.create({ subject: 'related' });

    await perform({ action: 'link', to: `#${other}` });

    expect(changes()).toEqual([`linktickets id=${stage.id}&id2=${other}`]);
    expect(await plan({ action: 'link', to: String(other) })).toBeNull();
  });
});
