import type { DeskEvent } from '../event.ts';
import { PRIORITY_LEVELS } from '../ticket.ts';
import type { Field, FieldKind } from './fields.ts';
import { fold, type Folding } from './fold.ts';

/**
 * Reading a field of an event: V(f) of docs/rules.md, the list of non-null scalars that stand there. Only own
 * properties are read, and every shape is expected: events come from outside.
 */

export type Scalar = string | number | boolean;

/** What stands at a field. */
export class Reading {
  /** As found, for explanations; undefined when absent. */
  readonly raw: unknown;
  /** V(f): of a named thing or person every name it goes by. */
  readonly scalars: readonly Scalar[];
  readonly #folding: Folding;
  #folded: readonly Scalar[] | null = null;

  constructor(raw: unknown, scalars: readonly Scalar[], folding: Folding) {
    this.raw = raw;
    this.scalars = scalars;
    this.#folding = folding;
  }

  /** The scalars with texts folded. */
  get folded(): readonly Scalar[] {
    return (this.#folded ??= this.scalars.map((value) =>
      typeof value === 'string' ? fold(value, this.#folding) : value,
    ));
  }
}

const NOTHING = new Reading(undefined, [], 'plain');

/** Keys by which a thing is known, in the order in which they are compared. */
export const ALIASES: Readonly<Partial<Record<FieldKind, readonly string[]>>> = {
  named: ['name', 'path', 'id'],
  person: ['id', 'name', 'email'],
  priority: ['level', 'name'],
};

/** V of one value of this kind. */
export function scalarsOf(kind: FieldKind, value: unknown): readonly Scalar[] {
  if (isScalar(value)) return [value];
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value))
    return value.flatMap((element) => (Array.isArray(element) ? [] : scalarsOf(kind, element)));
  const names = ALIASES[kind];
  if (names === undefined) return [];
  return names.map((name) => own(value, name)).filter(isScalar);
}

export function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** An own property of an object or array; undefined for anything else. */
export function own(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}

/** The raw value at a field; undefined when absent. */
export function rawOf(event: DeskEvent, field: Field, folding: Folding): unknown {
  if (field.from === 'custom') return customValue(event, field, folding);
  let value: unknown = event;
  for (const key of field.keys) {
    if (field.part !== null && key === field.part && isScalar(value)) return barePart(field, value);
    value = own(value, key);
  }
  return value ?? undefined;
}

/** Input and changes may hold a bare name where the full form holds an object. */
function barePart(field: Field, value: Scalar): unknown {
  const isEmail = typeof value === 'string' && value.includes('@');
  if (field.part === 'email') return isEmail ? value : undefined;
  return field.part === 'name' || field.part === 'level' ? value : undefined;
}

/** The part of a whole person or named thing that a field means. */
export function partOf(field: Field, whole: unknown): unknown {
  if (field.part === null) return whole;
  return isScalar(whole) ? barePart(field, whole) : own(whole, field.part);
}

/** Keys of `ticket.custom` that a custom field goes by: its key, its name, its id, compared folded. */
export function customKeys(event: DeskEvent, field: Field, folding: Folding): readonly string[] {
  const custom = own(event.ticket, 'custom');
  if (typeof custom !== 'object' || custom === null) return [];
  const wanted = fold(field.keys[0] ?? '', folding);
  return Object.keys(custom).filter((key) =>
    namesOf(key, own(custom, key)).some((name) => fold(name, folding) === wanted),
  );
}

/** The names of one entry of `ticket.custom`. */
export function namesOf(key: string, entry: unknown): readonly string[] {
  const names = [own(entry, 'name'), own(entry, 'id')].filter((name) => typeof name === 'string');
  return [key, ...names];
}

/** The value of an entry of `ticket.custom`, which in input may be bare. */
export function entryValue(entry: unknown): unknown {
  const isEntry = typeof entry === 'object' && entry !== null && !Array.isArray(entry);
  return isEntry ? own(entry, 'value') : entry;
}

function customValue(event: DeskEvent, field: Field, folding: Folding): unknown {
  const custom = own(event.ticket, 'custom');
  const found = customKeys(event, field, folding).map((key) => entryValue(own(custom, key)) ?? undefined);
  return found.length > 1 ? found.filter((value) => value !== undefined).flat() : found[0];
}

/** Reads a field of an event in full. */
export function readField(event: DeskEvent, field: Field, folding: Folding): Reading {
  return readingOf(rawOf(event, field, folding), field, folding);
}

/** The reading of a raw value. */
export function readingOf(raw: unknown, field: Field, folding: Folding): Reading {
  if (raw === undefined) return NOTHING;
  return new Reading(raw, scalarsOf(field.kind, raw), folding);
}

/** Joins two values of one custom field that an event knows under two names. */
export function joinValues(a: unknown, b: unknown): unknown {
  return a === undefined ? b : b === undefined ? a : [a, b].flat();
}

/** The positions of the priority levels at a value: levels only, never a vendor's own name. */
export function levelsOf(raw: unknown): readonly number[] {
  const values: readonly unknown[] = Array.isArray(raw) ? raw : [raw];
  return values
    .map((value) => (typeof value === 'object' && value !== null ? own(value, 'level') : value))
    .map((level) => (PRIORITY_LEVELS as readonly unknown[]).indexOf(level))
    .filter((position) => position >= 0);
}

/** The change of a field in this event, or undefined. A custom field is found under any of its names. */
export function changeOf(event: DeskEvent, field: Field, folding: Folding): unknown {
  const { changes } = event;
  if (typeof changes !== 'object' || changes === null) return undefined;
  const direct = own(changes, field.diffedAs);
  if (direct !== undefined) return direct;
  if (field.from === 'custom') {
    const wanted = fold(field.diffedAs, folding);
    const names = customKeys(event, field, folding).map((key) => `custom.${key}`);
    const key = Object.keys(changes).find((name) => names.includes(name) || fold(name, folding) === wanted);
    return key === undefined ? undefined : own(changes, key);
  }
  return undefined;
}
