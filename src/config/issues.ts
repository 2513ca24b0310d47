import type { z } from 'zod';
import { didYouMean } from '../did-you-mean.ts';
import type { Complain, Path } from './expand.ts';
import { keysAt } from './schema-keys.ts';

/** Turns what zod found into sentences for the person who wrote the file. */

type Issue = z.core.$ZodIssue;

export interface Explained {
  /** What was read. */
  readonly value: unknown;
  /** Where `value` stands in the file. */
  readonly base: Path;
  /** Tells which keys would have been right. */
  readonly schema: z.core.$ZodType;
  /** Keys that are right at the top of `value` besides the schema's. */
  readonly moreKeys?: readonly string[];
  /** True for places whose text must not be shown: secrets, and what came from the environment. */
  readonly isHidden: (path: Path) => boolean;
  readonly complain: Complain;
}

/** Explains what `schema` found in `value`: of several objections to one place the first. */
export function explainIssues(issues: readonly Issue[], context: Explained): void {
  const places = new Set<string>();
  for (const issue of issues) {
    const place = `${issue.code === 'unrecognized_keys'} ${issue.path.join('\0')}`;
    if (!places.has(place)) explainIssue(issue, context);
    places.add(place);
  }
}

function explainIssue(issue: Issue, context: Explained): void {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  const at = [...context.base, ...path];
  const found = valueAt(context.value, path);
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(context.schema, path).concat(path.length === 0 ? (context.moreKeys ?? []) : []);
    for (const key of issue.keys) context.complain([...at, key], unknownKey(key, known), 'key');
    return;
  }
  if (issue.code === 'invalid_union') {
    const branch = nearestBranch(issue.errors);
    if (branch !== null) {
      const inner = branch.map((each) => ({ ...each, path: [...path, ...each.path] }));
      explainIssues(inner, context);
      return;
    }
  }
  complainOf(context, at, found, sentenceFor(issue, found));
}

function complainOf(context: Explained, path: Path, found: unknown, sentence: string): void {
  const name = path.at(-1);
  const isExpectation = sentence.startsWith('expected ');
  if (found === undefined && name !== undefined) {
    context.complain(path, `"${name}" is missing${isExpectation ? `; ${sentence}` : ''}`, 'key');
    return;
  }
  if (typeof found === 'object' && found !== null && path.length === context.base.length) {
    context.complain(path, `${subjectOf(name)}${sentence}`, 'key');
    return;
  }
  const got = isExpectation && !sentence.includes(', got ') ? describe(found, context.isHidden(path)) : '';
  context.complain(path, `${subjectOf(name)}${sentence}${got}`);
}

function subjectOf(name: string | number | undefined): string {
  if (name === undefined) return '';
  return typeof name === 'number' ? `item ${name + 1}: ` : `"${name}": `;
}

function describe(found: unknown, isHidden: boolean): string {
  if (found === null) return ', got nothing';
  if (Array.isArray(found)) return ', got a list';
  if (typeof found === 'object') return ', got keys and values';
  if (isHidden) return '';
  const text = JSON.stringify(found) ?? '';
  return `, got ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`;
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = didYouMean(key, known);
  const list = near === '' && known.length > 0 && known.length <= 30 ? ` Known: ${known.join(', ')}.` : '';
  return `unknown key "${key}".${near}${list}`;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys and values',
  record: 'keys and values',
  map: 'keys and values',
};

function sentenceFor(issue: Issue, found: unknown): string {
  // Messages that a schema wrote itself are better than any made here.
  if (!/^(Invalid|Too |Unrecognized|Expected )/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${TYPE_NAMES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return expectedOneOf(issue.values) + gotAndNear(found, issue.values.map(String));
    case 'too_small':
    case 'too_big':
      return issue.message.replace(/^Too (?:small|big): /, '');
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues.map((inner) => inner.message).join('; ');
    case 'invalid_union':
      return expectedOneOf(optionsOf(issue)) + gotAndNear(found, optionsOf(issue));
    default:
      return issue.message;
  }
}

/** What could have stood there: a discriminator's values, or the types of a union. */
function optionsOf(issue: Issue & { readonly code: 'invalid_union' }): string[] {
  const { options } = issue as { readonly options?: readonly unknown[] };
  if (options !== undefined) return options.map(String);
  const types = issue.errors.flat().map((inner) => (inner.code === 'invalid_type' ? inner.expected : ''));
  return [...new Set(types)].filter((type) => type !== '').map((type) => TYPE_NAMES[type] ?? type);
}

function expectedOneOf(values: readonly unknown[]): string {
  const words = values.map(String);
  return `expected ${words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`}`;
}

function gotAndNear(found: unknown, known: readonly string[]): string {
  if (typeof found !== 'string') return '';
  return `, got ${JSON.stringify(found.slice(0, 60))}.${didYouMean(found, known)}`;
}

/** Of the ways in which a value could have been meant, the one that it came closest to; null if it fits none. */
function nearestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const isOfItsType = (issues: readonly Issue[]): boolean =>
    !issues.some(
      ({ code, path }) => path.length === 0 && (code === 'invalid_type' || code === 'invalid_value'),
    );
  return branches.find(isOfItsType) ?? null;
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, part)) return undefined;
    current = (current as Record<string | number, unknown>)[part];
  }
  return current;
}
