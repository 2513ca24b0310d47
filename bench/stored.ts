import { drive, median } from './processes.ts';
import type { Figure } from './report.ts';
import { drained, hook, newDatabase, openStage, query } from './stage.ts';

/** P9: the cost of an event when ten million are stored against ten thousand, in turn. */
export async function storedBench(options: {
  readonly databaseUrl: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly few: number;
  readonly many: number;
}): Promise<readonly Figure[]> {
  const [small, large] = [
    await newDatabase(options.databaseUrl, 'deskhand_bench_few'),
    await newDatabase(options.databaseUrl, 'deskhand_bench_many'),
  ];
  const stage = await openStage();
  try {
    // Started first: they make the partitions that the generated events go into.
    const few = await stage.start({ databaseUrl: small.url });
    const many = await stage.start({ databaseUrl: large.url });
    await fill(small.url, options.few);
    await fill(large.url, options.many);
    const ratios: number[] = [];
    for (let round = 0; round <= options.rounds; round++) {
      const first = await drive(hook(few), 32, options.seconds);
      await drained(small.url);
      const second = await drive(hook(many), 32, options.seconds);
      await drained(large.url);
      console.log(
        `round ${round}: ${options.few} stored ${first.perSecond.toFixed(0)}/s, ${options.many} stored ${second.perSecond.toFixed(0)}/s`,
      );
      // The first round warms both.
      if (round > 0) ratios.push(first.perSecond / second.perSecond);
    }
    const name = `cost per event, ${options.many.toLocaleString('en')} stored ÷ ${options.few.toLocaleString('en')}`;
    return [{ id: 'P9', name, value: median(ratios), unit: '', goal: { atMost: 1.15 } }];
  } finally {
    await stage.close();
    await Promise.all([small.drop(), large.drop()]);
  }
}

const SLICE = 500_000;

/** Narrow events with their keys, as if they had come within the last minutes. */
async function fill(databaseUrl: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += SLICE) {
    const to = Math.min(count, from + SLICE);
    await query(
      databaseUrl,
      `WITH made AS (
         SELECT gen_random_uuid() AS id, now() - (n % 120) * interval '1 second' AS at, n
           FROM generate_series(${from + 1}, ${to}) AS n),
       keys AS (
         INSERT INTO event_keys (connection_id, key_hash, event_id, seen_at)
         SELECT 0, decode(md5(n::text), 'hex'), id, at FROM made)
       INSERT INTO events (id, observed_at, connection_id, ticket_id, type, doc)
       SELECT id, at, 0, 't' || n % 100000, 'custom.generated', '{}' FROM made`,
    );
    process.stdout.write(`\r${to.toLocaleString('en')} of ${count.toLocaleString('en')} events generated`);
  }
  process.stdout.write('\n');
  await query(databaseUrl, 'VACUUM ANALYZE events');
  await query(databaseUrl, 'VACUUM ANALYZE event_keys');
}
