import { setTimeout as sleep } from 'node:timers/promises';
import { drive, median } from './processes.ts';
import type { Figure } from './report.ts';
import { answered } from './start.ts';
import { drained, hook, newDatabase, openStage, query } from './stage.ts';

/** P7: kill -9 under full load, and how soon the next process answers and works. */
export async function recoveryBench(options: {
  readonly databaseUrl: string;
  readonly rounds: number;
}): Promise<readonly Figure[]> {
  const database = await newDatabase(options.databaseUrl, 'deskhand_bench_recovery');
  const stage = await openStage();
  try {
    const answers: number[] = [];
    const works: number[] = [];
    const drains: number[] = [];
    let accepted = 0;
    for (let round = 0; round < options.rounds; round++) {
      const killed = await stage.start({ databaseUrl: database.url });
      const load = drive(hook(killed), 32, 3);
      await sleep(2_500);
      await killed.stop('SIGKILL');
      accepted += (await load).count;
      await stage.reset();
      const startedAt = Date.now();
      const next = await stage.start({ databaseUrl: database.url });
      await answered(next);
      answers.push((Date.now() - startedAt) / 1000);
      drains.push(await drained(database.url));
      const { firstAt } = await stage.received();
      if (firstAt !== null) works.push((firstAt - startedAt) / 1000);
      await next.stop();
    }
    const [stored] = await query<{ events: number; open: number }>(
      database.url,
      `SELECT (SELECT count(*)::int FROM events WHERE type = 'webhook.received') AS events,
              (SELECT count(*)::int FROM runs WHERE state <> 'done') AS open`,
    );
    const events = (stored?.events ?? 0) - options.rounds;
    return [
      {
        id: 'P7',
        name: 'after kill -9, first 2xx',
        value: median(answers),
        unit: 's',
        goal: { atMost: 1.5 },
      },
      {
        id: 'P7',
        name: 'after kill -9, pending work resumes',
        value: median(works),
        unit: 's',
        goal: { atMost: 2 },
      },
      {
        id: 'P7',
        name: 'after kill -9, everything done (leases of the dead one too)',
        value: Math.max(...drains),
        unit: 's',
        goal: { atMost: 20 },
      },
      { id: '', name: 'acknowledged before the kills', value: accepted, unit: '' },
      {
        id: '',
        name: 'lost',
        value: Math.max(0, accepted - events) + (stored?.open ?? 0),
        unit: '',
        goal: { atMost: 0 },
      },
    ];
  } finally {
    await stage.close();
    await database.drop();
  }
}
