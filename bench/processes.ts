import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A child of the bench that said on which port it listens. */
export interface Child {
  readonly port: number;
  readonly process: ChildProcess;
  /** Milliseconds from spawn to its line. */
  readonly readyMs: number;
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Resident memory in MB. */
  memoryMb(): Promise<number>;
}

const root = new URL('../', import.meta.url);

/** Starts a bench file through tsx, or the built Deskhand (`serve`), and waits for the line with its port. */
export async function startChild(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...args], {
    cwd: fileURLToPath(root),
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const port = await new Promise<number>((resolve, reject) => {
    lines.on('line', (line) => {
      const found = /"port":(\d+)/.exec(line);
      if (found !== null && (!line.includes('"msg"') || line.includes('deskhand is ready')))
        resolve(Number(found[1]));
    });
    child.once('exit', () => reject(new Error(`${args.join(' ')} ended before it listened`)));
  });
  return {
    port,
    process: child,
    readyMs: performance.now() - startedAt,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await once(child, 'exit');
    },
    async memoryMb() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
    },
  };
}

/** Starts a bench program that listens. */
export function startBenchFile(
  file: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  return startChild(['--import', 'tsx', `bench/${file}`, ...args], env);
}

export interface LoadResult {
  readonly perSecond: number;
  readonly count: number;
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
}

/** Runs the load driver to its end. */
export async function drive(
  url: string,
  connections: number,
  seconds: number,
  perSecond?: number,
): Promise<LoadResult> {
  const args = ['--import', 'tsx', 'bench/driver.ts', url, String(connections), String(seconds)];
  if (perSecond !== undefined) args.push(String(perSecond));
  const child = spawn(process.execPath, args, {
    cwd: fileURLToPath(root),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child, 'exit');
  return JSON.parse(text) as LoadResult;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
