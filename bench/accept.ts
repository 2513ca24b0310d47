import { drive, median, startBenchFile, type LoadResult } from './processes.ts';
import type { Figure } from './report.ts';
import { drained, hook, newDatabase, openStage } from './stage.ts';

/**
 * P1, P2, P3 and the memory of P5: durable accept against the floors, floors and ours in turn in one run, then what
 * is delivered end to end, then a steady 200 events a second.
 */
export async function acceptBench(options: {
  readonly databaseUrl: string;
  readonly rounds: number;
  readonly seconds: number;
}): Promise<readonly Figure[]> {
  const { rounds: count, seconds } = options;
  const database = await newDatabase(options.databaseUrl, 'deskhand_bench_accept');
  const parse = await startBenchFile('floors.ts', ['parse']);
  const insert = await startBenchFile('floors.ts', ['insert'], { DATABASE_URL: database.url });
  const stage = await openStage();
  try {
    const deskhand = await stage.start({ databaseUrl: database.url });
    const idleMb = await deskhand.memoryMb();
    // Until then the engine is compiling.
    await drive(hook(deskhand), CONNECTIONS, WARM_UP_SECONDS);
    await drained(database.url);
    const rounds: Round[] = [];
    for (let round = 1; round <= count; round++) {
      const floors = {
        parse: await drive(`http://127.0.0.1:${parse.port}/in`, CONNECTIONS, seconds),
        insert: await drive(`http://127.0.0.1:${insert.port}/in`, CONNECTIONS, seconds),
      };
      await stage.reset();
      const ours = await drive(hook(deskhand), CONNECTIONS, seconds);
      const atEnd = await stage.received();
      const memoryMb = await deskhand.memoryMb();
      const drainSeconds = await drained(database.url);
      const { count: delivered, repeated } = await stage.received();
      rounds.push({ ...floors, ours, memoryMb, repeated, sustained: delivered / (seconds + drainSeconds) });
      console.log(
        `round ${round}: parse ${rate(floors.parse)}, insert ${rate(floors.insert)}, ours ${rate(ours)} ` +
          `(p50 ${ours.p50.toFixed(1)}, p99 ${ours.p99.toFixed(1)} ms, ${ours.errors} errors); delivered ` +
          `${(atEnd.count / seconds).toFixed(0)}/s meanwhile, all after ${drainSeconds.toFixed(1)} s more`,
      );
    }
    await stage.reset();
    const steady = await drive(hook(deskhand), CONNECTIONS, seconds, 200);
    await drained(database.url);
    return figures(rounds, { idleMb, steady, steadyLag: await stage.received() });
  } finally {
    await Promise.all([stage.close(), parse.stop(), insert.stop()]);
    await database.drop();
  }
}

const CONNECTIONS = 32;
const WARM_UP_SECONDS = 8;

interface Round {
  readonly parse: LoadResult;
  readonly insert: LoadResult;
  readonly ours: LoadResult;
  readonly memoryMb: number;
  readonly repeated: number;
  /** Delivered per second, from the first post to the last step done. */
  readonly sustained: number;
}

function rate({ perSecond }: LoadResult): string {
  return `${perSecond.toFixed(0)}/s`;
}

function figures(
  rounds: readonly Round[],
  {
    idleMb,
    steady,
    steadyLag,
  }: { idleMb: number; steady: LoadResult; steadyLag: { p50: number; p99: number } },
): readonly Figure[] {
  const mid = (pick: (round: Round) => number): number => median(rounds.map(pick));
  return [
    { id: '', name: 'floor: bare parse', value: mid((r) => r.parse.perSecond), unit: '/s' },
    { id: '', name: 'floor: grouped insert', value: mid((r) => r.insert.perSecond), unit: '/s' },
    { id: '', name: 'accepted', value: mid((r) => r.ours.perSecond), unit: '/s' },
    {
      id: 'P1',
      name: 'accepted ÷ bare parse, steps being executed',
      value: mid((r) => r.ours.perSecond / r.parse.perSecond),
      unit: '',
      goal: { atLeast: 0.45 },
    },
    {
      id: '',
      name: 'accepted ÷ grouped insert',
      value: mid((r) => r.ours.perSecond / r.insert.perSecond),
      unit: '',
    },
    { id: 'P1', name: 'accept p99', value: mid((r) => r.ours.p99), unit: 'ms', goal: { atMost: 30 } },
    { id: '', name: 'accept p50', value: mid((r) => r.ours.p50), unit: 'ms' },
    {
      id: 'P2',
      name: 'delivered end to end',
      value: mid((r) => r.sustained),
      unit: '/s',
      goal: { atLeast: 2_500 },
    },
    { id: '', name: 'posted again', value: mid((r) => r.repeated), unit: '' },
    {
      id: 'P3',
      name: 'send to receiver at 200/s, p50',
      value: steadyLag.p50,
      unit: 'ms',
      goal: { atMost: 12 },
    },
    {
      id: 'P3',
      name: 'send to receiver at 200/s, p99',
      value: steadyLag.p99,
      unit: 'ms',
      goal: { atMost: 50 },
    },
    { id: '', name: 'accept p50 at 200/s', value: steady.p50, unit: 'ms' },
    { id: 'P5', name: 'memory idle', value: idleMb, unit: 'MB', goal: { atMost: 110 } },
    {
      id: 'P5',
      name: 'memory at P1 load',
      value: Math.max(...rounds.map((r) => r.memoryMb)),
      unit: 'MB',
      goal: { atMost: 250 },
    },
  ];
}
