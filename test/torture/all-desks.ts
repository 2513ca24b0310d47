import { startBossDesk } from '../../src/demo/simulators/bossdesk/bossdesk-desk.ts';
import { bossIds } from '../../src/demo/simulators/bossdesk/seed.ts';
import { startGotoDesk } from '../../src/demo/simulators/gotoassist/gotoassist-desk.ts';
import { gotoIds } from '../../src/demo/simulators/gotoassist/seed.ts';
import { startInvgateDesk } from '../../src/demo/simulators/invgate/invgate-desk.ts';
import { invgateIds } from '../../src/demo/simulators/invgate/seed.ts';
import { startJitbitDesk } from '../../src/demo/simulators/jitbit/jitbit-desk.ts';
import type { Calls } from '../../src/demo/simulators/support/calls.ts';
import type { Faults } from '../../src/demo/simulators/support/faults.ts';

/** A simulated desk of any vendor, as scenarios need it. */
export interface AnyDesk {
  readonly name: string;
  /** Its connection in `deskhand.yaml`, without limits and asked every second. */
  readonly connection: string;
  readonly faults: Faults;
  readonly calls: Calls;
  create(title: string): number;
  /** How many comments of our own user a ticket has. */
  ownComments(id: number): number;
  close(): Promise<void>;
}

const FREELY = 'rate: 100000/m, settle: 2s';

/** One desk of each vendor. */
export async function startAllDesks(): Promise<readonly AnyDesk[]> {
  const [jitbit, invgate, boss, goto] = await Promise.all([
    startJitbitDesk({ rateLimit: 'off' }),
    startInvgateDesk(),
    startBossDesk(),
    startGotoDesk({ perHour: 1e9 }),
  ]);
  return [
    {
      name: 'jitbit',
      connection: `{ vendor: jitbit, url: "${jitbit.url}", token: "${jitbit.token}", poll: { tickets: 1s }, ${FREELY} }`,
      faults: jitbit.faults,
      calls: jitbit.calls,
      create: (title) => jitbit.human.create({ subject: title }),
      ownComments: (id) => jitbit.comments(id).length,
      close: () => jitbit.close(),
    },
    {
      name: 'invgate',
      connection: `{ vendor: invgate, url: "${invgate.url}", user: "${invgate.user}", key: "${invgate.key}", author: deskbot, poll: { created: 1s }, ${FREELY} }`,
      faults: invgate.faults,
      calls: invgate.calls,
      create: (title) => invgate.human.create({ title }),
      ownComments: (id) =>
        invgate.comments(id).filter(({ authorId }) => authorId === invgateIds.deskbot).length,
      close: () => invgate.close(),
    },
    {
      name: 'bossdesk',
      connection: `{ vendor: bossdesk, url: "${boss.url}", key: "${boss.key}", author: deskbot, poll: { changes: 1s }, ${FREELY} }`,
      faults: boss.faults,
      calls: boss.calls,
      create: (title) => boss.human.create({ title }),
      ownComments: (id) =>
        boss.ticket(id).comments.filter(({ createdById }) => createdById === bossIds.deskbot).length,
      close: () => boss.close(),
    },
    {
      name: 'gotoassist',
      connection: `{ vendor: gotoassist, url: "${goto.url}", token: "${goto.token}", report_id: ${gotoIds.report}, poll: { incidents: 1s }, ${FREELY} }`,
      faults: goto.faults,
      calls: goto.calls,
      create: (title) => goto.human.create({ title }),
      ownComments: (id) => goto.incident(id).notes.filter(({ userId }) => userId === gotoIds.deskbot).length,
      close: () => goto.close(),
    },
  ];
}
