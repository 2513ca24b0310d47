import type { Field } from './fields.ts';
import type { GroupName, OperatorName } from './operators.ts';
import type { Scalar } from './values.ts';
import type { Net } from './cidr.ts';
import type { Span } from './rule.ts';

/**
 * A condition map after parsing: groups and leaves. Every leaf holds one positive test and whether it is
 * negated, because negation here is pure: `not_contains` is true exactly where `contains` is false.
 */

export type Node =
  | { readonly type: 'group'; readonly group: GroupName; readonly members: readonly Node[] }
  | { readonly type: 'leaf'; readonly leaf: LeafNode };

export interface LeafNode {
  readonly field: Field;
  readonly operator: OperatorName;
  /** The operand as written. */
  readonly wanted: unknown;
  readonly test: Test;
  readonly negated: boolean;
  /** Groups it stands in, outermost first. */
  readonly groups: readonly GroupName[];
}

/** What `changed` wants of the value before or after. */
export type ChangeSide =
  | { readonly kind: 'values'; readonly values: readonly Scalar[] }
  | { readonly kind: 'empty'; readonly empty: boolean };

/** One end of a range, in the unit of its scale: the number, the level's position, epoch milliseconds. */
export interface Bound {
  readonly at: number;
  readonly inclusive: boolean;
}

export type TextTest =
  | 'exact'
  | 'contains'
  | 'contains_all'
  | 'words'
  | 'starts_with'
  | 'ends_with'
  | 'like'
  | 'domain'
  | 'matches';

export type Test =
  /** Some value equals one of these (folded). */
  | { readonly kind: 'equals'; readonly values: readonly Scalar[] }
  | { readonly kind: 'has_all' | 'only'; readonly values: readonly Scalar[] }
  | { readonly kind: 'in_list'; readonly list: string }
  | { readonly kind: TextTest; readonly texts: readonly string[] }
  | { readonly kind: 'range'; readonly scale: Scale; readonly low: Bound | null; readonly high: Bound | null }
  | { readonly kind: 'cidr'; readonly nets: readonly Net[] }
  | { readonly kind: 'empty' }
  | {
      readonly kind: 'changed';
      readonly from: ChangeSide | null;
      readonly to: ChangeSide | null;
      readonly by: readonly string[] | null;
      /** On a created event the first state counts as reached: only `to` given, and the rule lists `ticket.created`. */
      readonly first: boolean;
    }
  | { readonly kind: 'older_than' | 'within'; readonly span: Span }
  | { readonly kind: 'overdue' };

export type Scale = 'number' | 'level' | 'time';

/** All leaves below a node, in the order written. */
export function* leavesOf(node: Node): Generator<LeafNode> {
  if (node.type === 'leaf') yield node.leaf;
  else for (const member of node.members) yield* leavesOf(member);
}

/**
 * A key that two tests share exactly if they mean the same. Every value carries its type and length, so that
 * `from: ""`, an omitted `from` and `from: { empty: true }` stay apart.
 */
export function structuralKey(value: unknown): string {
  if (value === null || value === undefined) return '~';
  if (typeof value === 'string') return `s${value.length}:${value}`;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') {
    return `${typeof value === 'boolean' ? 'b' : 'n'}${value};`;
  }
  if (Array.isArray(value)) return `[${value.map(structuralKey).join('')}]`;
  if (typeof value !== 'object') return '?';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, inner]) => structuralKey(name) + structuralKey(inner)).join('')}}`;
}
