import { EVENT_TYPES } from '../event.ts';
import { PRIORITY_LEVELS } from '../ticket.ts';
import { didYouMean } from '../did-you-mean.ts';
import { parseNet, type Net } from './cidr.ts';
import type { Bound, ChangeSide, LeafNode, Node, Scale, Test } from './condition.ts';
import { EVENT_TYPE_PATTERN, type Field, FIELD_PREFIXES, fieldNames, fieldOf } from './fields.ts';
import { fold } from './fold.ts';
import {
  GROUPS,
  type GroupName,
  isGroup,
  MAX_GROUP_DEPTH,
  type OperatorName,
  operatorOf,
  OPERATORS,
} from './operators.ts';
import { compilePattern, isPatternProblem } from './pattern.ts';
import type { Path, Report } from './report.ts';
import type { Span } from './rule.ts';
import { isCalendarSpan, parseInstant, parseSpan } from './span.ts';
import type { Scalar } from './values.ts';

/**
 * Parses a condition map and reports every mistake in it with its path. One parser serves the loader (which
 * adds positions) and the compiler (which meets only maps that were loaded).
 */

/** Names that a configuration offers; null where there is none to check against. */
export interface ConditionNames {
  readonly lists: readonly string[] | null;
  readonly calendars: readonly string[] | null;
  readonly connections: readonly string[] | null;
}

export const NO_NAMES: ConditionNames = { lists: null, calendars: null, connections: null };

export interface ParseOptions {
  readonly names: ConditionNames;
  /** The rule lists `ticket.created` itself, so a first state counts as reached. */
  readonly firstStateCounts: boolean;
  /** The map was loaded before: patterns, which take long to compile, are taken as they are. */
  readonly trusted?: boolean;
}

const CHANGED_BY = ['agent', 'requester', 'self', 'unknown'];
/** Fields that never appear in `changes` (engine: not diffed). */
const NOT_DIFFED = new Set(['id', 'updated_at', 'awaiting', 'acknowledged', 'snoozed']);

/** Parses a map into a tree; leaves with mistakes are reported and left out. */
export function parseCondition(map: unknown, path: Path, report: Report, options: ParseOptions): Node {
  return new ConditionParser(report, options).map(map, path, []);
}

class ConditionParser {
  readonly #report: Report;
  readonly #options: ParseOptions;

  constructor(report: Report, options: ParseOptions) {
    this.#report = report;
    this.#options = options;
  }

  map(written: unknown, path: Path, groups: readonly GroupName[]): Node {
    const members: Node[] = [];
    if (!isMap(written)) {
      this.#report.error(path, `Expected a map of conditions, found ${describe(written)}.`);
      return { type: 'group', group: 'all', members };
    }
    if (groups.length > 0 && Object.keys(written).length === 0) {
      this.#report.warning(path, 'An empty map of conditions is always true.');
    }
    for (const [key, value] of Object.entries(written)) {
      const here = [...path, key];
      if (isGroup(key)) members.push(this.#group(key, value, here, groups));
      else
        members.push(...this.#field(key, value, here, groups).map((leaf): Node => ({ type: 'leaf', leaf })));
    }
    return { type: 'group', group: 'all', members };
  }

  #group(group: GroupName, written: unknown, path: Path, outer: readonly GroupName[]): Node {
    const groups = [...outer, group];
    if (groups.length > MAX_GROUP_DEPTH) {
      this.#report.error(path, `Groups may be nested ${MAX_GROUP_DEPTH} deep at most.`, 'key');
      return { type: 'group', group: 'all', members: [] };
    }
    if (!Array.isArray(written) || written.length === 0) {
      const found = Array.isArray(written) ? 'an empty list' : describe(written);
      this.#report.error(path, `"${group}" expects a list of condition maps, found ${found}.`);
      return { type: 'group', group: 'all', members: [] };
    }
    return {
      type: 'group',
      group,
      members: written.map((member, index) => this.map(member, [...path, index], groups)),
    };
  }

  #field(name: string, written: unknown, path: Path, groups: readonly GroupName[]): readonly LeafNode[] {
    const field = fieldOf(name);
    if (field === null) {
      const known = [...fieldNames(), ...GROUPS];
      const hint = (FIELD_PREFIXES as readonly string[]).includes(name.split('.')[0] ?? '')
        ? ` Write "${name.split('.')[0]}.<name>".`
        : didYouMean(name, known);
      this.#report.error(path, `Unknown field "${name}".${hint}`, 'key');
      return [];
    }
    if (!isMap(written)) {
      return this.#leaf(field, 'is', written, path, groups, written);
    }
    if (Object.keys(written).length === 0) {
      this.#report.error(path, `Expected a value, a list or operators for "${name}", found an empty map.`);
    }
    return Object.entries(written).flatMap(([operator, operand]) => {
      const here = [...path, operator];
      if (operatorOf(operator) === null) {
        const hint = didYouMean(operator, Object.keys(OPERATORS));
        this.#report.error(here, `Unknown operator "${operator}" for "${name}".${hint}`, 'key');
        return [];
      }
      return this.#leaf(field, operator as OperatorName, operand, here, groups, operand);
    });
  }

  #leaf(
    field: Field,
    operator: OperatorName,
    operand: unknown,
    path: Path,
    groups: readonly GroupName[],
    wanted: unknown,
  ): readonly LeafNode[] {
    const spec = operatorOf(operator);
    if (spec?.on !== undefined && !spec.on.includes(field.kind)) {
      const kinds = spec.on.includes('text')
        ? 'texts'
        : spec.on.includes('priority')
          ? 'numbers, priorities and times'
          : 'times';
      this.#report.error(
        path,
        `"${operator}" works on ${kinds}; "${field.name}" is ${KIND_WORDS[field.kind]}.`,
        'key',
      );
      return [];
    }
    const parsed = this.#operand(field, operator, operand, path);
    return parsed === null ? [] : [{ field, operator, wanted, groups, ...parsed }];
  }

  #operand(field: Field, operator: OperatorName, operand: unknown, path: Path): Parsed | null {
    switch (operator) {
      case 'is':
      case 'has':
        return positive(this.#values(field, operand, path), (values) => ({ kind: 'equals', values }));
      case 'not':
      case 'has_none':
        return negative(this.#values(field, operand, path), (values) => ({ kind: 'equals', values }));
      case 'not_in':
        return negative(this.#list(field, operator, operand, path), (values) => ({ kind: 'equals', values }));
      case 'has_all':
      case 'only':
        return positive(this.#list(field, operator, operand, path), (values) => ({ kind: operator, values }));
      case 'not_contains':
        return negative(this.#texts(operator, operand, path), (texts) => ({ kind: 'contains', texts }));
      case 'contains_all':
        if (!Array.isArray(operand))
          return this.#refuse(path, `"contains_all" expects a list of texts, found ${describe(operand)}.`);
        return positive(this.#texts(operator, operand, path), (texts) => ({ kind: operator, texts }));
      case 'exact':
      case 'contains':
      case 'words':
      case 'starts_with':
      case 'ends_with':
      case 'like':
        return positive(this.#texts(operator, operand, path), (texts) => ({ kind: operator, texts }));
      case 'domain':
        return positive(this.#domains(operand, path), (texts) => ({ kind: 'domain', texts }));
      case 'matches':
        return positive(this.#patterns(operand, path), (texts) => ({ kind: 'matches', texts }));
      case 'at_least':
      case 'above':
        return positive(this.#bound(field, operator, operand, path), ({ scale, at }) => ({
          kind: 'range',
          scale,
          low: { at, inclusive: operator === 'at_least' },
          high: null,
        }));
      case 'at_most':
      case 'below':
        return positive(this.#bound(field, operator, operand, path), ({ scale, at }) => ({
          kind: 'range',
          scale,
          low: null,
          high: { at, inclusive: operator === 'at_most' },
        }));
      case 'between':
        return positive(this.#between(field, operand, path), (range) => ({ kind: 'range', ...range }));
      case 'in_list':
        return positive(this.#listName(operand, path), (list) => ({ kind: 'in_list', list }));
      case 'cidr':
        return positive(this.#nets(operand, path), (nets) => ({ kind: 'cidr', nets }));
      case 'empty':
      case 'present': {
        if (typeof operand !== 'boolean')
          return this.#refuse(path, `"${operator}" expects true or false, found ${describe(operand)}.`);
        return { test: { kind: 'empty' }, negated: operand !== (operator === 'empty') };
      }
      case 'changed':
        return this.#changed(field, operand, path);
      case 'unchanged':
        if (!this.#isTrue(operator, operand, path) || !this.#isDiffed(field, path)) return null;
        return { test: { kind: 'changed', from: null, to: null, by: null, first: false }, negated: true };
      case 'older_than':
      case 'within':
        return positive(this.#span(operator, operand, path), (span) => ({ kind: operator, span }));
      case 'overdue':
        return this.#isTrue(operator, operand, path) ? { test: { kind: 'overdue' }, negated: false } : null;
    }
  }

  #refuse(path: Path, message: string, what?: 'key'): null {
    this.#report.error(path, message, what);
    return null;
  }

  #isTrue(operator: string, operand: unknown, path: Path): boolean {
    if (operand === true) return true;
    this.#report.error(
      path,
      `"${operator}" expects true, found ${describe(operand)}. For the opposite put it under "none".`,
    );
    return false;
  }

  /** A scalar or a list of them, each fit for the field. */
  #values(field: Field, operand: unknown, path: Path): readonly Scalar[] | null {
    if (!Array.isArray(operand)) {
      const value = this.#scalar(field, operand, path);
      return value === null ? null : [value];
    }
    if (operand.length === 0) return this.#refuse(path, 'Expected at least one value, found an empty list.');
    const values = operand.map((element, index) => this.#scalar(field, element, [...path, index]));
    return values.every((value) => value !== null) ? values : null;
  }

  #list(field: Field, operator: string, operand: unknown, path: Path): readonly Scalar[] | null {
    if (Array.isArray(operand)) return this.#values(field, operand, path);
    return this.#refuse(path, `"${operator}" expects a list, found ${describe(operand)}.`);
  }

  #scalar(field: Field, value: unknown, path: Path): Scalar | null {
    const { kind, name } = field;
    if (value === null)
      return this.#refuse(path, `A value is missing. For "no value" write { empty: true }.`);
    if (typeof value === 'number') {
      if (kind === 'any') return value;
      if (kind === 'id' || kind === 'named' || kind === 'person') return String(value);
    }
    if (typeof value === 'boolean' && (kind === 'boolean' || kind === 'any')) return value;
    if (typeof value !== 'string' || kind === 'boolean') {
      const quotes =
        typeof value === 'number' || typeof value === 'boolean' ? ' Text needs quotes here.' : '';
      const expected = kind === 'boolean' ? 'true or false' : KIND_WORDS[kind];
      return this.#refuse(
        path,
        `"${name}" is ${expected}, found ${describe(value)}.${kind === 'boolean' ? '' : quotes}`,
      );
    }
    if (field.words !== null && !field.words.includes(fold(value))) {
      return this.#refuse(
        path,
        `"${name}" is one of ${field.words.join(', ')}, found "${value}".${didYouMean(value, field.words)}`,
      );
    }
    if (kind === 'time' && Number.isNaN(parseInstant(value))) {
      return this.#refuse(path, `"${name}" is a time such as 2026-11-23T09:00Z, found "${value}".`);
    }
    this.#checkName(field, value, path);
    return value;
  }

  #checkName(field: Field, value: string, path: Path): void {
    const { connections } = this.#options.names;
    if (field.name === 'event.type') {
      const problem = eventTypeProblem(value);
      if (problem !== null) this.#report[problem.severity](path, problem.message);
    }
    if (field.name === 'connection' && connections !== null && !connections.includes(value)) {
      this.#report.warning(
        path,
        `No connection "${value}" is configured, so this never holds.${didYouMean(value, connections)}`,
      );
    }
  }

  #texts(operator: string, operand: unknown, path: Path): readonly string[] | null {
    const list: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
    if (list.length === 0)
      return this.#refuse(path, `"${operator}" expects at least one text, found an empty list.`);
    const texts: string[] = [];
    for (const [index, text] of list.entries()) {
      const here = Array.isArray(operand) ? [...path, index] : path;
      if (typeof text !== 'string') {
        const quotes = typeof text === 'number' || typeof text === 'boolean' ? ' Put it in quotes.' : '';
        this.#report.error(here, `"${operator}" expects a text, found ${describe(text)}.${quotes}`);
      } else if (fold(text) === '') {
        this.#report.error(here, `"${operator}" expects a text that is not empty.`);
      } else texts.push(text);
    }
    return texts.length === list.length ? texts : null;
  }

  #domains(operand: unknown, path: Path): readonly string[] | null {
    const texts = this.#texts('domain', operand, path);
    if (texts === null) return null;
    const domains = texts.map((text) => text.replace(/^(@|\*\.)/, '').replace(/\.$/, ''));
    const wrong = domains.findIndex((domain) => !/^[^\s@/:]+$/.test(domain) || /^\.|\.\./.test(domain));
    if (wrong < 0) return domains;
    return this.#refuse(
      Array.isArray(operand) ? [...path, wrong] : path,
      `"domain" expects a domain such as acme.com, found "${texts[wrong]}".`,
    );
  }

  #patterns(operand: unknown, path: Path): readonly string[] | null {
    const sources = this.#texts('matches', operand, path);
    if (sources === null || this.#options.trusted === true) return sources;
    let good = true;
    for (const [index, source] of sources.entries()) {
      const compiled = compilePattern(source, 'plain');
      if (!isPatternProblem(compiled)) continue;
      good = false;
      this.#report.error(
        Array.isArray(operand) ? [...path, index] : path,
        `The pattern ${compiled.message}, at character ${compiled.offset + 1} of it.`,
      );
    }
    return good ? sources : null;
  }

  #bound(field: Field, operator: string, operand: unknown, path: Path): { scale: Scale; at: number } | null {
    if (field.kind === 'priority') {
      const at =
        typeof operand === 'string'
          ? PRIORITY_LEVELS.indexOf(fold(operand) as (typeof PRIORITY_LEVELS)[number])
          : -1;
      if (at >= 0) return { scale: 'level', at };
      const hint = typeof operand === 'string' ? didYouMean(operand, PRIORITY_LEVELS) : '';
      return this.#refuse(
        path,
        `"${operator}" expects one of ${PRIORITY_LEVELS.join(', ')}, found ${describe(operand)}.${hint}`,
      );
    }
    if (field.kind === 'any' && typeof operand === 'number' && Number.isFinite(operand))
      return { scale: 'number', at: operand };
    const at = parseInstant(operand);
    if (!Number.isNaN(at)) return { scale: 'time', at };
    const expected = field.kind === 'time' ? 'a time such as 2026-11-23T09:00Z' : 'a number or a time';
    return this.#refuse(path, `"${operator}" expects ${expected}, found ${describe(operand)}.`);
  }

  #between(field: Field, operand: unknown, path: Path): { scale: Scale; low: Bound; high: Bound } | null {
    if (!Array.isArray(operand) || operand.length !== 2) {
      return this.#refuse(path, `"between" expects a list of two bounds, found ${describe(operand)}.`);
    }
    const low = this.#bound(field, 'between', operand[0], [...path, 0]);
    const high = this.#bound(field, 'between', operand[1], [...path, 1]);
    if (low === null || high === null) return null;
    if (low.scale !== high.scale)
      return this.#refuse([...path, 1], '"between" expects two bounds of one kind.');
    return { scale: low.scale, low: { at: low.at, inclusive: true }, high: { at: high.at, inclusive: true } };
  }

  #listName(operand: unknown, path: Path): string | null {
    if (typeof operand !== 'string' || operand === '') {
      return this.#refuse(
        path,
        `"in_list" expects the name of a list in the configuration, found ${describe(operand)}.`,
      );
    }
    const { lists } = this.#options.names;
    if (lists === null)
      this.#report.warning(path, `The list "${operand}" is unknown without a configuration.`);
    else if (!lists.includes(operand)) {
      return this.#refuse(path, `No list "${operand}" is configured.${didYouMean(operand, lists)}`);
    }
    return operand;
  }

  #nets(operand: unknown, path: Path): readonly Net[] | null {
    const texts = this.#texts('cidr', operand, path);
    if (texts === null) return null;
    const nets: Net[] = [];
    for (const [index, text] of texts.entries()) {
      const net = parseNet(text);
      if (net !== null) nets.push(net);
      else
        this.#report.error(
          Array.isArray(operand) ? [...path, index] : path,
          `Expected a net such as 10.0.0.0/8, found "${text}".`,
        );
    }
    return nets.length === texts.length ? nets : null;
  }

  #isDiffed(field: Field, path: Path): boolean {
    const first = field.keys[0];
    if (
      field.from === 'custom' ||
      (first === 'ticket' && field.keys[1] !== 'raw' && !NOT_DIFFED.has(field.name))
    )
      return true;
    this.#report.error(path, `"${field.name}" is never part of an event's changes.`, 'key');
    return false;
  }

  #changed(field: Field, operand: unknown, path: Path): Parsed | null {
    if (!this.#isDiffed(field, path)) return null;
    if (operand === true)
      return { test: { kind: 'changed', from: null, to: null, by: null, first: false }, negated: false };
    if (!isMap(operand) || Object.keys(operand).length === 0) {
      return this.#refuse(
        path,
        `"changed" expects true or a map with from, to, by, found ${describe(operand)}.`,
      );
    }
    let good = true;
    for (const key of Object.keys(operand)) {
      if (['from', 'to', 'by'].includes(key)) continue;
      good = false;
      this.#report.error(
        [...path, key],
        `Unknown key "${key}" in "changed".${didYouMean(key, ['from', 'to', 'by'])}`,
        'key',
      );
    }
    const from = 'from' in operand ? this.#side(field, operand['from'], [...path, 'from']) : undefined;
    const to = 'to' in operand ? this.#side(field, operand['to'], [...path, 'to']) : undefined;
    const by = 'by' in operand ? this.#by(operand['by'], [...path, 'by']) : undefined;
    if (!good || from === null || to === null || by === null) return null;
    const onlyTo = to !== undefined && from === undefined && by === undefined;
    const first = onlyTo && this.#options.firstStateCounts;
    return {
      test: { kind: 'changed', from: from ?? null, to: to ?? null, by: by ?? null, first },
      negated: false,
    };
  }

  #side(field: Field, written: unknown, path: Path): ChangeSide | null {
    if (!isMap(written)) {
      const values = this.#values(field, written, path);
      return values === null ? null : { kind: 'values', values };
    }
    const keys = Object.keys(written);
    const key = keys[0];
    if (keys.length !== 1 || (key !== 'empty' && key !== 'present')) {
      return this.#refuse(path, 'Expected a value, a list, { empty: true } or { present: true }.');
    }
    const wanted = written[key];
    if (typeof wanted !== 'boolean')
      return this.#refuse([...path, key], `"${key}" expects true or false, found ${describe(wanted)}.`);
    return { kind: 'empty', empty: wanted === (key === 'empty') };
  }

  #by(written: unknown, path: Path): readonly string[] | null {
    const texts = this.#texts('by', written, path);
    if (texts === null) return null;
    const wrong = texts.find((text) => !CHANGED_BY.includes(text));
    if (wrong === undefined) return texts;
    return this.#refuse(
      path,
      `"by" is one of ${CHANGED_BY.join(', ')}, found "${wrong}".${didYouMean(wrong, CHANGED_BY)}`,
    );
  }

  #span(operator: string, operand: unknown, path: Path): Span | null {
    return parseSpanOrReport(operand, path, operator, this.#report, this.#options.names.calendars);
  }
}

interface Parsed {
  readonly test: Test;
  readonly negated: boolean;
}

function positive<T>(operand: T | null, build: (operand: T) => Test): Parsed | null {
  return operand === null ? null : { test: build(operand), negated: false };
}

function negative<T>(operand: T | null, build: (operand: T) => Test): Parsed | null {
  return operand === null ? null : { test: build(operand), negated: true };
}

const KIND_WORDS = {
  text: 'a text',
  id: 'an id',
  word: 'a word',
  named: 'a name or id',
  person: "a person's name, id or e-mail",
  priority: 'a priority level or name',
  list: 'a list of texts',
  time: 'a time',
  boolean: 'true or false',
  any: 'a text, number or boolean',
} as const;

/** Reads a span, or reports what is wrong with it. `calendars` null: any name is accepted. */
export function parseSpanOrReport(
  written: unknown,
  path: Path,
  name: string,
  report: Report,
  calendars: readonly string[] | null,
): Span | null {
  const refuse = (at: Path, message: string, what?: 'key'): null => {
    report.error(at, message, what);
    return null;
  };
  if (!isMap(written)) {
    const ms = parseSpan(written);
    return ms === null
      ? refuse(path, `"${name}" expects a duration such as 15m, 4h or 1h30m, found ${describe(written)}.`)
      : { ms };
  }
  for (const key of Object.keys(written)) {
    if (key !== 'for' && key !== 'calendar') {
      return refuse(
        [...path, key],
        `Unknown key "${key}" in "${name}".${didYouMean(key, ['for', 'calendar'])}`,
        'key',
      );
    }
  }
  const { for: text, calendar } = written as { for?: unknown; calendar?: unknown };
  const ms = parseSpan(text);
  if (ms === null)
    return refuse([...path, 'for'], `"for" expects a duration such as 15m or 4h, found ${describe(text)}.`);
  if (calendar === undefined) return { ms };
  if (typeof calendar !== 'string')
    return refuse([...path, 'calendar'], `"calendar" expects a name, found ${describe(calendar)}.`);
  if (!isCalendarSpan(String(text)))
    return refuse([...path, 'for'], 'On a calendar only hours and minutes make sense.');
  if (calendars !== null && !calendars.includes(calendar)) {
    return refuse(
      [...path, 'calendar'],
      `No calendar "${calendar}" is configured.${didYouMean(calendar, calendars)}`,
    );
  }
  return { ms, calendar };
}

/** What is wrong with an event type in `on` or `event.type`; null if nothing. */
export function eventTypeProblem(type: string): { severity: 'error' | 'warning'; message: string } | null {
  if (!new RegExp(EVENT_TYPE_PATTERN).test(type)) {
    return {
      severity: 'error',
      message: `"${type}" is no event type: lower-case letters, digits, "." "_" "-".${didYouMean(type, EVENT_TYPES)}`,
    };
  }
  if ((EVENT_TYPES as readonly string[]).includes(type) || type.startsWith('custom.')) return null;
  const families = new Set(EVENT_TYPES.map((known) => known.split('.')[0]));
  const hint = didYouMean(type, EVENT_TYPES);
  if (families.has(type.split('.')[0] ?? '') && !type.startsWith('webhook.')) {
    return { severity: 'error', message: `Unknown event type "${type}".${hint}` };
  }
  return hint === ''
    ? null
    : {
        severity: 'warning',
        message: `"${type}" is no event type of Deskhand; only a webhook could send it.${hint}`,
      };
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A found value in words, short enough for a message. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  const text = typeof value === 'string' ? `"${value}"` : String(value as number | boolean);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
