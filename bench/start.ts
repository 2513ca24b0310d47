import { chmod } from 'node:fs/promises';
import { median, type Child } from './processes.ts';
import type { Figure } from './report.ts';
import { hook, newDatabase, openStage, type Stage } from './stage.ts';

/** P6: from the start of the process to the first delivery that is answered 2xx. */
export async function startBench(options: {
  readonly databaseUrl: string;
  readonly rounds: number;
}): Promise<readonly Figure[]> {
  const database = await newDatabase(options.databaseUrl, 'deskhand_bench_start');
  const stage = await openStage();
  try {
    // The embedded database runs as another user than root.
    await chmod(stage.path('.'), 0o755);
    await untilAnswered(stage, { databaseUrl: database.url });
    const given: number[] = [];
    const first: number[] = [];
    const second: number[] = [];
    for (let round = 0; round < options.rounds; round++) {
      const dataDir = stage.path(`data-${round}`);
      given.push(await untilAnswered(stage, { databaseUrl: database.url }));
      first.push(await untilAnswered(stage, { dataDir }));
      second.push(await untilAnswered(stage, { dataDir }));
    }
    const seconds = (times: readonly number[]): number => median(times) / 1000;
    return [
      {
        id: 'P6',
        name: 'start to first 2xx, DATABASE_URL',
        value: seconds(given),
        unit: 's',
        goal: { atMost: 0.8 },
      },
      {
        id: 'P6',
        name: 'start to first 2xx, embedded, second start',
        value: seconds(second),
        unit: 's',
        goal: { atMost: 1.5 },
      },
      {
        id: 'P6',
        name: 'start to first 2xx, embedded, very first',
        value: seconds(first),
        unit: 's',
        goal: { atMost: 4 },
      },
    ];
  } finally {
    await stage.close();
    await database.drop();
  }
}

async function untilAnswered(stage: Stage, on: Parameters<Stage['start']>[0]): Promise<number> {
  const startedAt = performance.now();
  const deskhand = await stage.start(on);
  await answered(deskhand);
  const took = performance.now() - startedAt;
  await deskhand.stop();
  return took;
}

/** Posts one delivery that matches nothing. @throws when the answer is no 2xx */
export async function answered(deskhand: Child): Promise<void> {
  const response = await fetch(hook(deskhand), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'webhook-id': `start-${performance.now()}` },
    body: '{"alert":{"id":"start","title":"x"}}',
  });
  await response.text();
  if (!response.ok) throw new Error(`answered ${response.status}`);
}
