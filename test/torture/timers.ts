import { startReceiver } from '../../src/demo/simulators/receiver.ts';
import { seededRandom } from '../../src/demo/simulators/support/random.ts';
import type { Server } from './process.ts';
import { HOOK_TOKEN } from './senders.ts';
import { createStage, pause, until, type Stage } from './stage.ts';
import { createDemands, type Verdict } from './verdict.ts';

export interface TimersOptions {
  readonly databaseUrl: string;
  /** Of each kind. */
  readonly tickets: number;
  /** While moments come; five more belong to the downtime and the jumps. */
  readonly kills: number;
  readonly seed: number;
}

const MINUTE_MS = 60_000;
/** So far apart may two kills be at most, start included, for moments to come in between. */
const PER_KILL_MS = 2_000;
const FIRE_MS = 60_000;

/**
 * Timers and escalations over kill -9, a downtime of two hours and a clock that jumps an hour ahead and two back
 * (R12, R13). Every ticket becomes an hour old once, and has an escalation with a wait: each must act exactly once.
 */
export async function timersScenario(options: TimersOptions): Promise<Verdict> {
  const { tickets, kills } = options;
  const random = seededRandom(options.seed);
  const receiver = await startReceiver();
  const stage = await createStage({
    databaseUrl: options.databaseUrl,
    config: config(receiver.url),
    rules: rules(receiver.url),
  });
  const all: string[] = [];
  try {
    let server = await stage.start();
    /** Tells of tickets that become an hour old so many ms from now on, one after the other. */
    const tell = async (kind: string, firstInMs: number, apartMs: number): Promise<void> => {
      for (let n = 0; n < tickets; n += 1) {
        const createdAt = Date.now() + firstInMs + n * apartMs - 60 * MINUTE_MS;
        const id = `${kind}-${n}`;
        await post(server, { id, title: 'torture', created: new Date(createdAt).toISOString() });
        all.push(id);
      }
    };
    const restart = async (offset?: string): Promise<void> => {
      await server.kill();
      if (offset !== undefined) await stage.moveClock(offset);
      server = await stage.start();
    };

    await tell('never', 600 * MINUTE_MS, 1_000);
    await tell('downtime', 30 * MINUTE_MS, 10_000);
    await tell('killed', 2_000, Math.ceil((kills * PER_KILL_MS) / tickets));
    for (let kill = 0; kill < kills; kill += 1) {
      await pause(random.below(PER_KILL_MS / 2));
      await restart();
    }
    await fired(stage, 'killed', tickets, kills * PER_KILL_MS + FIRE_MS);

    await restart('2 hours 10 minutes');
    await pause(random.below(500));
    await restart();
    await fired(stage, 'downtime', tickets, FIRE_MS);
    await tell('ahead', (130 + 20) * MINUTE_MS, 1_000);

    await stage.jumpClock('3 hours 10 minutes');
    await fired(stage, 'ahead', tickets, FIRE_MS);
    // A jump back is seen by the heartbeats before and after it, one in three seconds.
    await beaten(stage, '3 hours');
    await stage.jumpClock('1 hour 10 minutes');
    await beaten(stage, '1 hour');
    await tell('back', 70 * MINUTE_MS + 1_500, 50);
    await fired(stage, 'back', tickets, FIRE_MS);

    await restart('2 hours 40 minutes');
    await stage.settled(2 * FIRE_MS);
    return await judge(stage, all, receiver.received, kills + 5);
  } finally {
    await stage.close();
    await receiver.close();
  }
}

/** Waits until the latest heartbeat is so far ahead of the real clock, and at most half an hour more. */
async function beaten(stage: Stage, ahead: string): Promise<void> {
  await until(`a heartbeat ${ahead} ahead`, FIRE_MS, async () => {
    const [row] = await stage.query<{ seen: boolean }>(
      `SELECT max(beat_at) - clock_timestamp() BETWEEN $1::interval AND $1::interval + interval '30 minutes' AS seen
         FROM instances`,
      [ahead],
    );
    return row?.seen === true;
  });
}

async function post(
  server: Server,
  ticket: { readonly id: string; readonly title: string; readonly created: string },
): Promise<void> {
  await until(`${ticket.id} is taken`, FIRE_MS, async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/hooks/monitoring`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${HOOK_TOKEN}`,
        'webhook-id': ticket.id,
        'content-type': 'application/json',
      },
      body: JSON.stringify(ticket),
    });
    await response.arrayBuffer();
    return response.ok;
  });
}

async function fired(stage: Stage, kind: string, tickets: number, timeoutMs: number): Promise<void> {
  await until(`all tickets of ${kind} have fired`, timeoutMs, async () => {
    const [row] = await stage.query<{ count: number }>(
      `SELECT count(DISTINCT ticket_id)::int AS count FROM runs
        WHERE rule_id = 'old' AND starts_with(ticket_id, $1)`,
      [kind],
    );
    return row?.count === tickets;
  });
}

async function judge(
  stage: Stage,
  tickets: readonly string[],
  received: ReadonlyMap<string, number>,
  killed: number,
): Promise<Verdict> {
  const runs = await stage.query<{ ticket_id: string; rule_id: string; late: boolean; posts: string[] }>(
    `SELECT r.ticket_id, r.rule_id, (e.doc->>'late')::boolean AS late,
            ARRAY(SELECT s.id FROM steps s WHERE s.run_id = r.id AND s.action = 'http.post')::text[] AS posts
       FROM runs r JOIN events e ON e.id = r.event_id WHERE r.state = 'done'`,
  );
  const { missed, demand } = createDemands();
  const of = (ticket: string, rule: string): typeof runs =>
    runs.filter((run) => run.ticket_id === ticket && run.rule_id === rule);
  const wanted = (ticket: string, rule: string): number =>
    rule === 'old' && ticket.startsWith('never') ? 0 : 1;
  const pairs = tickets.flatMap((ticket) => ['old', 'escalation'].map((rule) => ({ ticket, rule })));
  const acted = ({ ticket, rule }: (typeof pairs)[number]): boolean =>
    of(ticket, rule).every(({ posts }) => posts.length > 0 && posts.every((step) => received.has(step)));
  const count = ({ ticket, rule }: (typeof pairs)[number]): number => of(ticket, rule).length;
  demand(
    runs.every(({ ticket_id: ticket, rule_id: rule, late }) => late === (rule === 'old' && isLate(ticket))),
    'what fell into the downtime is marked late, and nothing else',
  );
  return {
    scenario: 'timers over kill -9, two hours of downtime, a clock that jumps',
    killed,
    acknowledged: tickets.length,
    lost: pairs.filter((pair) => count(pair) < wanted(pair.ticket, pair.rule) || !acted(pair)).length,
    twice: pairs.filter((pair) => count(pair) > wanted(pair.ticket, pair.rule)).length,
    missed,
    note: `${runs.length} runs`,
  };
}

/** Those whose moment lay long ago when the clock was looked at next. */
function isLate(ticket: string): boolean {
  return ticket.startsWith('downtime') || ticket.startsWith('ahead');
}

function config(receiverUrl: string): string {
  return `
connections:
  monitoring:
    vendor: webhook
    verify: { scheme: bearer, secret: ${HOOK_TOKEN} }
    ticket: { id: $.id, title: $.title, created_at: $.created }
http: { allow: ["${new URL(receiverUrl).host}"] }
`;
}

function rules(receiverUrl: string): string {
  return `
id: old
name: An hour old
on: [ticket.time]
when: { title: torture, created_at: { older_than: 1h } }
then: [{ http.post: { url: "${receiverUrl}/old" } }]
---
id: escalation
name: Escalation
on: [webhook.received]
when: { title: torture }
then:
  - http.post: { url: "${receiverUrl}/first" }
  - wait: 20m
  - http.post: { url: "${receiverUrl}/second" }
`;
}
