import type { Body } from './body.ts';
import type { Condition } from './conditions.ts';

/**
 * Access conditions: marked conditions of which one must hold for a rule to match. A rule is looked at only when
 * one of its access conditions was marked, so the rarest ones are chosen.
 */

export interface Access {
  readonly conditions: readonly Condition[];
  /** Share of events in which one of them holds, roughly. */
  readonly frequency: number;
}

export type Frequency = (condition: Condition) => number;

/** The rarest access of a body, or null if there is none. */
export function accessOf(body: Body, frequency: Frequency): Access | null {
  if (body.kind === 'literal') return literalAccess(body.condition, body.negated, frequency);
  const members = body.members.map((member) => accessOf(member, frequency));
  if (body.kind === 'and') return members.reduce(rarer, null);
  const conditions: Condition[] = [];
  let sum = 0;
  for (const member of members) {
    if (member === null) return null;
    conditions.push(...member.conditions);
    sum += member.frequency;
  }
  return { conditions: [...new Set(conditions)], frequency: sum };
}

export function rarer(a: Access | null, b: Access | null): Access | null {
  if (a === null || b === null) return a ?? b;
  return b.frequency < a.frequency ? b : a;
}

function literalAccess(condition: Condition, negated: boolean, frequency: Frequency): Access | null {
  if (negated) return null;
  const marked = condition.lazy ? condition.guard : condition;
  return marked === null ? null : { conditions: [marked], frequency: frequency(marked) };
}

/** Literals that are likely false come first, and lazy ones last, so that bodies end early. */
export function orderBody(body: Body, frequency: Frequency): Body {
  if (body.kind === 'literal') return body;
  const members = body.members.map((member) => orderBody(member, frequency));
  const cost = (member: Body): number => {
    if (member.kind !== 'literal') return 2;
    if (member.condition.lazy) return 3;
    const share = frequency(member.condition);
    const holds = member.negated ? 1 - share : share;
    return body.kind === 'and' ? holds : 1 - holds;
  };
  const keyed = members.map((member) => ({ member, cost: cost(member) })).sort((a, b) => a.cost - b.cost);
  return { kind: body.kind, members: keyed.map(({ member }) => member) };
}

/** Guesses until there is a sample: how often a value of such a field is the one that is asked for. */
const FIELD_SHARE: Readonly<Record<string, number>> = {
  connection: 0.3,
  vendor: 0.4,
  'event.type': 0.5,
  phase: 0.3,
  status: 0.25,
  priority: 0.25,
  late: 0.5,
  acknowledged: 0.5,
  snoozed: 0.5,
  awaiting: 0.4,
  'sla.state': 0.3,
};

/** A guess of how often a condition holds. */
export function guessFrequency({ test, slot }: Condition): number {
  const share = FIELD_SHARE[slot.field.name] ?? 0.08;
  switch (test.kind) {
    case 'equals':
      return Math.min(0.95, share * test.values.length);
    case 'exact':
      return Math.min(0.95, share * test.texts.length);
    case 'contains':
      // A longer text is rarer.
      return Math.min(
        0.9,
        test.texts.reduce((sum, text) => sum + 0.4 / (1 + text.length), 0),
      );
    case 'domain':
    case 'ends_with':
      return Math.min(0.9, 0.08 * test.texts.length);
    case 'range':
      return 0.4;
    case 'empty':
      return 0.4;
    case 'changed':
      return test.from === null && test.to === null ? 0.15 : 0.03;
    default:
      return 0.5;
  }
}
