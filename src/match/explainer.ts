import type { LeafNode, Node } from './condition.ts';
import { explainLeaf } from './explain.ts';
import type { LeafTest } from './leaf-test.ts';
import type { Leaf, MatchSettings, Verdict } from './matcher.ts';
import type { EventReader, FieldSlots } from './reader.ts';

/** Explains condition trees leaf by leaf, with the very tests that matching uses, so that both agree. */
export class Explainer {
  readonly #testOf: (leaf: LeafNode) => LeafTest;
  readonly #slots: FieldSlots;
  readonly #settings: MatchSettings;

  constructor(testOf: (leaf: LeafNode) => LeafTest, slots: FieldSlots, settings: MatchSettings) {
    this.#testOf = testOf;
    this.#slots = slots;
    this.#settings = settings;
  }

  explain(node: Node, reader: EventReader): Verdict {
    const leaves: Leaf[] = [];
    const holds = this.#walk(node, reader, leaves);
    return { holds, leaves };
  }

  /** Every leaf is visited, also where the group is decided already. */
  #walk(node: Node, reader: EventReader, leaves: Leaf[]): boolean {
    if (node.type === 'leaf') {
      const { leaf } = node;
      const holds = this.#testOf(leaf)(reader) !== leaf.negated;
      leaves.push(explainLeaf(leaf, this.#slots.of(leaf.field), holds, reader, this.#settings));
      return holds;
    }
    let all = true;
    let any = false;
    for (const member of node.members) {
      if (this.#walk(member, reader, leaves)) any = true;
      else all = false;
    }
    return node.group === 'all' ? all : any === (node.group === 'any');
  }

  /** True if the condition does not hold, but would if one leaf came out the other way. */
  isNearMiss(node: Node, reader: EventReader): boolean {
    const truths: boolean[] = [];
    const holds = this.#holdsBut(node, reader, -1, truths, { position: 0 });
    if (holds) return false;
    for (let flipped = 0; flipped < truths.length; flipped += 1) {
      if (this.#holdsBut(node, reader, flipped, truths, { position: 0 })) return true;
    }
    return false;
  }

  /** The tree's truth with the leaf at one position inverted; fills `truths` on the first walk. */
  #holdsBut(
    node: Node,
    reader: EventReader,
    flipped: number,
    truths: boolean[],
    cursor: { position: number },
  ): boolean {
    if (node.type === 'leaf') {
      const at = cursor.position;
      cursor.position += 1;
      const holds = (truths[at] ??= this.#testOf(node.leaf)(reader) !== node.leaf.negated);
      return holds !== (at === flipped);
    }
    let all = true;
    let any = false;
    for (const member of node.members) {
      if (this.#holdsBut(member, reader, flipped, truths, cursor)) any = true;
      else all = false;
    }
    return node.group === 'all' ? all : any === (node.group === 'any');
  }
}
