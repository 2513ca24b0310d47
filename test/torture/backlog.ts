import { startReceiver } from '../../src/demo/simulators/receiver.ts';
import { allowReceiver, forwardRule, judgeForwarded } from './forwarded.ts';
import { createSenders, deliveryIds, MONITORING } from './senders.ts';
import { createStage, until } from './stage.ts';
import { createDemands, type Verdict } from './verdict.ts';

export interface BacklogOptions {
  readonly databaseUrl: string;
  readonly posts: number;
}

const READY_MS = 10_000;
const FIRST_ACTION_MS = 5_000;
const MEMORY_MB = 300;
const DRAIN_MS = 900_000;

/**
 * A restart in front of a long queue (R21): deliveries are taken while every action is held, the process is killed,
 * and started with all of them due. Memory must stay bounded whatever waits.
 */
export async function backlogScenario(options: BacklogOptions): Promise<Verdict> {
  const receiver = await startReceiver();
  const stage = await createStage({
    databaseUrl: options.databaseUrl,
    config: `connections:${MONITORING}${allowReceiver(receiver.url)}`,
    rules: forwardRule(receiver.url),
  });
  const { missed, demand } = createDemands();
  try {
    const held = await stage.start({}, ['--hold']);
    const senders = createSenders({ port: () => held.port });
    const postingAt = performance.now();
    await senders.post(deliveryIds('backlog', options.posts));
    const perSecond = Math.round((options.posts * 1_000) / (performance.now() - postingAt));
    const intakeMb = await held.peakMb();
    await held.kill();
    await stage.query("UPDATE settings SET value = 'false' WHERE key = 'paused'");

    const startedAt = performance.now();
    const server = await stage.start();
    const readyMs = Math.round(performance.now() - startedAt);
    await until('something arrives', 60_000, () => receiver.received.size > 0);
    const firstMs = Math.round(performance.now() - startedAt) - readyMs;
    await stage.settled(DRAIN_MS);
    const drainedMb = await server.peakMb();

    demand(readyMs < READY_MS, `ready after ${readyMs} ms`);
    demand(firstMs < FIRST_ACTION_MS, `first action ${firstMs} ms later`);
    demand(Math.max(intakeMb, drainedMb) < MEMORY_MB, `memory of ${Math.max(intakeMb, drainedMb)} MB`);
    const result = await judgeForwarded(stage, senders, receiver);
    const seconds = Math.round((performance.now() - startedAt - readyMs) / 1_000);
    return {
      scenario: `${options.posts} waiting at a restart`,
      killed: 1,
      ...result,
      missed,
      note:
        `ready in ${readyMs} ms, first action ${firstMs} ms later, all done in ${seconds} s; ` +
        `intake ${perSecond}/s; peak ${intakeMb} MB taking, ${drainedMb} MB working off; ${result.note}`,
    };
  } finally {
    await stage.close();
    await receiver.close();
  }
}
