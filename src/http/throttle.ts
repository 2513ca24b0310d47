/**
 * Counts wrong tokens by the address that they came from, so that whoever guesses is told to wait and is noticed. In
 * memory: a restart forgets, which gives away one minute's tries.
 */
export interface Throttle {
  /**
   * Counts one wrong token.
   *
   * @param now epoch ms
   * @returns null: the address has not had too many yet
   */
  wrong(address: string, now: number): Refused | null;
}

export interface Refused {
  /** Until the address may try again. */
  readonly waitSeconds: number;
  /** True for the first one of this minute that is refused: said once, so that nobody fills the log. */
  readonly first: boolean;
}

/** One a second: more than a mistyped token, or a scraper with an old one, makes; fewer than any search for a token. */
const TRIES = 60;
const WINDOW_MS = 60_000;
/** About 1 MB. Whoever commands more addresses pushes the oldest out, and gains their tries. */
const MAX_ADDRESSES = 10_000;

export function createThrottle(): Throttle {
  const windows = new Map<string, { readonly startedAt: number; tries: number }>();
  return {
    wrong(address, now) {
      let window = windows.get(address);
      // A clock that was set back begins a new minute too.
      if (window === undefined || now < window.startedAt || now >= window.startedAt + WINDOW_MS) {
        window = { startedAt: now, tries: 0 };
        windows.delete(address);
        windows.set(address, window);
        const [oldest] = windows.keys();
        if (windows.size > MAX_ADDRESSES && oldest !== undefined) windows.delete(oldest);
      }
      window.tries += 1;
      if (window.tries <= TRIES) return null;
      const waitSeconds = Math.ceil((window.startedAt + WINDOW_MS - now) / 1000);
      return { waitSeconds, first: window.tries === TRIES + 1 };
    },
  };
}
