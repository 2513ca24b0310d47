import { expect, test } from 'vitest';
import { startJitbitDesk } from '../../demo/simulators/jitbit/jitbit-desk.ts';
import { jitbitIds } from '../../demo/simulators/jitbit/seed.ts';
import { describeVendor, type ContractDesk } from '../../../test/vendor-contract.ts';
import type { Clock } from '../../clock.ts';
import { jitbit } from './index.ts';

async function start(clock: Clock): Promise<ContractDesk> {
  const desk = await startJitbitDesk({
    clock,
    rateLimit: 'off',
    oldTickets: false,
    token: 'top-secret-token',
  });
  return {
    settings: { url: desk.url, token: desk.token },
    secrets: [desk.token],
    simulator: desk,
    create: (title) => String(desk.human.create({ subject: title })),
    rename: (id, title) => desk.human.edit(Number(id), { subject: title }),
    comment: (id, text) => void desk.human.comment(Number(id), text),
    remove: (id) => desk.human.remove(Number(id)),
    ownComments: (id) =>
      desk
        .comments(Number(id))
        .filter((comment) => comment.userId === jitbitIds.deskbot)
        .map((comment) => comment.body),
  };
}

describeVendor(jitbit, {
  start,
  feed: 'tickets',
  manyTickets: 620,
  listCall: 'GET tickets',
  commentCall: 'POST comment',
  // A call that this user may not make is refused alone; a blocked address shows with the next call of any kind.
  writeReasons: { 403: 'refused' },
});

test('the capabilities name no action that the executor does not know', () => {
  expect(Object.keys(jitbit.capabilities.actions).toSorted()).toEqual([
    'close',
    'comment',
    'create_ticket',
    'link',
    'reassign',
    'reopen',
    'resolve',
    'set',
    'tag',
    'time_entry',
    'wait_for',
    'watch',
  ]);
});
