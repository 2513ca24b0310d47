import { createHash } from 'node:crypto';
import { access, chmod, chown, constants, mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { type Account, canEnter, chooseAccount } from './account.ts';
import { EmbeddedError } from './embedded-error.ts';

/** Where the parts of one embedded database are. */
export interface Place {
  /** `DESKHAND_DATA`, absolute: connection.json and the server's log. */
  readonly dataDir: string;
  /** Holds the database's folder and copies of binaries; the account can enter it. Mostly `dataDir`. */
  readonly base: string;
  /** PostgreSQL's own data directory. */
  readonly cluster: string;
  readonly logFile: string;
  readonly connectionFile: string;
  readonly account: Account | null;
}

/** For root, when PostgreSQL's account cannot reach the data folder. */
export const SHARED_STATE = '/var/lib/deskhand';

/**
 * Decides where the database of a data folder lives, and makes the folders. A database that exists stays where it
 * is, whatever the folders' modes have become.
 *
 * @param sharedState replaces `/var/lib/deskhand` in tests
 * @throws EmbeddedError when the folder cannot be made or used
 */
export async function choosePlace(dataDir: string, sharedState = SHARED_STATE): Promise<Place> {
  const absolute = path.resolve(dataDir);
  await makeFolder(absolute);
  const elsewhere = path.join(sharedState, hashOf(absolute));
  const account = await chooseAccount({
    clusters: [path.join(elsewhere, 'postgres'), path.join(absolute, 'postgres')],
    dataDir: absolute,
  });
  const base = await chooseBase(absolute, elsewhere, account);
  return {
    dataDir: absolute,
    base,
    cluster: path.join(base, 'postgres'),
    logFile: path.join(absolute, 'postgres.log'),
    connectionFile: path.join(absolute, 'connection.json'),
    account,
  };
}

async function chooseBase(dataDir: string, elsewhere: string, account: Account | null): Promise<string> {
  if (account === null) return dataDir;
  if (await exists(path.join(elsewhere, 'postgres'))) return elsewhere;
  if (canEnter(account, dataDir) || (await admit(account, dataDir))) return dataDir;
  if (await exists(path.join(dataDir, 'postgres'))) {
    throw new EmbeddedError(
      `there is a database in ${dataDir}, but uid ${account.uid}, who is to run it, cannot enter that folder. ` +
        'Allow others to pass through the folders above it (chmod o+x), or run Deskhand as the owner of the data.',
    );
  }
  await makeFolder(elsewhere);
  // A strict umask must not lock the account out here too.
  await chmod(path.dirname(elsewhere), 0o755);
  await chmod(elsewhere, 0o755);
  if (canEnter(account, elsewhere)) return elsewhere;
  throw new EmbeddedError(
    `PostgreSQL cannot run as root, and uid ${account.uid} can enter neither ${dataDir} nor ${elsewhere}. ` +
      'Run Deskhand as another user, or set DESKHAND_DATA or DATABASE_URL.',
  );
}

/** Lets the account pass through a folder that root keeps for itself (a temporary one, say), and nobody else. */
async function admit(account: Account, folder: string): Promise<boolean> {
  const { uid, mode } = await stat(folder);
  if (uid !== 0 || (mode & 0o070) !== 0 || !canEnter(account, path.dirname(folder))) return false;
  await chown(folder, 0, account.gid);
  await chmod(folder, (mode & 0o7777) | 0o010);
  return canEnter(account, folder);
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new EmbeddedError(
      `the data folder ${folder} cannot be made or written (${(error as NodeJS.ErrnoException).code}). ` +
        'Set DESKHAND_DATA to a folder that this user can write.',
      { cause: error },
    );
  }
}

async function exists(folder: string): Promise<boolean> {
  return (await stat(folder).catch(() => null)) !== null;
}

function hashOf(folder: string): string {
  return createHash('sha256').update(folder).digest('hex').slice(0, 12);
}
