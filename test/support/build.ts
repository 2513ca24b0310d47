import { execFile } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isAlive } from './folder.ts';

/** Where {@link buildServer} tells this process and its children what it built. */
const MAIN = 'DESKHAND_TEST_MAIN';
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Builds what users run, beside `dist/`: a server that starts from its sources takes five times the CPU.
 *
 * @returns what removes it
 */
export async function buildServer(): Promise<() => Promise<void>> {
  for (const name of await readdir(ROOT)) {
    const pid = Number(/^dist-(\d+)$/.exec(name)?.[1]);
    if (Number.isInteger(pid) && !isAlive(pid)) await rm(join(ROOT, name), { recursive: true, force: true });
  }
  const folder = join(ROOT, `dist-${process.pid}`);
  await promisify(execFile)(process.execPath, [join(ROOT, 'build.mjs'), folder]);
  process.env[MAIN] = join(folder, 'main.js');
  return () => rm(folder, { recursive: true, force: true });
}

/** The program that was built. @throws if {@link buildServer} was not called */
export function builtMain(): string {
  const main = process.env[MAIN];
  if (main === undefined) throw new Error('nothing was built');
  return main;
}
