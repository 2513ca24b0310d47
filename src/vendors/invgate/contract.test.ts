import { expect, test } from 'vitest';
import { startInvgateDesk } from '../../demo/simulators/invgate/invgate-desk.ts';
import { invgateIds } from '../../demo/simulators/invgate/seed.ts';
import { describeVendor, type ContractDesk } from '../../../test/vendor-contract.ts';
import type { Clock } from '../../clock.ts';
import { invgate } from './index.ts';

async function start(clock: Clock, envelope: 'new' | 'old'): Promise<ContractDesk> {
  const desk = await startInvgateDesk({ clock, envelope, oldRequests: false, key: 'top-secret-key' });
  return {
    settings: { url: desk.url, user: desk.user, key: desk.key, author: 'deskbot' },
    secrets: [desk.key, `${desk.user}:${desk.key}`],
    simulator: desk,
    create: (title) => String(desk.human.create({ title })),
    rename: (id, title) => desk.human.edit(Number(id), { title }),
    comment: (id, text) => void desk.human.comment(Number(id), text),
    remove: (id) => desk.human.remove(Number(id)),
    ownComments: (id) =>
      desk
        .comments(Number(id))
        .filter((comment) => comment.authorId === invgateIds.deskbot)
        .map((comment) => comment.message),
  };
}

for (const envelope of ['new', 'old'] as const) {
  describeVendor(invgate, {
    start: (clock) => start(clock, envelope),
    feed: 'updated',
    manyTickets: 620,
    listCall: 'GET incidents.by.status',
    commentCall: 'POST incident.comment',
    wholeRows: true,
  });
}

test('the capabilities name no action that the executor does not know', () => {
  expect(Object.keys(invgate.capabilities.actions).toSorted()).toEqual([
    'approve',
    'breaking_news',
    'close',
    'comment',
    'create_ticket',
    'link',
    'reassign',
    'reopen',
    'resolve',
    'set',
    'time_entry',
    'wait_for',
    'watch',
  ]);
});
