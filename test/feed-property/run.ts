import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openEmbedded } from '../../src/record/embedded/embedded.ts';
import { migrate } from '../../src/record/migrate.ts';
import { SILENT } from '../support/silent-log.ts';
import { runProperty } from './property.ts';
import { stages } from './stages.ts';

/**
 * `npm run feeds -- <vendor> [changes] [seed]`: the property of the feeds in full, 10,000 changes. Uses the PostgreSQL
 * of DATABASE_URL (a database is created beside it and dropped), else one of its own. Exit 1 if anything was missed,
 * told twice or over the budget.
 */
const [name = '', changes = '10000', seed = '1'] = process.argv.slice(2);
const stage = stages.find((one) => one.name === name);
if (stage === undefined) {
  throw new Error(`say which desk: ${stages.map((one) => one.name).join(', ')}`);
}

const server = await startServer();
try {
  const url = await server.create();
  const result = await runProperty(stage, {
    databaseUrl: url,
    changes: Number(changes),
    tickets: 600,
    restarts: 200,
    seed: Number(seed),
    settleStepMs: 5 * 60_000,
    log: SILENT,
    onProgress: (line) => console.log(line),
  });
  console.log(`${result.hours} hours, ${result.lost} lost in reported gaps`);
  console.log(
    `${stage.name}: ${result.changes.toLocaleString('en')} changes, ${result.events} events, ` +
      `missed ${result.missed.length}, twice ${result.twice.length}, gaps reported ${result.gaps}, ` +
      `restarts ${result.restarts}, calls ${result.calls}, over budget ${result.overBudget}`,
  );
  if (result.missed.length + result.twice.length + result.overBudget > 0) process.exitCode = 1;
} finally {
  await server.stop();
}

async function startServer(): Promise<{ create(): Promise<string>; stop(): Promise<void> }> {
  const given = process.env['DATABASE_URL'];
  if (given === undefined || given === '') {
    const folder = await mkdtemp(join(tmpdir(), 'deskhand-feeds-'));
    const embedded = await openEmbedded({
      dataDir: folder,
      log: SILENT,
      command: 'feeds',
      onLost: (error) => {
        throw error;
      },
    });
    return {
      create: () => migrated(embedded.url),
      stop: () => embedded.stop().then(() => rm(folder, { recursive: true, force: true })),
    };
  }
  const database = `deskhand_feeds_${process.pid}`;
  const url = new URL(given);
  url.pathname = `/${database}`;
  const drop = (): Promise<void> => asAdmin(given, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
  return {
    create: () => asAdmin(given, `CREATE DATABASE ${database}`).then(() => migrated(url.href)),
    stop: drop,
  };
}

async function migrated(url: string): Promise<string> {
  await migrate(url);
  return url;
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
