import type { DeskEvent } from '../event.ts';
import type { Field } from './fields.ts';
import type { Folding } from './fold.ts';
import { changeOf, readField, type Reading, readingOf } from './values.ts';

/** One event as conditions see it: every field is read and folded once, when first asked for. */
export class EventReader {
  readonly event: DeskEvent;
  readonly now: number;
  readonly folding: Folding;
  readonly #readings: (Reading | undefined)[] = [];
  /** Raw values of custom fields by slot, once somebody walked them all. */
  #custom: readonly unknown[] | null = null;

  constructor(event: DeskEvent, now: number, folding: Folding) {
    this.event = event;
    this.now = now;
    this.folding = folding;
  }

  read(slot: FieldSlot): Reading {
    return (this.#readings[slot.index] ??= this.#readNow(slot));
  }

  #readNow({ index, field }: FieldSlot): Reading {
    if (this.#custom === null || field.from !== 'custom') return readField(this.event, field, this.folding);
    return readingOf(this.#custom[index], field, this.folding);
  }

  /** Takes the raw values of all custom fields, found by walking the event's own; absent ones are undefined. */
  provideCustom(rawBySlot: readonly unknown[]): void {
    this.#custom = rawBySlot;
  }

  change(slot: FieldSlot): unknown {
    return changeOf(this.event, slot.field, this.folding);
  }
}

export interface FieldSlot {
  readonly index: number;
  readonly field: Field;
}

/** Numbers the fields of one compilation, so that readings live in an array. */
export class FieldSlots {
  readonly #slots = new Map<string, FieldSlot>();

  of(field: Field): FieldSlot {
    const known = this.#slots.get(field.name);
    if (known !== undefined) return known;
    const slot = { index: this.#slots.size, field };
    this.#slots.set(field.name, slot);
    return slot;
  }

  all(): readonly FieldSlot[] {
    return [...this.#slots.values()];
  }
}
