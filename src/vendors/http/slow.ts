/**
 * Notices a vendor that throttles by answering slowly instead of with 429 (Jitbit API, "Rate Limiting":
 * "sometimes just serves artificially slow responses"). Pure.
 */

/** The first calls of a session tell what is normal. */
const BASELINE_CALLS = 20;
/** Recent calls that are compared with it. */
const RECENT_CALLS = 10;
/** Integration reference 3.1: five times the session's baseline counts as throttling. */
const FACTOR = 5;
/** A desk that normally answers faster than this is still not slow at five times as long. */
const MIN_BASELINE_MS = 200;

function median(values: readonly number[]): number {
  const sorted = [...values].toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

export class SlowDetector {
  readonly #baseline: number[] = [];
  #recent: number[] = [];

  /**
   * Notes how long a call took.
   *
   * @returns the two medians in ms when the recent calls are slow as a whole, then starts observing afresh; else null
   */
  note(tookMs: number): { readonly baselineMs: number; readonly recentMs: number } | null {
    if (this.#baseline.length < BASELINE_CALLS) {
      this.#baseline.push(tookMs);
      return null;
    }
    this.#recent.push(tookMs);
    if (this.#recent.length < RECENT_CALLS) return null;
    const baselineMs = Math.max(median(this.#baseline), MIN_BASELINE_MS);
    const recentMs = median(this.#recent);
    if (recentMs > baselineMs * FACTOR) {
      this.#recent = [];
      return { baselineMs, recentMs };
    }
    this.#recent.shift();
    return null;
  }
}
