import { spawn } from 'node:child_process';
import { open, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { cannotSpawn, ENVIRONMENT, type ServerSpec, urlOf } from './cluster.ts';
import { EmbeddedError } from './embedded-error.ts';
import { isServerOf, readPostmasterFile } from './postmaster-file.ts';
import { underStartLock } from './start-lock.ts';

/** A PostgreSQL server started, asked and stopped. Who owns it is decided elsewhere. */
export interface RunningServer {
  readonly pid: number;
  readonly port: number;
  /** False if it ran already. */
  readonly started: boolean;
}

/** Starting includes recovery after a crash: seconds per gigabyte of log. */
const START_DEADLINE_MS = 60_000;
/** How long backends of a killed server may take to notice. */
const ORPHANS_MS = 10_000;
/** A rival that started a moment before us may have left no trace that we can read: a file still empty, or gone. */
const RIVALS_MS = 1000;

/**
 * Makes sure that the data directory's server runs: adopts a live one, waits for one that starts or stops, else
 * starts one.
 *
 * @param preferredPort taken if free, so that addresses survive a restart
 * @throws EmbeddedError with the server's last words
 */
export async function ensureRunning(spec: ServerSpec, preferredPort: number | null): Promise<RunningServer> {
  const begun = performance.now();
  const elapsed = (): number => performance.now() - begun;
  let port = preferredPort ?? 0;
  let firstRefusal: number | null = null;
  while (elapsed() < START_DEADLINE_MS) {
    const seen = await probe(spec);
    if (seen.state === 'live') return { pid: seen.pid, port: seen.port, started: false };
    if (seen.state === 'changing') {
      await sleep(25);
      continue;
    }
    const started = await underStartLock(spec.cluster, ORPHANS_MS, async () => {
      const now = await probe(spec);
      if (now.state !== 'stopped') return 'by another';
      port = await freePort(port);
      return launch(spec, port, now.deadPid);
    });
    if (started === 'by another') continue;
    if (started !== null) return { pid: started, port, started: true };
    const portTaken = (await freePort(port)) !== port;
    const othersFault = portTaken || (await readPostmasterFile(spec.cluster)) !== null;
    // A killed server's backends hold the data until they notice; a rival may have been first.
    firstRefusal ??= elapsed();
    if (elapsed() - firstRefusal > (othersFault ? ORPHANS_MS : RIVALS_MS)) {
      throw new EmbeddedError(`PostgreSQL did not start: ${await lastWords(spec.logFile)}`);
    }
    await sleep(100);
  }
  throw new EmbeddedError(
    `PostgreSQL in ${spec.cluster} neither starts nor stops; its log is ${spec.logFile}.`,
  );
}

type Probe =
  | { readonly state: 'live'; readonly pid: number; readonly port: number }
  | { readonly state: 'changing' }
  | { readonly state: 'stopped'; /** Whom a dead server's file names. */ readonly deadPid: number | null };

/** Live means that it answers and reports this very folder: numbers of processes and ports are reused. */
async function probe(spec: ServerSpec): Promise<Probe> {
  const file = await readPostmasterFile(spec.cluster);
  if (file === null) return { state: 'stopped', deadPid: null };
  if (!(await isServerOf(spec.cluster, file.pid))) return { state: 'stopped', deadPid: file.pid };
  if (!file.ready) return { state: 'changing' };
  const answers = await reportsFolder(spec, file.port);
  return answers ? { state: 'live', pid: file.pid, port: file.port } : { state: 'changing' };
}

async function reportsFolder(spec: ServerSpec, port: number): Promise<boolean> {
  const client = new pg.Client({
    connectionString: await urlOf(spec, port, 'postgres'),
    connectionTimeoutMillis: 2000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
    const [theirs, ours] = await Promise.all([stat(rows[0]?.data_directory ?? ''), stat(spec.cluster)]);
    return theirs.ino === ours.ino && theirs.dev === ours.dev;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * @param deadPid whom a left-over `postmaster.pid` names. PostgreSQL would refuse to start while that number belongs to
 *   anything of the same user, unless it is told to pass over it as over its starter's parent (`CreateLockFile` in its
 *   miscinit.c). It compares with what the file says by then, so a rival that started meanwhile is still seen; to
 *   correct the file ourselves would spoil the rival's.
 * @returns the server's pid once it is ready, null if it ended instead
 */
async function launch(spec: ServerSpec, port: number, deadPid: number | null): Promise<number | null> {
  const settings = Object.entries(spec.settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = await open(spec.logFile, 'a', 0o600);
  let ended = false;
  const child = spawn(spec.binaries.postgres, ['-D', spec.cluster, '-p', String(port), ...settings], {
    ...spec.account,
    cwd: '/',
    env: deadPid === null ? ENVIRONMENT : { ...ENVIRONMENT, PG_GRANDPARENT_PID: String(deadPid) },
    // A process group of its own: Ctrl-C in our terminal is for us, and we stop it when we are done.
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (error) => reject(cannotSpawn(spec, error)));
  });
  failed.catch(() => (ended = true));
  child.once('exit', () => (ended = true));
  child.unref();
  await log.close();
  for (const begun = performance.now(); performance.now() - begun < START_DEADLINE_MS;) {
    await Promise.race([sleep(10), failed]);
    if (ended) return null;
    const file = await readPostmasterFile(spec.cluster);
    if (file?.ready === true && file.pid === child.pid) return file.pid;
  }
  throw new EmbeddedError(`PostgreSQL did not get ready in time; its log is ${spec.logFile}.`);
}

/** @returns the wanted port if nothing listens there, else one that the system picks */
async function freePort(wanted: number): Promise<number> {
  const listen = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const server = createServer();
      server.once('error', reject);
      server.listen({ port, host: '127.0.0.1' }, () => {
        const address = server.address();
        server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
      });
    });
  return listen(wanted).catch(() => listen(0));
}

/**
 * Stops the server: sessions are cut, everything committed is on disk. After `patienceMs` it is stopped without the
 * closing checkpoint, which costs a recovery at the next start but loses nothing.
 */
export async function stopServer(spec: ServerSpec, patienceMs = 4000): Promise<void> {
  for (const [signal, ms] of [
    ['SIGINT', patienceMs],
    // The server itself kills a child that does not obey after 5 s (SIGKILL_CHILDREN_AFTER_SECS); without it that
    // child would go on holding the data.
    ['SIGQUIT', 7000],
    ['SIGKILL', 2000],
  ] as const) {
    const file = await readPostmasterFile(spec.cluster);
    if (file === null || !(await isServerOf(spec.cluster, file.pid))) return;
    try {
      process.kill(file.pid, signal);
    } catch {
      return;
    }
    for (const begun = performance.now(); performance.now() - begun < ms; await sleep(10)) {
      const now = await readPostmasterFile(spec.cluster);
      if (now?.pid !== file.pid || !(await isServerOf(spec.cluster, file.pid))) return;
    }
  }
}

async function lastWords(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-4).join(' | ').slice(-800) || `its log ${logFile} is empty`;
}
