import { rm, writeFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { ownFolder } from '../support/folder.ts';
import { launchServer, type Server } from './process.ts';

/** Everything around the process under torture that outlives it: database, configuration, counts. */
export interface Stage {
  /** Starts `serve` and waits until it answers. */
  start(env?: Readonly<Record<string, string>>, args?: readonly string[]): Promise<Server>;
  /** Starts it and does not wait: it may end before it answers. */
  launch(env?: Readonly<Record<string, string>>, args?: readonly string[]): Promise<Server>;
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Replaces the rules; running servers follow. */
  writeRules(yaml: string): Promise<void>;
  /** Moves app_now() of every session opened from now on. */
  moveClock(interval: string): Promise<void>;
  /** Moves app_now() of running servers too: their sessions are cut, and the next ones have another time. */
  jumpClock(interval: string): Promise<void>;
  /** Starts a server for as long as the silent first walk of all feeds takes. */
  baseline(): Promise<void>;
  /** Waits until no step is left undecided. @throws after the time, with what is left */
  settled(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly databaseUrl: string;
  /** Where the servers connect to; default: the same. */
  readonly serverUrl?: string;
  /** `deskhand.yaml`. */
  readonly config: string;
  readonly rules: string;
}

export async function createStage(options: StageOptions): Promise<Stage> {
  const folder = await ownFolder('deskhand-torture');
  const rulesFile = join(folder, 'rules', 'rules.yaml');
  await mkdir(join(folder, 'rules'));
  await writeFile(join(folder, 'deskhand.yaml'), options.config);
  await writeFile(rulesFile, options.rules);
  const pool = new pg.Pool({ connectionString: options.databaseUrl, max: 2 });
  // Scenarios break the database on purpose.
  pool.on('error', () => undefined);
  const query = async <Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> =>
    (await pool.query<Row>(text, [...values])).rows;
  const servers: Server[] = [];
  const stage: Stage = {
    query,
    async launch(env = {}, args = []) {
      const server = launchServer(
        {
          DATABASE_URL: options.serverUrl ?? options.databaseUrl,
          DESKHAND_CONFIG: join(folder, 'deskhand.yaml'),
          DESKHAND_RULES: join(folder, 'rules'),
          ...env,
        },
        args,
      );
      servers.push(server);
      return server;
    },
    async start(env, args) {
      const server = await stage.launch(env, args);
      await server.ready;
      return server;
    },
    writeRules: (yaml) => writeFile(rulesFile, yaml),
    async moveClock(interval) {
      const [row] = await query<{ name: string }>('SELECT current_database() AS name');
      await query(`ALTER DATABASE "${row?.name ?? ''}" SET deskhand.clock_offset = '${interval}'`);
    },
    async jumpClock(interval) {
      await stage.moveClock(interval);
      await query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      );
    },
    async baseline() {
      const server = await stage.start();
      await until('the baseline is walked', 60_000, async () => {
        const [row] = await query<{ feeds: number; open: number }>(
          'SELECT count(*)::int AS feeds, count(*) FILTER (WHERE baseline_done_at IS NULL)::int AS open FROM feeds',
        );
        return row !== undefined && row.feeds > 0 && row.open === 0;
      });
      await server.stop();
    },
    async settled(timeoutMs) {
      const endAt = performance.now() + timeoutMs;
      for (;;) {
        const left = await query<{ state: string; reason: string | null; count: number }>(
          `SELECT state, reason, count(*)::int AS count FROM steps
            WHERE state IN ('pending', 'waiting', 'postponed', 'sending') GROUP BY 1, 2`,
        );
        if (left.length === 0) return;
        if (performance.now() > endAt) throw new Error(`steps are left: ${JSON.stringify(left)}`);
        await pause(50);
      }
    },
    async close() {
      const left = servers.filter((server) => server.running);
      await Promise.all(left.map((server) => server.kill()));
      await pool.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return stage;
}

/** Between two looks at something that another process does. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until something is so. @throws after the time, naming it */
export async function until(
  what: string,
  timeoutMs: number,
  check: () => Promise<boolean> | boolean,
): Promise<void> {
  const endAt = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > endAt) throw new Error(`gave up waiting until ${what}`);
    await pause(25);
  }
}

const LATER_MS = 3_000;
const SEEN_MS = 120_000;
const OFFSETS = ['60 s', '120 s', '180 s', '240 s', '300 s', '900 s', '1800 s', '3600 s'];

/**
 * What is in doubt is decided after deadline, settle time and two absences; the database's clock is moved there.
 *
 * @param seen whether everything that happened is on record; a killed instance's feed is taken over first
 */
export async function decideAll(
  stage: Stage,
  seen: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<void> {
  const server = await stage.start();
  await until('everything is on record', SEEN_MS, seen);
  for (const offset of OFFSETS) {
    await stage.jumpClock(offset);
    const done = await stage.settled(LATER_MS).then(
      () => true,
      () => false,
    );
    if (done) break;
  }
  await server.stop();
  await stage.settled(0);
}
