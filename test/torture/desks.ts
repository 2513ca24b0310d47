import type { Fault } from '../../src/demo/simulators/support/faults.ts';
import { startAllDesks, type AnyDesk } from './all-desks.ts';
import { createStage, pause, until } from './stage.ts';
import { createDemands, quantile, type Verdict } from './verdict.ts';

export interface DesksOptions {
  readonly databaseUrl: string;
  /** How long each fault lasts. */
  readonly faultMs: number;
  /** Only these faults; default all. */
  readonly faults?: readonly string[];
  /** Only on these desks; default all. */
  readonly desks?: readonly string[];
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

const EVERY_MS = 2_000;
const QUIET_MS = 15_000;
/** A read that hangs ends after a minute, and a poll that failed for long waits ten before it tries again. */
const RESUMES_WITHIN_MS = 900_000;

/**
 * Each desk misbehaves in each way while tickets keep coming at all of them (R7, R8): the others must not notice (p95
 * of their delay grows less than twofold), and afterwards the desk's own tickets must all get their comment, once.
 */
export async function desksScenario(options: DesksOptions): Promise<Verdict> {
  const desks = await startAllDesks();
  const stage = await createStage({
    databaseUrl: options.databaseUrl,
    config: `connections:\n${desks.map(({ name, connection }) => `  ${name}: ${connection}\n`).join('')}`,
    rules: RULES,
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
    const faults = Object.entries(FAULTS).filter(([name]) => options.faults?.includes(name) ?? true);
    const ill = desks.filter(({ name }) => options.desks?.includes(name) ?? true);
    let slowest = { others: 0, resumed: 0 };
    for (const desk of ill) {
      for (const [name, fault] of faults) {
        const beganAt = performance.now();
        const mend = desk.faults.always('*', fault);
        await pause(options.faultMs);
        mend();
        const endedAt = performance.now();
        const others = desks.filter((one) => one !== desk);
        const delay = quantile(people.delaysOf(others, beganAt), 0.95);
        demand(delay < 2 * quiet, `${desk.name} ${name}: others ${Math.round(delay)} ms`);
        await until(`${desk.name} goes on after ${name}`, RESUMES_WITHIN_MS, () =>
          people.allDone(desk, endedAt),
        );
        const resumed = performance.now() - endedAt;
        slowest = { others: Math.max(slowest.others, delay), resumed: Math.max(slowest.resumed, resumed) };
      }
    }
    people.stop();
    await until('all is done', RESUMES_WITHIN_MS, () =>
      desks.every((desk) => people.allDone(desk, Infinity)),
    );
    await stage.settled(RESUMES_WITHIN_MS);
    const counts = desks.flatMap((desk) => people.ticketsOf(desk).map((id) => desk.ownComments(id)));
    return {
      scenario: 'desks that misbehave',
      killed: ill.length * faults.length,
      acknowledged: counts.length,
      lost: counts.filter((count) => count === 0).length,
      twice: counts.filter((count) => count > 1).length,
      missed,
      note:
        `${ill.map(({ name }) => name).join(', ')} with ${faults.map(([name]) => name).join(', ')}, ` +
        `${options.faultMs / 1_000} s each; p95 of the others' delay ${Math.round(quiet)} ms, at worst ` +
        `${Math.round(slowest.others)} ms; went on at the latest ${Math.round(slowest.resumed / 1_000)} s after`,
    };
  } finally {
    people.close();
    await stage.close();
    await Promise.all(desks.map((desk) => desk.close()));
  }
}

interface People {
  start(): void;
  /** From ticket to comment, ms, of tickets made since; those without one yet count as they stand. */
  delaysOf(desks: readonly AnyDesk[], since: number): readonly number[];
  /** True when every ticket of a desk made before then has its comment. */
  allDone(desk: AnyDesk, before: number): boolean;
  ticketsOf(desk: AnyDesk): readonly number[];
  /** No more new tickets. */
  stop(): void;
  close(): void;
}

interface Ticket {
  readonly desk: AnyDesk;
  readonly id: number;
  readonly madeAt: number;
  doneAt: number | null;
}

/** A new ticket at each desk every two seconds, and a look at what became of the others. */
function watchTickets(desks: readonly AnyDesk[]): People {
  const tickets: Ticket[] = [];
  let making: NodeJS.Timeout | undefined;
  const make = (): void => {
    for (const desk of desks)
      tickets.push({
        desk,
        id: desk.create(`torture ${tickets.length}`),
        madeAt: performance.now(),
        doneAt: null,
      });
  };
  const look = (): void => {
    for (const ticket of tickets)
      if (ticket.doneAt === null && ticket.desk.ownComments(ticket.id) > 0) ticket.doneAt = performance.now();
  };
  const looking = setInterval(look, 50);
  return {
    delaysOf: (some, since) =>
      tickets
        .filter(({ desk, madeAt }) => some.includes(desk) && madeAt >= since)
        .map(({ madeAt, doneAt }) => (doneAt ?? performance.now()) - madeAt),
    allDone: (one, before) =>
      tickets.every(({ desk, madeAt, doneAt }) => desk !== one || madeAt >= before || doneAt !== null),
    ticketsOf: (one) => tickets.filter(({ desk }) => desk === one).map(({ id }) => id),
    start: () => void (making = setInterval(make, EVERY_MS)),
    stop: () => clearInterval(making),
    close: () => {
      clearInterval(making);
      clearInterval(looking);
    },
  };
}

const RULES = `
id: take
name: Take it
on: [ticket.created]
when: { title: { starts_with: torture } }
then:
  - comment: { text: "Taken: {{ ticket.title }}" }
`;
