import { describe, expect, test } from 'vitest';
import {
  startBossDesk,
  type BossDesk,
  type BossOptions,
} from '../../demo/simulators/bossdesk/bossdesk-desk.ts';
import { bossIds } from '../../demo/simulators/bossdesk/seed.ts';
import { ActionStage } from '../../../test/actions.ts';
import { contractContext, vendorFailure } from '../../../test/vendor-contract.ts';
import type { DeskAction, PlannedWrite } from '../vendor.ts';
import { bossdesk } from './index.ts';

const stage = new ActionStage<BossDesk, BossOptions>(bossdesk, {
  start: (clock, options) => startBossDesk({ clock, oldTickets: false, ...options }),
  settings: ({ url, key }) => ({ url, key, phases: { 'Waiting on Customer': 'waiting' } }),
  create: ({ human }) =>
    human.create({ title: 'VPN down', tagIds: [bossIds.tagVip], teamId: bossIds.serviceDesk }),
  tell: ({ method, name, json }) => (method === 'GET' ? null : `${method} ${name} ${JSON.stringify(json)}`),
});
const { plan, perform, changes, refusal } = stage;

describe('reassign', () => {
  test.each([
    ['e-mail', 'ALI@acme.com'],
    ['user name', 'ali'],
    ['full name', 'ali demir'],
    ['full name in Turkish capitals', 'ALİ DEMİR'],
    ['id', String(bossIds.ali)],
  ])('moves to a team and a person by %s in one call, with the lock', async (_, agent) => {
    const writes = await perform({ action: 'reassign', queue: 'network l2', agent });

    const ticket = { team_id: bossIds.networkL2, agent_id: bossIds.ali, lock_version: 0 };
    expect(changes()).toEqual([`PATCH tickets/${stage.id} ${JSON.stringify({ ticket })}`]);
    expect(writes[0]).toMatchObject({
      kind: 'state',
      sets: {
        queue: { from: { id: '41', name: 'Service desk' }, to: { id: '42', name: 'Network L2' } },
        assignee: { from: null, to: { id: '8003', name: 'Ali Demir', email: 'ali@acme.com' } },
      },
      alsoChanges: ['status', 'phase'],
    });
  });

  test('leaves alone what is so already, and null takes the assignee away', async () => {
    stage.desk.human.assign(stage.id, bossIds.ali);

    expect(await plan({ action: 'reassign', queue: 'Service desk', agent: 'ali@acme.com' })).toBeNull();
    await perform({ action: 'reassign', agent: null });

    expect(stage.desk.ticket(stage.id).agentId).toBeNull();
  });

  test('a name that is unknown, and a person who is no agent, are refused', async () => {
    expect(await refusal({ action: 'reassign', queue: 'Netwrok L2' })).toContain('nearest: Network L2');
    expect(await refusal({ action: 'reassign', agent: 'nora yilmas' })).toContain('nearest: Nora Yilmaz');
    expect(await refusal({ action: 'reassign', agent: 'mert@acme.com' })).toContain('is no agent');
  });
});

describe('the lock', () => {
  test('an edit between reading and writing is a conflict, and is kept', async () => {
    const write = await plan({ action: 'set', title: 'ours' });
    stage.desk.human.edit(stage.id, { priorityId: bossIds.critical });

    const error = await vendorFailure(stage.adapter.send(write as PlannedWrite, contractContext()));
    await perform({ action: 'set', title: 'ours' });

    expect(error).toMatchObject({ reason: 'conflict', notApplied: true, status: 409 });
    expect(error.message).toContain('changed by somebody else');
    expect(stage.desk.ticket(stage.id)).toMatchObject({ title: 'ours', priorityId: bossIds.critical });
  });

  test('a tag that a person added meanwhile is not lost', async () => {
    const write = await plan({ action: 'tag', add: ['onsite'], remove: [] });
    stage.desk.human.edit(stage.id, { tagIds: [bossIds.tagVip, 306] });

    expect(await vendorFailure(stage.adapter.send(write as PlannedWrite, contractContext()))).toMatchObject({
      reason: 'conflict',
    });
    await perform({ action: 'tag', add: ['onsite'], remove: [] });

    expect(stage.desk.ticket(stage.id).tagIds).toEqual([bossIds.tagVip, 306, bossIds.tagOnsite]);
  });
});

describe('set', () => {
  test('priority, category, type, title and extended status go out in one call', async () => {
    const writes = await perform({
      action: 'set',
      priority: 'critical',
      category: 'VPN',
      type: 'service request',
      title: 'VPN is down',
      status: 'On hold',
    });

    expect(writes.map((write) => write.part)).toEqual(['fields']);
    expect(writes[0]?.sets['priority']).toEqual({ from: 'normal', to: 'critical' });
    expect(stage.desk.ticket(stage.id)).toMatchObject({
      priorityId: bossIds.critical,
      categoryId: bossIds.vpn,
      typeId: 19,
      title: 'VPN is down',
      extendedStatusId: bossIds.onHold,
    });
    const status = 'closed';
    await perform({ action: 'set', status });
    expect(stage.desk.ticket(stage.id).closedAt).not.toBeNull();
    await perform({ action: 'set', status: 'open' });
    expect(stage.desk.ticket(stage.id).closedAt).toBeNull();
  });

  test('custom fields go out whole, so that no desk erases the others', async () => {
    await stage.reopen({ fieldsReplace: true });
    stage.desk.ticket(stage.id).customFields.set(String(bossIds.note), 'keep me');

    const writes = await perform({ action: 'set', custom: { remote: true } });

    expect(writes[0]?.sets).toEqual({ 'custom.Remote': { from: null, to: true } });
    expect(Object.fromEntries(stage.desk.ticket(stage.id).customFields)).toEqual({
      49: true,
      934: 'keep me',
    });
    expect(await plan({ action: 'set', custom: { Remote: 'true' } })).toBeNull();
  });

  test('what cannot be is refused before anything is written', async () => {
    expect(await refusal({ action: 'set', custom: { Remotte: true } })).toContain('nearest: Remote');
    expect(await refusal({ action: 'set', custom: { Remote: 'maybe' } })).toContain('takes true or false');
    expect(await refusal({ action: 'set', priority: 'urgent' })).toContain('no priority "urgent"');
    expect(await refusal({ action: 'set', status: 'On holt' })).toContain('nearest: On hold');
    expect(await refusal({ action: 'set', due_at: null })).toContain('computes due dates itself');
  });

  test('priority_order gives names their level, for reading and for writing', async () => {
    await stage.reopen({}, { priority_order: ['Low', 'Normal', 'P1', 'P0'] });
    stage.desk.state.priorities.set(bossIds.high, { id: bossIds.high, name: 'P1', level: 2 });

    const writes = await perform({ action: 'set', priority: 'high' });

    expect(stage.desk.ticket(stage.id).priorityId).toBe(bossIds.high);
    expect(writes[0]?.sets['priority']).toEqual({ from: 'normal', to: 'high' });
  });

  test('a text that the desk refuses is shown', async () => {
    const write = await plan({ action: 'set', title: '  ' });

    const error = await vendorFailure(stage.adapter.send(write as PlannedWrite, contractContext()));

    expect(error).toMatchObject({ reason: 'refused', notApplied: true, status: 422 });
    expect(error.message).toContain("can't be blank");
  });
});

describe('tags', () => {
  test('are added and removed in one call, the others kept', async () => {
    stage.desk.human.edit(stage.id, { tagIds: [bossIds.tagVip, 306] });

    const writes = await perform({
      action: 'tag',
      add: ['ONSITE', 'vendor'],
      remove: ['VIP', 'nobody has it'],
    });

    expect(writes.map((write) => write.sets)).toEqual([
      { tags: { from: ['vip', 'vendor'], to: ['vendor', 'onsite'] } },
    ]);
    expect(stage.desk.ticket(stage.id).tagIds).toEqual([306, bossIds.tagOnsite]);
    expect(await plan({ action: 'tag', add: ['vendor'], remove: ['vip'] })).toBeNull();
  });

  test('must exist: the API makes none', async () => {
    expect(await refusal({ action: 'tag', add: ['vipp'], remove: [] })).toContain('nearest: vip');
  });
});

describe("a ticket's life", () => {
  test('close says why first, as an internal comment', async () => {
    const writes = await perform({ action: 'close', text: 'Done & dusted' });

    expect(writes.map((write) => [write.part, write.kind])).toEqual([
      ['comment', 'append'],
      ['status', 'transition'],
    ]);
    expect(stage.desk.ticket(stage.id).comments).toMatchObject([
      { isPublic: false, body: '<p>Done &amp; dusted</p>' },
    ]);
    expect(stage.desk.ticket(stage.id).closedAt).not.toBeNull();
    expect(await plan({ action: 'close' })).toBeNull();
    expect(await plan({ action: 'resolve' })).toBeNull();
    await perform({ action: 'reopen' });
    expect(stage.desk.ticket(stage.id).closedAt).toBeNull();
  });

  test('a ticket that cannot be closed says why, for good', async () => {
    await stage.reopen({ tasksBlockClosing: true });
    await perform({ action: 'task', title: 'first do this' });
    const write = await plan({ action: 'close' });

    const error = await vendorFailure(stage.adapter.send(write as PlannedWrite, contractContext()));

    expect(error).toMatchObject({ reason: 'refused', notApplied: true });
    expect(error.message).toContain("can't be closed because it has open tasks");
  });

  test('resolve takes an extended status mapped to it, and reopen takes it away again', async () => {
    await stage.reopen({}, { phases: { 'On hold': 'resolved' } });

    await perform({ action: 'resolve' });
    expect(stage.desk.ticket(stage.id)).toMatchObject({ extendedStatusId: bossIds.onHold, closedAt: null });
    await perform({ action: 'reopen' });

    expect(stage.desk.ticket(stage.id).extendedStatusId).toBeNull();
  });

  test('waiting for the customer is an extended status; for an agent, none', async () => {
    const writes = await perform({ action: 'wait_for', who: 'customer' });
    expect(stage.desk.ticket(stage.id).extendedStatusId).toBe(bossIds.waiting);
    expect(writes[0]?.sets['phase']).toEqual({ from: 'new', to: 'waiting' });
    const ticket = await stage.adapter.readTicket(String(stage.id), new Set(), contractContext());
    expect(ticket).toMatchObject({ observed: { phase: 'waiting', awaiting: 'customer' } });

    await perform({ action: 'wait_for', who: 'agent' });

    expect(stage.desk.ticket(stage.id).extendedStatusId).toBeNull();
    await stage.reopen({}, { phases: {} });
    expect(await refusal({ action: 'wait_for', who: 'customer' })).toContain('phases');
    expect(await refusal({ action: 'wait_for', who: { until: '2026-12-24T10:00:00.000Z' } })).toContain(
      'until',
    );
  });
});

describe('appends', () => {
  test.each([
    [false, false],
    [true, true],
  ])(
    'a comment with public %s is so, explicitly, and its text is escaped (inputs 74, 78)',
    async (wanted, isPublic) => {
      const [write] = await perform({ action: 'comment', text: 'one\n\ntwo <b>', public: wanted });
      const body = '<p>one</p><p>two &lt;b&gt;</p>';

      expect(changes()).toEqual([
        `POST tickets/${stage.id}/comments ${JSON.stringify({ comment: { body, is_public: isPublic } })}`,
      ]);
      expect(write?.append?.children).toBe(`comments:${stage.id}`);
      const sent = await stage.adapter.send(write as PlannedWrite, contractContext());
      expect(sent.childId).toBe(String(stage.desk.ticket(stage.id).comments.at(-1)?.id));
    },
  );

  test('a task has its team, agent and date, and is found again', async () => {
    const due = '2026-11-28T15:00:00.000Z';
    const action = {
      action: 'task',
      title: 'Call back',
      note: 'today',
      queue: 'Network L2',
      agent: 'ali',
      due_at: due,
    };

    const [write] = await perform(action as DeskAction);
    const children = await stage.adapter.listChildren(write as PlannedWrite, contractContext());

    expect(stage.desk.ticket(stage.id).tasks).toMatchObject([
      {
        title: 'Call back',
        note: 'today',
        teamId: bossIds.networkL2,
        agentId: bossIds.ali,
        dueAt: Date.parse(due) * 1000,
      },
    ]);
    expect(children).toMatchObject([{ text: 'Call back', authorId: String(bossIds.deskbot) }]);
  });

  test("a time entry is of today in the account's zone, and is found again", async () => {
    await stage.reopen({}, { time_zone: 'Pacific/Kiritimati' });
    stage.io.clock.ms = Date.parse('2026-11-23T22:00:00Z');

    const [write] = await perform({ action: 'time_entry', minutes: 45, note: 'phone' });
    const children = await stage.adapter.listChildren(write as PlannedWrite, contractContext());

    expect(stage.desk.ticket(stage.id).timeEntries).toMatchObject([{ date: '2026-11-24', duration: 45 }]);
    expect(children).toMatchObject([{ text: write?.append?.text, authorId: String(bossIds.deskbot) }]);
    expect(stage.io.warnings).toEqual([]);
  });

  test('a created ticket has its number, and is found by its title', async () => {
    const action: DeskAction = {
      action: 'create_ticket',
      title: 'Follow up',
      text: 'Please <check>',
      category: 'VPN',
      priority: 'high',
      type: 'Incident',
      queue: 'Network L2',
      requester: 'ceo@acme.com',
    };
    const write = await stage.adapter.nextWrite(action, null, new Set(), contractContext());

    const before = await stage.adapter.listChildren(write as PlannedWrite, contractContext());
    const { childId } = await stage.adapter.send(write as PlannedWrite, contractContext());
    const after = await stage.adapter.listChildren(write as PlannedWrite, contractContext());

    expect(before).toEqual([]);
    expect(after).toMatchObject([{ id: childId, text: write?.append?.text }]);
    expect(stage.desk.ticket(Number(childId))).toMatchObject({
      title: 'Follow up',
      description: '<p>Please &lt;check&gt;</p>',
      categoryId: bossIds.vpn,
      priorityId: bossIds.high,
      teamId: bossIds.networkL2,
      requesterId: bossIds.ceo,
    });
    stage.desk.searchMode = 'ignores';
    expect(await stage.adapter.listChildren(write as PlannedWrite, contractContext())).toBeNull();
  });
});
