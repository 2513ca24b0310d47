import type { Log } from '../../src/log.ts';

/** For tests in which killed processes and broken answers are the point: nobody wants to read of each. */
export const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
