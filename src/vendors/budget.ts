import type { BudgetSpec, CallLane } from './vendor.ts';

/**
 * Dividing a connection's calls. A bucket with rate r and burst b allows at most r + b calls in any window of one
 * period, r + 2b if the vendor's window and ours do not line up; both are chosen to stay within 95 % of its limit.
 */

/** A fifth of every budget belongs to polls alone, so that a flood of actions never makes us blind. */
const POLL_FLOOR = 0.2;

/** How much of the shared bucket a lane must leave for the lanes above it, as a share of the burst. */
const KEEP: Readonly<Record<CallLane, number>> = { escalation: 0, action: 0.1, poll: 0.3, backfill: 0.6 };

/** How long a call of an action waits for its turn. */
export const ACTION_PATIENCE_MS = 15_000;
/**
 * An action takes about so many calls after its first one. They are made in the lane above, and must come within its
 * patience: where the budget is too slow for that, they must be there when it begins.
 */
const REST_OF_AN_ACTION = 3;
/** Where actions wait for that, polls leave it to them: they come again and again, and have calls of their own. */
const POLLS_BESIDES = 0.5;

export interface Bucket {
  readonly tokens: number;
  /** Epoch ms. */
  readonly refilledAt: number;
}

/** The part of a budget that only polls may use, and the part that all lanes share. */
export function splitBudget(spec: BudgetSpec): { readonly floor: BudgetSpec; readonly shared: BudgetSpec } {
  const floorBurst = Math.max(1, Math.floor(spec.burst * POLL_FLOOR));
  return {
    floor: { rate: spec.rate * POLL_FLOOR, burst: floorBurst, perMs: spec.perMs },
    shared: {
      rate: spec.rate * (1 - POLL_FLOOR),
      burst: Math.max(1, spec.burst - floorBurst),
      perMs: spec.perMs,
    },
  };
}

/** Tokens that a lane must leave in the shared bucket. */
export function keptBy(lane: CallLane, spec: BudgetSpec): number {
  if (lane === 'escalation') return 0;
  const comes = (ACTION_PATIENCE_MS * spec.rate) / spec.perMs;
  const rest = (comes < REST_OF_AN_ACTION ? REST_OF_AN_ACTION : 0) + (lane === 'poll' ? POLLS_BESIDES : 0);
  return Math.min(Math.max(KEEP[lane] * spec.burst, rest), spec.burst - 1);
}

/**
 * Takes one token if more than `keep` would stay. A clock that was set back only resets the mark.
 *
 * @returns the new state, in how many ms to ask again (0: granted), and the calls granted
 */
export function takeToken(
  bucket: Bucket,
  spec: BudgetSpec,
  keep: number,
  now: number,
): { readonly state: Bucket; readonly result: number; readonly took: number } {
  const perMs = spec.rate / spec.perMs;
  const elapsed = Math.max(0, now - bucket.refilledAt);
  const tokens = Math.min(spec.burst, bucket.tokens + elapsed * perMs);
  if (tokens >= 1 + keep) return { state: { tokens: tokens - 1, refilledAt: now }, result: 0, took: 1 };
  const waitMs = Math.max(1, Math.ceil((1 + keep - tokens) / perMs));
  return { state: { tokens, refilledAt: now }, result: waitMs, took: 0 };
}

/** How far a bucket goes at a rate of calls. */
export interface BudgetForecast {
  /** Tokens now; `burst` when full. */
  readonly left: number;
  /** Epoch ms; null: it refills at least as fast as it is used. */
  readonly emptyAt: number | null;
}

/** @param callsPerMinute what is taken from this bucket */
export function forecast(
  bucket: Bucket,
  spec: BudgetSpec,
  callsPerMinute: number,
  now: number,
): BudgetForecast {
  const perMs = spec.rate / spec.perMs;
  const left = Math.min(spec.burst, bucket.tokens + Math.max(0, now - bucket.refilledAt) * perMs);
  if (left < 1) return { left, emptyAt: now };
  const drainPerMs = callsPerMinute / 60_000 - perMs;
  return { left, emptyAt: drainPerMs <= 0 ? null : now + left / drainPerMs };
}

/**
 * The bucket for an operator's `rate: 90/m`: never more than that many calls in any such span.
 *
 * @param calls N of engine rule r + 2b ≤ 0.95 N
 */
export function budgetFor(calls: number, perMs: number): BudgetSpec {
  const usable = Math.max(1, Math.floor(calls * 0.95));
  const burst = Math.max(1, Math.floor(usable / 9));
  return { rate: Math.max(usable - 2 * burst, usable / 2), burst, perMs };
}

const HOUR_MS = 3_600_000;
/** Integration reference 5.1: "raise by 10 % per clean hour". */
const GROWTH = 1.1;
/** Fewer calls than this would not even poll. */
const LEAST_PERCENT = 25;

/** How much of its budget a connection allows itself where the vendor's limit is not known, and since when. */
export interface Share {
  readonly percent: number;
  /** Epoch ms: when an hour without refusal began. */
  readonly since: number;
}

/** The share after the hours that went well; a clock that was set back only resets the mark. */
export function grownShare(share: Share, mostPercent: number, now: number): Share {
  if (now < share.since) return { ...share, since: now };
  const hours = Math.floor((now - share.since) / HOUR_MS);
  return {
    percent: Math.min(mostPercent, share.percent * GROWTH ** hours),
    since: share.since + hours * HOUR_MS,
  };
}

/** The share after a refusal. */
export function halvedShare(share: Share, now: number): Share {
  return { percent: Math.max(LEAST_PERCENT, share.percent / 2), since: now };
}

/** A share of a budget, which keeps rate plus two bursts within the same share of the limit. */
export function shareOf(spec: BudgetSpec, percent: number): BudgetSpec {
  if (percent === 100) return spec;
  const usable = ((spec.rate + 2 * spec.burst) * percent) / 100;
  // A smaller share is a slower one: what an action takes should be there at once all the same, as far as that goes.
  // And a burst of one could not be divided between polls and the rest.
  const wanted = Math.max(spec.burst, Math.floor((spec.burst * percent) / 100));
  const burst = Math.max(Math.min(2, spec.burst), Math.min(wanted, Math.floor(usable / 4)));
  return { rate: Math.max(usable - 2 * burst, usable / 2), burst, perMs: spec.perMs };
}
