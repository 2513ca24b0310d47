import type { DeskEvent } from '../../event.ts';
import { fold } from '../fold.ts';
import { foldAll } from '../leaf-test.ts';
import type { EventReader } from '../reader.ts';
import { namesOf, own, scalarsOf } from '../values.ts';
import type { Condition, Conditions } from './conditions.ts';
import { group } from './field-index.ts';

/**
 * Conditions on changes, found by walking the event's own changes: those that name a value by that value, the
 * others by the field. What is found is then tested in full, so these lists may be too long but never too short.
 */
export class ChangeIndex {
  readonly #byField: ReadonlyMap<string, ChangesOfField>;
  /** Conditions that also hold for the first state of a created ticket. */
  readonly #first: readonly Condition[];
  readonly #conditions: Conditions;

  constructor(all: readonly Condition[], conditions: Conditions) {
    const changed = all.filter(({ test }) => test.kind === 'changed');
    const byField = new Map<string, Condition[]>();
    for (const condition of changed) {
      const { field } = condition.slot;
      const key = field.from === 'custom' ? fold(field.diffedAs) : field.diffedAs;
      byField.set(key, [...(byField.get(key) ?? []), condition]);
    }
    this.#byField = new Map([...byField].map(([key, list]) => [key, new ChangesOfField(list)]));
    this.#first = changed.filter(({ test }) => test.kind === 'changed' && test.first);
    this.#conditions = conditions;
  }

  get isEmpty(): boolean {
    return this.#byField.size === 0;
  }

  mark(reader: EventReader, report: (id: number) => void): void {
    const { event } = reader;
    const test = (condition: Condition): void => {
      if (this.#conditions.testOf(condition)(reader)) report(condition.id);
    };
    if (event.type === 'ticket.created') {
      for (const condition of this.#first) test(condition);
      return;
    }
    const { changes } = event;
    if (typeof changes !== 'object' || changes === null) return;
    for (const key of Object.keys(changes)) {
      for (const name of fieldNamesOf(event, key)) this.#byField.get(name)?.find(own(changes, key), test);
    }
  }
}

/** The field names under which a key of `changes` may be meant: a custom field goes by key, name and id. */
function fieldNamesOf(event: DeskEvent, key: string): readonly string[] {
  if (!fold(key).startsWith('custom.')) return [key];
  const name = key.slice('custom.'.length);
  const custom = own(event.ticket, 'custom');
  return [...new Set(namesOf(name, own(custom, name)).map((alias) => fold(`custom.${alias}`)))];
}

class ChangesOfField {
  readonly #conditions: ReadonlyMap<number, Condition>;
  /** Conditions that name no value, or whose values may not be seen on the side they name. */
  readonly #always: readonly Condition[];
  readonly #byTo: ReadonlyMap<unknown, readonly number[]>;
  readonly #byFrom: ReadonlyMap<unknown, readonly number[]>;

  constructor(conditions: readonly Condition[]) {
    this.#conditions = new Map(conditions.map((condition) => [condition.id, condition]));
    const to = conditions.filter((condition) => valuesOn(condition, 'to') !== null);
    const from = conditions.filter(
      (condition) => valuesOn(condition, 'to') === null && valuesOn(condition, 'from') !== null,
    );
    this.#byTo = group(to, (condition) => foldAll(valuesOn(condition, 'to') ?? [], 'plain'));
    this.#byFrom = group(from, (condition) => foldAll(valuesOn(condition, 'from') ?? [], 'plain'));
    this.#always = conditions.filter((condition) => !to.includes(condition) && !from.includes(condition));
  }

  find(change: unknown, test: (condition: Condition) => void): void {
    for (const condition of this.#always) test(condition);
    if (this.#byTo.size > 0) this.#look(this.#byTo, own(change, 'to'), test);
    if (this.#byFrom.size > 0) this.#look(this.#byFrom, own(change, 'from'), test);
  }

  #look(
    lists: ReadonlyMap<unknown, readonly number[]>,
    side: unknown,
    test: (condition: Condition) => void,
  ): void {
    const seen = new Set<number>();
    for (const value of everyScalar(side)) {
      for (const id of lists.get(typeof value === 'string' ? fold(value, 'plain') : value) ?? []) {
        const condition = this.#conditions.get(id);
        if (condition === undefined || seen.has(id)) continue;
        seen.add(id);
        test(condition);
      }
    }
  }
}

function valuesOn({ test }: Condition, side: 'from' | 'to'): readonly (string | number | boolean)[] | null {
  if (test.kind !== 'changed') return null;
  const wanted = test[side];
  return wanted?.kind === 'values' ? wanted.values : null;
}

/** Every scalar that any field reading this side could see: bare, of a thing by all its names, of a list. */
function* everyScalar(side: unknown): Generator<string | number | boolean> {
  yield* scalarsOf('text', side);
  if (typeof side !== 'object' || side === null) return;
  for (const inner of Object.values(side)) {
    yield* scalarsOf('text', inner);
    if (typeof inner === 'object' && inner !== null)
      for (const deepest of Object.values(inner)) yield* scalarsOf('text', deepest);
  }
}
