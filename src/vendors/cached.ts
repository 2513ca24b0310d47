import type { Clock } from '../clock.ts';

/** How long a lookup is believed (integration reference 1.1: lookups are cached 10 min). */
const LOOKUP_TTL_MS = 10 * 60_000;

/** A miss reloads a lookup, but a wrong name in a busy rule must not eat the budget. */
const MISS_RELOAD_MS = 15_000;

/** A list that is loaded when it is asked for and kept for a while. Lost on a restart, which costs one call. */
export class Cached<T, Context> {
  readonly #load: (context: Context) => Promise<T>;
  readonly #clock: Clock;
  #value: T | undefined;
  #loadedAt = 0;
  #loading: Promise<T> | null = null;

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
    // Whoever loads may be aborted, which is not our failure: then we load ourselves.
    if (this.#loading !== null) await this.#loading.catch(() => undefined);
    const age = this.#clock.monotonic() - this.#loadedAt;
    if (this.#value !== undefined && age < ttlMs) return this.#value;
    this.#loading ??= this.#reload(context);
    return this.#loading;
  }

  /** Loads again because something was not found; the value as it is when it was loaded just now. */
  reload(context: Context): Promise<T> {
    return this.get(context, MISS_RELOAD_MS);
  }

  async #reload(context: Context): Promise<T> {
    try {
      const value = await this.#load(context);
      this.#value = value;
      this.#loadedAt = this.#clock.monotonic();
      return value;
    } finally {
      this.#loading = null;
    }
  }
}

/** One {@link Cached} per key, made when it is first asked for. */
export class CachedByKey<T, Context> {
  readonly #load: (key: string, context: Context) => Promise<T>;
  readonly #clock: Clock;
  readonly #all = new Map<string, Cached<T, Context>>();

  constructor(load: (key: string, context: Context) => Promise<T>, clock: Clock) {
    this.#load = load;
    this.#clock = clock;
  }

  of(key: string): Cached<T, Context> {
    const known = this.#all.get(key);
    if (known !== undefined) return known;
    const cached = new Cached<T, Context>((context) => this.#load(key, context), this.#clock);
    this.#all.set(key, cached);
    return cached;
  }
}
