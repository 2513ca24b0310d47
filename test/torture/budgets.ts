import { startGotoDesk } from '../../src/demo/simulators/gotoassist/gotoassist-desk.ts';
import { gotoIds } from '../../src/demo/simulators/gotoassist/seed.ts';
import { startJitbitDesk } from '../../src/demo/simulators/jitbit/jitbit-desk.ts';
import type { Call } from '../../src/demo/simulators/support/calls.ts';
import { TAKE } from './people.ts';
import { createStage, pause, until } from './stage.ts';
import { createDemands, type Verdict } from './verdict.ts';

export interface BudgetsOptions {
  readonly databaseUrl: string;
  /** New tickets at Jitbit at once, each of them several calls. */
  readonly tickets: number;
}

/** "Most of the calls are limited to 90 times per minute" (Jitbit API, "Rate Limiting"). */
const JITBIT_PER_MINUTE = 90;
/** GoToAssist's guide gives no number: 60 is what we believe at first. */
const GOTO_PER_HOUR = 60;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DONE_MS = 1_800_000;
/** As long nobody may call a desk that said that the hour's calls are used up. */
const SILENT_MS = 60_000;

/**
 * Two instances have far more to do than the desks' limits allow, and polls that ask too often besides (R7): no minute
 * and no hour may hold more calls than the desk's limit, all work gets done, and GoToAssist's E902 ends all calls
 * until the hour has turned.
 */
export async function budgetsScenario(options: BudgetsOptions): Promise<Verdict> {
  const clock = { aheadMs: 0, now: () => Date.now() + clock.aheadMs };
  const jitbit = await startJitbitDesk();
  const goto = await startGotoDesk({ clock, perHour: GOTO_PER_HOUR });
  const stage = await createStage({
    databaseUrl: options.databaseUrl,
    config: `
connections:
  jitbit: { vendor: jitbit, url: "${jitbit.url}", token: "${jitbit.token}", poll: { tickets: 5s }, settle: 2s }
  gotoassist: { vendor: gotoassist, url: "${goto.url}", token: "${goto.token}", report_id: ${gotoIds.report}, poll: { incidents: 5s }, settle: 2s }
`,
    rules: TAKE,
  });
  const { missed, demand } = createDemands();
  try {
    await stage.baseline();
    const servers = [await stage.start(), await stage.start()];
    const tickets = Array.from({ length: options.tickets }, (_, index) =>
      jitbit.human.create({ subject: `torture ${index}` }),
    );
    const startedAt = performance.now();
    const comments = (): readonly number[] => tickets.map((id) => jitbit.comments(id).length);
    await until('every ticket has its comment', DONE_MS, () => comments().every((count) => count > 0));
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const most = mostWithin(jitbit.calls.all, MINUTE_MS);
    const hourly = mostWithin(goto.calls.all, HOUR_MS);
    const refused = jitbit.calls.all.filter(({ status }) => status === 429).length;
    demand(most <= JITBIT_PER_MINUTE && refused === 0, `${most} calls in a minute, ${refused} refused`);
    demand(hourly <= GOTO_PER_HOUR, `${hourly} calls in an hour`);

    goto.exhaustHour();
    await until('GoToAssist says E902', DONE_MS, () => stage.query(SILENT).then((rows) => rows.length > 0));
    const toldAt = goto.calls.all.length;
    await pause(SILENT_MS);
    const meanwhile = goto.calls.all.length - toldAt;
    demand(meanwhile === 0, `${meanwhile} calls after E902`);
    await Promise.all(servers.map((server) => server.stop()));
    clock.aheadMs = HOUR_MS;
    await stage.moveClock('1 hour');
    const late = goto.human.create({ title: 'torture after the hour' });
    await stage.start();
    await until('GoToAssist goes on', DONE_MS, () => goto.incident(late).notes.length > 0);
    const after = mostWithin(
      goto.calls.all.filter(({ at }) => at >= Date.now()),
      HOUR_MS,
    );
    demand(after <= GOTO_PER_HOUR, `${after} calls in the next hour`);

    await stage.settled(DONE_MS);
    const counts = [...comments(), goto.incident(late).notes.length];
    return {
      scenario: 'more to do than the desks allow',
      killed: 0,
      acknowledged: counts.length,
      lost: counts.filter((count) => count === 0).length,
      twice: counts.filter((count) => count > 1).length,
      missed,
      note:
        `two instances, done in ${seconds} s; Jitbit at most ${most} calls in any minute of ${JITBIT_PER_MINUTE} ` +
        `allowed, ${refused} refused; GoToAssist ${hourly} calls of ${GOTO_PER_HOUR} an hour, ${meanwhile} in the ` +
        `minute after E902, ${after} in the next hour until its ticket was done`,
    };
  } finally {
    await stage.close();
    await Promise.all([jitbit.close(), goto.close()]);
  }
}

const SILENT = "SELECT 1 FROM connections WHERE name = 'gotoassist' AND silent_until > app_now()";

/** The most calls that any span of this length holds. */
function mostWithin(calls: readonly Call[], spanMs: number): number {
  let first = 0;
  let most = 0;
  calls.forEach(({ at }, last) => {
    while ((calls[first]?.at ?? at) <= at - spanMs) first += 1;
    most = Math.max(most, last - first + 1);
  });
  return most;
}
