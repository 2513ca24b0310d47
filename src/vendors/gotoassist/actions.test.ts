import { describe, expect, test } from 'vitest';
import {
  startGotoDesk,
  type GotoDesk,
  type GotoOptions,
} from '../../demo/simulators/gotoassist/gotoassist-desk.ts';
import { gotoIds } from '../../demo/simulators/gotoassist/seed.ts';
import { ActionStage } from '../../../test/actions.ts';
import { contractContext, vendorFailure } from '../../../test/vendor-contract.ts';
import type { DeskAction, PlannedWrite } from '../vendor.ts';
import { gotoassist } from './index.ts';

const stage = new ActionStage<GotoDesk, GotoOptions>(gotoassist, {
  start: (clock, options) => startGotoDesk({ clock, oldIncidents: false, ...options }),
  settings: ({ url, token }) => ({ url, token, service_ids: [gotoIds.network] }),
  create: ({ human }) => human.create({ title: 'VPN down', typeId: gotoIds.bug, categoryId: gotoIds.vpn }),
  tell: ({ method, name, json }) => (method === 'GET' ? null : `${method} ${name} ${JSON.stringify(json)}`),
});
const { plan, perform, changes, refusal } = stage;

describe('reassign', () => {
  test.each([
    ['e-mail', 'ALI@acme.com', gotoIds.ali],
    ['full name', 'ali demir', gotoIds.ali],
    ['full name in Turkish capitals', 'ALİ DEMİR', gotoIds.ali],
    ['id', '18', gotoIds.ali],
    ['a group', 'support group', gotoIds.group],
  ])('gives it to a person by %s', async (_, agent, userId) => {
    const writes = await perform({ action: 'reassign', agent });

    const body = JSON.stringify({ incident: { assigned_user_id: userId } });
    expect(changes()).toEqual([`PUT incidents/${stage.id}.json ${body}`]);
    expect(writes[0]).toMatchObject({ part: 'reassign', kind: 'state' });
    expect(await plan({ action: 'reassign', agent })).toBeNull();
  });

  test('an e-mail address is looked for where the name resembles it first', async () => {
    await plan({ action: 'reassign', agent: 'ali@acme.com' });

    expect(stage.desk.calls.named(`users/${gotoIds.ali}.json`)).toHaveLength(1);
    expect(stage.desk.calls.named(`users/${gotoIds.nora}.json`)).toHaveLength(0);
  });

  test('another service takes along what it has by the same name', async () => {
    await perform({ action: 'reassign', queue: 'workplace', agent: null });

    expect(stage.desk.incident(stage.id)).toMatchObject({
      serviceId: gotoIds.workplace,
      priorityId: gotoIds.normal + 100,
      typeId: gotoIds.bug + 100,
      categoryId: gotoIds.vpn + 100,
    });
  });

  test('a name that is unknown is refused with the nearest ones', async () => {
    expect(await refusal({ action: 'reassign', queue: 'Netwrok' })).toContain('nearest: Network');
    expect(await refusal({ action: 'reassign', agent: 'nora yilmas' })).toContain('nearest: Nora Yilmaz');
    expect(await refusal({ action: 'reassign', agent: 'nobody@acme.com' })).toContain(
      'write the full name or the id',
    );
  });

  test('what the desk does not show afterwards was not taken', async () => {
    const write = await plan({ action: 'reassign', agent: 'ali demir' });
    const incident = { id: 1, assigned_user: null };
    const body = JSON.stringify({ result: { incident }, version: '1.0', status: 'Success' });
    stage.desk.faults.next(/^PUT/i, { kind: 'status', status: 200, body, type: 'application/json' });

    const error = await vendorFailure(stage.adapter.send(write as PlannedWrite, contractContext()));

    expect(error.reason).toBe('refused');
    expect(error.message).toContain('took the call but not assigned_user');
  });
});

describe('set', () => {
  test('priority, type, category and title go out in one call, with ids of the service', async () => {
    await perform({ action: 'reassign', queue: 'Workplace' });

    const writes = await perform({
      action: 'set',
      priority: 'urgent',
      type: 'query',
      category: 'wi-fi',
      title: 'Wi-Fi down',
    });

    expect(writes).toHaveLength(1);
    expect(writes[0]?.sets['priority']).toEqual({ from: 'high', to: 'critical' });
    expect(writes[0]?.alsoChanges).toEqual(['due_at', 'escalate_at']);
    expect(stage.desk.incident(stage.id)).toMatchObject({
      title: 'Wi-Fi down',
      priorityId: gotoIds.urgent + 100,
      typeId: gotoIds.query + 100,
      categoryId: gotoIds.wifi + 100,
    });
  });

  test('a level finds the priority that has it', async () => {
    await perform({ action: 'set', priority: 'normal' });

    expect(stage.desk.incident(stage.id).priorityId).toBe(gotoIds.low);
  });

  test('status is closing, resolving and reopening', async () => {
    await perform({ action: 'set', status: 'Closed' });
    expect(stage.desk.incident(stage.id).closedAt).not.toBeNull();
    await perform({ action: 'set', status: 'open' });
    expect(stage.desk.incident(stage.id).closedAt).toBeNull();
  });

  test('what cannot be is refused before anything is written', async () => {
    expect(await refusal({ action: 'set', priority: 'Urgnt' })).toContain('nearest: Urgent');
    expect(await refusal({ action: 'set', category: 'Printer' })).toContain('(of service Network)');
    expect(await refusal({ action: 'set', status: 'waiting' })).toContain('known: open, resolved, closed');
    expect(await refusal({ action: 'set', custom: { a: 1 } })).toContain("not in GoToAssist's API");
    expect(await refusal({ action: 'comment', text: 'hi', public: true })).toContain(
      'cannot say who may see',
    );
  });
});

describe('the due date', () => {
  const dueAt = '2026-12-01T10:30:15.500Z';
  const due = (): string | null => {
    const { dueDate } = stage.desk.incident(stage.id);
    return dueDate === null ? null : new Date(dueDate).toISOString();
  };

  test('goes out after the priority, which would calculate it anew, and reads back', async () => {
    const writes = await perform({ action: 'set', priority: 'urgent', due_at: dueAt });
    const read = await stage.adapter.readTicket(String(stage.id), new Set(), contractContext());

    expect(writes.map((write) => write.part)).toEqual(['fields', 'due_at']);
    expect(writes[1]?.sets).toMatchObject({ due_at: { to: '2026-12-01T10:30:15.000Z' } });
    expect(read).toMatchObject({ observed: { due_at: '2026-12-01T10:30:15.000Z' } });
    expect(await plan({ action: 'set', due_at: dueAt })).toBeNull();
  });

  test('null takes it away', async () => {
    await perform({ action: 'set', due_at: null });

    expect(due()).toBeNull();
    expect(await plan({ action: 'set', due_at: null })).toBeNull();
  });

  test("is written in the account's zone where that is set, in whole minutes", async () => {
    await stage.reopen({ timeZone: 'Pacific/Auckland' }, { write_time_zone: 'Pacific/Auckland' });

    await perform({ action: 'set', due_at: dueAt });

    expect(changes()[0]).toContain('"due_date":"1 Dec 2026, 23:30"');
    expect(due()).toBe('2026-12-01T10:30:00.000Z');
    expect(await plan({ action: 'set', due_at: dueAt })).toBeNull();
  });

  test('that a desk does not take, or takes for another, is refused with what it shows', async () => {
    await stage.reopen({ takesDueDate: false });
    const ignored = await vendorFailure(perform({ action: 'set', due_at: dueAt }));
    await stage.reopen({ timeZone: 'Pacific/Auckland' }, { write_time_zone: 'UTC' });
    const shifted = await vendorFailure(perform({ action: 'set', due_at: dueAt }));

    expect(ignored).toMatchObject({ reason: 'refused' });
    expect(ignored.message).toContain('not the due date');
    expect(shifted.message).toContain('set write_time_zone');
  });
});

describe("an incident's life", () => {
  test('close has all three parts, the text as its comment', async () => {
    const writes = await perform({ action: 'close', text: 'Done' });

    expect(writes.map((write) => [write.part, write.kind])).toEqual([['status', 'transition']]);
    const incident = stage.desk.incident(stage.id);
    expect(incident).toMatchObject({ closureCode: 0, closureComment: 'Done', closedById: gotoIds.deskbot });
    expect(incident.closedAt).toBe(stage.io.clock.ms);
    expect(stage.io.warnings).toEqual([]);
    expect(await plan({ action: 'close' })).toBeNull();
    expect(await plan({ action: 'resolve' })).toBeNull();
  });

  test('resolve adds the resolution first', async () => {
    const writes = await perform({ action: 'resolve', text: 'Rebooted' });

    expect(writes.map((write) => write.part)).toEqual(['resolution', 'status']);
    expect(stage.desk.incident(stage.id).notes).toMatchObject([
      { kind: 'resolution', note: 'Rebooted', userId: gotoIds.deskbot },
    ]);
    const read = await stage.adapter.readTicket(String(stage.id), new Set(), contractContext());
    expect(read).toMatchObject({ observed: { phase: 'resolved', status: { name: 'Resolved' } } });
    await perform({ action: 'reopen' });
    expect(stage.desk.incident(stage.id).resolvedAt).toBeNull();
  });

  test.each(['null', 'empty'] as const)('reopen works where %s values do it', async (reopensWith) => {
    await stage.reopen({ reopensWith });
    stage.desk.human.close(stage.id);

    await perform({ action: 'reopen', text: 'Not yet' });

    expect(stage.desk.incident(stage.id)).toMatchObject({ closedAt: null, closureCode: null });
    expect(stage.desk.incident(stage.id).notes).toMatchObject([{ kind: 'comment', note: 'Not yet' }]);
  });

  test('a desk that reads times in another zone is told of, and can be written to in its own', async () => {
    await stage.reopen({ timeZone: 'Pacific/Auckland' }, { write_time_zone: 'UTC' });
    await perform({ action: 'close' });
    expect(stage.io.warnings).toEqual([expect.stringContaining('check write_time_zone')]);

    await stage.reopen({ timeZone: 'Pacific/Auckland' }, { write_time_zone: 'Pacific/Auckland' });
    await perform({ action: 'close' });
    expect(stage.io.warnings).toEqual([]);
    expect(changes()[0]).toContain('"closed_at":"23 Nov 2026, 22:00"');
  });
});

describe('watches and links', () => {
  test('are read first, so that nothing is there twice', async () => {
    await perform({ action: 'watch', add: ['nora yilmaz', 'ali demir'], remove: [] });
    await perform({ action: 'watch', add: ['nora yilmaz'], remove: ['ali demir'] });

    expect(stage.desk.incident(stage.id).watches.map((watch) => watch.watchedBy)).toEqual([gotoIds.nora]);
    expect(await plan({ action: 'watch', add: ['nora yilmaz'], remove: ['ali demir'] })).toBeNull();
  });

  test('links go to incidents', async () => {
    const other = stage.desk.human.create({ title: 'other' });

    await perform({ action: 'link', to: `B#${other}` });

    expect(stage.desk.incident(stage.id).links).toEqual([{ type: 'incident', ref: other }]);
    expect(await plan({ action: 'link', to: String(other) })).toBeNull();
    const error = await vendorFailure(plan({ action: 'link', to: 'other' }));
    expect(error.message).toContain('expected a reference number');
  });

  test.each(['problem', 'change', 'release'] as const)(
    'links go to a %s by the id it has here',
    async (type) => {
      const ref = stage.desk.human.createOther(type, 'the cause');

      await perform({ action: 'link', to: `${type}-${ref}` });

      expect(stage.desk.incident(stage.id).links).toEqual([{ type, ref }]);
      expect(changes()).toEqual([`POST links/incidents/${stage.id}.json {"${type}_id":${ref}}`]);
      expect(await plan({ action: 'link', to: `${type}-${ref}` })).toBeNull();
    },
  );
});

describe('appends', () => {
  test('a comment is written as the author, escaped, and has its id (input 74)', async () => {
    await stage.reopen({}, { author: gotoIds.nora });

    const [write] = await perform({ action: 'comment', text: 'Looking <b>', public: false });
    const children = await stage.adapter.listChildren(write as PlannedWrite, contractContext());

    const comment = { note: 'Looking &lt;b>', user_id: gotoIds.nora };
    expect(changes()).toEqual([`POST incidents/${stage.id}/comments.json ${JSON.stringify({ comment })}`]);
    expect(write?.append?.children).toBe(`comments:${stage.id}`);
    const { childId } = await stage.adapter.send(write as PlannedWrite, contractContext());
    expect(childId).toBe(String(stage.desk.incident(stage.id).notes.at(-1)?.id));
    expect(children).toMatchObject([{ authorId: String(gotoIds.nora), text: 'Looking &lt;b>' }]);
  });

  test('time goes against the incident, in hours, and is found again', async () => {
    const [write] = await perform({ action: 'time_entry', minutes: 45, note: 'phone' });
    const children = await stage.adapter.listChildren(write as PlannedWrite, contractContext());

    expect(stage.desk.state.timeEntries).toMatchObject([
      { entry: `B#${stage.id}`, hours: 0.75, description: 'phone' },
    ]);
    expect(children).toMatchObject([{ authorId: String(gotoIds.deskbot), text: write?.append?.text }]);
  });

  test('a created incident has its number, and is found by its title', async () => {
    const action: DeskAction = {
      action: 'create_ticket',
      title: 'Follow up',
      text: 'Please check',
      queue: 'Workplace',
      priority: 'urgent',
      type: 'query',
      category: 'VPN',
      requester: 'ceo@acme.com',
    };
    await stage.reopen({}, { service_ids: [gotoIds.network, gotoIds.workplace] });
    const write = await stage.adapter.nextWrite(action, null, new Set(), contractContext());

    const before = await stage.adapter.listChildren(write as PlannedWrite, contractContext());
    const { childId } = await stage.adapter.send(write as PlannedWrite, contractContext());
    const after = await stage.adapter.listChildren(write as PlannedWrite, contractContext());

    expect(before).toEqual([]);
    expect(after).toMatchObject([{ id: childId, text: 'Please check' }]);
    expect(stage.desk.incident(Number(childId))).toMatchObject({
      serviceId: gotoIds.workplace,
      priorityId: gotoIds.urgent + 100,
      customerId: gotoIds.ceo,
      notes: [{ kind: 'symptom', note: 'Please check' }],
    });
    const { queue: _queue, ...nowhere } = action;
    const failed = stage.adapter.nextWrite(nowhere, null, new Set(), contractContext());
    expect((await vendorFailure(failed)).message).toContain('queue (a service) is missing');
  });

  test('the other mandatory date is added where the desk wants it', async () => {
    const write = await stage.adapter.nextWrite(
      { action: 'create_ticket', title: 'x', text: 'y' },
      null,
      new Set(),
      contractContext(),
    );
    const body = `{"errors":[{"error":"[E400] occured_at can't be blank"}],"status":"Failed"}`;
    stage.desk.faults.next('POST incidents.json', {
      kind: 'status',
      status: 200,
      body,
      type: 'application/json',
    });

    const { childId } = await stage.adapter.send(write as PlannedWrite, contractContext());

    expect(stage.desk.incident(Number(childId)).title).toBe('x');
    expect(changes()[1]).toContain('"occured_at"');
  });
});
