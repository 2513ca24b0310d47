import type { Problem } from '../errors.ts';
import { didYouMean } from '../did-you-mean.ts';
import { readYaml } from '../yaml-file.ts';
import { ACTIONS } from './actions.ts';
import { checkCapabilities } from './capabilities.ts';
import { leavesOf, type Node } from './condition.ts';
import { cronProblem, isTimeZone } from './cron.ts';
import type { KnownNames } from './params.ts';
import { type ConditionNames, describe, eventTypeProblem, isMap, parseCondition } from './parse-condition.ts';
import { byOrder } from './parsed-rule.ts';
import { parseTests } from './parse-tests.ts';
import { type Path, placedReport, type Report } from './report.ts';
import type { ConditionMap, RateLimit, Rule, RuleMode } from './rule.ts';
import { parseRate } from './span.ts';
import { parseSteps } from './steps.ts';
import { warnAboutConditions } from './warnings.ts';

/**
 * Loads rule files. In come texts, out come rules and every mistake of all files at once, with its place. A set
 * with one error must be refused whole; warnings refuse nothing. Pure: reading the folder is the caller's.
 */

export type { KnownNames } from './params.ts';
export { NOTHING_KNOWN } from './params.ts';

export interface RuleFile {
  /** As problems name it. */
  readonly file: string;
  readonly text: string;
}

export interface LoadedRules {
  /** By `order`, then id. Not to be used if `problems` holds an error. */
  readonly rules: Rule[];
  readonly problems: Problem[];
}

/** Keys of a rule, in the order in which people write them. */
export const RULE_KEYS = [
  'id', 'name', 'on', 'schedule', 'time_zone', 'when', 'while', 'then', 'limit', 'order', 'stop', 'mode', 'own', 'late', 'tests',
] as const; // prettier-ignore

export const DEFAULT_ON = ['ticket.created', 'ticket.updated'] as const;
export const RULE_ID_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$';
export const MODES = ['live', 'shadow', 'off'] as const satisfies readonly RuleMode[];
/** More rules than this in one set are refused: beyond it nothing was measured. */
const MAX_RULES = 100_000;
/** Every mistake costs a search for its place and for a suggestion, so what could hold thousands is refused whole. */
const MAX_ENTRIES = 1_000;
const DEFAULT_PER_TICKET: RateLimit = { runs: 5, perMs: 3_600_000 };

/** Loads all files of a rules folder as one set. */
export function loadRules(files: readonly RuleFile[], known: KnownNames): LoadedRules {
  const problems: Problem[] = [];
  const rules: Rule[] = [];
  const firstPlaces = new Map<string, string>();
  for (const { file, text } of files) {
    const read = readYaml(file, text);
    problems.push(...read.problems);
    for (const document of read.documents) {
      if (document.value === null) continue;
      const report = placedReport({ file, at: (path, what) => document.at(path, what) }, problems);
      const line = (path: Path): number => document.at(path).line;
      const loader = new RuleLoader(report, known, line);
      const large = tooLarge(document.value, []);
      if (large !== null) {
        report.error(large, `More than ${MAX_ENTRIES} entries in one map or list.`, 'key');
        continue;
      }
      const rule = loader.load(document.value);
      checkId(document.value, firstPlaces, `${file}:${line(['id'])}`, report);
      if (rule !== null) rules.push(rule);
    }
  }
  if (rules.length > MAX_RULES) {
    problems.push({
      file: files[0]?.file ?? '',
      line: 1,
      column: 1,
      path: '',
      message: `More than ${MAX_RULES} rules.`,
      severity: 'error',
    });
  }
  return { rules: rules.sort(byOrder), problems: problems.sort(byPlace(files)) };
}

/** The path of the first map or list that is larger than any rule needs; null if there is none. */
function tooLarge(value: unknown, path: Path): Path | null {
  if (typeof value !== 'object' || value === null) return null;
  const entries: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  if (entries.length > MAX_ENTRIES) return path;
  for (const [key, inner] of entries) {
    const found = tooLarge(inner, [...path, key]);
    if (found !== null) return found;
  }
  return null;
}

function byPlace(files: readonly RuleFile[]): (a: Problem, b: Problem) => number {
  const position = new Map(files.map(({ file }, index) => [file, index]));
  return (a, b) =>
    (position.get(a.file) ?? 0) - (position.get(b.file) ?? 0) || a.line - b.line || a.column - b.column;
}

function checkId(value: unknown, firstPlaces: Map<string, string>, place: string, report: Report): void {
  const id = isMap(value) ? value['id'] : undefined;
  if (typeof id !== 'string') return;
  const first = firstPlaces.get(id);
  if (first === undefined) firstPlaces.set(id, place);
  else report.error(['id'], `Duplicate rule id "${id}"; it stands in ${first} already.`);
}

/** Loads one document; mistakes are reported, and a rule with mistakes is null. */
class RuleLoader {
  readonly #known: KnownNames;
  readonly #line: (path: Path) => number;
  readonly #report: Report;
  #errors = 0;

  constructor(report: Report, known: KnownNames, line: (path: Path) => number) {
    this.#known = known;
    this.#line = line;
    this.#report = {
      error: (path, message, what) => {
        this.#errors += 1;
        report.error(path, message, what);
      },
      warning: (path, message, what) => {
        report.warning(path, message, what);
      },
    };
  }

  load(value: unknown): Rule | null {
    if (!isMap(value)) {
      this.#report.error([], `Expected a rule: a map with id, when and then, found ${describe(value)}.`);
      return null;
    }
    for (const key of Object.keys(value)) {
      if ((RULE_KEYS as readonly string[]).includes(key)) continue;
      this.#report.error([key], `Unknown key "${key}".${didYouMean(key, RULE_KEYS)}`, 'key');
    }
    const id = this.#id(value['id']);
    const on = this.#on(value);
    const schedule = this.#schedule(value);
    const node = this.#condition(value, 'when', on.types.includes('ticket.created') && on.written);
    const whileNode = this.#condition(value, 'while', false);
    const then = this.#then(value);
    const rule: Rule = {
      id,
      name: this.#name(value['name'], id),
      on: on.types,
      onWritten: on.written,
      when: isMap(value['when']) ? value['when'] : {},
      while: whileNode === null ? null : (value['while'] as ConditionMap),
      // oxlint-disable-next-line unicorn/no-thenable -- it is the word of the rule language; rules are never awaited
      then,
      limit: this.#limit(value['limit']),
      order: this.#order(value['order']),
      stop: this.#flag(value, 'stop'),
      mode: this.#mode(value['mode']),
      own: this.#flag(value, 'own'),
      late: this.#flag(value, 'late'),
      schedule,
      tests: parseTests(value['tests'], this.#report, this.#line),
    };
    if (this.#errors > 0) return null;
    this.#check(rule, node);
    return this.#errors > 0 ? null : rule;
  }

  /** What can only be judged once the parts are sound. */
  #check(rule: Rule, node: Node | null): void {
    if (node !== null) warnAboutConditions(rule, node, this.#report);
    checkCapabilities(rule, node, this.#known.connections, this.#report);
  }

  #id(written: unknown): string {
    if (written === undefined) this.#report.error([], 'The rule needs an "id".');
    else if (typeof written !== 'string' || !new RegExp(RULE_ID_PATTERN).test(written)) {
      this.#report.error(
        ['id'],
        `Expected an id of letters, digits, ".", "_" and "-", at most 100, found ${describe(written)}.`,
      );
    } else return written;
    return '';
  }

  #name(written: unknown, id: string): string {
    if (written === undefined) return id;
    // A name goes to terminals, logs and Slack.
    const fine =
      typeof written === 'string' &&
      written.trim() !== '' &&
      written.length <= 200 &&
      !/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(written);
    if (fine) return written;
    this.#report.error(
      ['name'],
      `Expected one line of at most 200 visible characters, found ${JSON.stringify(written)?.slice(0, 60)}.`,
    );
    return id;
  }

  #on(rule: Readonly<Record<string, unknown>>): { types: readonly string[]; written: boolean } {
    const written = rule['on'];
    if (rule['schedule'] !== undefined) {
      if (written !== undefined) this.#report.error(['on'], 'A rule has either "on" or "schedule".', 'key');
      return { types: [], written: false };
    }
    if (written === undefined) return { types: DEFAULT_ON, written: false };
    const types: readonly unknown[] = Array.isArray(written) ? written : [written];
    if (types.length === 0)
      this.#report.error(['on'], 'Expected at least one event type, found an empty list.');
    for (const [index, type] of types.entries()) {
      const path = Array.isArray(written) ? ['on', index] : ['on'];
      if (typeof type !== 'string')
        this.#report.error(path, `Expected an event type, found ${describe(type)}.`);
      else {
        const problem = eventTypeProblem(type);
        if (problem !== null) this.#report[problem.severity](path, problem.message);
      }
    }
    return { types: types.filter((type) => typeof type === 'string'), written: true };
  }

  #schedule(rule: Readonly<Record<string, unknown>>): Rule['schedule'] {
    const { schedule: cron, time_zone: timeZone } = rule;
    if (timeZone !== undefined && cron === undefined)
      this.#report.error(['time_zone'], '"time_zone" belongs to "schedule".', 'key');
    if (cron === undefined) return null;
    if (typeof cron !== 'string') {
      this.#report.error(
        ['schedule'],
        `Expected a cron expression such as "0 9 * * mon-fri", found ${describe(cron)}.`,
      );
      return null;
    }
    const problem = cronProblem(cron);
    if (problem !== null) this.#report.error(['schedule'], problem);
    if (timeZone === undefined) return { cron, timeZone: 'UTC' };
    if (typeof timeZone === 'string' && isTimeZone(timeZone)) return { cron, timeZone };
    this.#report.error(
      ['time_zone'],
      `Expected a time zone such as Europe/Istanbul, found ${describe(timeZone)}.`,
    );
    return null;
  }

  #condition(
    rule: Readonly<Record<string, unknown>>,
    key: 'when' | 'while',
    firstStateCounts: boolean,
  ): Node | null {
    const written = rule[key];
    if (written === undefined) return key === 'when' ? { type: 'group', group: 'all', members: [] } : null;
    return parseCondition(written, [key], this.#report, {
      names: conditionNames(this.#known),
      firstStateCounts,
    });
  }

  #then(rule: Readonly<Record<string, unknown>>): Rule['then'] {
    const written = rule['then'];
    if (written !== undefined)
      return parseSteps(written, ['then'], { report: this.#report, known: this.#known });
    this.#report.error(
      [],
      `The rule needs "then": what it does, one of ${Object.keys(ACTIONS).slice(0, 4).join(', ')}, …`,
    );
    return [];
  }

  #limit(written: unknown): Rule['limit'] {
    const base = { perTicket: DEFAULT_PER_TICKET, perTicketIsDefault: true, perRule: null };
    if (written === undefined) return base;
    if (!isMap(written) || Object.keys(written).length === 0) {
      this.#report.error(['limit'], `Expected { per_ticket: 1/1h } or per_rule, found ${describe(written)}.`);
      return base;
    }
    for (const key of Object.keys(written)) {
      if (key === 'per_ticket' || key === 'per_rule') continue;
      this.#report.error(
        ['limit', key],
        `Unknown key "${key}".${didYouMean(key, ['per_ticket', 'per_rule'])}`,
        'key',
      );
    }
    const perTicket = this.#rate(written, 'per_ticket');
    const perRule = this.#rate(written, 'per_rule');
    return { perTicket: perTicket ?? DEFAULT_PER_TICKET, perTicketIsDefault: perTicket === null, perRule };
  }

  #rate(limits: Readonly<Record<string, unknown>>, key: string): RateLimit | null {
    if (!Object.hasOwn(limits, key)) return null;
    const rate = parseRate(limits[key]);
    if (rate === null)
      this.#report.error(
        ['limit', key],
        `Expected runs per duration such as 1/1h, found ${describe(limits[key])}.`,
      );
    return rate;
  }

  #order(written: unknown): number {
    if (written === undefined) return 100;
    if (typeof written === 'number' && Number.isFinite(written)) return written;
    this.#report.error(['order'], `Expected a number, found ${describe(written)}.`);
    return 100;
  }

  #mode(written: unknown): RuleMode {
    const mode = MODES.find((word) => word === written);
    if (mode !== undefined || written === undefined) return mode ?? 'live';
    const hint = typeof written === 'string' ? didYouMean(written, MODES) : '';
    this.#report.error(['mode'], `Expected live, shadow or off, found ${describe(written)}.${hint}`);
    return 'live';
  }

  #flag(rule: Readonly<Record<string, unknown>>, key: 'stop' | 'own' | 'late'): boolean {
    const written = rule[key];
    if (written === undefined || typeof written === 'boolean') return written ?? false;
    this.#report.error([key], `Expected true or false, found ${describe(written)}.`);
    return false;
  }
}

function conditionNames(known: KnownNames): ConditionNames {
  const { connections, lists, calendars } = known;
  return { lists, calendars, connections: connections === null ? null : Object.keys(connections) };
}

/**
 * Checks a condition map that stands elsewhere, such as a silence's `when` in the configuration.
 *
 * @param path where the map stands; mistakes are reported below it
 */
export function checkConditionMap(written: unknown, path: Path, report: Report, known: KnownNames): void {
  const node = parseCondition(written, path, report, {
    names: conditionNames(known),
    firstStateCounts: false,
  });
  if ([...leavesOf(node)].length === 0) report.warning(path, 'This holds for every event.');
}
