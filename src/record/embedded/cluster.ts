import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../../errors.ts';
import { type Account, isKnown } from './account.ts';
import type { Binaries } from './binaries.ts';
import { EmbeddedError } from './embedded-error.ts';

/** One PostgreSQL server: what it is made and run with. */
export interface ServerSpec {
  readonly binaries: Binaries;
  readonly account: Account | null;
  /** PostgreSQL's data directory; made by {@link ensureCluster}. */
  readonly cluster: string;
  readonly logFile: string;
  /** Server settings beyond the file's, e.g. `{ fsync: 'off' }`. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Superuser and database of an embedded server. */
export const USER = 'deskhand';
export const DATABASE = 'deskhand';

/** Nothing of our own environment: it holds secrets, and PG* variables would reach the server. */
export const ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

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

/** An initdb takes about a second; what is older was left by a process that was killed. */
const LEFT_OVER_MS = 10 * 60_000;

async function removeLeftOvers(cluster: string): Promise<void> {
  const parent = path.dirname(cluster);
  for (const name of await readdir(parent)) {
    if (!name.startsWith(`${path.basename(cluster)}.new-`)) continue;
    const found = await stat(path.join(parent, name)).catch(() => null);
    if (found === null || Date.now() - found.mtimeMs < LEFT_OVER_MS) continue;
    await rm(path.join(parent, name), { recursive: true, force: true });
  }
}

async function makeCluster(spec: ServerSpec): Promise<boolean> {
  const beside = `${spec.cluster}.new-${randomBytes(4).toString('hex')}`;
  const passwordBeside = `${beside}.password`;
  try {
    await removeLeftOvers(spec.cluster);
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
    if (error instanceof EmbeddedError) throw error;
    throw new EmbeddedError(`no database can be made in ${spec.cluster}: ${messageOf(error)}`, {
      cause: error,
    });
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
  if (code === 0) return;
  const uid = spec.account?.uid ?? process.getuid?.();
  const hint =
    uid === undefined || isKnown(uid)
      ? ''
      : ` It needs a user entry for uid ${uid} (/etc/passwd) while it makes the database; or set DATABASE_URL.`;
  throw new EmbeddedError(`PostgreSQL's initdb failed (${code}): ${complaint.trim()}${hint}`);
}

/** Why a program of PostgreSQL did not even start. */
export function cannotSpawn(spec: ServerSpec, error: NodeJS.ErrnoException): EmbeddedError {
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

function errorCode(error: NodeJS.ErrnoException): string {
  return error.code ?? 'unknown';
}
