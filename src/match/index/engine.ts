import type { DeskEvent } from '../../event.ts';
import { PRIORITY_LEVELS } from '../../ticket.ts';
import type { LeafNode, Node } from '../condition.ts';
import { fold, type Folding } from '../fold.ts';
import { isEmpty, type LeafTest } from '../leaf-test.ts';
import type { MatchSettings } from '../matcher.ts';
import { EventReader, FieldSlots, type FieldSlot } from '../reader.ts';
import type { Rule } from '../rule.ts';
import { ALIASES, entryValue, isScalar, joinValues, own } from '../values.ts';
import { type Frequency, guessFrequency } from './access.ts';
import { ACCEPT, BRANCH, JUMP, REJECT, toBody, TO_CONDITION, TO_TYPE } from './body.ts';
import { fileRules } from './filing.ts';
import { quickReaderOf } from './quick-readers.ts';
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

const LEVELS: readonly string[] = PRIORITY_LEVELS;

/** Sample events beyond this number are not counted: shares are stable by then. */
const MAX_SAMPLE = 1_000;

export class Engine {
  readonly slots = new FieldSlots();
  readonly conditions: Conditions;
  readonly #folding: Folding;
  readonly #nodes: readonly Node[];
  /** Plain fields, read by their keys. */
  readonly #fields: readonly PlainField[];
  readonly #customs: ReadonlyMap<string, readonly CustomField[]>;
  readonly #customMemo = new Map<string, readonly CustomField[] | null>();
  /** Custom fields that ask for "no value", which the event's own keys cannot tell. */
  readonly #customEmpties: readonly FieldIndex[];
  readonly #changes: ChangeIndex;
  readonly #lazy: readonly Condition[];
  readonly #lazyStart: number;
  readonly #code: Int32Array;
  readonly #starts: Int32Array;
  /**
   * Rules by access condition: those of condition c stand from `#accessStarts[c]` on, each as a pair of a literal
   * that must hold too and where the rule's code starts. Most rules are ruled out there, without a look at their body.
   */
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
    this.#nodes = rules.map(({ node }) => this.conditions.share(node));
    const bodies = this.#nodes.map((node) => toBody(node, (leaf) => this.conditions.of(leaf)));
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
    this.#customs = customFields(this.slots, indexes, folding);
    this.#customEmpties = indexes.filter(
      ({ slot, empty }) => slot.field.from === 'custom' && empty.length > 0,
    );
    this.#changes = new ChangeIndex(marked, this.conditions, folding);

    const frequency = this.#frequencies(sample);
    const filing = fileRules(bodies, types, frequency, marked.length);
    this.#code = filing.code;
    this.#starts = filing.starts;
    this.#accessStarts = filing.accessStarts;
    this.#accessRules = filing.entries;
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
    const epoch = this.#epoch;
    const marks = this.#marks;
    const entries = this.#accessRules;
    const code = this.#code;
    for (let i = 0; i < this.#queued; i += 1) {
      const condition = this.#queue[i] ?? 0;
      const end = this.#accessStarts[condition + 1] ?? 0;
      for (let at = this.#accessStarts[condition] ?? 0; at < end;) {
        const probe = entries[at] ?? 0;
        const groupEnd = entries[at + 1] ?? 0;
        at += 2;
        if ((marks[probe >> 1] === epoch) !== ((probe & 1) === 0)) at = groupEnd;
        for (; at < groupEnd; at += 1) {
          const start = entries[at] ?? 0;
          const header = code[start] ?? 0;
          const rule = header >> 1;
          if ((header & 1) === 1) {
            if (this.#walked[rule] === epoch) continue;
            this.#walked[rule] = epoch;
          }
          if (this.#run(start + TO_TYPE)) found.push(rule);
        }
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
    if (this.#customs.size > 0) this.#markCustom(event, reader);
    for (const index of this.#customEmpties)
      if (isEmpty(reader.read(index.slot).scalars)) this.#report(index.empty);
    if (!this.#changes.isEmpty) this.#changes.mark(reader, this.#markOne);
  }

  /** Whether the condition of the rule at this position holds for the event marked last. */
  holds(rule: number): boolean {
    return this.#run((this.#starts[rule] ?? 0) + TO_CONDITION);
  }

  /** Runs a rule's code from a word on. */
  #run(from: number): boolean {
    const code = this.#code;
    const marks = this.#marks;
    const epoch = this.#epoch;
    const lazyStart = this.#lazyStart;
    for (let at = from; ;) {
      const word = code[at] ?? REJECT;
      if (word === ACCEPT) return true;
      if (word === REJECT) return false;
      if (word === JUMP) {
        at = code[at + 1] ?? 0;
        continue;
      }
      const literal = word === BRANCH ? (code[at + 1] ?? 0) : word;
      const condition = literal >> 1;
      const truth = marks[condition] === epoch || (condition >= lazyStart && this.#decide(condition));
      if (truth === ((literal & 1) === 0)) at += word === BRANCH ? 3 : 1;
      else if (word === BRANCH) at = code[at + 2] ?? 0;
      else return false;
    }
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

  /** The plain test of a leaf of {@link nodeOf}. */
  testOf(leaf: LeafNode): LeafTest {
    return this.conditions.testOf(this.conditions.of(leaf));
  }

  /** The condition of the rule at this position, in parts shared between rules. */
  nodeOf(position: number): Node | undefined {
    return this.#nodes[position];
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

  #report(ids: readonly number[]): void {
    const marks = this.#marks;
    const epoch = this.#epoch;
    for (const id of ids) {
      if (marks[id] === epoch) continue;
      marks[id] = epoch;
      this.#queue[this.#queued] = id;
      this.#queued += 1;
    }
  }

  #markField({ index, read, aliases, hasLevels }: PlainField, event: DeskEvent): void {
    const raw = read(event);
    const any = this.#markValue(index, raw, aliases);
    if (hasLevels) this.#markLevels(index, raw);
    if (!any && index.empty.length > 0) this.#report(index.empty);
  }

  #markLevels(index: FieldIndex, raw: unknown): void {
    if (Array.isArray(raw)) {
      for (const element of raw as readonly unknown[])
        if (!Array.isArray(element)) this.#markLevels(index, element);
      return;
    }
    const level = typeof raw === 'object' && raw !== null ? (raw as { level?: unknown }).level : raw;
    const ids = typeof level === 'string' ? index.levels[LEVELS.indexOf(level)] : undefined;
    if (ids !== undefined) this.#report(ids);
  }

  /** Marks by every scalar of a value; true if one of them is not the empty text. */
  #markValue(index: FieldIndex, raw: unknown, aliases: readonly string[]): boolean {
    if (isScalar(raw)) {
      this.#report(index.find(raw));
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
    // None of the aliases is a name on any prototype, so that they can be read without asking.
    const thing = raw as Readonly<Record<string, unknown>>;
    for (const alias of aliases) {
      const name = thing[alias];
      if (typeof name === 'string') {
        if (name !== '') any = true;
        this.#report(index.find(name));
      } else if (isScalar(name)) {
        any = true;
        this.#report(index.find(name));
      }
    }
    return any;
  }

  /** Walks the event's own custom fields, each by its key, name and id. */
  #markCustom(event: DeskEvent, reader: EventReader): void {
    const raws: unknown[] = [];
    reader.provideCustom(raws);
    const custom = own(event.ticket, 'custom');
    if (typeof custom !== 'object' || custom === null) return;
    const entries = custom as Readonly<Record<string, unknown>>;
    for (const key of Object.keys(entries)) {
      const entry = entries[key];
      const value = entryValue(entry) ?? undefined;
      const byKey = this.#customNamed(key);
      if (byKey !== null) this.#markCustomFields(byKey, value, raws);
      if (typeof entry !== 'object' || entry === null) continue;
      const { name, id } = entry as { name?: unknown; id?: unknown };
      const byName = name === key ? byKey : this.#customNamed(name);
      if (byName !== null && byName !== byKey) this.#markCustomFields(byName, value, raws);
      const byId = this.#customNamed(id);
      if (byId !== null && byId !== byKey && byId !== byName) this.#markCustomFields(byId, value, raws);
    }
  }

  #markCustomFields(fields: readonly CustomField[], value: unknown, raws: unknown[]): void {
    for (const { slot, index } of fields) {
      raws[slot.index] = joinValues(raws[slot.index], value);
      if (index !== null) this.#markValue(index, value, NO_ALIASES);
    }
  }

  /** The custom fields of that name that some rule reads; names come again and again. */
  #customNamed(name: unknown): readonly CustomField[] | null {
    if (typeof name !== 'string') return null;
    const known = this.#customMemo.get(name);
    if (known !== undefined) return known;
    const field = this.#customs.get(fold(name, this.#folding)) ?? null;
    if (this.#customMemo.size >= CUSTOM_MEMO) this.#customMemo.clear();
    this.#customMemo.set(name, field);
    return field;
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

/** A custom field that some rule reads; without an index where all its conditions are lazy. */
interface CustomField {
  readonly slot: FieldSlot;
  readonly index: FieldIndex | null;
}

/** The custom fields that rules read, by folded name: rules may write one name in several ways. */
function customFields(
  slots: FieldSlots,
  indexes: readonly FieldIndex[],
  folding: Folding,
): Map<string, CustomField[]> {
  const fields = new Map<string, CustomField[]>();
  for (const slot of slots.all()) {
    if (slot.field.from !== 'custom') continue;
    const name = fold(slot.field.keys[0] ?? '', folding);
    const field = { slot, index: indexes.find((index) => index.slot === slot) ?? null };
    fields.set(name, [...(fields.get(name) ?? []), field]);
  }
  return fields;
}

/** Names of custom fields remembered; a desk has hundreds at most. */
const CUSTOM_MEMO = 4_096;
const NO_ALIASES: readonly string[] = [];

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
    read: quickReaderOf(index.slot.field, folding),
    aliases: ALIASES[field.kind] ?? [],
    hasLevels: index.hasLevels,
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
