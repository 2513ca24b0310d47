import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { builtMain } from '../support/build.ts';

/** A real `deskhand serve` in a process of its own, to be killed. */
export interface Server {
  /** 0 until it answers. */
  readonly port: number;
  readonly pid: number;
  /** Resolves when it answers. Rejects when it ends before that, with its log. */
  readonly ready: Promise<void>;
  /** Ends it without any chance to clean up. */
  kill(): Promise<void>;
  /** Asks it to stop. @returns exit code and how long it took @throws when it does not, with what it said */
  stop(signal?: 'SIGTERM' | 'SIGINT'): Promise<{ readonly code: number | null; readonly ms: number }>;
  /** Stops it where it stands, and lets it go on. */
  freeze(): void;
  thaw(): void;
  /** Most memory that it ever held, in MB. */
  peakMb(): Promise<number>;
  /** Resolves when it ended, however that came. */
  readonly ended: Promise<void>;
  readonly running: boolean;
  readonly log: readonly string[];
}

const KEPT_LINES = 5_000;

/** Starts it and does not wait. */
export function launchServer(env: Readonly<Record<string, string>>, args: readonly string[] = []): Server {
  const child = spawn(process.execPath, [builtMain(), 'serve', ...args], {
    env: { PATH: process.env['PATH'], PORT: '0', LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: string[] = [];
  const ended = once(child, 'exit').then(() => undefined);
  let port = 0;
  const ready = readPort(child, log, ended).then((found) => void (port = found));
  // Whoever does not ask does not mind.
  ready.catch(() => undefined);
  return {
    ready,
    log,
    ended,
    pid: child.pid ?? 0,
    get port() {
      return port;
    },
    get running() {
      return child.exitCode === null && child.signalCode === null;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    async stop(signal = 'SIGTERM') {
      const startedAt = performance.now();
      child.kill(signal);
      await inTime({ log }, ended, `the end after ${signal}`, STOPS_MS);
      return { code: child.exitCode, ms: performance.now() - startedAt };
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async peakMb() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      return Math.round(Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024);
    },
  };
}

/** Whoever asks a service to stop kills it after so long. */
const STOPS_MS = 30_000;
const TOLD_LINES = 40;

/** Waits for something of a server. @throws when it does not come, with what the server said */
export async function inTime(
  { log }: Pick<Server, 'log'>,
  coming: Promise<unknown>,
  what: string,
  withinMs: number,
): Promise<void> {
  const late = new Promise<'late'>((resolve) => void setTimeout(resolve, withinMs, 'late').unref());
  if ((await Promise.race([coming, late])) === 'late') throw notCome(what, { log });
}

/** @returns the error that says what a server did not do, and what it said last */
export function notCome(what: string, { log }: Pick<Server, 'log'>): Error {
  return new Error(`${what} did not come:\n${log.slice(-TOLD_LINES).join('\n')}`);
}

function readPort(child: ChildProcess, log: string[], ended: Promise<void>): Promise<number> {
  return new Promise((resolve, reject) => {
    const keep = (line: string): void => {
      log.push(line);
      if (log.length > KEPT_LINES) log.shift();
    };
    if (child.stdout === null || child.stderr === null) return reject(new Error('no output'));
    createInterface({ input: child.stderr }).on('line', keep);
    createInterface({ input: child.stdout }).on('line', (line) => {
      keep(line);
      if (!line.includes('deskhand is ready')) return;
      resolve((JSON.parse(line) as { port: number }).port);
    });
    void ended.then(() =>
      reject(new Error(`serve ended before it was ready:\n${log.slice(-20).join('\n')}`)),
    );
  });
}
