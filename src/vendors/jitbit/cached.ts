import type { Clock } from '../../clock.ts';

/** How long a lookup is believed (integration reference 1.1: lookups are cached 10 min). */
export const LOOKUP_TTL_MS = 10 * 60_000;

/** A miss reloads a lookup, but a wrong name in a busy rule must not eat the budget. */
const MISS_RELOAD_MS = 15_000;

/** A list that is loaded when it is asked for and kept for a while. Lost on a restart, which costs one call. */
export class Cached<T, Context> {
  readonly #load: (context: Context) => Promise<T>;
  readonly #clock: Clock;
  #value: T | undefined;
  #loadedAt = 0;

  constructor(load: (context: Context) => Promise<T>, clock: Clock) {
    this.#load = load;
    this.#clock = clock;
  }

  /** What is known without a call. */
  peek(): T | undefined {
    return this.#value;
  }

  /** @param ttlMs oldest value to accept; default 10 min */
  async get(context: Context, ttlMs = LOOKUP_TTL_MS): Promise<T> {
    const age = this.#clock.monotonic() - this.#loadedAt;
    if (this.#value !== undefined && age < ttlMs) return this.#value;
    this.#value = await this.#load(context);
    this.#loadedAt = this.#clock.monotonic();
    return this.#value;
  }

  /** Loads again because something was not found; the value as it is when it was loaded just now. */
  reload(context: Context): Promise<T> {
    return this.get(context, MISS_RELOAD_MS);
  }
}
