import { leavesOf, type Node } from './condition.ts';
import { TIME_OPERATORS } from './operators.ts';
import { NO_NAMES, parseCondition } from './parse-condition.ts';
import { TRUSTED } from './report.ts';
import type { ConditionMap, Rule } from './rule.ts';

/** Parses a map that was checked when it was loaded. @throws TypeError if it was not */
export function parseTrusted(map: ConditionMap, firstStateCounts: boolean): Node {
  return parseCondition(map, [], TRUSTED, { names: NO_NAMES, firstStateCounts, trusted: true });
}

/** The condition of a rule. */
export function parseWhen(rule: Rule): Node {
  return parseTrusted(rule.when, rule.onWritten && rule.on.includes('ticket.created'));
}

/** Whether a condition moves with time, so that its rule also hears `ticket.time`. */
export function hasTimeOperator(node: Node): boolean {
  for (const leaf of leavesOf(node)) if (TIME_OPERATORS.has(leaf.operator)) return true;
  return false;
}

/** Rules run by `order`, then id. */
export function byOrder(a: Rule, b: Rule): number {
  return a.order - b.order || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
