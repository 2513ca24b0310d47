import { startBossDesk } from '../../demo/simulators/bossdesk/bossdesk-desk.ts';
import { bossIds } from '../../demo/simulators/bossdesk/seed.ts';
import { describeVendor, type ContractDesk } from '../../../test/vendor-contract.ts';
import type { Clock } from '../../clock.ts';
import { bossdesk } from './index.ts';

async function start(clock: Clock): Promise<ContractDesk> {
  const desk = await startBossDesk({ clock, oldTickets: false, key: 'top-secret-key' });
  return {
    settings: { url: desk.url, key: desk.key, author: 'deskbot' },
    secrets: [desk.key],
    simulator: desk,
    create: (title) => {
      const id = desk.human.create({ title });
      // What changed just before the baseline is read once more after it.
      void clock.sleep(31_000);
      return String(id);
    },
    rename: (id, title) => desk.human.edit(Number(id), { title }),
    comment: (id, text) => void desk.human.comment(Number(id), text),
    remove: (id) => desk.human.remove(Number(id)),
    ownComments: (id) =>
      desk
        .ticket(Number(id))
        .comments.filter((comment) => comment.createdById === bossIds.deskbot)
        .map((comment) => comment.body),
  };
}

describeVendor(bossdesk, {
  start,
  feed: 'changes',
  manyTickets: 70,
  listCall: 'GET tickets',
  // The first ticket of an empty desk.
  commentCall: 'POST tickets/71/comments',
});
