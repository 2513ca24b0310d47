import { rename, stat } from 'node:fs/promises';
import type { Log } from '../../log.ts';
import { findBinaries } from './binaries.ts';
import { ensureCluster, type ServerSpec } from './cluster.ts';
import { type Entrance, enter, leave } from './enter.ts';
import { Keeper } from './keeper.ts';
import { choosePlace } from './place.ts';

/**
 * A real PostgreSQL under the data folder, for those who set no DATABASE_URL. In comes a folder, out comes a URL
 * that works like any other. It never runs two servers on one folder, and never gives one folder two owners.
 */
export interface EmbeddedOptions {
  /** `DESKHAND_DATA`. Made where it is missing. */
  readonly dataDir: string;
  readonly log: Log;
  /** The command that uses it, for those who ask who runs: `serve`. */
  readonly command: string;
  /** Replaces `/var/lib/deskhand` in tests. */
  readonly sharedState?: string;
}

export interface OwnerOptions extends EmbeddedOptions {
  /** Called at most once, when the database cannot be brought back or got another owner: the process must end. */
  readonly onLost: (error: Error) => void;
}

export interface Embedded {
  /** Connection URL with the password: never log it. Stays the same while this is open. */
  readonly url: string;
  /** False if a server was running already and was adopted. */
  readonly started: boolean;
  /** True for what `openEmbedded` gave: the only process that may work on events. */
  readonly owned: boolean;
  /**
   * Ends our use; close your pool first. The last user stops the server. An owner who leaves takes no account of
   * sessions that are not Deskhand's; commands of Deskhand that are at work then stop it when they are done.
   */
  stop(): Promise<void>;
}

/** For one process and one team: small enough for a shared machine, and nothing is lost in a power cut. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  cluster_name: 'deskhand',
  max_connections: '60',
  shared_buffers: '64MB',
  effective_cache_size: '256MB',
  work_mem: '8MB',
  max_wal_size: '512MB',
  checkpoint_timeout: '15min',
  jit: 'off',
  // Worker processes cost start time and memory; our queries are small.
  io_method: 'sync',
  max_parallel_workers_per_gather: '0',
  max_parallel_maintenance_workers: '0',
  log_checkpoints: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
} as const;

/** The server's log is moved aside at a start when it is larger. */
const MAX_LOG_BYTES = 10 * 1024 * 1024;

/**
 * Starts or adopts the database of a data folder and owns it until `stop` or the end of the process. If the server
 * dies meanwhile it is started again at the same address.
 *
 * @throws DataInUseError when another process owns it
 * @throws EmbeddedError when it cannot run here
 */
export async function openEmbedded(options: OwnerOptions): Promise<Embedded> {
  const begun = performance.now();
  const entrance = await prepare(options, true);
  const entered = await enter(entrance);
  const keeper = new Keeper(entrance, entered, options.onLost);
  const ms = Math.round(performance.now() - begun);
  const { url, port, started } = entered;
  options.log.info(
    { folder: entrance.place.cluster, port, adopted: !started, ms },
    'embedded database is ready',
  );
  return {
    url,
    started,
    owned: true,
    stop: () => keeper.end(),
  };
}

/**
 * Connects as a client: to the running server, or to one that is started for this purpose.
 *
 * @throws EmbeddedError when it cannot run here
 */
export async function connectEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const entrance = await prepare(options, false);
  const { session, url, started } = await enter(entrance);
  return {
    url,
    started,
    owned: false,
    stop: () => leave(entrance, session),
  };
}

async function prepare(options: EmbeddedOptions, own: boolean): Promise<Entrance> {
  const { log, command } = options;
  const place = await choosePlace(options.dataDir, options.sharedState);
  const { account, cluster: folder } = place;
  const binaries = await findBinaries(account, place.base);
  const spec: ServerSpec = { ...place, binaries, settings: SETTINGS };
  await rotateLog(place.logFile);
  if (place.base !== place.dataDir) {
    log.warn(
      { folder, uid: account?.uid },
      'PostgreSQL cannot run as root, and the account that runs it cannot enter the data folder: ' +
        'the database is kept elsewhere',
    );
  }
  if (await ensureCluster(spec)) {
    log.info(
      { folder, uid: account?.uid, programs: binaries.copiedTo ?? undefined },
      'embedded database was created',
    );
  }
  return { place, spec, command, own, log };
}

async function rotateLog(logFile: string): Promise<void> {
  const found = await stat(logFile).catch(() => null);
  if (found !== null && found.size > MAX_LOG_BYTES) await rename(logFile, `${logFile}.1`);
}
