import type { DeskEvent } from '../event.ts';
import { fold } from './fold.ts';
import type { TemplateScope } from './template-names.ts';
import type { Rule } from './rule.ts';
import { own } from './values.ts';

/**
 * Values as templates see them. Named things, persons, priorities and custom fields print a name but still have
 * their parts; objects have no prototype, so nothing but their own keys can be reached.
 */

/** The scope of an event and a rule; `run`, `oncall` and `connection` are the caller's. */
export function scopeOf(
  event: DeskEvent,
  rule: Rule,
  more: Pick<TemplateScope, 'run' | 'oncall' | 'connection'> = {},
): TemplateScope {
  const { ticket, comment, trigger, changes, body } = event;
  const { id, name, mode, order } = rule;
  return { ...more, event, ticket, comment, trigger, changes, body, rule: { id, name, mode, order } };
}

/** Deeper than this a value is left out; events are at most 64 deep. */
const MAX_DEPTH = 16;

/** Converts a scope; costs one copy of what is in it. */
export function toScope(scope: TemplateScope): Readonly<Record<string, unknown>> {
  const result = Object.create(null) as Record<string, unknown>;
  for (const [root, value] of Object.entries(scope)) result[root] = convert(value, 0);
  return result;
}

/** A value as text: names of named things, lists with commas, nothing for null. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(describeValue).join(', ');
  if (typeof value === 'string') return value;
  if (typeof value !== 'object') return String(value as number | boolean);
  const text = own(value, 'toString');
  if (typeof text === 'function') return String(text());
  return JSON.stringify(value);
}

function convert(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return null;
  if (Array.isArray(value)) return value.map((element) => convert(element, depth + 1));
  const result = Object.create(null) as Record<string, unknown>;
  for (const [key, inner] of Object.entries(value)) {
    // defineProperty, because "__proto__" may be a key of a webhook's body.
    Object.defineProperty(result, key, {
      value: convert(inner, depth + 1),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  const names = namesOf(result);
  return names === null ? result : withName(result, names);
}

/** What a thing goes by, the name to print first; null for whatever is no person, named thing or custom field. */
function namesOf(value: Readonly<Record<string, unknown>>): readonly unknown[] | null {
  const keys = Object.keys(value);
  if (!Object.hasOwn(value, 'name') || !Object.hasOwn(value, 'id')) return null;
  if (keys.some((key) => !THING_KEYS.has(key))) return null;
  if (Object.hasOwn(value, 'value')) return [value['value']];
  return ['name', 'email', 'level', 'id', 'path']
    .map((key) => value[key])
    .filter((name) => name !== null && name !== undefined);
}

const THING_KEYS = new Set(['id', 'name', 'path', 'level', 'email', 'kind', 'value']);

/** Liquid prints by `toString` and compares by `equals`; both hidden, so that loops and `json` do not see them. */
function withName(value: Record<string, unknown>, names: readonly unknown[]): Record<string, unknown> {
  const print = (): string => describeValue(names[0]);
  const folded = names.filter((name) => typeof name !== 'object').map((name) => fold(String(name)));
  const methods = {
    toString: print,
    equals: (other: unknown) => typeof other === 'string' && folded.includes(fold(other)),
    gt: (other: unknown) => print() > String(other),
    geq: (other: unknown) => print() >= String(other),
    lt: (other: unknown) => print() < String(other),
    leq: (other: unknown) => print() <= String(other),
  };
  for (const [name, method] of Object.entries(methods)) Object.defineProperty(value, name, { value: method });
  return value;
}
