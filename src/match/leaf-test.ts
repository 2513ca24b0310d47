import { isInNets } from './cidr.ts';
import type { Bound, ChangeSide, Scale, Test } from './condition.ts';
import { fold, type Folding } from './fold.ts';
import type { MatchSettings } from './matcher.ts';
import {
  compilePattern,
  isPatternProblem,
  type Pattern,
  requiredLiterals,
  requiredStart,
} from './pattern.ts';
import type { EventReader, FieldSlot } from './reader.ts';
import type { Span } from './rule.ts';
import { parseInstant } from './span.ts';
import { levelsOf, own, partOf, type Reading, type Scalar, scalarsOf } from './values.ts';

/** A positive test of one field, compiled. Absent and wrongly typed values are false, never an error. */
export type LeafTest = (reader: EventReader) => boolean;

/** Compiles a test for a field. */
export function compileTest(
  test: Test,
  slot: FieldSlot,
  folding: Folding,
  settings: MatchSettings,
): LeafTest {
  switch (test.kind) {
    case 'equals':
      return equalsAny(slot, foldAll(test.values, folding));
    case 'in_list':
      return equalsAny(slot, foldAll(listOf(settings, test.list), folding));
    case 'has_all': {
      const wanted = foldAll(test.values, folding);
      return (reader) => wanted.every((value) => includes(reader.read(slot).folded, value));
    }
    case 'only':
      return onlyThese(slot, foldAll(test.values, folding));
    case 'range':
      return inRange(slot, test.scale, test.low, test.high);
    case 'cidr':
      return (reader) =>
        reader.read(slot).scalars.some((value) => typeof value === 'string' && isInNets(value, test.nets));
    case 'empty':
      return (reader) => isEmpty(reader.read(slot).scalars);
    case 'changed':
      return changed(test, slot, folding);
    case 'older_than':
      return olderThan(slot, test.span, settings);
    case 'within':
      return within(slot, test.span, settings);
    case 'overdue':
      return (reader) => times(reader.read(slot)).some((at) => at < reader.now);
    case 'exact': {
      const wanted = new Set<Scalar>(test.texts);
      return (reader) => reader.read(slot).scalars.some((value) => wanted.has(value));
    }
    default: {
      const accepts = textTest(test.kind, test.texts, folding);
      return (reader) =>
        reader.read(slot).folded.some((value) => typeof value === 'string' && accepts(value));
    }
  }
}

/** The members of a configured list; none where it is not known. */
export function listOf(settings: MatchSettings, name: string): readonly string[] {
  const { lists } = settings;
  return lists !== null && Object.hasOwn(lists, name) ? (lists[name] ?? []) : [];
}

export function foldAll(values: readonly Scalar[], folding: Folding): readonly Scalar[] {
  return values.map((value) => (typeof value === 'string' ? fold(value, folding) : value));
}

/** True for no value at all, or nothing but empty texts. */
export function isEmpty(scalars: readonly Scalar[]): boolean {
  return scalars.every((value) => value === '');
}

/** Strict equality: no coercion, and NaN equals nothing. */
function includes(values: readonly Scalar[], wanted: Scalar): boolean {
  return values.indexOf(wanted) >= 0;
}

function equalsAny(slot: FieldSlot, wanted: readonly Scalar[]): LeafTest {
  const [only] = wanted;
  if (wanted.length === 1 && only !== undefined) return (reader) => includes(reader.read(slot).folded, only);
  const set = new Set(wanted);
  return (reader) => {
    const { folded } = reader.read(slot);
    for (const value of folded) if (set.has(value) && !Number.isNaN(value)) return true;
    return false;
  };
}

/** The names of a person or named thing are one value; of a list every element is one. */
function onlyThese(slot: FieldSlot, wanted: readonly Scalar[]): LeafTest {
  const { kind } = slot.field;
  const aliases = kind === 'named' || kind === 'person' || kind === 'priority';
  return (reader) => {
    const { folded } = reader.read(slot);
    if (folded.length === 0) return false;
    return aliases
      ? folded.some((value) => includes(wanted, value))
      : folded.every((value) => includes(wanted, value));
  };
}

/** Compiles one of the text operators for folded text. */
export function textTest(
  kind: Exclude<TextKind, 'exact'>,
  texts: readonly string[],
  folding: Folding,
): (text: string) => boolean {
  if (kind === 'matches') return anyPattern(texts, folding);
  const wanted = texts.map((text) => fold(text, folding));
  switch (kind) {
    case 'contains':
      return (text) => wanted.some((needle) => text.includes(needle));
    case 'contains_all':
      return (text) => wanted.every((needle) => text.includes(needle));
    case 'words':
      return (text) => wanted.some((needle) => hasWords(text, needle));
    case 'starts_with':
      return (text) => wanted.some((needle) => text.startsWith(needle));
    case 'ends_with':
      return (text) => wanted.some((needle) => text.endsWith(needle));
    case 'like':
      return (text) => wanted.some((glob) => fitsGlob(text, glob));
    case 'domain':
      return (text) => wanted.some((domain) => isInDomain(text, domain));
  }
}

type TextKind =
  | 'exact'
  | 'contains'
  | 'contains_all'
  | 'words'
  | 'starts_with'
  | 'ends_with'
  | 'like'
  | 'domain'
  | 'matches';

/** Patterns are compiled when first needed: a program takes longer to build than to run. */
function anyPattern(sources: readonly string[], folding: Folding): (text: string) => boolean {
  const tests = sources.map((source) => {
    const required = requiredLiterals(source, folding);
    const start = requiredStart(source, folding);
    let compiled: Pattern | null = null;
    return (text: string): boolean => {
      if (start !== null && !text.startsWith(start)) return false;
      for (const literal of required) if (!text.includes(literal)) return false;
      compiled ??= compileOrThrow(source, folding);
      return compiled.test(text);
    };
  });
  return (text) => tests.some((test) => test(text));
}

function compileOrThrow(source: string, folding: Folding): Pattern {
  const compiled = compilePattern(source, folding);
  if (isPatternProblem(compiled)) throw new TypeError(`The pattern ${compiled.message}.`);
  return compiled;
}

const WORD = /[\p{L}\p{M}\p{N}_]/u;

/** Whether the needle occurs with no letter, digit or mark continuing it on either side. */
function hasWords(text: string, needle: string): boolean {
  const startsInWord = WORD.test(String.fromCodePoint(needle.codePointAt(0) ?? 0));
  const endsInWord = WORD.test(Array.from(needle).at(-1) ?? '');
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
    const before = Array.from(text.slice(Math.max(0, at - 2), at)).at(-1) ?? '';
    const after = text.codePointAt(at + needle.length);
    const freeBefore = !startsInWord || !WORD.test(before);
    const freeAfter = !endsInWord || after === undefined || !WORD.test(String.fromCodePoint(after));
    if (freeBefore && freeAfter) return true;
  }
  return false;
}

/** `*` is any text, `?` one character; linear but for the number of stars. */
function fitsGlob(text: string, glob: string): boolean {
  let t = 0;
  let g = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    const code = text.codePointAt(t) ?? 0;
    const width = code > 0xffff ? 2 : 1;
    if (glob[g] === '*') {
      star = g;
      g += 1;
      resume = t;
    } else if (glob[g] === '?') {
      g += 1;
      t += width;
    } else if (g < glob.length && glob[g] === text[t]) {
      g += 1;
      t += 1;
    } else if (star >= 0) {
      g = star + 1;
      resume += (text.codePointAt(resume) ?? 0) > 0xffff ? 2 : 1;
      t = resume;
    } else return false;
  }
  while (glob[g] === '*') g += 1;
  return g === glob.length;
}

/** The host part of an address or host, without a closing dot. */
export function hostOf(text: string): string {
  const host = text.slice(text.lastIndexOf('@') + 1).trim();
  return host.endsWith('.') ? host.slice(0, -1) : host;
}

function isInDomain(text: string, domain: string): boolean {
  const host = hostOf(text);
  return host === domain || host.endsWith(`.${domain}`);
}

function inRange(slot: FieldSlot, scale: Scale, low: Bound | null, high: Bound | null): LeafTest {
  const holds = (value: number): boolean => isWithin(value, low, high);
  if (scale !== 'number') return (reader) => positionsOn(scale, reader.read(slot)).some(holds);
  return (reader) => {
    for (const value of reader.read(slot).scalars) if (typeof value === 'number' && holds(value)) return true;
    return false;
  };
}

/** NaN lies nowhere. */
export function isWithin(value: number, low: Bound | null, high: Bound | null): boolean {
  const aboveLow = low === null || value > low.at || (low.inclusive && value === low.at);
  return (
    aboveLow &&
    (high === null || value < high.at || (high.inclusive && value === high.at)) &&
    !Number.isNaN(value)
  );
}

/** The values of a reading that lie on a scale. */
export function positionsOn(scale: Scale, reading: Reading): readonly number[] {
  if (scale === 'level') return levelsOf(reading.raw);
  if (scale === 'time') return times(reading);
  return reading.scalars.filter((value) => typeof value === 'number');
}

function times(reading: Reading): readonly number[] {
  return reading.scalars.map(parseInstant).filter((at) => !Number.isNaN(at));
}

function olderThan(slot: FieldSlot, span: Span, settings: MatchSettings): LeafTest {
  const elapsed = elapsedBy(span, settings);
  return (reader) =>
    times(reader.read(slot)).some((at) => at <= reader.now && elapsed(at, reader.now) >= span.ms);
}

function within(slot: FieldSlot, span: Span, settings: MatchSettings): LeafTest {
  const elapsed = elapsedBy(span, settings);
  return (reader) =>
    times(reader.read(slot)).some((at) => reader.now <= at && elapsed(reader.now, at) <= span.ms);
}

/** Plain or working milliseconds; NaN, and so false, on a calendar that is not known. */
function elapsedBy(span: Span, settings: MatchSettings): (fromMs: number, toMs: number) => number {
  const { calendar } = span;
  if (calendar === undefined) return (fromMs, toMs) => toMs - fromMs;
  const { workingMs } = settings;
  return workingMs === null ? () => NaN : (fromMs, toMs) => workingMs(calendar, fromMs, toMs);
}

function changed(test: Extract<Test, { kind: 'changed' }>, slot: FieldSlot, folding: Folding): LeafTest {
  const { field } = slot;
  const from = test.from === null ? null : sideTest(test.from, field.kind, folding);
  const to = test.to === null ? null : sideTest(test.to, field.kind, folding);
  return (reader) => {
    const change = reader.change(slot);
    if (reader.event.type === 'ticket.created') {
      return test.first && to !== null && to(reader.read(slot).raw, undefined);
    }
    if (typeof change !== 'object' || change === null) return false;
    const before = partOf(field, own(change, 'from'));
    const after = partOf(field, own(change, 'to'));
    if (test.by !== null && !test.by.some((by) => by === own(change, 'by'))) return false;
    return (from === null || from(before, after)) && (to === null || to(after, before));
  };
}

type SideTest = (here: unknown, there: unknown) => boolean;

/** Of a list only the elements that are not on the other side count; `empty` asks about the whole of it. */
function sideTest(side: ChangeSide, kind: FieldSlot['field']['kind'], folding: Folding): SideTest {
  if (side.kind === 'empty') return (here) => isEmpty(scalarsOf(kind, unwrap(here))) === side.empty;
  const wanted = new Set(foldAll(side.values, folding));
  return (here, there) => {
    const values = foldAll(scalarsOf(kind, unwrap(here)), folding);
    const isList = Array.isArray(unwrap(here)) || Array.isArray(unwrap(there));
    const other = isList ? foldAll(scalarsOf(kind, unwrap(there)), folding) : [];
    return values.some((value) => wanted.has(value) && !other.includes(value) && !Number.isNaN(value));
  };
}

/** A custom field's value, where a change holds the whole entry. */
export function unwrap(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return (value as { value?: unknown }).value ?? value;
}
