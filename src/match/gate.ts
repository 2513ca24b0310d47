import type { DeskEvent } from '../event.ts';
import type { Rule } from './rule.ts';

/**
 * What decides before any condition whether a rule sees an event: `mode`, `own`, `on`, `schedule`.
 * Keys of clock events name their rule: `time:<rule>:<ticket>:<moment>`, `schedule:<rule>:<moment>`.
 */

/** Why a rule does not see an event; null if it does. */
export type Gate = 'off' | 'own change' | 'other event type' | null;

/** @param hasTimeOperator whether `when` holds older_than, within or overdue */
export function gateOf(rule: Rule, hasTimeOperator: boolean, event: DeskEvent): Gate {
  if (rule.mode === 'off') return 'off';
  if (event.own && !rule.own) return 'own change';
  return hears(rule, hasTimeOperator, event) ? null : 'other event type';
}

function hears(rule: Rule, hasTimeOperator: boolean, event: DeskEvent): boolean {
  if (rule.schedule !== null) return event.type === 'schedule.fired' && isFor(rule, event, 'schedule');
  if (event.type !== 'ticket.time') return rule.on.includes(event.type);
  return (hasTimeOperator || rule.on.includes(event.type)) && isFor(rule, event, 'time');
}

/** True unless the event's key names another rule. */
function isFor(rule: Rule, event: DeskEvent, kind: 'time' | 'schedule'): boolean {
  const named = ruleNamedIn(event.key, kind);
  return named === null || named === rule.id;
}

/** The rule that a clock event's key names, or null. */
export function ruleNamedIn(key: string | null | undefined, kind: 'time' | 'schedule'): string | null {
  if (typeof key !== 'string' || !key.startsWith(`${kind}:`)) return null;
  const [, rule] = key.split(':', 2);
  return rule === undefined || rule === '' ? null : rule;
}
