import { startReceiver } from '../../src/demo/simulators/receiver.ts';
import { allowReceiver, forwardRule, judgeForwarded } from './forwarded.ts';
import type { Server } from './process.ts';
import { createSenders, MONITORING } from './senders.ts';
import { createStage } from './stage.ts';
import { createDemands, quantile, type Verdict } from './verdict.ts';

export interface RollingOptions {
  readonly databaseUrl: string;
  readonly restarts: number;
}

const EXIT_MS = 5_000;
const SENDERS = 4;

/**
 * Rolling restarts under load (R14): two instances, one after the other is asked to stop, by SIGTERM and SIGINT in
 * turn, and started again. A sender may be refused a connection, never answered 5xx.
 */
export async function rollingScenario(options: RollingOptions): Promise<Verdict> {
  const receiver = await startReceiver();
  const stage = await createStage({
    databaseUrl: options.databaseUrl,
    config: `connections:${MONITORING}${allowReceiver(receiver.url)}`,
    rules: forwardRule(receiver.url),
  });
  const { missed, demand } = createDemands();
  try {
    const servers: Server[] = [await stage.start(), await stage.start()];
    let turn = 0;
    const senders = createSenders({
      senders: SENDERS,
      port: () => servers[(turn += 1) % servers.length]?.port ?? 0,
    });
    let over = false;
    function* ids(): Generator<string> {
      for (let next = 1; !over; next++) yield `rolling-${next}`;
    }
    const posting = senders.post(ids());
    const exits: number[] = [];
    for (let round = 0; round < options.restarts; round++) {
      const index = round % servers.length;
      const { code, ms } = (await servers[index]?.stop(round % 4 < 2 ? 'SIGTERM' : 'SIGINT')) ?? NOT_STOPPED;
      exits.push(ms);
      demand(code === 0, `restart ${round} ended with ${code}`);
      servers[index] = await stage.start();
    }
    over = true;
    await posting;
    await stage.settled(60_000);
    const slowest = Math.max(...exits);
    demand(slowest < EXIT_MS, `an exit took ${Math.round(slowest)} ms`);
    const failed = [...senders.statuses].filter(([status]) => status >= 500);
    demand(failed.length === 0, `answers ${JSON.stringify(failed)}`);
    const result = await judgeForwarded(stage, senders, receiver);
    const refused = senders.statuses.get(0) ?? 0;
    const times = `exits p50 ${Math.round(quantile(exits, 0.5))} ms, slowest ${Math.round(slowest)} ms`;
    return {
      scenario: 'rolling restarts under load',
      killed: options.restarts,
      ...result,
      missed,
      note: `${times}; ${refused} posts refused or cut; ${result.note}`,
    };
  } finally {
    await stage.close();
    await receiver.close();
  }
}

const NOT_STOPPED = { code: null, ms: Infinity };
