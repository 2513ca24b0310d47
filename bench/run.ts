import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbedded } from '../src/record/embedded/embedded.ts';
import { migrate } from '../src/record/migrate.ts';
import { acceptBench } from './accept.ts';

/**
 * `npm run bench [-- accept|match]`: floors and ours in one run. Needs `npm run build` for `accept`; uses DATABASE_URL
 * or a throw-away embedded PostgreSQL.
 */
const [section = 'accept'] = process.argv.slice(2);

if (section === 'match') {
  const { run } = await import('./match.ts');
  await run();
} else {
  await accept();
}

async function accept(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'deskhand-bench-db-'));
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const given = process.env['DATABASE_URL'];
  const embedded =
    given === undefined
      ? await openEmbedded({ dataDir: folder, log: silent, command: 'bench', onLost: () => process.exit(1) })
      : null;
  const databaseUrl = given ?? embedded?.url ?? '';
  try {
    await migrate(databaseUrl);
    const result = await acceptBench({ databaseUrl, rounds: 3, seconds: 5 });
    const rows: readonly (readonly [string, string, string])[] = [
      ['P1 accept ÷ bare parse', (result.accept / result.parse).toFixed(2), 'at least 0.45'],
      ['P1 accept p99', `${result.acceptP99.toFixed(1)} ms`, 'at most 30 ms'],
      ['accept ÷ grouped insert', (result.accept / result.insert).toFixed(2), ''],
      ['P2 delivered/s under load', result.deliveredPerSecond.toFixed(0), 'at least 2,500'],
      ['   drained after the load', `${result.drainSeconds.toFixed(1)} s`, ''],
      ['P3 send to receiver p50 at 200/s', `${result.steadyP50} ms`, 'at most 12 ms'],
      ['P3 send to receiver p99 at 200/s', `${result.steadyP99} ms`, 'at most 50 ms'],
      [
        'P5 memory idle / loaded',
        `${result.idleMb.toFixed(0)} / ${result.loadedMb.toFixed(0)} MB`,
        '110 / 250 MB',
      ],
      ['P6 start', `${result.startMs.toFixed(0)} ms`, '800 ms'],
    ];
    for (const [name, value, goal] of rows) console.log(`${name.padEnd(36)} ${value.padStart(14)}   ${goal}`);
    console.log(JSON.stringify(result));
  } finally {
    await embedded?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
