import { type LeafNode, type Node, structuralKey, type Test } from '../condition.ts';
import { compileTest, foldAll, type LeafTest, listOf } from '../leaf-test.ts';
import { fold, type Folding } from '../fold.ts';
import type { MatchSettings } from '../matcher.ts';
import { requiredLiterals } from '../pattern.ts';
import type { FieldSlot, FieldSlots } from '../reader.ts';

/**
 * Interning: equal tests of equal fields over all rules become one condition, so that it is decided once per event.
 * A condition is either *marked* through an index, or *lazy*: tested when a rule asks, and remembered.
 */

export interface Condition {
  /** Set by {@link Conditions.number}: marked ones first, then lazy ones. */
  id: number;
  readonly slot: FieldSlot;
  readonly test: Test;
  /** Settled by {@link Conditions.number}. */
  lazy: boolean;
  /** Only if this marked condition holds can the lazy one hold. */
  readonly guard: Condition | null;
  /** Compiled when first needed. */
  compiled: LeafTest | null;
}

export class Conditions {
  readonly #byKey = new Map<string, Condition>();
  /** By the interned test itself, which no two conditions share. */
  readonly #byTest = new Map<Test, Condition>();
  /** Leaves by test and by how they are written; only while building. */
  readonly #leaves = new Map<Test, Map<string, Node>>();
  readonly #slots: FieldSlots;
  readonly #folding: Folding;
  readonly #settings: MatchSettings;

  constructor(slots: FieldSlots, folding: Folding, settings: MatchSettings) {
    this.#slots = slots;
    this.#folding = folding;
    this.#settings = settings;
  }

  /** The same tree with equal tests and fields as the same objects: what is kept for explanations stays small. */
  share(node: Node): Node {
    if (node.type === 'group') return { ...node, members: node.members.map((member) => this.share(member)) };
    const { leaf } = node;
    const { slot, test } = this.of(leaf);
    const key = `${leaf.operator} ${leaf.groups.join(' ')} ${structuralKey(leaf.wanted)}`;
    const leaves = this.#leaves.get(test) ?? new Map<string, Node>();
    this.#leaves.set(test, leaves);
    const known = leaves.get(key);
    if (known !== undefined) return known;
    // A list's name is what an explanation asks for, not its members.
    const kept = leaf.test.kind === 'in_list' ? leaf.test : test;
    const shared: Node = { type: 'leaf', leaf: { ...leaf, field: slot.field, test: kept } };
    leaves.set(key, shared);
    return shared;
  }

  /** The condition of a leaf's positive test. */
  of(leaf: Pick<LeafNode, 'field' | 'test'>): Condition {
    return this.#byTest.get(leaf.test) ?? this.#intern(leaf);
  }

  #intern(leaf: Pick<LeafNode, 'field' | 'test'>): Condition {
    const test = this.#normal(leaf.test);
    const key = `${leaf.field.name}\0${structuralKey(test)}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const slot = this.#slots.of(leaf.field);
    const guard = this.#guard(leaf.field, test);
    const lazy = isLazy(test);
    const condition: Condition = { id: -1, slot, test, lazy, guard, compiled: null };
    this.#byKey.set(key, condition);
    this.#byTest.set(test, condition);
    return condition;
  }

  /** Numbers all conditions; none may be added afterwards. */
  number(): { marked: readonly Condition[]; lazy: readonly Condition[] } {
    this.#leaves.clear();
    const all = [...this.#byKey.values()];
    markFewRanges(all);
    const marked = all.filter((condition) => !condition.lazy);
    const lazy = all.filter((condition) => condition.lazy);
    for (const [id, condition] of [...marked, ...lazy].entries()) condition.id = id;
    return { marked, lazy };
  }

  /** The plain test of a condition. */
  testOf(condition: Condition): LeafTest {
    return (condition.compiled ??= compileTest(
      condition.test,
      condition.slot,
      this.#folding,
      this.#settings,
    ));
  }

  /** Values folded, sorted and without repetition, so that equal sets have equal keys. */
  #normal(test: Test): Test {
    switch (test.kind) {
      case 'in_list':
        return { kind: 'equals', values: unique(foldAll(listOf(this.#settings, test.list), this.#folding)) };
      case 'equals':
      case 'has_all':
      case 'only':
        return { kind: test.kind, values: unique(foldAll(test.values, this.#folding)) };
      case 'contains':
      case 'contains_all':
      case 'words':
      case 'starts_with':
      case 'ends_with':
      case 'like':
      case 'domain':
        return { kind: test.kind, texts: unique(test.texts.map((text) => fold(text, this.#folding))) };
      default:
        return { ...test };
    }
  }

  #guard(field: LeafNode['field'], test: Test): Condition | null {
    const literals = guardLiterals(test, this.#folding);
    return literals === null ? null : this.of({ field, test: { kind: 'contains', texts: literals } });
  }
}

/** Up to so many numeric ranges of one field are quicker compared at once than asked for one by one. */
const MAX_MARKED_RANGES = 256;

function markFewRanges(conditions: readonly Condition[]): void {
  const bySlot = new Map<FieldSlot, Condition[]>();
  for (const condition of conditions) {
    if (condition.test.kind !== 'range' || condition.test.scale !== 'number') continue;
    const list = bySlot.get(condition.slot) ?? [];
    list.push(condition);
    bySlot.set(condition.slot, list);
  }
  for (const list of bySlot.values()) {
    if (list.length <= MAX_MARKED_RANGES) for (const condition of list) condition.lazy = false;
  }
}

function unique<T>(values: readonly T[]): readonly T[] {
  return values.length < 2
    ? values
    : [...new Set(values)].sort((a, b) => (`${typeof a}${String(a)}` < `${typeof b}${String(b)}` ? -1 : 1));
}

/** What no index can tell from the value alone. */
function isLazy(test: Test): boolean {
  switch (test.kind) {
    case 'equals':
    case 'exact':
    case 'contains':
    case 'ends_with':
    case 'domain':
    case 'empty':
    case 'changed':
      return false;
    case 'range':
      return test.scale !== 'level';
    default:
      return true;
  }
}

/** Folded texts of which one must occur for a lazy text test to hold; null where there is none. */
function guardLiterals(test: Test, folding: Folding): readonly string[] | null {
  switch (test.kind) {
    case 'words':
    case 'starts_with':
      return test.texts;
    case 'contains_all':
      return [longest(test.texts)];
    case 'like':
      return everyOne(test.texts.map((glob) => longest(glob.split(/[*?]/))));
    case 'matches':
      return everyOne(test.texts.map((source) => requiredLiterals(source, folding)[0] ?? ''));
    default:
      return null;
  }
}

function longest(texts: readonly string[]): string {
  return texts.reduce((best, text) => (text.length > best.length ? text : best), '');
}

function everyOne(literals: readonly string[]): readonly string[] | null {
  return literals.includes('') ? null : literals;
}
