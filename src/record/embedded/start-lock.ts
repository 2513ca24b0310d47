import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * One process at a time starts the server of a folder. PostgreSQL sees to that itself, except where several find the
 * file of a dead server: each removes it, and the last one removes that of the server that the first has started
 * (`CreateLockFile` in its miscinit.c). The lock is a name in the kernel that dies with its process, however that ends:
 * an abstract socket, which only Linux has. Where there is none nothing is locked.
 *
 * @param patienceMs after so long it is done without the lock
 */
export async function underStartLock<T>(
  cluster: string,
  patienceMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const release = process.platform === 'linux' ? await lock(cluster, patienceMs) : () => undefined;
  try {
    return await work();
  } finally {
    release();
  }
}

async function lock(cluster: string, patienceMs: number): Promise<() => void> {
  const { dev, ino } = await stat(cluster);
  for (const begun = performance.now(); performance.now() - begun < patienceMs; await sleep(20)) {
    const server = createServer().unref();
    const refusal = once(server, 'listening').then(
      () => null,
      (error: unknown) => (error as NodeJS.ErrnoException).code,
    );
    server.listen({ path: `\0deskhand-start-${dev}-${ino}` });
    const code = await refusal;
    if (code === null) return () => void server.close();
    if (code !== 'EADDRINUSE') break;
  }
  return () => undefined;
}
