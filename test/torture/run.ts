import { parseArgs } from 'node:util';
import pg from 'pg';
import { migrate } from '../../src/record/migrate.ts';
import { buildServer } from '../support/build.ts';
import { ambiguousScenario } from './ambiguous.ts';
import { backlogScenario } from './backlog.ts';
import { budgetsScenario } from './budgets.ts';
import { commentScenario, ALL_POINTS } from './comments.ts';
import { desksScenario } from './desks.ts';
import { editsScenario } from './edits.ts';
import { floodScenario } from './flood.ts';
import { frozenScenario } from './frozen.ts';
import { hangingScenario } from './hanging.ts';
import { intakeScenario } from './intake.ts';
import { outageScenario } from './outage.ts';
import { rollingScenario } from './rolling.ts';
import { slackScenario } from './slack.ts';
import { timersScenario } from './timers.ts';
import { lineOf, type Verdict } from './verdict.ts';

/**
 * `npm run torture`: the long version of the kill tests, on the PostgreSQL of DATABASE_URL (a database per scenario is
 * created beside it and dropped). Prints a line per scenario; exit 1 if anything was lost, done twice
 * or missed its figure.
 */
const base = process.env['DATABASE_URL'];
if (base === undefined) throw new Error('set DATABASE_URL to a PostgreSQL where databases may be created');

async function withDatabase(name: string, run: (url: string) => Promise<Verdict>): Promise<Verdict> {
  const admin = new pg.Client({ connectionString: base });
  await admin.connect();
  await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(base ?? '');
  url.pathname = `/${name}`;
  try {
    await migrate(url.href);
    return await run(url.href);
  } finally {
    await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await admin.end();
  }
}

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    /** Seconds that a hanging desk hangs. */
    hang: { type: 'string', default: '600' },
    /** Only this desk misbehaves. */
    desk: { type: 'string', multiple: true },
  },
});
const scenarios: readonly (readonly [string, (databaseUrl: string) => Promise<Verdict>])[] = [
  ['intake', (url) => intakeScenario({ databaseUrl: url, posts: 10_000, kills: 50, seed: 1 })],
  ['repeats', (url) => intakeScenario({ databaseUrl: url, posts: 10_000, copies: 3, kills: 0, seed: 4 })],
  ...ALL_POINTS.map(
    (point) =>
      [
        point,
        (url: string) => commentScenario({ databaseUrl: url, points: [point], killsPerPoint: 50, seed: 2 }),
      ] as const,
  ),
  ['ambiguous', (url) => ambiguousScenario({ databaseUrl: url, ticketsPerKind: 50 })],
  ['frozen', (url) => frozenScenario({ databaseUrl: url, rounds: 50, seed: 3, cutOff: false })],
  ['outage', () => outageScenario({ outageMs: 60_000 })],
  ['desks', (url) => desksScenario({ databaseUrl: url, faultMs: 6_000, desks: values.desk })],
  ['hanging-desk', (url) => hangingScenario({ databaseUrl: url, hangMs: Number(values.hang) * 1_000 })],
  ['budgets', (url) => budgetsScenario({ databaseUrl: url, tickets: 40 })],
  ['slack', (url) => slackScenario({ databaseUrl: url, kills: 50 })],
  ['flood', (url) => floodScenario({ databaseUrl: url, tickets: 5_000 })],
  ['rolling', (url) => rollingScenario({ databaseUrl: url, restarts: 50 })],
  ['edits', (url) => editsScenario({ databaseUrl: url, edits: 100, seed: 5 })],
  ['timers', (url) => timersScenario({ databaseUrl: url, tickets: 50, kills: 20, seed: 6 })],
  ['backlog', (url) => backlogScenario({ databaseUrl: url, posts: 100_000 })],
];

const removeBuild = await buildServer();
let failed = false;
for (const [name, run] of scenarios) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const verdict = await withDatabase(`torture_${name.replaceAll('-', '_')}_${process.pid}`, run);
  failed ||= verdict.lost > 0 || verdict.twice > 0 || verdict.missed.length > 0;
  console.log(lineOf(name, verdict));
}
await removeBuild();
process.exitCode = failed ? 1 : 0;
