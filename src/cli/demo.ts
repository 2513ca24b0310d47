import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDuration } from '../config.ts';
import { runDemo } from '../demo/demo.ts';
import { createLogger } from '../log.ts';
import { openEmbedded } from '../record/embedded/embedded.ts';
import { readArguments, usageError } from './arguments.ts';
import { untilStopped } from './stop-signals.ts';

/** Runs the demo on an embedded database of its own, in a temporary folder that is removed at the end. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, { for: { type: 'string' }, port: { type: 'string' } });
  const span = given.text('for');
  const forMs = span === undefined ? null : parseDuration(span);
  if (span !== undefined && forMs === null)
    throw usageError(`--for ${span}: expected a duration such as 20s`);
  const signal = untilStopped();
  const folder = await mkdtemp(join(tmpdir(), 'deskhand-demo-'));
  const log = createLogger({ level: 'warn', secrets: [] });
  const embedded = await openEmbedded({
    dataDir: folder,
    log,
    command: 'demo',
    onLost: (error) => {
      console.error(`the embedded database is lost: ${error.message}`);
      process.exit(1);
    },
  });
  try {
    const shown = await runDemo({
      databaseUrl: embedded.url,
      folder,
      forMs,
      signal,
      port: Number(given.text('port') ?? 0),
      log,
      write: (line) => console.log(line),
      colour: process.stdout.isTTY,
    });
    return shown || signal.aborted ? 0 : 1;
  } finally {
    await embedded.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
