import { spawnSync } from 'node:child_process';
import { stat } from 'node:fs/promises';

/** PostgreSQL refuses to run as root. As root we spawn it as somebody else, by number. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** `nobody` almost everywhere, and `daemon`, which even the barest systems have. */
const CANDIDATES: readonly Account[] = [
  { uid: 65534, gid: 65534 },
  { uid: 1, gid: 1 },
];

/** Which folders tell whose the data are; the first that exists and is not root's decides. */
export interface AccountHints {
  /** Data directories: they run as their owner, whoever that is. */
  readonly clusters: readonly string[];
  /** The data folder: its owner makes a new database, if the system knows that user. */
  readonly dataDir: string;
}

/** Who is to run PostgreSQL: null for ourselves, which is anybody but root. */
export async function chooseAccount({ clusters, dataDir }: AccountHints): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  for (const cluster of clusters) {
    const owner = await ownerOf(cluster);
    if (owner !== null) return owner;
  }
  const owner = await ownerOf(dataDir);
  const candidates = owner === null ? CANDIDATES : [owner, ...CANDIDATES];
  return candidates.find(({ uid }) => isKnown(uid)) ?? candidates[0] ?? null;
}

async function ownerOf(folder: string): Promise<Account | null> {
  const found = await stat(folder).catch(() => null);
  return found === null || found.uid === 0 ? null : { uid: found.uid, gid: found.gid };
}

/** True if the system has a user of that number; initdb (not the server) insists on it. */
export function isKnown(uid: number): boolean {
  return spawnSync('id', ['-un', String(uid)], { stdio: 'ignore' }).status === 0;
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
