import { startAllDesks } from './all-desks.ts';
import { configOf, TAKE, watchTickets } from './people.ts';
import { createStage, pause, until } from './stage.ts';
import { createDemands, quantile, type Verdict } from './verdict.ts';

export interface HangingOptions {
  readonly databaseUrl: string;
  readonly hangMs: number;
}

const QUIET_MS = 60_000;
const LOOK_MS = 1_000;
const READY_MS = 1_000;
/** A call under way when the desk comes back hangs for what is left of its minute; then it is let alone for 15 s. */
const RESUMES_MS = 90_000;
const CATCHES_UP_MS = 120_000;
const GIVE_UP_MS = 900_000;

/**
 * Jitbit takes every call and answers none for ten minutes, while tickets keep coming at all desks (R8): the others'
 * delay grows less than twofold, the database's sessions are not used up, and the desk's own work goes on soon after.
 */
export async function hangingScenario(options: HangingOptions): Promise<Verdict> {
  const desks = await startAllDesks();
  const [desk] = desks;
  if (desk === undefined) throw new Error('there is no desk');
  const others = desks.filter((one) => one !== desk);
  const stage = await createStage({
    databaseUrl: options.databaseUrl,
    config: configOf(desks),
    rules: TAKE,
  });
  const { missed, demand } = createDemands();
  const people = watchTickets(desks);
  try {
    await stage.baseline();
    const server = await stage.start();
    people.start();
    await pause(QUIET_MS);
    const before = people.delaysOf(others, 0);

    const beganAt = performance.now();
    const mend = desk.faults.always('*', { kind: 'hang' });
    let slowestReadyMs = 0;
    while (performance.now() - beganAt < options.hangMs) {
      slowestReadyMs = Math.max(slowestReadyMs, await readyMs(server.port));
      await pause(LOOK_MS);
    }
    const calls = desk.calls.all.filter(({ fault }) => fault === 'hang').length;
    mend();
    const endedAt = performance.now();
    const during = people.delaysOf(others, beganAt);
    await until('its feed is back', GIVE_UP_MS, () => people.anyDone(desk, beganAt, Infinity));
    const resumedMs = performance.now() - endedAt;
    await until('it caught up', GIVE_UP_MS, () => people.allDone(desk, endedAt));
    const caughtUpMs = performance.now() - endedAt;
    people.stop();
    await until('all is done', GIVE_UP_MS, () => desks.every((one) => people.allDone(one, Infinity)));
    await stage.settled(GIVE_UP_MS);

    const [p95Before, p95During] = [quantile(before, 0.95), quantile(during, 0.95)];
    demand(p95During < 2 * p95Before, 'the others took more than twice as long');
    demand(slowestReadyMs < READY_MS, `/readyz took ${Math.round(slowestReadyMs)} ms`);
    demand(resumedMs < RESUMES_MS, `the feed was back after ${Math.round(resumedMs / 1_000)} s`);
    demand(caughtUpMs < CATCHES_UP_MS, `it had caught up after ${Math.round(caughtUpMs / 1_000)} s`);
    const [uncertain] = await stage.query<{ count: number }>(
      "SELECT count(*)::int AS count FROM steps WHERE state IN ('uncertain', 'dead')",
    );
    const counts = people.countsOf(desks);
    return {
      scenario: `a desk that hangs for ${options.hangMs / 1_000} s`,
      killed: 0,
      acknowledged: counts.length,
      lost: counts.filter((count) => count === 0).length,
      twice: counts.filter((count) => count > 1).length,
      missed,
      note:
        `the others' p50/p95 before ${ms(before, 0.5)}/${ms(before, 0.95)} ms, during ` +
        `${ms(during, 0.5)}/${ms(during, 0.95)} ms; ${calls} calls hung; /readyz at most ` +
        `${Math.round(slowestReadyMs)} ms; the desk's feed was back ${Math.round(resumedMs / 1_000)} s after, all ` +
        `caught up ${Math.round(caughtUpMs / 1_000)} s after; ${uncertain?.count ?? 0} steps uncertain or dead`,
    };
  } finally {
    people.close();
    await stage.close();
    await Promise.all(desks.map((one) => one.close()));
  }
}

/** How long readiness, which asks the database, took to say yes; Infinity if it said no. */
async function readyMs(port: number): Promise<number> {
  const startedAt = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}/readyz`);
  await response.arrayBuffer();
  return response.status === 200 ? performance.now() - startedAt : Infinity;
}

function ms(delays: readonly number[], q: number): number {
  return Math.round(quantile(delays, q));
}
