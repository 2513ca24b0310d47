import { hostOf } from '../leaf-test.ts';
import { fold, type Folding } from '../fold.ts';
import type { FieldSlot } from '../reader.ts';
import type { Scalar } from '../values.ts';
import { AhoCorasick } from './aho-corasick.ts';
import type { Condition } from './conditions.ts';

/** The marked conditions of one field, found by value instead of tried in turn. */

/** Remembered values per field: statuses, queues and people come again and again, titles do not. */
const MEMO_SIZE = 2_048;
const MEMO_MAX_LENGTH = 80;

type Lists = ReadonlyMap<Scalar, readonly number[]>;
const NONE: readonly number[] = [];

export class FieldIndex {
  readonly slot: FieldSlot;
  /** Conditions that hold without a value. */
  readonly empty: readonly number[];
  /** Conditions that hold at each priority level, by its position. */
  readonly levels: readonly (readonly number[])[];
  readonly #folding: Folding;
  readonly #equals: Lists;
  readonly #exact: Lists;
  readonly #domains: Lists;
  readonly #endings: Lists;
  readonly #endingLengths: readonly number[];
  readonly #contains: AhoCorasick | null;
  readonly #memo: Map<string, readonly number[]> | null;

  constructor(slot: FieldSlot, conditions: readonly Condition[], folding: Folding) {
    this.slot = slot;
    this.#folding = folding;
    this.#equals = group(conditions, ({ test }) => (test.kind === 'equals' ? test.values : []));
    this.#exact = group(conditions, ({ test }) => (test.kind === 'exact' ? test.texts : []));
    this.#domains = group(conditions, ({ test }) => (test.kind === 'domain' ? test.texts : []));
    this.#endings = group(conditions, ({ test }) => (test.kind === 'ends_with' ? test.texts : []));
    this.#endingLengths = [...new Set([...this.#endings.keys()].map((ending) => String(ending).length))];
    const needles = group(conditions, ({ test }) => (test.kind === 'contains' ? test.texts : []));
    this.#contains =
      needles.size === 0 ? null : new AhoCorasick(needles as ReadonlyMap<string, readonly number[]>);
    this.empty = conditions.filter(({ test }) => test.kind === 'empty').map(({ id }) => id);
    this.levels = [0, 1, 2, 3, 4].map((level) =>
      conditions.filter((condition) => holdsAt(condition, level)).map(({ id }) => id),
    );
    this.#memo = this.#contains === null ? new Map() : null;
  }

  get hasLevels(): boolean {
    return this.levels.some((ids) => ids.length > 0);
  }

  /** Reports the conditions that hold because this value is there. */
  mark(value: Scalar, report: (ids: readonly number[]) => void): void {
    if (typeof value !== 'string') {
      // A Map finds NaN, but NaN equals nothing.
      const ids = Number.isNaN(value) ? undefined : this.#equals.get(value);
      if (ids !== undefined) report(ids);
      return;
    }
    const memo = this.#memo;
    if (memo === null || value.length > MEMO_MAX_LENGTH) {
      this.#lookUp(value, report);
      return;
    }
    const known = memo.get(value);
    if (known !== undefined) {
      if (known.length > 0) report(known);
      return;
    }
    const found: number[] = [];
    this.#lookUp(value, (ids) => found.push(...ids));
    if (memo.size >= MEMO_SIZE) memo.clear();
    memo.set(value, found.length === 0 ? NONE : [...new Set(found)]);
    report(found);
  }

  #lookUp(text: string, report: (ids: readonly number[]) => void): void {
    const exact = this.#exact.get(text);
    if (exact !== undefined) report(exact);
    const folded = fold(text, this.#folding);
    const equal = this.#equals.get(folded);
    if (equal !== undefined) report(equal);
    for (const length of this.#endingLengths) {
      const ids =
        length > folded.length ? undefined : this.#endings.get(folded.slice(folded.length - length));
      if (ids !== undefined) report(ids);
    }
    if (this.#domains.size > 0) this.#lookUpDomains(hostOf(folded), report);
    this.#contains?.scan(folded, report);
  }

  /** The host, then each of its parents: `a.b.c`, `b.c`, `c`. */
  #lookUpDomains(host: string, report: (ids: readonly number[]) => void): void {
    for (let rest = host, dot = 0; dot >= 0; rest = rest.slice(dot + 1)) {
      const ids = this.#domains.get(rest);
      if (ids !== undefined) report(ids);
      dot = rest.indexOf('.');
    }
  }
}

function holdsAt({ test }: Condition, level: number): boolean {
  if (test.kind !== 'range' || test.scale !== 'level') return false;
  const { low, high } = test;
  const aboveLow = low === null || level > low.at || (low.inclusive && level === low.at);
  return aboveLow && (high === null || level < high.at || (high.inclusive && level === high.at));
}

/** Condition ids by each of their values. */
export function group(
  conditions: readonly Condition[],
  valuesOf: (condition: Condition) => readonly Scalar[],
): Map<Scalar, number[]> {
  const lists = new Map<Scalar, number[]>();
  for (const condition of conditions) {
    for (const value of valuesOf(condition)) {
      const list = lists.get(value);
      if (list === undefined) lists.set(value, [condition.id]);
      else if (list.at(-1) !== condition.id) list.push(condition.id);
    }
  }
  return lists;
}
