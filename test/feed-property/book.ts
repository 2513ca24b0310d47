import type { Change } from '../../src/event.ts';
import {
  FINAL_PHASES,
  presentTicket,
  type ObservedTicket,
  type Phase,
  type Ticket,
} from '../../src/ticket.ts';
import type { Look, Made } from './stage.ts';
import { toldChange, toldField } from './told.ts';

/** A change that a feed must have shown by now. */
export type IsDue = (made: Made | null, at: number) => boolean;

/** An event's ticket, and the names of its fields that were not fetched. */
export interface Told {
  readonly ticket: Ticket;
  readonly unknown: readonly string[];
}

/** One value that a field had, by which change, since when. */
interface Value {
  readonly value: string | null;
  readonly made: Made | null;
  readonly at: number;
  judged: boolean;
}

interface Field {
  readonly values: Value[];
  /** Position of the value that was told last; null: none was, or it was not fetched, which makes no change. */
  told: number | null;
}

const NOTHING_OF_OURS = { acknowledged: false, snoozed: false, revision: 0 };

/**
 * One ticket: every value that its fields had, and how far Deskhand has told them. A field is a chain of its own,
 * because a desk's list row and its detail are two looks.
 */
export class Book {
  readonly #fields = new Map<string, Field>();
  #isOld = false;
  /** When its last change was made, epoch ms. */
  touchedAt = 0;
  /** When Deskhand first knew it; null: it does not yet. */
  knownAt: number | null = null;
  gone: { readonly made: Made; readonly at: number; told: boolean; judged: boolean } | null = null;

  /** A change was made (null: it was there before Deskhand), and this is what can be seen now. */
  changed(made: Made | null, at: number, look: Look | null): void {
    this.touchedAt = at;
    if (made === null) this.#isOld = true;
    if (look === null && made !== null) this.gone = { made, at, told: false, judged: false };
    for (const [name, value] of Object.entries(look ?? {})) {
      const field = this.#fields.get(name) ?? { values: [], told: null };
      this.#fields.set(name, field);
      if (field.values.length > 0 && field.values.at(-1)?.value === value) continue;
      field.values.push({ value, made, at, judged: made === null });
    }
  }

  /** Deskhand holds this without having told it: the baseline. @returns what was never so */
  held(observed: ObservedTicket): readonly string[] {
    this.knownAt ??= 0;
    const { ticket, unknown } = presentTicket(observed, NOTHING_OF_OURS);
    return this.#each((name, field) => {
      if (field.told !== null || unknown.includes(name)) return null;
      return this.#stand(name, field, toldField(name, ticket));
    });
  }

  /** The first event of a ticket. */
  first({ ticket, unknown }: Told, at: number): readonly string[] {
    if (this.knownAt !== null) return ['told as new although it was known'];
    this.knownAt = at;
    return this.#each((name, field) =>
      unknown.includes(name) ? null : this.#stand(name, field, toldField(name, ticket)),
    );
  }

  /** An event with changes. @returns what is wrong with it */
  updated({ ticket, unknown }: Told, changes: Readonly<Record<string, Change>>): readonly string[] {
    // What was there before may have been learnt in silence.
    if (this.#isOld) this.knownAt ??= 0;
    if (this.knownAt === null) return ['changes of a ticket that is not known'];
    let told = 0;
    const wrong = this.#each((name, field) => {
      const change = changes[name];
      if (unknown.includes(name)) return null;
      if (change === undefined) return this.#unchanged(name, field, toldField(name, ticket));
      told += 1;
      const { from, to } = toldChange(name, change);
      return this.#step(name, field, from, to);
    });
    return told === 0 ? [...wrong, `nothing new: ${Object.keys(changes).join()}`] : wrong;
  }

  /** What should have been told by now and was not. */
  missed(isDue: IsDue): readonly string[] {
    const blind = this.finished;
    const due = (made: Made | null, at: number): boolean =>
      isDue(made, at) && !(made?.onlyOpen === true && blind);
    return [...this.#missedGone(due), ...this.#each((name, field) => this.#behind(name, field, due))];
  }

  /** Nothing of it is left to be judged. */
  get settled(): boolean {
    if (this.gone !== null) return this.gone.judged;
    return [...this.#fields.values()].every(({ values }) => values.every((value) => value.judged));
  }

  #each(work: (name: string, field: Field) => string | null): readonly string[] {
    return [...this.#fields].flatMap(([name, field]) => work(name, field) ?? []);
  }

  #stand(name: string, field: Field, value: string | null): string | null {
    const position = field.values.findIndex((one) => one.value === value);
    field.told = position === -1 ? field.values.length - 1 : position;
    return position === -1 ? `${name} was never ${value}` : null;
  }

  #unchanged(name: string, field: Field, value: string | null): string | null {
    if (field.told === null) return this.#stand(name, field, value);
    const told = field.values[field.told]?.value;
    return told === value ? null : `${name} went from ${told} to ${value} in silence`;
  }

  #step(name: string, field: Field, from: string | null, to: string | null): string | null {
    if (field.told === null) this.#stand(name, field, from);
    const start = field.told ?? 0;
    const before = field.values[start]?.value;
    const next = field.values.findIndex((one, position) => position > start && one.value === to);
    field.told = next === -1 ? start : next;
    if (before !== from) return `${name}: from ${from}, but ${before} was told`;
    return next === -1 ? `${name}: to ${to}, which did not come after ${from}` : null;
  }

  #behind(name: string, field: Field, due: IsDue): string | null {
    let required = -1;
    field.values.forEach((value, position) => {
      if (!due(value.made, value.at)) return;
      required = position;
      value.judged = true;
    });
    if (required === -1 || this.gone !== null) return null;
    const missed = field.values[required];
    const change = `${name}: ${missed?.value} (${missed?.made?.what}, ${new Date(missed?.at ?? 0).toISOString()})`;
    const later = field.values.slice(required);
    if (field.told === null) {
      // Learnt in silence, changed, and changed back before anybody looked.
      const isBack = this.#isOld && later.some((value) => value.value === field.values[0]?.value);
      return this.knownAt === null && !isBack ? `${change}: the ticket was never told` : null;
    }
    const told = field.values[field.told]?.value;
    const from = Math.max(required, field.told);
    if (field.values.slice(from).some((value) => value.value === told)) return null;
    field.told = field.values.length - 1;
    return `${change} was not told, ${told} was`;
  }

  #missedGone(due: IsDue): readonly string[] {
    const { gone } = this;
    if (gone === null || gone.judged || !due(gone.made, gone.at)) return [];
    gone.judged = true;
    return gone.told || this.knownAt === null ? [] : ['gone was not told'];
  }

  /** Finished by what Deskhand was told of it and by what the desk says. */
  get finished(): boolean {
    const phase = this.#fields.get('phase');
    if (phase === undefined) return false;
    const told = phase.told === null ? undefined : phase.values[phase.told];
    const isFinal = (value: Value | undefined): boolean => FINAL_PHASES.includes(value?.value as Phase);
    return (told === undefined || isFinal(told)) && (this.gone !== null || isFinal(phase.values.at(-1)));
  }
}
