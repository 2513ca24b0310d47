import type { ActionName, ActionParams, Rule, Step } from '../match/rule.ts';
import { OPERATIONS_RULE } from './operations-blocks.ts';

/**
 * Rules that no file holds: what people press in Slack becomes a run of one of these, so that it is claimed, verified,
 * retried and explained like everything else. Their ids have a colon, which no rule of a file can have.
 */

/** True for runs that stand outside the active rule set. */
export function isOwnRule(ruleId: string): boolean {
  return ruleId.startsWith('slack:');
}

/** What a person can have done at the desk. */
export type OrderKind = 'assign' | 'close' | 'comment' | 'comment-public' | 'escalate';

/** The rule of an order; `body` is what the order carries. */
export function ownRule(kind: OrderKind): Rule {
  switch (kind) {
    case 'assign':
      return rule('slack:assign', 'Assigned in Slack', [
        step(0, 'reassign', { agent: { kind: 'person', person: '{{ body.agent }}' } }),
      ]);
    case 'close':
      return rule('slack:close', 'Closed in Slack', [step(0, 'close', {})]);
    case 'comment':
      return rule('slack:comment', 'Internal comment from Slack', [
        step(0, 'comment', { text: '{{ body.text }}', public: false }),
      ]);
    case 'comment-public':
      return rule('slack:comment-public', 'Public comment from Slack', [
        step(0, 'comment', { text: '{{ body.text }}', public: true }),
      ]);
    case 'escalate':
      return rule('slack:escalate', 'Escalated in Slack', [
        step(0, 'emit', { type: 'custom.escalated', data: { by: '{{ body.agent }}' } }),
      ]);
  }
}

/** Tells a channel what Deskhand says of itself; the text is made from the event when it is posted. */
export function operationsRule(channel: string): Rule {
  return rule(OPERATIONS_RULE, 'Deskhand about itself', [
    step(0, 'slack.post', { channel, text: 'Deskhand', buttons: [] }),
  ]);
}

function step<A extends ActionName>(position: number, action: A, params: ActionParams[A]): Step {
  return { action, path: String(position), required: false, params } as unknown as Step;
}

function rule(id: string, name: string, then: readonly Step[]): Rule {
  const limit = {
    perTicket: { runs: 1_000_000, perMs: 1 },
    perTicketIsDefault: false,
    perRule: null,
  };
  const plain = {
    on: [],
    onWritten: true,
    when: {},
    while: null,
    order: 0,
    stop: false,
    mode: 'live',
  } as const;
  return { id, name, ...plain, then, limit, own: true, late: true, schedule: null, tests: [] };
}
