import { RE2JS, RE2JSSyntaxException } from 're2js';
import { fold, type Folding } from './fold.ts';

/**
 * Regular expressions of rules: re2 syntax, linear time, case-insensitive, unanchored, on folded text. The
 * pattern's letters are folded like the text, else `ŞİKAYET` would not find `şikayet`.
 */

/** Longer patterns are refused: programs grow with them. */
export const MAX_PATTERN_LENGTH = 512;
/** Text beyond this many UTF-16 units is not searched. */
export const MAX_PATTERN_INPUT = 32 * 1024;
/** Nested counted repetitions multiply: `((a{30}){30})` alone is 2,700 instructions. */
const MAX_PROGRAM = 20_000;

export interface Pattern {
  /** True if the folded text holds a match. */
  test(folded: string): boolean;
}

/** What is wrong with a pattern; `offset` is where in it, from 0. */
export interface PatternProblem {
  readonly message: string;
  readonly offset: number;
}

/** Compiles a pattern, or says what is wrong with it. Never throws. */
export function compilePattern(source: string, folding: Folding): Pattern | PatternProblem {
  if (source === '') return { message: 'expected a pattern that is not empty', offset: 0 };
  if (source.length > MAX_PATTERN_LENGTH) {
    return {
      message: `is ${source.length} characters long; at most ${MAX_PATTERN_LENGTH} are allowed`,
      offset: 0,
    };
  }
  try {
    const folded = foldPattern(source, folding);
    const compiled = RE2JS.compile(folded, RE2JS.CASE_INSENSITIVE);
    if (isPlain(folded)) return plainPattern(folded);
    if (compiled.programSize() > MAX_PROGRAM)
      return { message: 'is too large when its repetitions are written out', offset: 0 };
    return {
      test: (folded) =>
        compiled.test(folded.length > MAX_PATTERN_INPUT ? folded.slice(0, MAX_PATTERN_INPUT) : folded),
    };
  } catch (error) {
    return explain(source, error);
  }
}

/**
 * True for ASCII words, anchors and a few alternatives without any repetition. Such patterns mean the same in
 * JavaScript on folded text, nothing in them can backtrack far, and V8 runs them ten times faster than re2js.
 */
function isPlain(folded: string): boolean {
  if (!/^[a-z0-9 _#:@/,()|^$-]*$/.test(folded)) return false;
  return folded.split('(').length <= 3 && folded.split('|').length <= 20;
}

function plainPattern(folded: string): Pattern {
  const native = new RegExp(folded);
  return {
    test: (text) => native.test(text.length > MAX_PATTERN_INPUT ? text.slice(0, MAX_PATTERN_INPUT) : text),
  };
}

export function isPatternProblem(result: Pattern | PatternProblem): result is PatternProblem {
  return 'message' in result;
}

function explain(source: string, error: unknown): PatternProblem {
  if (!(error instanceof RE2JSSyntaxException)) return { message: 'cannot be compiled', offset: 0 };
  const part = error.input ?? '';
  const found = source.indexOf(part);
  const offset = Math.max(0, found);
  if (/^\(\?(=|!|<=|<!)/.test(part))
    return { message: `lookaround (${part.slice(0, 4)}) is not in re2 syntax`, offset };
  if (/^\\[1-9]/.test(part)) return { message: `backreferences (${part}) are not in re2 syntax`, offset };
  return { message: `${error.error}${found >= 0 && part !== source ? ` (${part})` : ''}`, offset };
}

/** One piece of a pattern: an escape, a class, a group's opening, or a character. */
const PIECE =
  /\\Q[\s\S]*?(?:\\E|$)|\\[pP](?:\{[^}]*\}|.)|\\x\{[^}]*\}|\\x..|\\[\s\S]|\[(?:\\[\s\S]|\[:\^?\w+:\]|[^\]\\])+\]|\[\]?[^\]]*\]|\(\?P?<\w*>|\(\?[a-zA-Z-]*[:)]|[\s\S]/gu;

/** Folds the letters of a pattern and nothing else: `\S`, `\pL`, `(?U)` and ranges keep their meaning. */
export function foldPattern(source: string, folding: Folding): string {
  let result = '';
  for (const [piece] of source.matchAll(PIECE)) {
    if (piece.startsWith('\\Q')) result += RE2JS.quote(fold(piece.slice(2).replace(/\\E$/, ''), folding));
    else if (piece.startsWith('[')) result += foldClass(piece, folding);
    else if (Array.from(piece).length > 1) result += piece;
    else {
      const folded = fold(piece, folding);
      result += Array.from(folded).length > 1 ? `(?:${RE2JS.quote(folded)})` : folded;
    }
  }
  return result;
}

/** re2 folds ASCII classes itself; letters beyond get their folded form added beside them. */
function foldClass(piece: string, folding: Folding): string {
  if (folding === 'plain' && /^[\0-\x7f]*$/.test(piece)) return piece;
  const inner = piece.slice(1, -1).replace(/\\[pP]\{[^}]*\}|\\.|.-./gsu, '');
  const extra = Array.from(inner)
    .map((char) => fold(char, folding))
    .filter((folded) => Array.from(folded).length === 1 && /\p{L}/u.test(folded));
  return extra.length === 0 ? piece : `${piece.slice(0, -1)}${extra.join('')}]`;
}

/**
 * Folded texts, at least two long, that every match of a pattern contains: runs of plain letters that stand outside
 * groups, classes and alternatives and are not made optional by what follows. Being wrong here would lose matches,
 * so anything unusual means "none". The longest comes first.
 */
export function requiredLiterals(source: string, folding: Folding): readonly string[] {
  if (/\\Q|\(\?/.test(source)) return [];
  const runs: string[] = [];
  let run = '';
  let depth = 0;
  const pieces = [...source.matchAll(PIECE)].map(([piece]) => piece);
  for (const [index, piece] of pieces.entries()) {
    if (piece === '(') depth += 1;
    if (piece === ')') depth -= 1;
    if (piece === '|' && depth === 0) return [];
    const next = pieces[index + 1] ?? '';
    const plain = depth === 0 && /^[\p{L}\p{N} _-]$/u.test(piece);
    if (plain && !/^[*?{]$/.test(next)) run += piece;
    else {
      runs.push(run);
      run = '';
    }
    if (plain && next === '+') {
      runs.push(run);
      run = '';
    }
  }
  runs.push(run);
  return runs
    .map((literal) => foldRun(literal, folding))
    .filter((literal) => literal.length >= 2)
    .sort((a, b) => b.length - a.length);
}

/** Folding a whole run may join characters (i + combining dot); such runs are rare and simply not used. */
function foldRun(run: string, folding: Folding): string {
  const folded = fold(run, folding);
  return folded === Array.from(run, (char) => fold(char, folding)).join('') ? folded : '';
}

/** The folded text that every match begins with: plain letters after a `^`, without what may be optional. */
export function requiredStart(source: string, folding: Folding): string | null {
  if (!source.startsWith('^') || /[|]|\(\?/.test(source)) return null;
  const [, run = ''] = /^\^([\p{L}\p{N} _-]+)(?![*?{])/u.exec(source) ?? [];
  return run === '' ? null : foldRun(run, folding) || null;
}
