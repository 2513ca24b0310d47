import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../src/record/migrate.ts';
import { ownFolder } from '../test/support/folder.ts';
import { startBenchFile, startChild, type Child } from './processes.ts';

/**
 * The peers' job: a 1 KB webhook, 100 rules, of which one (priority at least urgent and category Network) matches
 * every second event and posts it to a receiver.
 */
export interface Stage {
  readonly sink: Child;
  /** Starts another Deskhand. Without `databaseUrl`: the embedded one, in `dataDir`. */
  start(on: { readonly databaseUrl: string } | { readonly dataDir: string }): Promise<Child>;
  /** What the receiver got since the last reset. */
  received(): Promise<Received>;
  reset(): Promise<Received>;
  /** A file or folder of this stage's own. */
  path(name: string): string;
  close(): Promise<void>;
}

export interface Received {
  readonly count: number;
  /** Posts whose `webhook-id` had come before. */
  readonly repeated: number;
  /** When the first one came, epoch ms. */
  readonly firstAt: number | null;
  /** From the driver's sending to the receiver, ms. */
  readonly p50: number;
  readonly p99: number;
}

/** Of every Deskhand of a stage. */
export const ADMIN_TOKEN = 'bench-admin-token';

/** Where the driver posts to. */
export function hook(deskhand: Child): string {
  return `http://127.0.0.1:${deskhand.port}/hooks/monitoring/bench-secret`;
}

export async function openStage(): Promise<Stage> {
  const folder = await ownFolder('deskhand-bench');
  const sink = await startBenchFile('sink.ts');
  await writeSetup(folder, sink.port);
  const children = [sink];
  const ask = async (path: string): Promise<Received> =>
    (await (await fetch(`http://127.0.0.1:${sink.port}${path}`)).json()) as Received;
  return {
    sink,
    async start(on) {
      const child = await startChild(['dist/main.js', 'serve'], {
        ...('databaseUrl' in on ? { DATABASE_URL: on.databaseUrl } : { DESKHAND_DATA: on.dataDir }),
        DESKHAND_ADMIN_TOKEN: ADMIN_TOKEN,
        DESKHAND_CONFIG: join(folder, 'deskhand.yaml'),
        DESKHAND_RULES: join(folder, 'rules'),
        PORT: '0',
        LOG_LEVEL: 'info',
      });
      children.push(child);
      return child;
    },
    received: () => ask('/'),
    reset: () => ask('/reset'),
    path: (name) => join(folder, name),
    async close() {
      await Promise.all(children.map((child) => child.stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function writeSetup(folder: string, sinkPort: number): Promise<void> {
  await mkdir(join(folder, 'rules'));
  await writeFile(
    join(folder, 'deskhand.yaml'),
    `connections:
  monitoring:
    vendor: webhook
    verify: { scheme: url-secret, secret: bench-secret }
    ticket: { id: $.alert.id, title: $.alert.title, priority: $.alert.severity, category: $.alert.group }
http: { allow: ["127.0.0.1:${sinkPort}"] }
`,
  );
  const others = Array.from(
    { length: 99 },
    (_, n) => `id: other-${n}
name: Other ${n}
on: [webhook.received]
when: { category: Area ${n}, title: { contains: "needle ${n}" }, priority: { at_least: high } }
then: [{ http.post: { url: "http://127.0.0.1:${sinkPort}/other" } }]
`,
  );
  const forward = `id: forward
name: Urgent network alerts
on: [webhook.received]
when: { priority: { at_least: urgent }, category: Network }
then: [{ http.post: { url: "http://127.0.0.1:${sinkPort}/in" } }]
`;
  await writeFile(join(folder, 'rules', 'bench.yaml'), [forward, ...others].join('---\n'));
}

/** A database of its own beside the given one, migrated; dropped by `drop`. */
export async function newDatabase(
  databaseUrl: string,
  name: string,
): Promise<{ readonly url: string; drop(): Promise<void> }> {
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  const drop = (): Promise<unknown> => query(databaseUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await drop();
  await query(databaseUrl, `CREATE DATABASE ${name}`);
  await migrate(url.href);
  return {
    url: url.href,
    async drop() {
      await drop();
    },
  };
}

/** One statement on a connection of its own, without a time limit. */
export async function query<Row extends pg.QueryResultRow>(
  databaseUrl: string,
  text: string,
): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Seconds until no step is left; at most two minutes are waited. */
export async function drained(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const startedAt = performance.now();
  try {
    while (performance.now() - startedAt < 120_000) {
      const { rowCount } = await client.query('SELECT 1 FROM lanes LIMIT 1');
      if (rowCount === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return (performance.now() - startedAt) / 1000;
  } finally {
    await client.end();
  }
}
