import type { Log } from '../../src/log.ts';

/** Killed processes and broken answers are the point here: nobody wants to read of each. */
export const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
