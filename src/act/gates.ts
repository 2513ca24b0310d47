import type { DeskEvent } from '../event.ts';
import type { ConditionMap, Rule, Step } from '../match/rule.ts';

/**
 * Reasons not to act. Pure; each returns why, or null to go on.
 */

/** What a customer would see of a step; late events skip only these. */
export function isCustomerVisible(step: Step): boolean {
  switch (step.action) {
    case 'comment':
      return step.params.public;
    case 'close':
    case 'resolve':
    case 'reopen':
    case 'approve':
    case 'breaking_news':
      return true;
    case 'wait_for':
      return 'who' in step.params && step.params.who === 'customer';
    case 'create_ticket':
      return step.params.requester !== undefined;
    default:
      return false;
  }
}

/** Something that happened long ago must not surprise a customer now. */
export function lateGate(step: Step, rule: Rule, event: DeskEvent): string | null {
  return event.late && !rule.late && isCustomerVisible(step) ? 'late' : null;
}

/** For runs with a wait, where the rule does not say otherwise: the ticket is still open and nobody took it. */
export const DEFAULT_WHILE: ConditionMap = {
  phase: { not_in: ['resolved', 'closed', 'rejected', 'cancelled'] },
  acknowledged: { not: true },
};

/** An event older than this is looked at again before the first write. */
export const FRESH_MS = 30_000;

export interface Progress {
  readonly waited?: boolean;
  readonly wrote?: boolean;
}

/**
 * Which condition has to hold on the fresh ticket before this step: `while` after a wait, the state part of `when`
 * before the first write of an old event, none otherwise.
 *
 * @param eventAgeMs how long ago the event was observed
 */
export function conditionToRecheck(progress: Progress, eventAgeMs: number): 'while' | 'when' | null {
  if (progress.waited === true) return 'while';
  return progress.wrote !== true && eventAgeMs > FRESH_MS ? 'when' : null;
}
