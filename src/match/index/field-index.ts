import type { Test } from '../condition.ts';
import { hostOf, isWithin } from '../leaf-test.ts';
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
  /** True where all that is asked is whether there is a value, or which priority level. */
  readonly #ignoresValues: boolean;
  /** True where no condition but "contains" needs the folded text. */
  readonly #onlyContains: boolean;
  readonly #memo: Map<string, readonly number[]> | null;
  readonly #ranges: Ranges;

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
      needles.size === 0 ? null : new AhoCorasick(needles as ReadonlyMap<string, readonly number[]>, folding);
    this.#onlyContains = this.#equals.size + this.#domains.size + this.#endings.size === 0;
    this.empty = conditions.filter(({ test }) => test.kind === 'empty').map(({ id }) => id);
    this.levels = [0, 1, 2, 3, 4].map((level) =>
      conditions.filter((condition) => holdsAt(condition, level)).map(({ id }) => id),
    );
    this.#ranges = new Ranges(conditions);
    this.#ignoresValues = this.#onlyContains && needles.size + this.#exact.size === 0 && this.#ranges.isEmpty;
    this.#memo = this.#contains === null ? new Map() : null;
  }

  get hasLevels(): boolean {
    return this.levels.some((ids) => ids.length > 0);
  }

  /** The conditions that hold because this value is there. */
  find(value: Scalar): readonly number[] {
    if (this.#ignoresValues) return NONE;
    if (typeof value === 'number') return this.#findNumber(value);
    if (typeof value === 'boolean') return this.#equals.get(value) ?? NONE;
    const memo = this.#memo;
    if (memo === null || value.length > MEMO_MAX_LENGTH) return this.#lookUp(value);
    const known = memo.get(value);
    if (known !== undefined) return known;
    const found = this.#lookUp(value);
    if (memo.size >= MEMO_SIZE) memo.clear();
    memo.set(value, found.length === 0 ? NONE : found);
    return found;
  }

  #findNumber(value: number): readonly number[] {
    // Rules hold no NaN, so that the Map cannot find one.
    const equal = this.#equals.get(value);
    if (this.#ranges.isEmpty) return equal ?? NONE;
    const found: number[] = [];
    append(found, equal);
    this.#ranges.find(value, found);
    return found;
  }

  #lookUp(text: string): readonly number[] {
    const found: number[] = [];
    if (this.#exact.size > 0) append(found, this.#exact.get(text));
    this.#contains?.scan(text, found);
    if (this.#onlyContains) return found;
    const folded = fold(text, this.#folding);
    if (this.#equals.size > 0) append(found, this.#equals.get(folded));
    for (const length of this.#endingLengths) {
      if (length <= folded.length) append(found, this.#endings.get(folded.slice(folded.length - length)));
    }
    if (this.#domains.size > 0) this.#lookUpDomains(hostOf(folded), found);
    return found;
  }

  /** The host, then each of its parents: `a.b.c`, `b.c`, `c`. */
  #lookUpDomains(host: string, found: number[]): void {
    for (let rest = host, dot = 0; dot >= 0; rest = rest.slice(dot + 1)) {
      append(found, this.#domains.get(rest));
      dot = rest.indexOf('.');
    }
  }
}

/** Numeric ranges of one field. Those with one bound stand in its order: all up to the first miss hold. */
class Ranges {
  readonly #below: Bounds;
  readonly #above: Bounds;
  readonly #between: readonly Bounded[];

  constructor(conditions: readonly Condition[]) {
    const ranges = conditions.flatMap(({ id, test }): readonly Bounded[] =>
      test.kind === 'range' && test.scale === 'number' ? [bounded(id, test)] : [],
    );
    const isBelow = ({ low }: Bounded): boolean => low === -Infinity;
    const isAbove = ({ low, high }: Bounded): boolean => low !== -Infinity && high === Infinity;
    this.#below = toBounds(
      ranges.filter(isBelow).sort((a, b) => b.high - a.high),
      ({ high }) => high,
    );
    this.#above = toBounds(
      ranges.filter(isAbove).sort((a, b) => a.low - b.low),
      ({ low }) => low,
    );
    this.#between = ranges.filter((range) => !isBelow(range) && !isAbove(range));
  }

  get isEmpty(): boolean {
    return this.#below.ids.length + this.#above.ids.length + this.#between.length === 0;
  }

  /** Appends the conditions whose range holds the value. */
  find(value: number, found: number[]): void {
    const { ids: below, at: highs } = this.#below;
    for (let i = 0; i < below.length && value <= (highs[i] ?? NaN); i += 1) found.push(below[i] ?? 0);
    const { ids: above, at: lows } = this.#above;
    for (let i = 0; i < above.length && value >= (lows[i] ?? NaN); i += 1) found.push(above[i] ?? 0);
    for (const { id, low, high } of this.#between) if (value >= low && value <= high) found.push(id);
  }
}

/** A range with its bounds included. */
interface Bounded {
  readonly id: number;
  readonly low: number;
  readonly high: number;
}

interface Bounds {
  readonly ids: Int32Array;
  readonly at: Float64Array;
}

function bounded(id: number, { low, high }: Pick<Extract<Test, { kind: 'range' }>, 'low' | 'high'>): Bounded {
  return {
    id,
    low: low === null ? -Infinity : low.inclusive ? low.at : next(low.at, 1),
    high: high === null ? Infinity : high.inclusive ? high.at : next(high.at, -1),
  };
}

function toBounds(ranges: readonly Bounded[], boundOf: (range: Bounded) => number): Bounds {
  return { ids: Int32Array.from(ranges, ({ id }) => id), at: Float64Array.from(ranges, boundOf) };
}

/** The neighbouring double: an excluded bound is the next number included. */
function next(value: number, direction: 1 | -1): number {
  if (value === 0) return direction * Number.MIN_VALUE;
  const bits = new BigInt64Array(new Float64Array([value]).buffer);
  bits[0] = (bits[0] ?? 0n) + BigInt(value > 0 ? direction : -direction);
  return new Float64Array(bits.buffer)[0] ?? NaN;
}

function append(found: number[], ids: readonly number[] | undefined): void {
  if (ids !== undefined) for (const id of ids) found.push(id);
}

function holdsAt({ test }: Condition, level: number): boolean {
  return test.kind === 'range' && test.scale === 'level' && isWithin(level, test.low, test.high);
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
