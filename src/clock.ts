/**
 * Time as a dependency. Pure code takes instants as arguments; code with loops takes a {@link Clock}.
 */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump in both directions. */
  now(): number;
  /** Monotonic milliseconds from an arbitrary start. Intervals, deadlines of calls and back-off use this. */
  monotonic(): number;
  /** Resolves after `ms`, or at once (not rejecting) when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
    }),
};

/** ISO 8601 UTC with milliseconds. */
export function toInstant(ms: number): string {
  return new Date(ms).toISOString();
}
