import type { VendorReason } from '../errors.ts';

/**
 * When to try again. Adapters say what happened; this table and this function decide. Pure: chance and time are
 * passed in.
 */

/** Attempts of one step before it becomes a dead letter. */
export const MAX_ATTEMPTS = 12;
const FIRST_DELAY_MS = 2_000;
const LONGEST_DELAY_MS = 10 * 60_000;
/** Postponing uses no attempt, but a step that could not act for a day is given up, unless it is an escalation's. */
export const GIVE_UP_AFTER_MS = 24 * 3_600_000;
/** Where nobody says when: how soon to look again at something that is not there to be asked. */
const POSTPONE_MS = 15_000;

export type FailureReason =
  | VendorReason
  /** The target refuses connections, does not resolve, or cannot be reached: nothing was sent. */
  | 'unreachable'
  /** We ran out of room ourselves: too many calls to this target at once. */
  | 'busy';

type Treatment = 'retry' | 'postpone' | 'permanent' | 'replan';

/** What each reason means for the step, if the call certainly changed nothing. */
const TREATMENT: Readonly<Record<FailureReason, Treatment>> = {
  auth: 'postpone',
  rate_limited: 'postpone',
  conflict: 'replan',
  refused: 'permanent',
  not_found: 'permanent',
  vendor_fault: 'retry',
  timeout: 'retry',
  unreadable: 'retry',
  unreachable: 'postpone',
  busy: 'postpone',
};

export interface Failure {
  readonly reason: FailureReason;
  readonly message: string;
  /** Epoch ms before which there is no point in trying. */
  readonly retryAt: number | null;
}

export interface AttemptState {
  /** Attempts used, this one included. */
  readonly attempts: number;
  /** Since when the step wants to act, epoch ms; time that it was held for a person does not count. */
  readonly wantedAt: number;
  /** A step after a wait: somebody is to hear of it however late. */
  readonly escalation: boolean;
  readonly now: number;
  /** 0 ≤ random < 1. */
  readonly random: number;
}

export type Next =
  | { readonly decision: 'retry'; readonly inMs: number; readonly because: string }
  | { readonly decision: 'postpone'; readonly inMs: number; readonly because: string }
  | { readonly decision: 'dead'; readonly because: string };

/** Decides what follows a call that certainly changed nothing. */
export function nextAttempt(failure: Failure, state: AttemptState): Next {
  const because = `${failure.reason}: ${failure.message}`;
  switch (TREATMENT[failure.reason]) {
    case 'permanent':
      return { decision: 'dead', because };
    case 'postpone': {
      if (!state.escalation && state.now - state.wantedAt > GIVE_UP_AFTER_MS) {
        return { decision: 'dead', because: `gave up after 24 h of waiting; last: ${because}` };
      }
      return { decision: 'postpone', inMs: postponeMs(failure, state.now, state.random), because };
    }
    case 'replan':
    case 'retry':
      if (state.attempts >= MAX_ATTEMPTS) {
        return { decision: 'dead', because: `${MAX_ATTEMPTS} attempts used; last: ${because}` };
      }
      return { decision: 'retry', inMs: backoff(state.attempts, state.random), because };
  }
}

/** Until the moment the other side named, else some seconds. @param random 0 ≤ random < 1 */
export function postponeMs(failure: Failure, now: number, random: number): number {
  return Math.max(250, failure.retryAt === null ? POSTPONE_MS * (0.5 + random) : failure.retryAt - now);
}

/** 2 s × 2ⁿ with full jitter, at most 10 minutes. */
export function backoff(attempts: number, random: number): number {
  const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempts - 1, 20));
  return Math.max(50, Math.round(ceiling * random));
}
