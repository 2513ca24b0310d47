import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

/** A long-running part: the loop is this file, the work is a `runOnce` that tests call by themselves. */
export interface Loop {
  /** There is something to do: do not wait for the next round. */
  wake(): void;
  /** Resolves when the round under way is over. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  readonly name: string;
  /** Pause between rounds that found nothing to do. */
  readonly idleMs: number;
  /** One round. True: there is more, go on at once. */
  readonly runOnce: (signal: AbortSignal) => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Log;
}

/** After a failed round: long enough not to fill the log while the database is away. */
const AFTER_ERROR_MS = 1_000;

/** Runs rounds until stopped. A round that fails is logged and tried again; it never ends the loop. */
export function startLoop(options: LoopOptions): Loop {
  const stopping = new AbortController();
  /** Ends the pause; null while a round is under way. */
  let waking: AbortController | null = null;
  let woken = false;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      woken = false;
      const pause = await round();
      if (pause === 0 || woken || stopping.signal.aborted) continue;
      waking = new AbortController();
      await options.clock.sleep(pause, waking.signal);
      waking = null;
    }
  }

  async function round(): Promise<number> {
    try {
      return (await options.runOnce(stopping.signal)) ? 0 : options.idleMs;
    } catch (error) {
      if (!stopping.signal.aborted) options.log.error({ err: error, loop: options.name }, 'round failed');
      return AFTER_ERROR_MS;
    }
  }

  const running = run();
  return {
    wake() {
      // Called for every event: only the first call of a pause has to do anything.
      if (!woken) waking?.abort();
      woken = true;
    },
    async stop() {
      stopping.abort();
      waking?.abort();
      await running;
    },
  };
}
