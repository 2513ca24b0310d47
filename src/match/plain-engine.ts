import type { DeskEvent } from '../event.ts';
import { compileNode } from './closures.ts';
import type { LeafNode, Node, Test } from './condition.ts';
import type { Folding } from './fold.ts';
import type { IndexedRule } from './index/engine.ts';
import { compileTest, type LeafTest } from './leaf-test.ts';
import type { MatchSettings } from './matcher.ts';
import { EventReader, FieldSlots } from './reader.ts';
import type { Rule } from './rule.ts';

/** All rules tried in turn: the engine of small sets, with the same face as the indexed one. */
export class PlainEngine {
  readonly slots = new FieldSlots();
  readonly #folding: Folding;
  readonly #settings: MatchSettings;
  readonly #rules: readonly { readonly rule: Rule; readonly test: LeafTest }[];
  readonly #nodes: readonly Node[];
  readonly #tests = new Map<Test, LeafTest>();
  #reader: EventReader | null = null;

  constructor(rules: readonly IndexedRule[], folding: Folding, settings: MatchSettings) {
    this.#folding = folding;
    this.#settings = settings;
    this.#nodes = rules.map(({ node }) => node);
    this.#rules = rules.map(({ rule, node }) => ({
      rule,
      test: compileNode(node, this.slots, folding, settings),
    }));
  }

  /** Positions of the rules whose `on` and `when` hold, in order. */
  match(event: DeskEvent, now: number): number[] {
    const reader = new EventReader(event, now, this.#folding);
    const found: number[] = [];
    for (const [position, { rule, test }] of this.#rules.entries()) {
      if (rule.on.includes(event.type) && test(reader)) found.push(position);
    }
    return found;
  }

  mark(event: DeskEvent, now: number): void {
    this.#reader = new EventReader(event, now, this.#folding);
  }

  holds(position: number): boolean {
    return this.#reader !== null && this.#rules[position]?.test(this.#reader) === true;
  }

  /** The positive test of a leaf. */
  testOf(leaf: LeafNode): LeafTest {
    const known = this.#tests.get(leaf.test);
    if (known !== undefined) return known;
    const test = compileTest(leaf.test, this.slots.of(leaf.field), this.#folding, this.#settings);
    this.#tests.set(leaf.test, test);
    return test;
  }

  /** The condition of the rule at this position. */
  nodeOf(position: number): Node | undefined {
    return this.#nodes[position];
  }
}
