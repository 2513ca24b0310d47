import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { EmbeddedError } from './embedded-error.ts';

/** What PostgreSQL says of itself in `postmaster.pid` of its data folder. */
export interface PostmasterFile {
  readonly pid: number;
  readonly port: number;
  /** False while it starts or stops. */
  readonly ready: boolean;
}

const fileOf = (cluster: string): string => path.join(cluster, 'postmaster.pid');

/** @returns null when there is none, or one that is still being written */
export async function readPostmasterFile(cluster: string): Promise<PostmasterFile | null> {
  const text = await readFile(fileOf(cluster), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw new EmbeddedError(
      `the database in ${cluster} cannot be read (${error.code}): it belongs to another user. ` +
        'Run Deskhand as that user, or set DESKHAND_DATA to another folder.',
      { cause: error },
    );
  });
  const lines = text.split('\n');
  const pid = Math.abs(Number(lines[0]));
  if (!Number.isInteger(pid) || pid === 0) return null;
  return { pid, port: Number(lines[3] ?? 0), ready: lines[7]?.trim() === 'ready' };
}

/**
 * True if that process is the folder's PostgreSQL, or may be. A number alone proves nothing: after a restart of a
 * machine or container the same number is often another program, or another PostgreSQL, and a killed postmaster
 * without a parent to bury it keeps its number.
 */
export async function isServerOf(cluster: string, pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  if (process.platform !== 'linux') return true;
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [, name, state] = /^\d+ \((.*)\) (\S)/s.exec(text) ?? [];
  if (name !== 'postgres' || state === 'Z' || state === 'X') return false;
  // A server works in its data folder. Another user's process does not show its own.
  const [theirs, ours] = await Promise.all(
    [`/proc/${pid}/cwd`, cluster].map((folder) => stat(folder).catch(() => null)),
  );
  if (theirs == null || ours == null) return true;
  return theirs.ino === ours.ino && theirs.dev === ours.dev;
}
