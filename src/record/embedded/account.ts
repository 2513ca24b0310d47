import { spawnSync } from 'node:child_process';
import { stat } from 'node:fs/promises';

/**
 * PostgreSQL refuses to run as root. As root we spawn it as somebody else, by number: no entry in a user
 * database is needed for that.
 */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** `nobody` by custom; any number but 0 would do. */
const NOBODY: Account = { uid: 65534, gid: 65534 };

/**
 * Who is to run PostgreSQL: null for ourselves, which is anybody but root. Root takes the owner of the first of
 * `folders` that exists and is not root's, so that data made by a user stay that user's, else `nobody`.
 */
export async function chooseAccount(folders: readonly string[]): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  for (const folder of folders) {
    const owner = await stat(folder).catch(() => null);
    if (owner !== null && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  }
  return NOBODY;
}

/** True if that account can enter the folder: asked of the system, because mode bits do not tell all. */
export function canEnter(account: Account | null, folder: string): boolean {
  if (account === null) return true;
  const { status } = spawnSync('/bin/sh', ['-c', 'cd "$0"', folder], {
    ...account,
    cwd: '/',
    env: {},
    stdio: 'ignore',
  });
  return status === 0;
}
