import type { VendorReason } from '../../errors.ts';

/**
 * What an HTTP status means, in one place. A vendor with other habits passes overrides; nobody else interprets
 * a status. Pure.
 */

export interface StatusMeaning {
  readonly reason: VendorReason;
  /** True if the answer proves that a write was not applied. */
  readonly notApplied: boolean;
}

export type StatusOverrides = Readonly<Partial<Record<number, StatusMeaning>>>;

/** Statuses that do not simply follow their class (integration reference 1.4). */
const STATUS_MEANING: StatusOverrides = {
  401: { reason: 'auth', notApplied: true },
  // Plan or API access lapsed: only an operator can help, like wrong credentials.
  402: { reason: 'auth', notApplied: true },
  403: { reason: 'auth', notApplied: true },
  404: { reason: 'not_found', notApplied: true },
  // The server says that it did not get the whole request in time; it may have acted on what it got.
  408: { reason: 'timeout', notApplied: false },
  409: { reason: 'conflict', notApplied: true },
  425: { reason: 'vendor_fault', notApplied: true },
  429: { reason: 'rate_limited', notApplied: true },
  501: { reason: 'refused', notApplied: true },
};

/** The meaning of a status that is not 2xx. Redirects are never followed: they lead to a login page. */
export function classifyStatus(status: number, overrides: StatusOverrides = {}): StatusMeaning {
  const known = overrides[status] ?? STATUS_MEANING[status];
  if (known !== undefined) return known;
  if (status >= 400 && status < 500) return { reason: 'refused', notApplied: true };
  if (status >= 500) return { reason: 'vendor_fault', notApplied: false };
  return { reason: 'unreadable', notApplied: false };
}

/** Said by what stands before the desk: the desk itself is away. Any other status is an answer of its own. */
export function isGatewayStatus(status: number): boolean {
  return status >= 502 && status <= 504;
}

/** A vendor that asks for more patience than this is not believed; the next call will ask again. */
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

/**
 * Reads `Retry-After`: seconds or an HTTP date.
 *
 * @param now epoch ms of our clock
 * @param serverNow the answer's own `Date`, so that a skewed clock does not distort a date; null: use `now`
 * @returns epoch ms by our clock, never before `now`; null when absent or not understood
 */
export function parseRetryAfter(
  value: string | undefined,
  now: number,
  serverNow: number | null,
): number | null {
  const text = value?.trim() ?? '';
  if (text === '') return null;
  // Date.parse takes almost anything for a date, so only what begins with a weekday is given to it.
  const date = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : Number.NaN;
  const waitMs = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : date - (serverNow ?? now);
  if (Number.isNaN(waitMs)) return null;
  return now + Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS);
}

/** Waits for 429 answers without `Retry-After`: 60, 120, then 240 s (integration reference 3.1). */
const BACKOFF_MS = [60_000, 120_000, 240_000] as const;

/** Counts rate-limit answers in a row. A second one during the same silence does not make it longer. */
export class RateLimitBackoff {
  #strikes = 0;
  #until = 0;

  /** @returns epoch ms until which to be silent */
  strike(now: number): number {
    if (now < this.#until) return this.#until;
    const waitMs = BACKOFF_MS[Math.min(this.#strikes, BACKOFF_MS.length - 1)] ?? 0;
    this.#strikes += 1;
    this.#until = now + waitMs;
    return this.#until;
  }

  /** A call went through. */
  reset(): void {
    this.#strikes = 0;
    this.#until = 0;
  }
}
