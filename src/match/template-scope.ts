import { fold } from './fold.ts';
import type { TemplateScope } from './template-names.ts';
import { own } from './values.ts';

/**
 * Values as templates see them. Named things, persons, priorities and custom fields print a name but still have
 * their parts; objects have no prototype, so nothing but their own keys can be reached.
 */

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

/** What a thing goes by, the name to print first; null for plain objects. */
function namesOf(value: Readonly<Record<string, unknown>>): readonly unknown[] | null {
  if (!Object.hasOwn(value, 'name') || !Object.hasOwn(value, 'id')) return null;
  if (Object.hasOwn(value, 'value')) return [value['value']];
  if (Object.hasOwn(value, 'execution_id') || (Object.hasOwn(value, 'name') && Object.keys(value).length > 6))
    return null;
  return ['name', 'email', 'level', 'id', 'path']
    .map((key) => value[key])
    .filter((name) => name !== null && name !== undefined);
}

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
