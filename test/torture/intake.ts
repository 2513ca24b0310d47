import { startReceiver } from '../../src/demo/simulators/receiver.ts';
import { seededRandom } from '../../src/demo/simulators/support/random.ts';
import type { Server } from './process.ts';
import { createStage, pause } from './stage.ts';

/** What a scenario found; `lost` and `twice` must be 0. */
export interface Verdict {
  readonly scenario: string;
  readonly killed: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly twice: number;
  readonly note: string;
}

export interface IntakeOptions {
  readonly databaseUrl: string;
  readonly posts: number;
  readonly kills: number;
  readonly seed: number;
  readonly waitForDead: boolean;
}

const SENDERS = 16;

/**
 * kill -9 during webhook intake (R1): senders post until they are answered 2xx, the process is killed at random
 * moments and started again. Every acknowledged delivery must be one event, one run, and one effect at the receiver.
 */
export async function intakeScenario(options: IntakeOptions): Promise<Verdict> {
  const random = seededRandom(options.seed);
  const receiver = await startReceiver();
  const stage = await createStage({
    databaseUrl: options.databaseUrl,
    config: config(receiver.url),
    rules: rules(receiver.url),
    waitForDead: options.waitForDead,
  });
  try {
    let server: Server = await stage.start();
    let killed = 0;
    const acknowledged = new Set<string>();
    const posting = postAll(options.posts, () => server.port, acknowledged);
    let finished = false;
    void posting.then(() => (finished = true));
    while (!finished && killed < options.kills) {
      await pause(150 + random.below(500));
      if (finished) break;
      await server.kill();
      killed += 1;
      server = await stage.start();
    }
    await posting;
    await stage.settled(60_000);
    const result = await judge(stage, acknowledged, receiver.received);
    return { scenario: 'kill -9 during intake', killed, acknowledged: acknowledged.size, ...result };
  } finally {
    await stage.close();
    await receiver.close();
  }
}

function config(receiverUrl: string): string {
  return `
connections:
  monitoring:
    vendor: webhook
    verify: { scheme: bearer, secret: torture-secret }
    ticket: { id: $.id, title: $.title }
http: { allow: ["${new URL(receiverUrl).host}"] }
`;
}

function rules(receiverUrl: string): string {
  return `
id: forward
name: Forward everything
on: [webhook.received]
when: { title: { contains: torture } }
then:
  - http.post: { url: "${receiverUrl}/in" }
`;
}

async function postAll(posts: number, port: () => number, acknowledged: Set<string>): Promise<void> {
  let next = 0;
  const sender = async (): Promise<void> => {
    while (next < posts) {
      next += 1;
      await postUntilAnswered(`delivery-${next}`, port, acknowledged);
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
}

/** As a careful sender does: the same delivery id until somebody says 2xx. */
async function postUntilAnswered(id: string, port: () => number, acknowledged: Set<string>): Promise<void> {
  for (;;) {
    try {
      const response = await fetch(`http://127.0.0.1:${port()}/hooks/monitoring`, {
        method: 'POST',
        headers: {
          authorization: 'Bearer torture-secret',
          'webhook-id': id,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ id, title: `torture ${id}` }),
        signal: AbortSignal.timeout(5_000),
      });
      if (response.ok) {
        acknowledged.add(id);
        return;
      }
    } catch {
      // Refused or cut: nobody answered, so the sender tries again.
    }
    await pause(20);
  }
}

async function judge(
  stage: Awaited<ReturnType<typeof createStage>>,
  acknowledged: ReadonlySet<string>,
  received: ReadonlyMap<string, number>,
): Promise<Pick<Verdict, 'lost' | 'twice' | 'note'>> {
  const events = await stage.query<{ ticket_id: string; events: number; runs: number; steps: string[] }>(
    `SELECT e.ticket_id, count(DISTINCT e.id)::int AS events, count(DISTINCT r.id)::int AS runs,
            array_agg(s.id) AS steps
       FROM events e LEFT JOIN runs r ON r.event_id = e.id LEFT JOIN steps s ON s.run_id = r.id
      WHERE e.type = 'webhook.received' GROUP BY e.ticket_id`,
  );
  const byId = new Map(events.map((row) => [row.ticket_id, row]));
  const lost = [...acknowledged].filter(
    (id) => !(byId.get(id)?.steps ?? []).some((step) => received.has(step)),
  );
  const twice = events.filter((row) => row.events !== 1 || row.runs !== 1 || row.steps.length !== 1);
  const repeats = [...received.values()].reduce((sum, count) => sum + count - 1, 0);
  return {
    lost: lost.length,
    twice: twice.length,
    note: `${repeats} posts repeated under the same webhook-id`,
  };
}
