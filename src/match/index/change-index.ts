import type { DeskEvent } from '../../event.ts';
import { fold, type Folding } from '../fold.ts';
import { foldAll, type LeafTest, unwrap } from '../leaf-test.ts';
import type { EventReader, FieldSlot } from '../reader.ts';
import { ALIASES, isScalar, namesOf, own, partOf, type Scalar, scalarsOf } from '../values.ts';
import type { Condition, Conditions } from './conditions.ts';

/**
 * Conditions on changes, found by walking the event's own changes: those that name a value by that value, the
 * others by their field. Only what a lookup cannot settle is then tested in full.
 */
export class ChangeIndex {
  readonly #plain: ReadonlyMap<string, readonly ChangesOfField[]>;
  /** Custom fields by folded name: an event may know them by key, name or id. */
  readonly #custom: ReadonlyMap<string, readonly ChangesOfField[]>;
  /** Conditions that also hold for the first state of a created ticket. */
  readonly #first: readonly ChangesOfField[];

  constructor(all: readonly Condition[], conditions: Conditions, folding: Folding) {
    const changed = all.filter(({ test }) => test.kind === 'changed');
    const fields = [...groupBySlot(changed)].map(
      ([slot, list]) => new ChangesOfField(slot, list, conditions, folding),
    );
    this.#plain = groupByName(
      fields.filter(({ slot }) => slot.field.from === 'event'),
      ({ field }) => field.diffedAs,
    );
    this.#custom = groupByName(
      fields.filter(({ slot }) => slot.field.from === 'custom'),
      ({ field }) => fold(field.diffedAs),
    );
    const first = changed.filter(({ test }) => test.kind === 'changed' && test.first);
    this.#first = [...groupBySlot(first)].map(
      ([slot, list]) => new ChangesOfField(slot, list, conditions, folding),
    );
  }

  get isEmpty(): boolean {
    return this.#plain.size === 0 && this.#custom.size === 0;
  }

  mark(reader: EventReader, report: (id: number) => void): void {
    const { event } = reader;
    if (event.type === 'ticket.created') {
      for (const field of this.#first) field.markFirst(reader, report);
      return;
    }
    const { changes } = event;
    if (typeof changes !== 'object' || changes === null) return;
    for (const key of Object.keys(changes)) {
      const change: unknown = changes[key];
      const fields = this.#plain.get(key);
      if (fields !== undefined) for (const field of fields) field.mark(change, reader, report);
      if (this.#custom.size > 0) this.#markCustom(key, change, reader, report);
    }
  }

  #markCustom(key: string, change: unknown, reader: EventReader, report: (id: number) => void): void {
    if (!fold(key).startsWith('custom.')) return;
    for (const name of customNames(reader.event, key)) {
      for (const field of this.#custom.get(name) ?? []) field.mark(change, reader, report);
    }
  }
}

function customNames(event: DeskEvent, key: string): readonly string[] {
  const name = key.slice('custom.'.length);
  const aliases = namesOf(name, own(own(event.ticket, 'custom'), name));
  return [...new Set(aliases.map((alias) => fold(`custom.${alias}`)))];
}

/** The conditions on changes of one field. */
class ChangesOfField {
  readonly slot: FieldSlot;
  readonly #folding: Folding;
  readonly #memo = new Map<string, string>();
  /** Conditions that name nothing but values after the change: found is true. */
  readonly #byTo = new Map<Scalar, Tested[]>();
  /** Conditions that name values and more. */
  readonly #byToAndMore = new Map<Scalar, Tested[]>();
  readonly #byFrom = new Map<Scalar, Tested[]>();
  /** Conditions that name no value. */
  readonly #always: readonly Tested[];

  constructor(slot: FieldSlot, list: readonly Condition[], conditions: Conditions, folding: Folding) {
    this.slot = slot;
    this.#folding = folding;
    const always: Tested[] = [];
    for (const condition of list) {
      const { test, id } = condition;
      if (test.kind !== 'changed') continue;
      const tested: Tested = { id, holds: conditions.testOf(condition) };
      if (test.to?.kind === 'values') {
        const onlyTo = test.from === null && test.by === null;
        for (const value of foldAll(test.to.values, folding)) {
          push(onlyTo ? this.#byTo : this.#byToAndMore, value, tested);
        }
      } else if (test.from?.kind === 'values') {
        for (const value of foldAll(test.from.values, folding)) push(this.#byFrom, value, tested);
      } else always.push(tested);
    }
    this.#always = always;
  }

  mark(change: unknown, reader: EventReader, report: (id: number) => void): void {
    if (typeof change !== 'object' || change === null) return;
    for (const { id, holds } of this.#always) if (holds(reader)) report(id);
    const { from, to } = change as { from?: unknown; to?: unknown };
    if (this.#byTo.size > 0 || this.#byToAndMore.size > 0) {
      // What a list held before does not count; the tests know. Two of a custom field's names may both have changed.
      const settled =
        this.slot.field.from === 'event' && !Array.isArray(unwrap(to)) && !Array.isArray(unwrap(from));
      this.#eachScalar(unwrap(partOf(this.slot.field, to)), (value) =>
        this.#markTo(value, settled, reader, report),
      );
    }
    if (this.#byFrom.size > 0) {
      this.#eachScalar(unwrap(partOf(this.slot.field, from)), (value) =>
        testAll(this.#byFrom.get(value), reader, report),
      );
    }
  }

  /** A created ticket's first state counts as reached. */
  markFirst(reader: EventReader, report: (id: number) => void): void {
    for (const { id, holds } of this.#always) if (holds(reader)) report(id);
    for (const value of reader.read(this.slot).folded) this.#markTo(value, true, reader, report);
  }

  #markTo(value: Scalar, settled: boolean, reader: EventReader, report: (id: number) => void): void {
    if (Number.isNaN(value)) return;
    const found = this.#byTo.get(value);
    if (found !== undefined) {
      for (const { id, holds } of found) if (settled || holds(reader)) report(id);
    }
    testAll(this.#byToAndMore.get(value), reader, report);
  }

  /** Visits every scalar of one side, texts folded. */
  #eachScalar(side: unknown, visit: (value: Scalar) => void): void {
    const aliases = ALIASES[this.slot.field.kind];
    if (typeof side === 'string') visit(this.#folded(side));
    else if (aliases !== undefined && typeof side === 'object' && side !== null && !Array.isArray(side)) {
      for (const alias of aliases) {
        const name = (side as Readonly<Record<string, unknown>>)[alias];
        if (typeof name === 'string') visit(this.#folded(name));
        else if (isScalar(name)) visit(name);
      }
    } else
      for (const value of scalarsOf(this.slot.field.kind, side))
        visit(typeof value === 'string' ? this.#folded(value) : value);
  }

  /** Names of queues, people and states come again and again. */
  #folded(text: string): string {
    const known = this.#memo.get(text);
    if (known !== undefined) return known;
    const folded = fold(text, this.#folding);
    if (this.#memo.size >= MEMO_SIZE) this.#memo.clear();
    this.#memo.set(text, folded);
    return folded;
  }
}

const MEMO_SIZE = 1_024;

interface Tested {
  readonly id: number;
  readonly holds: LeafTest;
}

function testAll(
  list: readonly Tested[] | undefined,
  reader: EventReader,
  report: (id: number) => void,
): void {
  if (list !== undefined) for (const { id, holds } of list) if (holds(reader)) report(id);
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function groupBySlot(conditions: readonly Condition[]): Map<FieldSlot, Condition[]> {
  const groups = new Map<FieldSlot, Condition[]>();
  for (const condition of conditions) push(groups, condition.slot, condition);
  return groups;
}

function groupByName(
  fields: readonly ChangesOfField[],
  nameOf: (slot: FieldSlot) => string,
): Map<string, ChangesOfField[]> {
  const groups = new Map<string, ChangesOfField[]>();
  for (const field of fields) push(groups, nameOf(field.slot), field);
  return groups;
}
