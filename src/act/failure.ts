import { messageOf, VendorError } from '../errors.ts';
import type { Intent } from '../record/tables.ts';
import { GIVE_UP_AFTER_MS, nextAttempt, postponeMs, type Failure } from './retry.ts';
import { ActionError, decided, later, type Parts, type Resolution, type StepTask } from './task.ts';

/** What went wrong, in the executor's terms, and whether the call may have had an effect all the same. */
export interface Judged extends Failure {
  readonly notApplied: boolean;
}

/** Reads any error of a call. Unknown errors count as "may have had an effect". */
export function judgeError(error: unknown): Judged {
  if (error instanceof VendorError) {
    return {
      reason: isAway(error) ? 'unreachable' : error.reason,
      message: error.message,
      retryAt: error.retryAt ?? null,
      notApplied: error.notApplied || SAID_NO.has(error.reason),
    };
  }
  if (error instanceof ActionError) {
    return {
      reason: error.reason,
      message: error.message,
      retryAt: error.retryAt,
      notApplied: error.notApplied,
    };
  }
  return { reason: 'timeout', message: messageOf(error), retryAt: null, notApplied: false };
}

/**
 * Nobody took the connection, or the desk as a whole is away: it says when to come back, or its adapter does. That
 * lies in the desk and not in the step, which waits without using an attempt.
 */
function isAway({ reason, notApplied, retryAt }: VendorError): boolean {
  if (reason === 'timeout') return notApplied || retryAt !== undefined;
  return reason === 'vendor_fault' && retryAt !== undefined;
}

/** Answers that say no: the call changed nothing. */
const SAID_NO: ReadonlySet<string> = new Set(['auth', 'rate_limited', 'conflict', 'refused', 'not_found']);

/** What follows a failure that certainly changed nothing. Postponing uses no attempt. */
export function afterFailure(task: StepTask, failure: Failure): Resolution {
  const { claimed } = task;
  const next = nextAttempt(failure, {
    attempts: claimed.attempts + 1,
    wantedAt: claimed.wantedAt?.getTime() ?? claimed.now,
    escalation: claimed.progress.waited === true,
    now: task.now(),
    random: Math.random(),
  });
  const attempt = { state: 'refused', reason: next.because } as const;
  switch (next.decision) {
    case 'dead':
      return decided('dead', next.because, { attempt, writes: 'refused' });
    case 'postpone':
      return later('postponed', next.inMs, next.because, { uncounted: true, writes: 'refused' });
    case 'retry':
      return later('pending', next.inMs, next.because, { attempt, writes: 'refused' });
  }
}

/**
 * A send that may have happened, and what would tell cannot be read now: it stays `sending`, and nothing is sent.
 * After a day a person decides.
 */
export function stillUnknown(
  task: StepTask,
  intent: Intent,
  settleMs: number,
  failure: Failure,
  parts: Parts = task.claimed.parts,
): Resolution {
  const reason = `outcome unknown: ${failure.message}`;
  const now = task.now();
  // The sending was wanted before it was tried, unless the step was held since.
  const since = Math.max(intent.sentAt, task.claimed.wantedAt?.getTime() ?? 0);
  if (now - since > GIVE_UP_AFTER_MS) return decided('uncertain', reason, { intent, parts });
  const settlesInMs = intent.deadlineAt + settleMs - now;
  const inMs = Math.max(settlesInMs, settlesInMs > 0 ? 2_000 : postponeMs(failure, now, Math.random()));
  return later('sending', inMs, reason, { intent, parts });
}
