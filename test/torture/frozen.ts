import { startJitbitDesk, type JitbitDesk } from '../../src/demo/simulators/jitbit/jitbit-desk.ts';
import { seededRandom, type Random } from '../../src/demo/simulators/support/random.ts';
import { LOCKS } from '../../src/record/locks.ts';
import type { Server } from './process.ts';
import { createStage, pause, until, type Stage } from './stage.ts';
import type { Verdict } from './verdict.ts';

export interface FrozenOptions {
  readonly databaseUrl: string;
  readonly rounds: number;
  readonly seed: number;
  /**
   * True: its standing session is cut as well, as when its machine is cut off, so that it is given up within a second.
   * False: it is given up when its counter stood still for 15 s.
   */
  readonly cutOff: boolean;
}

/** Where the process stands when it is frozen. */
const PLACES = ['after the call', 'before the intent', 'in the list', 'anywhere'] as const;

/**
 * Two instances on one desk (R10): the one that holds a lease is stopped with SIGSTOP until the other has taken over
 * and finished, then goes on. Every ticket must get its assignee and its comment exactly once.
 */
export async function frozenScenario(options: FrozenOptions): Promise<Verdict> {
  const random = seededRandom(options.seed);
  const desk = await startJitbitDesk({ rateLimit: 'off', oldTickets: false });
  const stage = await createStage({
    databaseUrl: options.databaseUrl,
    config: config(desk),
    rules: RULES,
  });
  const tickets: number[] = [];
  try {
    await stage.baseline();
    const servers = [await stage.start(), await stage.start()];
    for (let round = 0; round < options.rounds; round++) {
      const place = PLACES[round % PLACES.length] ?? 'anywhere';
      tickets.push(
        ...(await oneRound({ stage, desk, servers, place, round, random, cutOff: options.cutOff })),
      );
    }
    return await judge(stage, desk, tickets, options.rounds);
  } finally {
    await stage.close();
    await desk.close();
  }
}

interface Round {
  readonly stage: Stage;
  readonly desk: JitbitDesk;
  readonly servers: readonly Server[];
  readonly place: (typeof PLACES)[number];
  readonly round: number;
  readonly random: Random;
  readonly cutOff: boolean;
}

async function oneRound(options: Round): Promise<readonly number[]> {
  const { stage, desk, servers, place, round, random } = options;
  const held = holdAt(desk, place);
  const count = place === 'anywhere' ? 5 : 1;
  const made = Array.from({ length: count }, (_, index) =>
    desk.human.create({ subject: `torture ${round} ${index}`, category: 'Network' }),
  );
  await (held?.arrived ?? pause(random.below(2_500)));
  const pid = held === null ? null : await holderOf(stage, place === 'in the list' ? 'feeds' : 'lanes');
  const frozen = servers.find((server) => server.pid === pid) ?? servers[random.below(servers.length)];
  if (frozen === undefined) throw new Error('there is no server');
  frozen.freeze();
  held?.release();
  const name = `% ${frozen.pid}`;
  if (options.cutOff) await cutOff(stage, name);
  const known = (): Promise<readonly object[]> =>
    stage.query('SELECT 1 FROM instances WHERE name LIKE $1', [name]);
  await until('the frozen instance is taken for dead', 60_000, async () => (await known()).length === 0);
  await until('the other one has finished', 120_000, async () => {
    const [row] = await stage.query<{ done: number }>(
      "SELECT count(*)::int AS done FROM runs WHERE ticket_id = ANY($1) AND state = 'done'",
      [made.map(String)],
    );
    return row?.done === count;
  });
  frozen.thaw();
  await until('the thawed instance is back', 30_000, async () => (await known()).length > 0);
  return made;
}

async function cutOff(stage: Stage, name: string): Promise<void> {
  await stage.query(
    `SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN instances i ON i.session_key = l.objid::bigint
      WHERE l.locktype = 'advisory' AND l.classid = ${LOCKS.instance} AND i.name LIKE $1`,
    [name],
  );
}

function holdAt(
  desk: JitbitDesk,
  place: (typeof PLACES)[number],
): ReturnType<JitbitDesk['faults']['hold']> | null {
  switch (place) {
    case 'after the call':
      return desk.faults.hold('POST comment', 'after');
    case 'before the intent':
      return desk.faults.hold('GET comments');
    case 'in the list':
      return desk.faults.hold('GET tickets', 'after');
    case 'anywhere':
      return null;
  }
}

/** Pid of the instance that holds a lease; instances are named `host pid`. */
async function holderOf(stage: Stage, table: 'lanes' | 'feeds'): Promise<number> {
  const [row] = await stage.query<{ name: string }>(
    `SELECT i.name FROM ${table} l JOIN instances i ON i.id = l.lease_owner LIMIT 1`,
  );
  return Number(row?.name.split(' ').at(-1));
}

async function judge(
  stage: Stage,
  desk: JitbitDesk,
  tickets: readonly number[],
  rounds: number,
): Promise<Verdict> {
  const assigned = new Map<number, number>();
  for (const call of desk.calls.named('POST updateticket')) {
    const id = Number(call.params.get('id'));
    if (call.handled) assigned.set(id, (assigned.get(id) ?? 0) + 1);
  }
  const done = (id: number): boolean => desk.comments(id).length > 0 && assigned.has(id);
  const twice = (id: number): boolean => desk.comments(id).length > 1 || (assigned.get(id) ?? 0) > 1;
  const repeated = await stage.query(
    'SELECT 1 FROM events WHERE type = $1 GROUP BY connection_id, ticket_id HAVING count(*) > 1',
    ['ticket.created'],
  );
  return {
    scenario: 'an instance frozen past its leases',
    killed: rounds,
    acknowledged: tickets.length,
    lost: tickets.filter((id) => !done(id)).length,
    twice: tickets.filter(twice).length + repeated.length,
    missed: [],
    note: PLACES.join(', '),
  };
}

function config(desk: JitbitDesk): string {
  return `
connections:
  desk: { vendor: jitbit, url: "${desk.url}", token: "${desk.token}", poll: { tickets: 1s, reconcile: 1w }, settle: 2s, rate: 100000/m }
`;
}

const RULES = `
id: take
name: Take it
on: [ticket.created]
when: { title: { contains: torture } }
then:
  - reassign: { agent: ali@acme.com }
  - comment: { text: "Taken: {{ ticket.title }}" }
`;
