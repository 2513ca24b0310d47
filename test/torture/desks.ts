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

/** After each fault, so that what the machine does besides is in both of what is compared. */
const QUIET_MS = 15_000;
type Span = readonly [from: number, to: number];
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
  });
  const { missed, demand } = createDemands();
  const people = watchTickets(desks);
  try {
    await stage.baseline();
    await stage.start();
    people.start();
    await pause(QUIET_MS);
    const ill = desks.filter(({ name }) => options.desks?.includes(name) ?? true);
    const found: string[] = [];
    for (const desk of ill) {
      const others = desks.filter((one) => one !== desk);
      const resumed: string[] = [];
      const bad: Span[] = [];
      const well: Span[] = [];
      for (const [name, fault] of Object.entries(FAULTS)) {
        const beganAt = performance.now();
        const mend = desk.faults.always('*', fault);
        await pause(options.faultMs);
        mend();
        const endedAt = performance.now();
        await until(`${desk.name} goes on after ${name}`, RESUMES_WITHIN_MS, () =>
          people.allDone(desk, endedAt),
        );
        const resumedAt = performance.now();
        await pause(QUIET_MS);
        bad.push([beganAt, resumedAt]);
        well.push([resumedAt, performance.now()]);
        resumed.push(`${name} ${Math.round((resumedAt - endedAt) / 1_000)} s`);
      }
      const p95 = (spans: readonly Span[]): number =>
        Math.round(
          quantile(
            spans.flatMap((span) => people.delaysOf(others, ...span)),
            0.95,
          ),
        );
      const [during, between] = [p95(bad), p95(well)];
      demand(during < 2 * between, `${desk.name}: the others ${during} ms instead of ${between} ms`);
      found.push(
        `${desk.name}: went on after ${resumed.join(', ')}; the others' p95 ${during} ms, between faults ${between} ms`,
      );
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
      note: `${options.faultMs / 1_000} s each; ${found.join('; ')}`,
    };
  } finally {
    people.close();
    await stage.close();
    await Promise.all(desks.map((desk) => desk.close()));
  }
}
