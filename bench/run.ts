import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbedded } from '../src/record/embedded/embedded.ts';
import { acceptBench } from './accept.ts';
import { backlogBench } from './backlog.ts';
import { instancesBench } from './instances.ts';
import { matchBench } from './match.ts';
import { operateBench } from './operate.ts';
import { recoveryBench } from './recovery.ts';
import { printTable, save, type Figure } from './report.ts';
import { startBench } from './start.ts';
import { storedBench } from './stored.ts';
import { timersBench } from './timers.ts';
import { SILENT } from '../test/support/silent-log.ts';

/**
 * `npm run bench [-- SECTION …]`: floors and ours in one run, one table with goals and verdicts, and the same as JSON
 * beside it. Uses databases of its own on the server of DATABASE_URL, or on a throw-away embedded PostgreSQL.
 */
const SECTIONS: Readonly<Record<string, (databaseUrl: string) => Promise<readonly Figure[]>>> = {
  accept: (databaseUrl) => acceptBench({ databaseUrl, rounds: 3, seconds: 5 }),
  match: matchBench,
  start: (databaseUrl) => startBench({ databaseUrl, rounds: 3 }),
  recovery: (databaseUrl) => recoveryBench({ databaseUrl, rounds: 3 }),
  backlog: (databaseUrl) => backlogBench({ databaseUrl, pending: 100_000 }),
  instances: (databaseUrl) => instancesBench({ databaseUrl, rounds: 3, seconds: 5 }),
  stored: (databaseUrl) => storedBench({ databaseUrl, rounds: 3, seconds: 5, few: 10_000, many: 10_000_000 }),
  operate: (databaseUrl) => operateBench({ databaseUrl, live: 10_000, stored: 1_000_000, asked: 50 }),
  timers: (databaseUrl) => timersBench({ databaseUrl, pending: 100_000, firing: 600 }),
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in SECTIONS));
if (unknown.length > 0) {
  console.error(`no section ${unknown.join(', ')}; there are ${Object.keys(SECTIONS).join(', ')}`);
  process.exit(2);
}
await withServer(async (databaseUrl) => {
  const figures: Figure[] = [];
  for (const [name, run] of Object.entries(SECTIONS)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    console.log(`\n${name}`);
    const found = await run(databaseUrl);
    printTable(found);
    figures.push(...found);
    // A run that is cut keeps what it found so far.
    await save(figures);
  }
  console.log('\nall figures, also in bench-results.json');
  printTable(figures);
});

async function withServer(work: (databaseUrl: string) => Promise<void>): Promise<void> {
  const given = process.env['DATABASE_URL'];
  if (given !== undefined) return work(given);
  const folder = await mkdtemp(join(tmpdir(), 'deskhand-bench-db-'));
  // As root, PostgreSQL runs as another user.
  await chmod(folder, 0o755);
  const embedded = await openEmbedded({
    dataDir: join(folder, 'data'),
    log: SILENT,
    command: 'bench',
    onLost: () => process.exit(1),
  });
  try {
    await work(embedded.url);
  } finally {
    await embedded.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
