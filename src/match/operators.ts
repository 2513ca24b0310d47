import type { FieldKind } from './fields.ts';

/**
 * The operator table: which operand each takes and on which fields it makes sense. The loader refuses what is
 * not in here; the evaluator and the JSON schema follow it.
 */

export type OperandKind =
  /** One scalar, or a list of them. */
  | 'values'
  /** A list of scalars. */
  | 'list'
  /** A text, or a list of texts; never empty ones. */
  | 'texts'
  /** A list of texts. */
  | 'text list'
  | 'patterns'
  | 'bound'
  | 'two bounds'
  | 'list name'
  | 'nets'
  | 'boolean'
  | 'true'
  | 'change'
  | 'span';

export interface OperatorSpec {
  readonly operand: OperandKind;
  /** Kinds of field it may stand on; missing: all. */
  readonly on?: readonly FieldKind[];
  /** The positive operator of which this one is the exact negation. */
  readonly negates?: string;
  /** One line for the editor. */
  readonly doc: string;
}

const TEXT: readonly FieldKind[] = ['text', 'id', 'word', 'named', 'person', 'priority', 'list', 'any'];
const ORDERED: readonly FieldKind[] = ['priority', 'time', 'any'];
const TIMES: readonly FieldKind[] = ['time', 'any'];

export const OPERATORS = {
  is: { operand: 'values', doc: 'is this value, or one of the list' },
  not: { operand: 'values', negates: 'is', doc: 'is not this value (also true without a value)' },
  not_in: { operand: 'list', negates: 'is', doc: 'is none of the list (also true without a value)' },
  exact: { operand: 'texts', on: TEXT, doc: 'is this text byte for byte, without folding' },
  contains: { operand: 'texts', on: TEXT, doc: 'contains the text, or one of them' },
  contains_all: { operand: 'text list', on: TEXT, doc: 'contains all of the texts' },
  not_contains: { operand: 'texts', on: TEXT, negates: 'contains', doc: 'contains none of the texts' },
  words: { operand: 'texts', on: TEXT, doc: 'contains the words, at word boundaries' },
  starts_with: { operand: 'texts', on: TEXT, doc: 'starts with the text' },
  ends_with: { operand: 'texts', on: TEXT, doc: 'ends with the text' },
  like: { operand: 'texts', on: TEXT, doc: 'the whole text fits the glob: * any text, ? one character' },
  domain: { operand: 'texts', on: TEXT, doc: 'an address or host in the domain or a subdomain of it' },
  matches: { operand: 'patterns', on: TEXT, doc: 're2 pattern, case-insensitive, unanchored' },
  at_least: { operand: 'bound', on: ORDERED, doc: 'at least this number, priority level or time' },
  at_most: { operand: 'bound', on: ORDERED, doc: 'at most this number, priority level or time' },
  above: { operand: 'bound', on: ORDERED, doc: 'above this number or priority level, or after this time' },
  below: { operand: 'bound', on: ORDERED, doc: 'below this number or priority level, or before this time' },
  between: { operand: 'two bounds', on: ORDERED, doc: 'between the two, both included' },
  has: { operand: 'values', doc: 'the list has the element, or one of them' },
  has_all: { operand: 'list', doc: 'the list has all of the elements' },
  has_none: { operand: 'values', negates: 'has', doc: 'the list has none of the elements' },
  only: { operand: 'list', doc: 'the list has nothing else, and is not empty' },
  in_list: { operand: 'list name', doc: 'is in the configured list of this name' },
  cidr: { operand: 'nets', on: TEXT, doc: 'an IP address in the net, or one of the nets' },
  empty: { operand: 'boolean', doc: 'has no value: missing, null, [] or ""' },
  present: { operand: 'boolean', doc: 'has a value' },
  changed: { operand: 'change', doc: 'is in the changes of this event' },
  unchanged: { operand: 'true', negates: 'changed', doc: 'is not in the changes of this event' },
  older_than: { operand: 'span', on: TIMES, doc: 'lies at least so long ago' },
  within: { operand: 'span', on: TIMES, doc: 'comes within this span from now' },
  overdue: { operand: 'true', on: TIMES, doc: 'lies in the past' },
} as const satisfies Record<string, OperatorSpec>;

export type OperatorName = keyof typeof OPERATORS;

/** Operators whose truth moves with `now`. */
export const TIME_OPERATORS: ReadonlySet<string> = new Set(['older_than', 'within', 'overdue']);

export function operatorOf(name: string): OperatorSpec | null {
  return Object.hasOwn(OPERATORS, name) ? OPERATORS[name as OperatorName] : null;
}

/** Levels of groups that conditions may be nested in. */
export const MAX_GROUP_DEPTH = 3;
export const GROUPS = ['all', 'any', 'none'] as const;
export type GroupName = (typeof GROUPS)[number];

export function isGroup(key: string): key is GroupName {
  return (GROUPS as readonly string[]).includes(key);
}
