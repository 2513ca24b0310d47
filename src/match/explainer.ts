import { leavesOf, type LeafNode, type Node } from './condition.ts';
import { explainLeaf, truthOf } from './explain.ts';
import type { LeafTest } from './leaf-test.ts';
import type { MatchSettings, Verdict } from './matcher.ts';
import type { EventReader, FieldSlots } from './reader.ts';

/** Explains one condition tree leaf by leaf. */
export class Explainer {
  readonly #node: Node;
  readonly #slots: FieldSlots;
  readonly #settings: MatchSettings;
  readonly #leaves: readonly (readonly [LeafNode, LeafTest])[];

  /** @param testOf the positive test of a leaf, shared with the matcher so that both agree */
  constructor(node: Node, testOf: (leaf: LeafNode) => LeafTest, slots: FieldSlots, settings: MatchSettings) {
    this.#node = node;
    this.#slots = slots;
    this.#settings = settings;
    this.#leaves = [...leavesOf(node)].map((leaf) => [leaf, testOf(leaf)]);
  }

  explain(reader: EventReader): Verdict {
    const truths = this.#truths(reader);
    const leaves = this.#leaves.map(([leaf]) =>
      explainLeaf(leaf, this.#slots.of(leaf.field), truths.get(leaf) === true, reader, this.#settings),
    );
    return { holds: truthOf(this.#node, (leaf) => truths.get(leaf) === true), leaves };
  }

  /** True if the condition does not hold, but would if one leaf came out the other way. */
  isNearMiss(reader: EventReader): boolean {
    const truths = this.#truths(reader);
    const holdsWith = (flipped: LeafNode | null): boolean =>
      truthOf(this.#node, (leaf) => (truths.get(leaf) === true) !== (leaf === flipped));
    return !holdsWith(null) && this.#leaves.some(([leaf]) => holdsWith(leaf));
  }

  #truths(reader: EventReader): ReadonlyMap<LeafNode, boolean> {
    return new Map(this.#leaves.map(([leaf, test]) => [leaf, test(reader) !== leaf.negated]));
  }
}
