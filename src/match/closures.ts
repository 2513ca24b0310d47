import type { LeafNode, Node } from './condition.ts';
import type { Folding } from './fold.ts';
import { compileTest, type LeafTest } from './leaf-test.ts';
import type { MatchSettings } from './matcher.ts';
import type { FieldSlots } from './reader.ts';

/**
 * The plain evaluator: a tree of closures, tried in turn. It is the matcher for small rule sets and for `while`,
 * and what the indexed matcher is compared with.
 */

/** Compiles one leaf with its sign. */
export function compileLeaf(
  leaf: LeafNode,
  slots: FieldSlots,
  folding: Folding,
  settings: MatchSettings,
): LeafTest {
  const test = compileTest(leaf.test, slots.of(leaf.field), folding, settings);
  return leaf.negated ? (reader) => !test(reader) : test;
}

/** Compiles a condition tree. */
export function compileNode(
  node: Node,
  slots: FieldSlots,
  folding: Folding,
  settings: MatchSettings,
): LeafTest {
  if (node.type === 'leaf') return compileLeaf(node.leaf, slots, folding, settings);
  const members = node.members.map((member) => compileNode(member, slots, folding, settings));
  const [only] = members;
  if (only !== undefined && members.length === 1 && node.group !== 'none') return only;
  switch (node.group) {
    case 'all':
      return (reader) => {
        for (const member of members) if (!member(reader)) return false;
        return true;
      };
    case 'any':
      return (reader) => {
        for (const member of members) if (member(reader)) return true;
        return false;
      };
    case 'none':
      return (reader) => {
        for (const member of members) if (member(reader)) return false;
        return true;
      };
  }
}
