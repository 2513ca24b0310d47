import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';

/** A real `deskhand serve` in a process of its own, to be killed. */
export interface Server {
  readonly port: number;
  readonly pid: number;
  /** Ends it without any chance to clean up. */
  kill(): Promise<void>;
  /** Asks it to stop. @returns exit code and how long it took */
  stop(signal?: 'SIGTERM' | 'SIGINT'): Promise<{ readonly code: number | null; readonly ms: number }>;
  /** Freezes and thaws it. */
  freeze(): void;
  thaw(): void;
  /** Resolves when it ended, however that came. */
  readonly ended: Promise<void>;
  readonly running: boolean;
  readonly log: readonly string[];
}

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** Starts it and waits until it answers. @throws when it ends before that, with its log */
export async function startServer(env: Readonly<Record<string, string>>): Promise<Server> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'serve'], {
    env: { PATH: process.env['PATH'], PORT: '0', LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: string[] = [];
  const ended = once(child, 'exit').then(() => undefined);
  const port = await readPort(child, log, ended);
  return {
    port,
    pid: child.pid ?? 0,
    log,
    ended,
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
      await ended;
      return { code: child.exitCode, ms: performance.now() - startedAt };
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  };
}

function readPort(child: ChildProcess, log: string[], ended: Promise<void>): Promise<number> {
  return new Promise((resolve, reject) => {
    const keep = (line: string): void => {
      log.push(line);
      if (log.length > 5_000) log.shift();
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
