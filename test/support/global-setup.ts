import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { findBinaries } from '../../src/record/embedded/binaries.ts';
import { ensureCluster, type ServerSpec, urlOf } from '../../src/record/embedded/cluster.ts';
import { choosePlace } from '../../src/record/embedded/place.ts';
import { ensureRunning, stopServer } from '../../src/record/embedded/server.ts';
import { migrate } from '../../src/record/migrate.ts';
import { buildServer } from './build.ts';
import { isAlive } from './folder.ts';

/**
 * What the whole test run shares: the built program, and one real PostgreSQL with a migrated template that every test file clones. Set
 * DATABASE_URL_TEST to use a server of your own, as a role that may create databases.
 */
export interface TestServer {
  /** A database to connect to for creating others. */
  readonly adminUrl: string;
  readonly template: string;
  /** Databases of this run begin with it. */
  readonly prefix: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    testServer: TestServer;
  }
}

const FOLDER = 'deskhand-test-';

/** @returns what ends the run: drops this run's databases, or the whole server */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [server, removeBuild] = await Promise.all([startServer(), buildServer()]);
  const prefix = `deskhand_test_${randomBytes(3).toString('hex')}`;
  const template = `${prefix}_template`;
  await asAdmin(server.url, (client) => client.query(`CREATE DATABASE ${template}`));
  await migrate(withDatabase(server.url, template));
  project.provide('testServer', { adminUrl: server.url, template, prefix });
  return async () => {
    await removeBuild();
    if (server.stop === null) await dropAll(server.url, prefix);
    else await server.stop();
  };
}

async function startServer(): Promise<{ url: string; stop: (() => Promise<void>) | null }> {
  const own = process.env['DATABASE_URL_TEST'];
  if (own !== undefined && own !== '') return { url: own, stop: null };
  await removeLeftOvers();
  const folder = await mkdtemp(path.join(tmpdir(), `${FOLDER}${process.pid}-`));
  const spec = await specOf(folder);
  await ensureCluster(spec);
  const { port } = await ensureRunning(spec, null);
  return {
    url: await urlOf(spec, port, 'postgres'),
    stop: async () => {
      await stopServer(spec, 500);
      await remove(folder, spec);
    },
  };
}

async function specOf(folder: string): Promise<ServerSpec> {
  const place = await choosePlace(folder);
  return {
    ...place,
    binaries: await findBinaries(place.account, place.base),
    // Tests may lose their data in a power cut; nothing else may.
    settings: { fsync: 'off', max_connections: '200', shared_buffers: '64MB', jit: 'off' },
  };
}

/** A killed run leaves its server; the next one cleans up. */
async function removeLeftOvers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(/^deskhand-test-(\d+)-/.exec(name)?.[1]);
    if (!Number.isInteger(pid) || isAlive(pid)) continue;
    const folder = path.join(tmpdir(), name);
    await specOf(folder).then(
      async (spec) => {
        await stopServer(spec, 0);
        await remove(folder, spec);
      },
      // Another user's: theirs to clean.
      () => undefined,
    );
  }
}

async function remove(folder: string, spec: ServerSpec): Promise<void> {
  await rm(path.dirname(spec.cluster), { recursive: true, force: true, maxRetries: 3 });
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

async function dropAll(url: string, prefix: string): Promise<void> {
  await asAdmin(url, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
      [prefix],
    );
    for (const { datname } of rows) await client.query(`DROP DATABASE ${datname} WITH (FORCE)`);
  });
}

async function asAdmin<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
