import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startServer, type Server } from './process.ts';

/** Everything around the process under torture that outlives it: database, configuration, counts. */
export interface Stage {
  /** Starts `serve`; with crash points where asked. */
  start(env?: Readonly<Record<string, string>>): Promise<Server>;
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Moves app_now() of every session opened from now on. */
  moveClock(interval: string): Promise<void>;
  /** Waits until no step is left undecided. @throws after the time, with what is left */
  settled(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly databaseUrl: string;
  /** `deskhand.yaml`. */
  readonly config: string;
  readonly rules: string;
  /**
   * True: a start finds the killed instance's row, as in life, and waits 15 s for its counter. False: the row is
   * removed first, so that a short test need not wait.
   */
  readonly waitForDead: boolean;
}

export async function createStage(options: StageOptions): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'deskhand-torture-'));
  await mkdir(join(folder, 'rules'));
  await writeFile(join(folder, 'deskhand.yaml'), options.config);
  await writeFile(join(folder, 'rules', 'rules.yaml'), options.rules);
  const pool = new pg.Pool({ connectionString: options.databaseUrl, max: 2 });
  const query = async <Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> =>
    (await pool.query<Row>(text, [...values])).rows;
  const servers: Server[] = [];
  return {
    query,
    async start(env = {}) {
      if (!options.waitForDead && servers.every((server) => !server.running))
        await query('DELETE FROM instances');
      const server = await startServer({
        DATABASE_URL: options.databaseUrl,
        DESKHAND_CONFIG: join(folder, 'deskhand.yaml'),
        DESKHAND_RULES: join(folder, 'rules'),
        ...env,
      });
      servers.push(server);
      return server;
    },
    async moveClock(interval) {
      const [row] = await query<{ name: string }>('SELECT current_database() AS name');
      await query(`ALTER DATABASE "${row?.name ?? ''}" SET deskhand.clock_offset = '${interval}'`);
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
      await Promise.all(servers.filter((server) => server.running).map((server) => server.kill()));
      await pool.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
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
