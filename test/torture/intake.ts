import { startReceiver } from '../../src/demo/simulators/receiver.ts';
import { seededRandom } from '../../src/demo/simulators/support/random.ts';
import { allowReceiver, forwardRule, judgeForwarded } from './forwarded.ts';
import type { Server } from './process.ts';
import { createSenders, deliveryIds, MONITORING } from './senders.ts';
import { createStage, pause } from './stage.ts';
import type { Verdict } from './verdict.ts';

export interface IntakeOptions {
  readonly databaseUrl: string;
  readonly posts: number;
  readonly kills: number;
  /** How often each delivery is posted, all of them in any order. Default once. */
  readonly copies?: number;
  readonly seed: number;
}

/**
 * kill -9 during webhook intake (R1): senders post until they are answered 2xx, the process is killed at random
 * moments and started again; deliveries come several times in any order where asked (R9). Every acknowledged delivery must be one event, one run, and one effect at the receiver.
 */
export async function intakeScenario(options: IntakeOptions): Promise<Verdict> {
  const random = seededRandom(options.seed);
  const receiver = await startReceiver();
  const stage = await createStage({
    databaseUrl: options.databaseUrl,
    config: `connections:${MONITORING}${allowReceiver(receiver.url)}`,
    rules: forwardRule(receiver.url),
  });
  try {
    let server: Server = await stage.start();
    let killed = 0;
    const senders = createSenders({ port: () => server.port });
    const ids = deliveryIds('delivery', options.posts);
    const posting = senders.post(
      random.shuffle(Array.from({ length: options.copies ?? 1 }, () => ids).flat()),
    );
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
    const result = await judgeForwarded(stage, senders, receiver);
    const repeats = senders.statuses.get(200) ?? 0;
    const note = `${repeats} deliveries answered as repeats; ${result.note}`;
    return { scenario: 'kill -9 during intake', killed, missed: [], ...result, note };
  } finally {
    await stage.close();
    await receiver.close();
  }
}
