import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A temporary folder that names its process. Whoever makes it removes it; a run that was killed could not, so the next
 * one removes what processes that are gone have left.
 *
 * @param prefix such as `deskhand-bench`
 */
export async function ownFolder(prefix: string): Promise<string> {
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(`${prefix}-`)
      ? Number(/^(\d+)-/.exec(name.slice(prefix.length + 1))?.[1])
      : NaN;
    // Another user's folder is theirs to remove.
    if (Number.isInteger(pid) && !isAlive(pid)) {
      await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
    }
  }
  return mkdtemp(join(tmpdir(), `${prefix}-${process.pid}-`));
}

/** True while a process has this id, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
