import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import { EmbeddedError } from './embedded-error.ts';
import { disownPostmasterFile, isPostgres, readPostmasterFile } from './postmaster-file.ts';

/** One PostgreSQL server: made, started, asked, stopped. Who owns it is decided elsewhere. */
export interface ServerSpec {
  readonly binaries: Binaries;
  readonly account: Account | null;
  /** PostgreSQL's data directory; made by {@link ensureCluster}. */
  readonly cluster: string;
  readonly logFile: string;
  /** Server settings beyond the file's, e.g. `{ fsync: 'off' }`. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface RunningServer {
  readonly pid: number;
  readonly port: number;
  /** False if it ran already. */
  readonly started: boolean;
}

/** Superuser and database of an embedded server. */
export const USER = 'deskhand';
export const DATABASE = 'deskhand';

/** Starting includes recovery after a crash: seconds per gigabyte of log. */
const START_DEADLINE_MS = 60_000;
/** How long backends of a killed server may take to notice. */
const ORPHANS_MS = 10_000;

/** Nothing of our own environment: it holds secrets, and PG* variables would reach the server. */
const ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** The server's password: kept inside its folder, so that both appear in one rename. */
const passwordFile = (cluster: string): string => path.join(cluster, 'deskhand.password');

/**
 * Makes the data directory, if it is not there. Works beside and renames, so that it is whole or absent, whoever
 * else does the same at this moment.
 *
 * @returns true if this call made it
 * @throws EmbeddedError
 */
export async function ensureCluster(spec: ServerSpec): Promise<boolean> {
  const version = await readFile(path.join(spec.cluster, 'PG_VERSION'), 'utf8').catch(errorCode);
  if (version === 'ENOENT') return makeCluster(spec);
  if (version.trim() === spec.binaries.major) return false;
  throw new EmbeddedError(
    /^\d+\s*$/.test(version)
      ? `the database in ${spec.cluster} was made by PostgreSQL ${version.trim()}, this Deskhand brings ` +
          `${spec.binaries.major}: dump it with the old Deskhand and restore it (docs/operations.md).`
      : `the database in ${spec.cluster} cannot be read (${version}): run Deskhand as the user who owns it.`,
  );
}

async function makeCluster(spec: ServerSpec): Promise<boolean> {
  const beside = `${spec.cluster}.new-${randomBytes(4).toString('hex')}`;
  const passwordBeside = `${beside}.password`;
  try {
    await mkdir(beside, { mode: 0o700 });
    await writeFile(passwordBeside, randomBytes(24).toString('base64url'), { mode: 0o600 });
    if (spec.account !== null) {
      await chown(beside, spec.account.uid, spec.account.gid);
      await chown(passwordBeside, spec.account.uid, spec.account.gid);
    }
    await initdb(spec, beside, passwordBeside);
    await rename(passwordBeside, passwordFile(beside));
    await rename(beside, spec.cluster);
    return true;
  } catch (error) {
    if ((await stat(path.join(spec.cluster, 'PG_VERSION')).catch(() => null)) !== null) return false;
    throw error;
  } finally {
    await rm(beside, { recursive: true, force: true });
    await rm(passwordBeside, { force: true });
  }
}

async function initdb(spec: ServerSpec, folder: string, password: string): Promise<void> {
  // The built-in provider sorts the same on every system; a system's own locale may change under the indexes.
  const args = ['-D', folder, '-U', USER, `--pwfile=${password}`, '--auth=scram-sha-256', '--encoding=UTF8'];
  args.push('--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-instructions');
  if (spec.settings['fsync'] === 'off') args.push('--no-sync');
  const child = spawn(spec.binaries.initdb, args, {
    ...spec.account,
    cwd: '/',
    env: ENVIRONMENT,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2000)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(cannotSpawn(spec, error)));
    child.once('close', resolve);
  });
  if (code !== 0) throw new EmbeddedError(`PostgreSQL's initdb failed (${code}): ${complaint.trim()}`);
}

function cannotSpawn(spec: ServerSpec, error: NodeJS.ErrnoException): EmbeddedError {
  const as = spec.account === null ? '' : ` as uid ${spec.account.uid}`;
  return new EmbeddedError(
    `PostgreSQL cannot be run${as} (${error.code}, ${path.dirname(spec.binaries.initdb)}). The binaries need glibc, a folder ` +
      'that allows programs and, for root, the right to become another user; or set DATABASE_URL.',
    { cause: error },
  );
}

/** The address of a running server. Holds the password: never log it. */
export async function urlOf(spec: ServerSpec, port: number, database = DATABASE): Promise<string> {
  const password = await readFile(passwordFile(spec.cluster), 'utf8');
  return `postgresql://${USER}:${password.trim()}@127.0.0.1:${port}/${database}`;
}

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
  while (elapsed() < START_DEADLINE_MS) {
    const seen = await probe(spec);
    if (seen.state === 'live') return { pid: seen.pid, port: seen.port, started: false };
    if (seen.state === 'changing') {
      await sleep(25);
      continue;
    }
    if (seen.leftOver) await disownPostmasterFile(spec.cluster);
    port = await freePort(port);
    const pid = await launch(spec, port);
    if (pid !== null) return { pid, port, started: true };
    const portTaken = (await freePort(port)) !== port;
    const othersFault = portTaken || (await readPostmasterFile(spec.cluster)) !== null;
    // A killed server's backends hold the data until they notice; a rival may have been first.
    if (!othersFault || elapsed() > ORPHANS_MS) {
      throw new EmbeddedError(`PostgreSQL did not start: ${await lastWords(spec.logFile)}`);
    }
    await sleep(100);
  }
  throw new EmbeddedError(
    `PostgreSQL in ${spec.cluster} neither starts nor stops; its log is ${spec.logFile}.`,
  );
}

/** True if a server of this data directory answers. */
export async function isRunning(spec: ServerSpec): Promise<boolean> {
  return (await probe(spec)).state === 'live';
}

type Probe =
  | { readonly state: 'live'; readonly pid: number; readonly port: number }
  | { readonly state: 'changing' }
  | { readonly state: 'stopped'; /** A dead server's file is there. */ readonly leftOver: boolean };

/** Live means that it answers and reports this very folder: numbers of processes and ports are reused. */
async function probe(spec: ServerSpec): Promise<Probe> {
  const file = await readPostmasterFile(spec.cluster);
  if (file === null) return { state: 'stopped', leftOver: false };
  if (!(await isPostgres(file.pid))) return { state: 'stopped', leftOver: true };
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

/** @returns the server's pid once it is ready, null if it ended instead */
async function launch(spec: ServerSpec, port: number): Promise<number | null> {
  const settings = Object.entries(spec.settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = await open(spec.logFile, 'a', 0o600);
  let ended = false;
  const child = spawn(spec.binaries.postgres, ['-D', spec.cluster, '-p', String(port), ...settings], {
    ...spec.account,
    cwd: '/',
    env: ENVIRONMENT,
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
    ['SIGQUIT', 5000],
    ['SIGKILL', 2000],
  ] as const) {
    const file = await readPostmasterFile(spec.cluster);
    if (file === null || !(await isPostgres(file.pid))) return;
    try {
      process.kill(file.pid, signal);
    } catch {
      return;
    }
    for (const begun = performance.now(); performance.now() - begun < ms; await sleep(10)) {
      const now = await readPostmasterFile(spec.cluster);
      if (now?.pid !== file.pid || !(await isPostgres(file.pid))) return;
    }
  }
}

async function lastWords(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-4).join(' | ').slice(-800) || `its log ${logFile} is empty`;
}

function errorCode(error: NodeJS.ErrnoException): string {
  return error.code ?? 'unknown';
}
