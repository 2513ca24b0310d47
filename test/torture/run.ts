import pg from 'pg';
import { migrate } from '../../src/record/migrate.ts';
import { commentScenario, ALL_POINTS } from './comments.ts';
import { intakeScenario, type Verdict } from './intake.ts';

/**
 * `npm run torture`: the long version of the kill tests, on the PostgreSQL of DATABASE_URL (a database per scenario is
 * created beside it and dropped). Prints a line per scenario; exit 1 if anything was lost or done twice.
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

const wanted = process.argv.slice(2);
const scenarios: readonly (readonly [string, (url: string) => Promise<Verdict>])[] = [
  [
    'intake',
    (databaseUrl) => intakeScenario({ databaseUrl, posts: 10_000, kills: 50, seed: 1, waitForDead: true }),
  ],
  ...ALL_POINTS.map(
    (point) =>
      [
        point,
        (databaseUrl: string) =>
          commentScenario({ databaseUrl, points: [point], killsPerPoint: 50, seed: 2, waitForDead: true }),
      ] as const,
  ),
];

let failed = false;
for (const [name, run] of scenarios) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const verdict = await withDatabase(`torture_${name}`, run);
  failed ||= verdict.lost > 0 || verdict.twice > 0;
  console.log(
    `${verdict.scenario} (${name}): killed ${verdict.killed} times, acknowledged ${verdict.acknowledged}, ` +
      `lost ${verdict.lost}, twice ${verdict.twice}; ${verdict.note}`,
  );
}
process.exitCode = failed ? 1 : 0;
