import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findBinaries } from '../../src/record/embedded/binaries.ts';
import { ensureCluster, urlOf, type ServerSpec } from '../../src/record/embedded/cluster.ts';
import { choosePlace } from '../../src/record/embedded/place.ts';
import { readPostmasterFile } from '../../src/record/embedded/postmaster-file.ts';
import { ensureRunning, stopServer } from '../../src/record/embedded/server.ts';
import { until } from './stage.ts';

/** A PostgreSQL of our own, to be killed, stopped and filled up. */
export interface Cluster {
  readonly port: number;
  url(port: number): Promise<string>;
  /** kill -9 of the postmaster; its sessions end by themselves. */
  kill(): Promise<void>;
  /** Starts it again, if it does not run. */
  start(): Promise<void>;
  /** SIGSTOP to the postmaster and every process of it. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Takes the last byte of its disk; only where it has one of its own. */
  fill(): Promise<void>;
  free(): Promise<void>;
  /** True if it has a small disk of its own: needs root. */
  readonly ownDisk: boolean;
  close(): Promise<void>;
}

const run = promisify(execFile);
const DISK_MB = 300;

export async function startCluster(): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'deskhand-torture-pg-'));
  const ownDisk = await mount(folder);
  const place = await choosePlace(folder);
  const spec: ServerSpec = {
    ...place,
    binaries: await findBinaries(place.account, place.base),
    settings: { max_connections: '100', shared_buffers: '32MB', max_wal_size: '64MB', min_wal_size: '32MB' },
  };
  await ensureCluster(spec);
  let { pid, port } = await ensureRunning(spec, null);
  const ballast = join(dirname(spec.cluster), 'ballast');
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    // The postmaster first: it makes the others.
    tell(pid, name);
    for (const each of await childrenOf(pid)) tell(each, name);
  };
  return {
    get port() {
      return port;
    },
    ownDisk,
    url: (through) => urlOf(spec, through, 'postgres'),
    async kill() {
      const children = await childrenOf(pid);
      tell(pid, 'SIGKILL');
      await until('its sessions have ended', 30_000, () =>
        [pid, ...children].every((each) => !isThere(each)),
      );
    },
    async start() {
      ({ pid, port } = await ensureRunning(spec, port));
    },
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async fill() {
      const { bavail, bsize } = await statfs(dirname(spec.cluster));
      // The database writes too: whoever comes last finds no room.
      await writeFile(ballast, Buffer.alloc(bavail * bsize)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOSPC') throw error;
      });
    },
    free: () => rm(ballast, { force: true }),
    async close() {
      await signal('SIGCONT');
      const file = await readPostmasterFile(spec.cluster);
      if (file !== null) await stopServer(spec, 500);
      if (ownDisk) await run('umount', ['-l', folder]);
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** A disk in memory; false where that is not allowed. */
async function mount(folder: string): Promise<boolean> {
  const args = ['-t', 'tmpfs', '-o', `size=${DISK_MB}m,mode=755`, 'tmpfs', folder];
  return run('mount', args).then(
    () => true,
    () => false,
  );
}

async function childrenOf(parent: number): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => Number.isInteger(pid));
  const parents = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    }),
  );
  return pids.filter((_, index) => parents[index] === parent);
}

function tell(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
