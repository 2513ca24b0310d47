import { startGotoDesk } from '../../demo/simulators/gotoassist/gotoassist-desk.ts';
import { gotoIds } from '../../demo/simulators/gotoassist/seed.ts';
import { describeVendor, type ContractDesk } from '../../../test/vendor-contract.ts';
import type { Clock } from '../../clock.ts';
import { gotoassist } from './index.ts';

async function start(clock: Clock): Promise<ContractDesk> {
  const desk = await startGotoDesk({ clock, oldIncidents: false, token: 'top-secret-token', perHour: 1e6 });
  return {
    settings: { url: desk.url, token: desk.token, report_id: gotoIds.report, author: gotoIds.deskbot },
    secrets: [desk.token],
    simulator: desk,
    create: (title) => {
      const ref = desk.human.create({ title });
      // Stamps are whole seconds: what is of this very one counts as later than the baseline.
      void clock.sleep(5_000);
      return String(ref);
    },
    rename: (id, title) => desk.human.edit(Number(id), { title }),
    comment: (id, text) => void desk.human.note(Number(id), text),
    remove: (id) => desk.human.remove(Number(id)),
    ownComments: (id) =>
      desk
        .incident(Number(id))
        .notes.filter((note) => note.userId === gotoIds.deskbot)
        .map((note) => note.note),
  };
}

describeVendor(gotoassist, {
  start,
  feed: 'incidents',
  manyTickets: 120,
  listCall: 'GET incidents.json',
  // The first incident of an empty desk.
  commentCall: 'POST incidents/13534/comments.json',
});
