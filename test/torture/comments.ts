import { startJitbitDesk } from '../../src/demo/simulators/jitbit/jitbit-desk.ts';
import { CRASH_POINTS, type CrashPointName } from '../../src/act/crash.ts';
import { seededRandom } from '../../src/demo/simulators/support/random.ts';
import { createStage, decideAll } from './stage.ts';
import type { Verdict } from './verdict.ts';

export interface CommentOptions {
  readonly databaseUrl: string;
  readonly points: readonly CrashPointName[];
  readonly killsPerPoint: number;
  readonly seed: number;
}

/**
 * kill -9 at named places around a comment (R2, R3): the process dies between any two writes and is started again.
 * Every ticket must get its comment exactly once, and its assignee.
 */
export async function commentScenario(options: CommentOptions): Promise<Verdict> {
  const random = seededRandom(options.seed);
  const desk = await startJitbitDesk({ rateLimit: 'off' });
  const stage = await createStage({
    databaseUrl: options.databaseUrl,
    config: config(desk.url, desk.token),
    rules: RULES,
  });
  const tickets: number[] = [];
  let killed = 0;
  try {
    await stage.baseline();
    for (const point of options.points) {
      for (let round = 0; round < options.killsPerPoint; round++) {
        const server = await stage.launch({ DESKHAND_CRASH_AT: `${point}:${1 + random.below(2)}` });
        tickets.push(
          desk.human.create({ subject: `torture ${point} ${round} a`, category: 'Network', priority: 2 }),
          desk.human.create({ subject: `torture ${point} ${round} b`, category: 'Network', priority: 2 }),
        );
        await server.ended;
        killed += 1;
      }
    }
    await decideAll(stage, async () => {
      const created = await stage.query(
        "SELECT DISTINCT ticket_id FROM events WHERE type = 'ticket.created'",
      );
      return created.length === tickets.length;
    });
    return await judge(desk, tickets, killed, stage);
  } finally {
    await stage.close();
    await desk.close();
  }
}

function config(url: string, token: string): string {
  return `
connections:
  desk: { vendor: jitbit, url: "${url}", token: "${token}", poll: { tickets: 1s, reconcile: 1w }, settle: 2s, rate: 100000/m }
`;
}

const RULES = `
id: take
name: Take it
on: [ticket.created]
when: { title: { contains: torture } }
limit: { per_ticket: 1/1h }
then:
  - reassign: { agent: ali@acme.com }
  - comment: { text: "Taken: {{ ticket.title }}" }
`;

async function judge(
  desk: Awaited<ReturnType<typeof startJitbitDesk>>,
  tickets: readonly number[],
  killed: number,
  stage: Awaited<ReturnType<typeof createStage>>,
): Promise<Verdict> {
  const counts = tickets.map((id) => desk.comments(id).length);
  const uncertain = await stage.query("SELECT 1 FROM steps WHERE state IN ('uncertain', 'dead')");
  const events = await stage.query<{ count: number }>(
    "SELECT count(*)::int AS count FROM events WHERE type = 'ticket.created' GROUP BY ticket_id HAVING count(*) > 1",
  );
  return {
    scenario: 'kill -9 at crash points around a comment',
    killed,
    acknowledged: tickets.length,
    lost: counts.filter((count) => count === 0).length,
    twice: counts.filter((count) => count > 1).length + events.length,
    missed: [],
    note: `${uncertain.length} steps uncertain or dead`,
  };
}

export const ALL_POINTS = CRASH_POINTS;
