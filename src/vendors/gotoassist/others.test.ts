import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startGotoDesk, type GotoDesk } from '../../demo/simulators/gotoassist/gotoassist-desk.ts';
import { gotoIds } from '../../demo/simulators/gotoassist/seed.ts';
import {
  ContractClock,
  contractContext,
  ContractIo,
  NO_NEEDS,
  vendorFailure,
  walk,
} from '../../../test/vendor-contract.ts';
import type { Adapter, TicketRow } from '../vendor.ts';
import { gotoassist } from './index.ts';

/** Problems, changes and releases. */

let desk: GotoDesk;
let clock: ContractClock;
let adapter: Adapter;
let close: (() => Promise<void>)[] = [];

async function open(settings: Record<string, unknown>): Promise<void> {
  clock = new ContractClock();
  desk = await startGotoDesk({ clock, oldIncidents: false, maxLimit: 5 });
  const given = gotoassist.settings.parse({ url: desk.url, token: desk.token, ...settings });
  const opened = gotoassist.connect?.(given, new ContractIo(clock));
  if (opened === undefined) throw new Error('gotoassist has an API');
  adapter = opened;
  close = [() => adapter.close(), () => desk.close()];
}

beforeEach(() => open({ report_id: gotoIds.report, also: ['releases', 'problems', 'changes'] }));
afterEach(async () => {
  for (const end of close) await end();
});

const sweep = async (): Promise<readonly TicketRow[]> =>
  (await walk(adapter, 'others', { cursor: {}, baseline: false })).rows;

describe('the sweep', () => {
  test('reads all pages of the lists that were asked for, of all services', async () => {
    for (let index = 0; index < 7; index += 1) desk.human.createOther('problem', `Problem ${index}`);
    const change = desk.human.createOther('change', 'Swap the switch');
    desk.human.editOther('change', change, { serviceId: gotoIds.workplace });
    desk.human.createOther('release', 'Winter');

    const rows = await sweep();
    const lists = desk.calls.all.filter((call) => !call.name.includes('services')).map((call) => call.name);

    expect(rows.map((row) => row.observed.id)).toEqual([
      ...[1, 2, 3, 4, 5, 6, 7].map((id) => `problem-${id}`),
      'change-1',
      'release-1',
    ]);
    expect(lists).toEqual(['problems.json', 'problems.json', 'changes.json', 'releases.json']);
  });

  test('costs nothing where nobody asked for it', async () => {
    for (const end of close) await end();
    await open({ report_id: gotoIds.report });

    expect(await sweep()).toEqual([]);
    expect(desk.calls.all).toEqual([]);
  });

  test('has another token for a row whose content changed, and the same for the others', async () => {
    const [one, two] = [desk.human.createOther('problem', 'one'), desk.human.createOther('problem', 'two')];
    const before = await sweep();
    desk.human.editOther('problem', two, { assignedUserId: gotoIds.ali });
    const after = await sweep();

    expect(after.map((row, index) => row.version === before[index]?.version)).toEqual([true, false]);
    expect(one).toBe(1);
  });

  test('a list of another shape is an error that names the call', async () => {
    desk.faults.next('GET problems.json', {
      kind: 'status',
      status: 200,
      body: '{"result":{"problms":[]},"status":"Success"}',
      type: 'application/json',
    });

    const error = await vendorFailure(sweep());

    expect(error).toMatchObject({ reason: 'unreadable' });
    expect(error.message).toContain('GET problems');
  });
});

describe('one of them as a whole', () => {
  test.each([
    ['problem', 'Problem'],
    ['change', 'Change'],
    ['release', 'Release'],
  ] as const)('a %s, with its comments', async (kind, type) => {
    const id = desk.human.createOther(kind, 'Disks fill up');
    desk.human.editOther(kind, id, { note: 'again', assignedUserId: gotoIds.ali, closedAt: clock.ms });

    const [read] = await adapter.readChanged(await sweep(), NO_NEEDS, contractContext());

    expect(read).toMatchObject({
      gone: false,
      id: `${kind}-${id}`,
      observed: {
        display_id: `${type} ${id}`,
        title: 'Disks fill up',
        type: { name: type },
        queue: { name: 'Network' },
        assignee: { id: String(gotoIds.ali), name: 'Ali Demir' },
        phase: 'closed',
        closed_at: '2026-11-23T09:00:00.000Z',
      },
      comments: [{ text: 'again', author: { name: 'Nora Yilmaz' }, public: null }],
    });
  });

  test('that is not there any more is gone', async () => {
    expect(await adapter.readTicket('change-9', NO_NEEDS, contractContext())).toEqual({
      gone: true,
      id: 'change-9',
    });
  });

  test('is not written to', async () => {
    const id = desk.human.createOther('release', 'Winter');
    const ticket = await adapter.readTicket(`release-${id}`, NO_NEEDS, contractContext());
    if (ticket.gone) throw new Error('gone');

    const action = { action: 'comment', text: 'hi', public: false } as const;
    const error = await vendorFailure(adapter.nextWrite(action, ticket, new Set(), contractContext()));

    expect(error).toMatchObject({ reason: 'refused', notApplied: true });
    expect(error.message).toContain('only read');
  });
});
