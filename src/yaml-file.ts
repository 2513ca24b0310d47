import {
  type CST,
  Composer,
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  Parser,
  type YAMLMap,
} from 'yaml';
import type { Problem } from './errors.ts';

export { didYouMean } from './did-you-mean.ts';

/**
 * Reads YAML that people write: configuration and rules. In comes text, out come plain values with their
 * positions and every mistake at once. It never throws for what the text holds, and bounded text costs
 * bounded time: size and nesting are checked before anything recursive sees them.
 */

/** A rule folder has kilobytes; the slowest 256 KB that we could write take 1.7 s (200,000 stray commas). */
const MAX_BYTES = 256 * 1024;
/** Composing is recursive; 64 is far beyond any rule and far below the stack. */
const MAX_DEPTH = 64;
/** After so many mistakes in one file the rest is noise. */
const MAX_PROBLEMS = 50;

/** Line and column start at 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** One `---` document of a file. */
export interface YamlDocument {
  /** Plain objects, arrays, strings, numbers, booleans and null; null for an empty document. */
  readonly value: unknown;
  /**
   * Where a path stands in the file: its value (default) or its key. A path that does not exist gives the
   * nearest ancestor that does, there always the key, where it has one.
   */
  at(path: readonly (string | number)[], what?: 'key' | 'value'): Place;
}

/** What a file holds. Documents with syntax errors are left out; with duplicate keys they stay. */
export interface YamlFile {
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly Problem[];
}

/**
 * Parses a YAML 1.2 file (core schema) strictly: no tags, no anchors, no aliases, no directives, no duplicate
 * keys, no keys but text. Integers beyond 2^53 stay text, so that long ids survive.
 *
 * @param file how problems name it
 */
export function readYaml(file: string, text: string): YamlFile {
  const report = new Report(file);
  if (Buffer.byteLength(text) > MAX_BYTES) {
    report.add({ line: 1, column: 1 }, `This file is larger than ${MAX_BYTES / 1024} KB; split it.`);
    return { documents: [], problems: report.problems() };
  }
  const lines = new LineCounter();
  const place = (offset: number): Place => placeOf(lines, offset);
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  for (const finding of inspect(tokens)) {
    report.add(place(finding.offset), finding.message);
    if (finding.fatal === true) return { documents: [], problems: report.problems() };
  }
  const readable = report.count === 0;
  const composer = new Composer({ strict: true, uniqueKeys: false, prettyErrors: false, version: '1.2' });
  const documents: YamlDocument[] = [];
  for (const parsed of composer.compose(tokens, false, text.length)) {
    for (const error of parsed.errors) {
      // An open quote is reported where the file ends; inspect() has told where it begins.
      if (!OPEN_QUOTE.test(error.message)) report.add(place(error.pos[0]), explain(error.message));
    }
    if (parsed.errors.length > 0) continue;
    const value = toValue(parsed.contents, { place, report, path: [] });
    if (readable)
      documents.push({ value, at: (path, what) => place(offsetOf(parsed, path, what ?? 'value')) });
  }
  return { documents, problems: report.problems() };
}

class Report {
  readonly #found: Problem[] = [];
  readonly #lines = new Set<number>();
  readonly #file: string;
  #more = 0;

  constructor(file: string) {
    this.#file = file;
  }

  get count(): number {
    return this.#found.length;
  }

  /** Keeps the first mistake of each line: one slip makes the parser stumble several times on its line. */
  add(place: Place, message: string, path = ''): void {
    if (this.#lines.has(place.line)) return;
    this.#lines.add(place.line);
    if (this.#found.length < MAX_PROBLEMS) {
      this.#found.push({ file: this.#file, ...place, path, message, severity: 'error' });
    } else this.#more += 1;
  }

  problems(): Problem[] {
    const sorted = this.#found.sort((a, b) => a.line - b.line);
    const last = sorted.at(-1);
    if (this.#more === 0 || last === undefined) return sorted;
    return [...sorted, { ...last, message: `… and mistakes in ${this.#more} more lines.` }];
  }
}

function placeOf(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

interface Finding {
  readonly offset: number;
  readonly message: string;
  /** Nothing more can be read safely. */
  readonly fatal?: boolean;
}

const OPEN_QUOTE = /^Missing closing .quote/;

const REFUSED: Readonly<Record<string, string>> = {
  tag: 'YAML tags (!…) are not supported; write the value, in quotes if it starts with "!".',
  anchor: 'YAML anchors (&…) are not supported; write the value out, in quotes if it starts with "&".',
  alias: 'YAML aliases (*…) are not supported; write the value out, in quotes if it starts with "*".',
};

/** Walks the syntax tree without recursion, before anything recursive touches it. */
function* inspect(tokens: readonly CST.Token[]): Generator<Finding> {
  const open: { token: CST.Token; depth: number }[] = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    if (depth > MAX_DEPTH) {
      yield { offset: token.offset, message: `Nested more than ${MAX_DEPTH} levels deep.`, fatal: true };
      return;
    }
    const refused = REFUSED[token.type];
    if (refused !== undefined) yield { offset: token.offset, message: refused };
    if (token.type === 'directive' && !/^%YAML\s+1\.2\s*$/.test(token.source)) {
      yield { offset: token.offset, message: 'YAML directives (%…) are not supported; remove this line.' };
    }
    if (isOpenQuote(token)) yield { offset: token.offset, message: 'This quote is never closed.' };
    for (const child of childrenOf(token)) open.push({ token: child, depth: depth + 1 });
  }
}

function isOpenQuote(token: CST.Token): boolean {
  if (token.type !== 'double-quoted-scalar' && token.type !== 'single-quoted-scalar') return false;
  return token.source.length < 2 || token.source.at(-1) !== token.source[0];
}

function* childrenOf(token: CST.Token): Generator<CST.Token> {
  if (token.type === 'document') {
    yield* token.start;
    if (token.value !== undefined) yield token.value;
  } else if (token.type === 'block-scalar') {
    yield* token.props;
  } else if ('items' in token) {
    for (const item of token.items) {
      yield* item.start;
      if (item.key !== undefined && item.key !== null) yield item.key;
      if (item.sep !== undefined) yield* item.sep;
      if (item.value !== undefined) yield item.value;
    }
  }
}

const HINTS: readonly (readonly [RegExp, string])[] = [
  [/Nested mappings are not allowed in compact mappings/, ' A value that holds ": " needs quotes.'],
  [/Implicit keys need to be on a single line/, ' Is a colon, a quote or an indentation missing here?'],
  [/reserved character/, ' Put the value in quotes.'],
  [/Unexpected (scalar|double|single).* at node end/, ' Put the whole value in quotes.'],
];

/** The parser's words, plus what to do about the commonest slips. */
function explain(message: string): string {
  const hint = HINTS.find(([pattern]) => pattern.test(message))?.[1] ?? '';
  return message.replace(/\.?$/, '.') + hint;
}

interface Reading {
  readonly place: (offset: number) => Place;
  readonly report: Report;
  readonly path: readonly (string | number)[];
}

function toValue(node: unknown, reading: Reading): unknown {
  if (isMap(node)) return toObject(node, reading);
  if (isSeq(node)) {
    return node.items.map((item, index) => toValue(item, { ...reading, path: [...reading.path, index] }));
  }
  if (!isScalar(node)) return null;
  const { value } = node;
  const refuse = (message: string): null => {
    reading.report.add(reading.place(node.range?.[0] ?? 0), message, reading.path.join('.'));
    return null;
  };
  if (typeof value === 'string' && /\0|\p{Surrogate}/u.test(value)) {
    return refuse('Text with a NUL character or half a surrogate pair cannot be stored.');
  }
  if (typeof value !== 'number') return value;
  if (!Number.isFinite(value)) return refuse('Not a finite number; put it in quotes if it is text.');
  const long =
    Number.isInteger(value) && !Number.isSafeInteger(value) && /^[-+]?\d+$/.test(node.source ?? '');
  return long ? node.source : value;
}

function toObject(map: YAMLMap, reading: Reading): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  const firstLines = new Map<string, number>();
  for (const pair of map.items) {
    const at = reading.place(startOf(pair.key) ?? map.range?.[0] ?? 0);
    const key = keyOf(pair.key);
    if (key === null) {
      reading.report.add(at, 'A key must be a plain word or text in quotes.', reading.path.join('.'));
      continue;
    }
    const path = [...reading.path, key];
    const first = firstLines.get(key);
    if (first !== undefined) {
      reading.report.add(at, `Duplicate key "${key}"; it stands in line ${first} already.`, path.join('.'));
    }
    firstLines.set(key, first ?? at.line);
    // defineProperty, because assigning "__proto__" would replace the prototype.
    Object.defineProperty(object, key, {
      value: toValue(pair.value, { ...reading, path }),
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return object;
}

/** A key as it was written, so that the status id `09` stays `09`; null for what cannot be a key. */
function keyOf(key: unknown): string | null {
  if (!isScalar(key) || key.value === null) return null;
  return typeof key.value === 'string' ? key.value : (key.source ?? null);
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

function offsetOf(
  parsed: Document.Parsed,
  path: readonly (string | number)[],
  what: 'key' | 'value',
): number {
  let node: unknown = parsed.contents;
  let keyAt: number | undefined;
  let valueAt = startOf(node) ?? parsed.range[0];
  for (const part of path) {
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find((item) => keyOf(item.key) === String(part));
      if (pair === undefined) return keyAt ?? valueAt;
      keyAt = startOf(pair.key);
      next = pair.value;
    } else if (isSeq(node) && typeof part === 'number' && part < node.items.length) {
      next = node.items[part];
      keyAt = startOf(next);
    } else return keyAt ?? valueAt;
    valueAt = startOf(next) ?? keyAt ?? valueAt;
    node = next;
  }
  return what === 'key' ? (keyAt ?? valueAt) : valueAt;
}
