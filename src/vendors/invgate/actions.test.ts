import { describe, expect, test } from 'vitest';
import { startInvgateDesk, type InvgateDesk } from '../../demo/simulators/invgate/invgate-desk.ts';
import { invgateIds } from '../../demo/simulators/invgate/seed.ts';
import { ActionStage } from '../../../test/actions.ts';
import { contractContext, vendorFailure } from '../../../test/vendor-contract.ts';
import type { Child, DeskAction } from '../vendor.ts';
import { invgate } from './index.ts';

const stage = new ActionStage<InvgateDesk>(invgate, {
  start: (clock) => startInvgateDesk({ clock, oldRequests: false }),
  settings: ({ url, user, key }) => ({ url, user, key, author: 'deskbot' }),
  create: ({ human }) => human.create({ title: 'VPN down' }),
  tell: ({ method, name, params }) =>
    method === 'GET' ? null : `${method} ${name} ${decodeURIComponent(String(params))}`,
});
const { plan, perform, changes, refusal } = stage;

describe('reassign', () => {
  test.each([
    ['e-mail', 'ALI@acme.com'],
    ['user name', 'ali'],
    ['full name', 'ali demir'],
    ['full name in Turkish capitals', 'ALİ DEMİR'],
    ['id', '3'],
  ])('moves to a help desk and a person by %s in one call', async (_, agent) => {
    const writes = await perform({ action: 'reassign', queue: 'Network L2', agent });

    expect(changes()).toEqual([
      `POST incident.reassign request_id=${stage.id}&group_id=2&author_id=1&agent_id=3`,
    ]);
    expect(writes[0]).toMatchObject({
      kind: 'state',
      sets: { queue: { to: { id: '2', name: 'Network L2' } }, assignee: { from: null, to: { id: '3' } } },
    });
  });

  test('the help desk is sent even to change the agent alone', async () => {
    await perform({ action: 'reassign', agent: 'nora' });

    expect(changes()).toEqual([
      `POST incident.reassign request_id=${stage.id}&group_id=1&author_id=1&agent_id=2`,
    ]);
  });

  test('leaves alone what is so already, and null takes the agent away', async () => {
    stage.desk.human.assign(stage.id, invgateIds.networkL2, invgateIds.ali);

    expect(await plan({ action: 'reassign', queue: 'Service desk > Network L2', agent: 'ali' })).toBeNull();
    await perform({ action: 'reassign', agent: null });

    expect(stage.desk.request(stage.id)).toMatchObject({ assignedGroupId: 2, assignedId: null });
  });

  test.each([
    [{ action: 'reassign', queue: 'Netwrok L2' }, /no help desk "Netwrok L2"; nearest: .*Network L2/],
    [{ action: 'reassign', agent: 'norra' }, /no person "norra"; nearest: nora/],
    [{ action: 'set', category: 'Other' }, /ambiguous: write one of Network > Other, Hardware > Other/],
    [{ action: 'set', due_at: null }, /no due dates/],
    [{ action: 'set', status: 'Open' }, /only a finished request can be reopened/],
    [{ action: 'set', custom: { Tier: 'bronze' } }, /no option of "Tier" "bronze"/],
    [{ action: 'set', custom: { Tierr: 'gold' } }, /no custom field "Tierr"; nearest: Tier/],
    [{ action: 'watch', add: [], remove: ['nora'] }, /no call to remove/],
    [{ action: 'tag', add: ['vip'], remove: [] }, /not in InvGate/],
    [{ action: 'link', to: 'abc' }, /expected a ticket id/],
    [{ action: 'approve', vote: 'accept' }, /no pending approval/],
    [{ action: 'create_ticket', title: 'x', text: 'y' }, /category is missing/],
  ] as const)('%j is refused before anything is sent', async (action, message) => {
    expect(await refusal(action)).toMatch(message);
  });
});

describe('comment', () => {
  test.each([
    [false, 0, false],
    [true, 1, true],
  ])('public: %s always sends the flag (input 78)', async (isPublic, flag, visible) => {
    await perform({ action: 'comment', text: 'On it', public: isPublic });

    expect(changes()).toEqual([
      `POST incident.comment request_id=${stage.id}&comment=On+it&author_id=1&customer_visible=${flag}`,
    ]);
    expect(stage.desk.comments(stage.id)).toMatchObject([
      { customerVisible: visible, isSolution: false, authorId: 1 },
    ]);
  });
});

describe('set', () => {
  test('fields go in one call, then each custom field', async () => {
    const writes = await perform({
      action: 'set',
      priority: 'critical',
      category: 'Hardware > Printer',
      type: 'Problem',
      title: 'Renamed',
      custom: { Tier: 'Gold', Floor: 3 },
    });

    expect(changes()).toEqual([
      `PUT incident id=${stage.id}&category_id=24&priority_id=5&type_id=4&title=Renamed`,
      `POST incident.custom_field request_id=${stage.id}&author_id=1&custom_field_uid=901&values[]=gold`,
      `POST incident.custom_field request_id=${stage.id}&author_id=1&custom_field_uid=902&values[]=3`,
    ]);
    expect(writes.map((write) => write.part)).toEqual(['fields', 'custom.901', 'custom.902']);
    const read = await stage.adapter.readTicket(String(stage.id), new Set(), contractContext());
    const observed = read.gone ? null : read.observed;
    expect(observed?.priority).toEqual({ id: '5', name: 'Critical', level: 'critical' });
    expect(observed?.custom).toEqual({
      Tier: { id: '901', name: 'Tier', value: 'gold' },
      Floor: { id: '902', name: 'Floor', value: '3' },
    });
    expect(
      await plan({ action: 'set', priority: 'critical', custom: { Tier: 'gold', Floor: '3' } }),
    ).toBeNull();
  });

  test('null erases a custom field', async () => {
    await perform({ action: 'set', custom: { Floor: 'ground' } });
    await perform({ action: 'set', custom: { Floor: null } });

    expect(stage.desk.request(stage.id).customFields.size).toBe(0);
  });

  test.each([
    ['Solved', 5, ['POST incident.comment']],
    ['Closed', 6, ['POST incident.comment', 'PUT incident.solution.accept']],
    ['rejected', 7, ['POST incident.reject']],
    ['8', 8, ['POST incident.cancel']],
    ['Waiting', 4, ['POST incident.waitingfor.customer']],
    ['Pending', 3, ['POST incident.waitingfor.agent']],
  ])('status %s is reached by its transition', async (status, statusId, calls) => {
    await perform({ action: 'set', status });

    expect(stage.desk.request(stage.id).statusId).toBe(statusId);
    expect(changes().map((call) => call.split(' ').slice(0, 2).join(' '))).toEqual(calls);
  });

  test('a version without a transition is refused once it is known', async () => {
    stage.desk.envelope = 'old';

    const error = await vendorFailure(perform({ action: 'set', status: 'Cancelled' }));
    stage.desk.calls.clear();

    expect(error).toMatchObject({ reason: 'refused', notApplied: true });
    expect(await refusal({ action: 'set', status: 'Cancelled' })).toMatch(/has no POST incident.cancel/);
  });
});

describe('moving through its life', () => {
  test('resolve gives the solution, and its children can be listed', async () => {
    const [write] = await perform({ action: 'resolve', text: 'Restarted the gateway' });
    const children = write === undefined ? [] : await stage.adapter.listChildren(write, contractContext());

    expect(stage.desk.request(stage.id).statusId).toBe(5);
    // The next part must be planned on a fresh request.
    expect(write?.kind).toBe('transition');
    expect(write?.sets).toMatchObject({
      status: { to: { id: '5' } },
      phase: { from: 'new', to: 'resolved' },
    });
    expect(children?.map((child: Child) => child.text)).toEqual(['Restarted the gateway']);
    expect(await plan({ action: 'resolve', text: 'again' })).toBeNull();
  });

  test('close solves and accepts; what is solved already is only accepted', async () => {
    await perform({ action: 'close', text: 'Done' });
    const other = stage.desk.human.create({ title: 'other' });
    stage.desk.human.status(other, 5);
    stage.id = other;
    stage.desk.calls.clear();

    await perform({ action: 'close' });

    expect(changes()).toEqual([`PUT incident.solution.accept id=${other}&rating=5`]);
    expect(await plan({ action: 'close' })).toBeNull();
  });

  test('reopen comes from every finished status, with its text as an internal comment', async () => {
    stage.desk.human.close(stage.id);

    await perform({ action: 'reopen', text: 'Still broken' });

    expect(stage.desk.request(stage.id).statusId).toBe(2);
    expect(stage.desk.comments(stage.id)).toMatchObject([
      { message: 'Still broken', customerVisible: false },
    ]);
    expect(await plan({ action: 'reopen' })).toBeNull();
  });

  test.each([
    ['customer' as const, 4, 'POST incident.waitingfor.customer request_id=301'],
    ['agent' as const, 3, 'POST incident.waitingfor.agent request_id=301'],
    [
      { until: '2026-11-24T09:00:00.000Z' },
      4,
      'POST incident.waitingfor.date request_id=301&timestamp=1795510800',
    ],
  ])('waits for %j', async (who, statusId, call) => {
    await perform({ action: 'wait_for', who });

    expect(changes()).toEqual([call]);
    expect(stage.desk.request(stage.id).statusId).toBe(statusId);
  });
});

describe('lists', () => {
  test('adds those observers who are missing', async () => {
    stage.desk.request(stage.id).observerIds.add(invgateIds.nora);

    await perform({ action: 'watch', add: ['nora', 'ali', 'mert'], remove: [] });

    expect([...stage.desk.request(stage.id).observerIds]).toEqual([2, 3, 13]);
    expect(changes()).toHaveLength(2);
  });

  test('links once', async () => {
    const other = stage.desk.human.create({ title: 'other' });

    await perform({ action: 'link', to: `#${other}` });

    expect(changes()).toEqual([`POST incident.link request_id=${stage.id}&request_ids[]=${other}`]);
    expect(await plan({ action: 'link', to: String(other) })).toBeNull();
  });

  test('votes as our own user, and never in the name of another', async () => {
    const approval = {
      requestId: stage.id,
      authorId: 2,
      description: 'Laptop',
      type: 2 as const,
      createdAt: 1,
    };
    stage.desk.state.approvals.push({ ...approval, id: 1, status: -1, voterIds: [1, 2] });

    await perform({ action: 'approve', vote: 'accept' });
    stage.desk.calls.clear();
    stage.desk.state.approvals.push({ ...approval, id: 2, status: -1, voterIds: [2] });

    expect(stage.desk.state.approvals[0]?.status).toBe(1);
    expect(await plan({ action: 'approve', vote: 'accept', approval: '1' })).toBeNull();
    expect(await refusal({ action: 'approve', vote: 'reject', approval: '1' })).toMatch(/decided otherwise/);
    expect(await refusal({ action: 'approve', vote: 'accept' })).toMatch(/no voter/);
  });
});

describe('appends', () => {
  async function childrenOf(action: DeskAction): Promise<{ sent: string | null; listed: readonly Child[] }> {
    const write = await plan(action);
    if (write === null) throw new Error('nothing planned');
    const { childId } = await stage.adapter.send(write, contractContext());
    return { sent: childId, listed: (await stage.adapter.listChildren(write, contractContext())) ?? [] };
  }

  test('a created ticket has its id back and is found by customer and title', async () => {
    const action = {
      action: 'create_ticket',
      title: 'New screen',
      text: 'a < b',
      category: 'Hardware',
    } as const;

    const { sent, listed } = await childrenOf({ ...action, requester: 'mert@acme.com', priority: 'high' });

    expect(listed.map((child) => child.id)).toEqual([sent]);
    expect(stage.desk.request(Number(sent))).toMatchObject({
      userId: 13,
      creatorId: 1,
      priorityId: 3,
      categoryId: 23,
    });
  });

  test('time and news have their ids back and are listed', async () => {
    const time = await childrenOf({ action: 'time_entry', minutes: 15, note: 'Called' });
    const news = await childrenOf({
      action: 'breaking_news',
      title: 'VPN down',
      text: 'We know.',
      severity: 'high',
    });

    expect(time.listed.map((child) => [child.id, child.text])).toEqual([[time.sent, 'Called']]);
    expect(stage.desk.state.times[0]).toMatchObject({ userId: 1, comment: 'Called' });
    expect((stage.desk.state.times[0]?.to ?? 0) - (stage.desk.state.times[0]?.from ?? 0)).toBe(900);
    expect(news.listed.map((child) => child.id)).toEqual([news.sent]);
    expect(stage.desk.state.news[0]).toMatchObject({ typeId: 1, helpdeskIds: [1, 2, 3] });
  });
});

test('an unknown author stops writing, not reading', async () => {
  await stage.reconnect({ author: 'nobody' });

  const result = await stage.adapter.selfTest(contractContext());

  expect(result.botUserId).toBeNull();
  expect(result.findings.join()).toMatch(/author: .*no person "nobody"/);
  expect(await refusal({ action: 'comment', text: 'x', public: false })).toMatch(/no person "nobody"/);
});
