import { drive, median, type Child } from './processes.ts';
import type { Figure } from './report.ts';
import { drained, hook, newDatabase, openStage, type Stage } from './stage.ts';

/** P10: two instances on one PostgreSQL against one instance, in turn, under the same load. */
export async function instancesBench(options: {
  readonly databaseUrl: string;
  readonly rounds: number;
  readonly seconds: number;
}): Promise<readonly Figure[]> {
  const [one, two] = [
    await newDatabase(options.databaseUrl, 'deskhand_bench_one'),
    await newDatabase(options.databaseUrl, 'deskhand_bench_two'),
  ];
  const stage = await openStage();
  try {
    const alone = [await stage.start({ databaseUrl: one.url })];
    const pair = [await stage.start({ databaseUrl: two.url }), await stage.start({ databaseUrl: two.url })];
    // Until then the engines are compiling; each of two gets half of the work.
    await handled(stage, alone, one.url, 6);
    await handled(stage, pair, two.url, 12);
    const ratios: number[] = [];
    let repeated = 0;
    for (let round = 1; round <= options.rounds; round++) {
      const single = await handled(stage, alone, one.url, options.seconds);
      const double = await handled(stage, pair, two.url, options.seconds);
      repeated += double.repeated;
      ratios.push(double.perSecond / single.perSecond);
      console.log(
        `round ${round}: one instance ${single.perSecond.toFixed(0)}/s, two ${double.perSecond.toFixed(0)}/s handled`,
      );
    }
    return [
      { id: 'P10', name: 'two instances ÷ one', value: median(ratios), unit: '', goal: { atLeast: 0.9 } },
      { id: 'P10', name: 'posted twice by two instances', value: repeated, unit: '', goal: { atMost: 0 } },
    ];
  } finally {
    await stage.close();
    await Promise.all([one.drop(), two.drop()]);
  }
}

/** Events per second from the first post to the last step done. */
async function handled(
  stage: Stage,
  instances: readonly Child[],
  databaseUrl: string,
  seconds: number,
): Promise<{ readonly perSecond: number; readonly repeated: number }> {
  await stage.reset();
  const loads = await Promise.all(
    instances.map((instance) => drive(hook(instance), 32 / instances.length, seconds)),
  );
  const drainSeconds = await drained(databaseUrl);
  const { repeated } = await stage.received();
  const count = loads.reduce((sum, load) => sum + load.count, 0);
  return { perSecond: count / (seconds + drainSeconds), repeated };
}
