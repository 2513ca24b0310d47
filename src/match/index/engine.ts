import type { DeskEvent } from '../../event.ts';
import type { LeafNode, Node } from '../condition.ts';
import { fold, type Folding } from '../fold.ts';
import { isEmpty, type LeafTest } from '../leaf-test.ts';
import type { MatchSettings } from '../matcher.ts';
import { EventReader, FieldSlots, type FieldSlot } from '../reader.ts';
import type { Rule } from '../rule.ts';
import { ALIASES, entryValue, isScalar, levelsOf, namesOf, own, rawOf } from '../values.ts';
import { accessOf, type Frequency, guessFrequency, orderBody, rarer } from './access.ts';
import { ACCEPT, type Body, BodyCode, toBody } from './body.ts';
import { ChangeIndex } from './change-index.ts';
import { type Condition, Conditions } from './conditions.ts';
import { FieldIndex } from './field-index.ts';
import { fieldOf } from '../fields.ts';

/**
 * The indexed matcher of one folding: conditions of all rules interned and marked once per event, then only the
 * rules that one of the marks gives access to are walked. Its cost follows what the event satisfies, not the
 * number of rules. It decides conditions and event types; `own`, `mode` and `stop` are the caller's.
 */

/** A rule with its parsed condition, at its place in the order of evaluation. */
export interface IndexedRule {
  readonly rule: Rule;
  readonly node: Node;
}

/** Sample events beyond this number are not counted: shares are stable by then. */
const MAX_SAMPLE = 1_000;

export class Engine {
  readonly slots = new FieldSlots();
  readonly conditions: Conditions;
  readonly #folding: Folding;
  /** Plain fields, read by their keys. */
  readonly #fields: readonly PlainField[];
  readonly #customs: ReadonlyMap<string, FieldIndex>;
  /** Custom fields that ask for "no value", which the event's own keys cannot tell. */
  readonly #customEmpties: readonly FieldIndex[];
  readonly #changes: ChangeIndex;
  readonly #lazy: readonly Condition[];
  readonly #lazyStart: number;
  readonly #code: Int32Array;
  readonly #starts: Int32Array;
  /** Per rule the condition "event type is in `on`". */
  readonly #types: Int32Array;
  /** Rules by access condition: those of condition c stand from `#accessStarts[c]` on. */
  readonly #accessStarts: Int32Array;
  readonly #accessRules: Int32Array;

  /** Equal to the epoch: holds for this event. */
  readonly #marks: Int32Array;
  /** Equal to the epoch: this lazy condition was decided. */
  readonly #decided: Int32Array;
  readonly #walked: Int32Array;
  readonly #queue: Int32Array;
  #queued = 0;
  #epoch = 0;
  #reader: EventReader | null = null;

  constructor(
    rules: readonly IndexedRule[],
    folding: Folding,
    settings: MatchSettings,
    sample: readonly DeskEvent[],
  ) {
    this.#folding = folding;
    this.conditions = new Conditions(this.slots, folding, settings);
    const types = rules.map(({ rule }) => this.#typeCondition(rule));
    const bodies = rules.map(({ node }) => toBody(node, (leaf) => this.conditions.of(leaf)));
    const { marked, lazy } = this.conditions.number();
    this.#lazy = lazy;
    this.#lazyStart = marked.length;
    this.#marks = new Int32Array(marked.length + lazy.length);
    this.#decided = new Int32Array(lazy.length);
    this.#walked = new Int32Array(rules.length);
    this.#queue = new Int32Array(marked.length);
    const bySlot = groupBySlot(marked);
    const indexes = [...bySlot].map(([slot, conditions]) => new FieldIndex(slot, conditions, folding));
    this.#fields = indexes
      .filter(({ slot }) => slot.field.from === 'event')
      .map((index) => plainField(index, folding));
    const customs = indexes.filter(({ slot }) => slot.field.from === 'custom');
    this.#customs = new Map(customs.map((index) => [fold(index.slot.field.keys[0] ?? '', folding), index]));
    this.#customEmpties = customs.filter(({ empty }) => empty.length > 0);
    this.#changes = new ChangeIndex(marked, this.conditions);
    this.#types = Int32Array.from(types, ({ id }) => id);

    const frequency = this.#frequencies(sample);
    const code = new BodyCode();
    this.#starts = Int32Array.from(bodies, (body) => code.add(orderBody(body, frequency)));
    this.#code = code.finish();
    [this.#accessStarts, this.#accessRules] = fileByAccess(bodies, types, frequency, marked.length);
  }

  /** Scheduled rules hear no ordinary event; their empty `on` holds for none. */
  #typeCondition(rule: Rule): Condition {
    const field = fieldOf('event.type');
    if (field === null) throw new TypeError('event.type is no field');
    return this.conditions.of({ field, test: { kind: 'exact', texts: [...rule.on].sort() } });
  }

  /** Positions of the rules whose `on` and `when` hold, in no order. */
  match(event: DeskEvent, now: number): number[] {
    this.mark(event, now);
    const found: number[] = [];
    for (let i = 0; i < this.#queued; i += 1) {
      const condition = this.#queue[i] ?? 0;
      const end = this.#accessStarts[condition + 1] ?? 0;
      for (let at = this.#accessStarts[condition] ?? 0; at < end; at += 1) {
        const rule = this.#accessRules[at] ?? 0;
        if (this.#walked[rule] === this.#epoch) continue;
        this.#walked[rule] = this.#epoch;
        if (this.#marks[this.#types[rule] ?? 0] === this.#epoch && this.holds(rule)) found.push(rule);
      }
    }
    return found;
  }

  /** Marks all conditions for an event; {@link holds} then answers about it. */
  mark(event: DeskEvent, now: number): void {
    this.#nextEpoch();
    const reader = new EventReader(event, now, this.#folding);
    this.#reader = reader;
    for (const field of this.#fields) this.#markField(field, event);
    if (this.#customs.size > 0) this.#markCustom(event);
    for (const index of this.#customEmpties)
      if (isEmpty(reader.read(index.slot).scalars)) this.#report(index.empty);
    if (!this.#changes.isEmpty) this.#changes.mark(reader, this.#markOne);
  }

  /** Whether the condition of the rule at this position holds for the event marked last. */
  holds(rule: number): boolean {
    const code = this.#code;
    for (let at = this.#starts[rule] ?? 0; ;) {
      const literal = code[at] ?? ACCEPT;
      if (literal === ACCEPT) return true;
      if (literal >= 0 && this.#truth(literal >> 1) === ((literal & 1) === 0)) {
        at += 2;
        continue;
      }
      at = code[at + 1] ?? -1;
      if (at < 0) return false;
    }
  }

  #truth(condition: number): boolean {
    if (this.#marks[condition] === this.#epoch) return true;
    return condition >= this.#lazyStart && this.#decide(condition);
  }

  /** Decides a lazy condition once per event; one whose guard was not marked cannot hold. */
  #decide(id: number): boolean {
    const position = id - this.#lazyStart;
    const condition = this.#lazy[position];
    if (condition === undefined || this.#reader === null || this.#decided[position] === this.#epoch)
      return false;
    this.#decided[position] = this.#epoch;
    if (condition.guard !== null && this.#marks[condition.guard.id] !== this.#epoch) return false;
    if (!this.conditions.testOf(condition)(this.#reader)) return false;
    this.#marks[id] = this.#epoch;
    return true;
  }

  /** The plain test of a leaf, shared with the rules that hold it. */
  testOf(leaf: Pick<LeafNode, 'field' | 'test'>): LeafTest {
    return this.conditions.testOf(this.conditions.of(leaf));
  }

  #nextEpoch(): void {
    this.#queued = 0;
    this.#epoch += 1;
    if (this.#epoch < 0x7fffffff) return;
    this.#epoch = 1;
    for (const stamps of [this.#marks, this.#decided, this.#walked]) stamps.fill(0);
  }

  readonly #markOne = (id: number): void => {
    if (this.#marks[id] === this.#epoch) return;
    this.#marks[id] = this.#epoch;
    this.#queue[this.#queued] = id;
    this.#queued += 1;
  };

  readonly #report = (ids: readonly number[]): void => {
    for (const id of ids) this.#markOne(id);
  };

  #markField({ index, read, aliases, hasLevels }: PlainField, event: DeskEvent): void {
    const raw = read(event);
    const any = this.#markValue(index, raw, aliases);
    if (hasLevels && raw !== undefined && raw !== null)
      for (const level of levelsOf(raw)) this.#report(index.levels[level] ?? []);
    if (!any && index.empty.length > 0) this.#report(index.empty);
  }

  /** Marks by every scalar of a value; true if one of them is not the empty text. */
  #markValue(index: FieldIndex, raw: unknown, aliases: readonly string[]): boolean {
    if (isScalar(raw)) {
      index.mark(raw, this.#report);
      return raw !== '';
    }
    if (typeof raw !== 'object' || raw === null) return false;
    let any = false;
    if (Array.isArray(raw)) {
      for (const element of raw as readonly unknown[]) {
        if (!Array.isArray(element) && this.#markValue(index, element, aliases)) any = true;
      }
      return any;
    }
    for (const alias of aliases) {
      const name = own(raw, alias);
      if (isScalar(name) && this.#markValue(index, name, aliases)) any = true;
    }
    return any;
  }

  /** Walks the event's own custom fields, each by its key, name and id. */
  #markCustom(event: DeskEvent): void {
    const custom = own(event.ticket, 'custom');
    if (typeof custom !== 'object' || custom === null) return;
    for (const key of Object.keys(custom)) {
      const entry = own(custom, key);
      let first: FieldIndex | undefined;
      for (const name of namesOf(key, entry)) {
        const index = this.#customs.get(fold(name, this.#folding));
        if (index === undefined || index === first) continue;
        first ??= index;
        this.#markValue(index, entryValue(entry), []);
      }
    }
  }

  /** How often each marked condition held on a sample, or guesses. */
  #frequencies(sample: readonly DeskEvent[]): Frequency {
    const events = sample.slice(0, MAX_SAMPLE);
    if (events.length === 0) return guessFrequency;
    const counts = new Int32Array(this.#lazyStart);
    for (const event of events) {
      this.mark(event, 0);
      for (let i = 0; i < this.#queued; i += 1) {
        const id = this.#queue[i] ?? 0;
        counts[id] = (counts[id] ?? 0) + 1;
      }
    }
    // A little of the guess stays, so that what the sample never saw is not all the same.
    return (condition) =>
      condition.lazy
        ? guessFrequency(condition)
        : ((counts[condition.id] ?? 0) + guessFrequency(condition)) / (events.length + 1);
  }
}

interface PlainField {
  readonly index: FieldIndex;
  readonly read: (event: DeskEvent) => unknown;
  readonly aliases: readonly string[];
  readonly hasLevels: boolean;
}

function plainField(index: FieldIndex, folding: Folding): PlainField {
  const { field } = index.slot;
  return {
    index,
    read: readerOf(index.slot, folding),
    aliases: ALIASES[field.kind] ?? [],
    hasLevels: index.hasLevels,
  };
}

/**
 * Catalogue fields of one or two keys are read without asking whether they are own properties: none of their names
 * exists on any prototype.
 */
function readerOf({ field }: FieldSlot, folding: Folding): (event: DeskEvent) => unknown {
  const [first, second] = field.keys;
  if (field.kind === 'any' || field.part !== null || field.keys.length > 2 || first === undefined) {
    return (event) => rawOf(event, field, folding);
  }
  if (second === undefined) return (event) => (event as unknown as Readonly<Record<string, unknown>>)[first];
  return (event) => {
    const root = (
      event as unknown as Readonly<Record<string, Readonly<Record<string, unknown>> | null | undefined>>
    )[first];
    return root?.[second];
  };
}

function groupBySlot(marked: readonly Condition[]): Map<FieldSlot, Condition[]> {
  const groups = new Map<FieldSlot, Condition[]>();
  for (const condition of marked) {
    const list = groups.get(condition.slot);
    if (list === undefined) groups.set(condition.slot, [condition]);
    else list.push(condition);
  }
  return groups;
}

/** Files every rule under its access conditions; a rule that can be true without one goes under its event types. */
function fileByAccess(
  bodies: readonly Body[],
  types: readonly Condition[],
  frequency: Frequency,
  conditions: number,
): [Int32Array, Int32Array] {
  const accesses = bodies.map((body, rule) => {
    const type = types[rule];
    const byType = type === undefined ? null : { conditions: [type], frequency: frequency(type) };
    return rarer(byType, accessOf(body, frequency))?.conditions ?? [];
  });
  const starts = new Int32Array(conditions + 1);
  for (const access of accesses) for (const { id } of access) starts[id + 1] = (starts[id + 1] ?? 0) + 1;
  for (let id = 0; id < conditions; id += 1) starts[id + 1] = (starts[id + 1] ?? 0) + (starts[id] ?? 0);
  const rules = new Int32Array(starts[conditions] ?? 0);
  const next = starts.slice();
  for (const [rule, access] of accesses.entries()) {
    for (const { id } of access) {
      rules[next[id] ?? 0] = rule;
      next[id] = (next[id] ?? 0) + 1;
    }
  }
  return [starts, rules];
}
