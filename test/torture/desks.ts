import type { Fault } from '../../src/demo/simulators/support/faults.ts';
import { startAllDesks } from './all-desks.ts';
import { configOf, TAKE, watchTickets } from './people.ts';
import { createStage, pause, until } from './stage.ts';
import { createDemands, quantile, type Verdict } from './verdict.ts';

export interface DesksOptions {
  readonly databaseUrl: string;
  /** How long each fault lasts. */
  readonly faultMs: number;
  /** Only these desks misbehave; default all. */
  readonly desks?: readonly string[] | undefined;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  '429 with Retry-After': { kind: 'too_many', retryAfter: 2 },
  '429': { kind: 'too_many' },
  '500': { kind: 'status', status: 500 },
  '502 HTML': { kind: 'bad_gateway' },
  hang: { kind: 'hang' },
  '1 byte/s': { kind: 'trickle', everyMs: 1_000 },
  truncated: { kind: 'truncated' },
  'wrong charset': { kind: 'wrong_charset', encoding: 'utf16le' },
};

const QUIET_MS = 30_000;
/**
 * A call that hangs ends after a minute, a desk that is away is let alone for 15 s (GoToAssist 120 s), and 429
 * without Retry-After means a minute, then two.
 */
const RESUMES_WITHIN_MS = 240_000;

/**
 * Each desk misbehaves in each way while tickets keep coming at all of them (R7): the others must not notice (p95 of
 * their delay grows less than twofold), and afterwards the desk's own tickets must all get their comment, once.
 */
export async function desksScenario(options: DesksOptions): Promise<Verdict> {
  const desks = await startAllDesks();
  const stage = await createStage({
    databaseUrl: options.databaseUrl,
    config: configOf(desks),
    rules: TAKE,
    waitForDead: true,
  });
  const { missed, demand } = createDemands();
  const people = watchTickets(desks);
  try {
    await stage.baseline();
    await stage.start();
    people.start();
    await pause(QUIET_MS);
    const quiet = quantile(people.delaysOf(desks, 0), 0.95);
    const ill = desks.filter(({ name }) => options.desks?.includes(name) ?? true);
    const found: string[] = [];
    for (const desk of ill) {
      const others = desks.filter((one) => one !== desk);
      const resumed: string[] = [];
      let worst = 0;
      for (const [name, fault] of Object.entries(FAULTS)) {
        const beganAt = performance.now();
        const mend = desk.faults.always('*', fault);
        await pause(options.faultMs);
        mend();
        const endedAt = performance.now();
        await until(`${desk.name} goes on after ${name}`, RESUMES_WITHIN_MS, () =>
          people.allDone(desk, endedAt),
        );
        const delay = quantile(people.delaysOf(others, beganAt), 0.95);
        demand(delay < 2 * quiet, `${desk.name} ${name}: others ${Math.round(delay)} ms`);
        worst = Math.max(worst, delay);
        resumed.push(`${name} ${Math.round((performance.now() - endedAt) / 1_000)} s`);
      }
      found.push(`${desk.name}: others' p95 at worst ${Math.round(worst)} ms, went on ${resumed.join(', ')}`);
    }
    people.stop();
    await until('all is done', RESUMES_WITHIN_MS, () =>
      desks.every((desk) => people.allDone(desk, Infinity)),
    );
    await stage.settled(RESUMES_WITHIN_MS);
    const counts = people.countsOf(desks);
    return {
      scenario: 'desks that misbehave',
      killed: 0,
      acknowledged: counts.length,
      lost: counts.filter((count) => count === 0).length,
      twice: counts.filter((count) => count > 1).length,
      missed,
      note: `${options.faultMs / 1_000} s each; p95 of the delay before ${Math.round(quiet)} ms; ${found.join('; ')} after`,
    };
  } finally {
    people.close();
    await stage.close();
    await Promise.all(desks.map((desk) => desk.close()));
  }
}
