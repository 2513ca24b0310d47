import { EVENT_TYPES } from '../event.ts';
import { didYouMean } from '../did-you-mean.ts';
import { ACTIONS, type ActionSpec, type ParamSpec } from './actions.ts';
import type { ParamContext } from './params.ts';
import { describe, eventTypeProblem, isMap } from './parse-condition.ts';
import type { Path } from './report.ts';
import { ACTION_NAMES, type ActionName, type Step } from './rule.ts';

/** Parses the steps of a rule after the action table. Steps with mistakes are reported and left out. */

/** Steps inside answers inside repeats: deeper is a program, not a rule. */
const MAX_NESTING = 3;
const MAX_STEPS = 100;

/** @param prefix path of the step that holds these: `''` or `2.do.` */
export function parseSteps(
  written: unknown,
  path: Path,
  context: ParamContext,
  prefix = '',
  depth = 0,
): readonly Step[] {
  const { report } = context;
  if (!Array.isArray(written) || written.length === 0) {
    const found = Array.isArray(written) ? 'an empty list' : describe(written);
    report.error(path, `Expected a list of steps, found ${found}.`);
    return [];
  }
  if (depth > MAX_NESTING) {
    report.error(path, `Steps may be nested ${MAX_NESTING} deep at most.`);
    return [];
  }
  if (written.length > MAX_STEPS) {
    report.error(path, `Expected at most ${MAX_STEPS} steps, found ${written.length}.`);
    return [];
  }
  return written.flatMap((step, index) => {
    const parsed = parseStep(step, [...path, index], context, `${prefix}${index}`, depth);
    return parsed === null ? [] : [parsed];
  });
}

function parseStep(
  written: unknown,
  path: Path,
  context: ParamContext,
  place: string,
  depth: number,
): Step | null {
  const { report } = context;
  const map = typeof written === 'string' ? { [written]: null } : written;
  if (!isMap(map)) {
    report.error(path, `Expected a step such as "comment: { text: .. }", found ${describe(written)}.`);
    return null;
  }
  const { required = false, ...rest } = map;
  const [name, ...more] = Object.keys(rest);
  if (typeof required !== 'boolean')
    report.error([...path, 'required'], `"required" expects true or false, found ${describe(required)}.`);
  if (name === undefined) {
    report.error(path, 'Expected an action in this step.');
    return null;
  }
  const unknown = Object.keys(rest).filter((key) => !(ACTION_NAMES as readonly string[]).includes(key));
  for (const key of unknown)
    report.error([...path, key], `Unknown action "${key}".${didYouMean(key, ACTION_NAMES)}`, 'key');
  if (unknown.length > 0) return null;
  if (more.length > 0) {
    report.error(
      [...path, more[0] ?? ''],
      `One action per step; put "${more[0]}" into a step of its own.`,
      'key',
    );
    return null;
  }
  const action = name as ActionName;
  const around = action === 'repeat' ? holderOf(path) : null;
  if (around !== null) {
    report.error([...path, name], `A "repeat" cannot stand inside ${around}.`, 'key');
    return null;
  }
  const params = parseParams(action, rest[name], [...path, name], context, place, depth);
  if (params === null) return null;
  // The table and ActionParams describe the same shapes; the tests hold them together.
  return { action, path: place, required: required === true, params } as unknown as Step;
}

/** What a place lies inside of, where the order of a further repeat's rounds would not be clear. */
function holderOf(path: Path): string | null {
  const isIn = (action: string, param: string): boolean =>
    path.some((key, index) => key === action && path[index + 1] === param);
  if (isIn('repeat', 'do')) return 'another "repeat"';
  return isIn('slack.ask', 'answers') ? 'an answer of "slack.ask"' : null;
}

function parseParams(
  action: ActionName,
  written: unknown,
  path: Path,
  context: ParamContext,
  place: string,
  depth: number,
): Readonly<Record<string, unknown>> | null {
  const spec = ACTIONS[action];
  const map = unfold(action, spec, written, path, context);
  if (map === null || map.done !== undefined) return map?.done ?? null;
  const { report } = context;
  let good = true;
  const params: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(map.map)) {
    const param = Object.hasOwn(spec.params, key) ? spec.params[key] : undefined;
    const here = map.bare ? path : [...path, key];
    if (param === undefined) {
      good = false;
      const known = Object.keys(spec.params);
      const list = known.length === 0 ? 'It takes none.' : `It takes ${known.join(', ')}.`;
      report.error(
        here,
        `Unknown parameter "${key}" of "${action}". ${list}${didYouMean(key, known)}`,
        'key',
      );
      continue;
    }
    const parsed = parseParam(param, value, here, context, `${place}.${key}`, depth);
    if (parsed === undefined) good = false;
    else params[key] = parsed;
  }
  good = checkPresence(action, spec, map.map, path, context) && good;
  for (const [key, param] of Object.entries(spec.params))
    if (param.default !== undefined) params[key] ??= param.default;
  return good && checkTogether(action, params, path, context) ? params : null;
}

interface Unfolded {
  readonly map: Readonly<Record<string, unknown>>;
  /** The map was not written; its only value stands at the action itself. */
  readonly bare: boolean;
  /** The parameters are complete. */
  readonly done?: Readonly<Record<string, unknown>>;
}

/** Turns the bare forms (`wait: 15m`, `close:`, `wait_for: customer`) into a map. */
function unfold(
  action: ActionName,
  spec: ActionSpec,
  written: unknown,
  path: Path,
  context: ParamContext,
): Unfolded | null {
  const { bare } = spec;
  if (bare === 'nothing' && (written === null || written === undefined)) return { map: {}, bare: false };
  if (typeof bare === 'object' && 'words' in bare && typeof written === 'string') {
    if (bare.words.includes(written)) return { map: {}, bare: true, done: { who: written } };
    context.report.error(
      path,
      `"${action}" expects ${bare.words.join(', ')} or a map, found "${written}".${didYouMean(written, bare.words)}`,
    );
    return null;
  }
  if (typeof bare === 'object' && 'param' in bare) return { map: { [bare.param]: written }, bare: true };
  if (isMap(written)) return { map: written, bare: false };
  const known = Object.keys(spec.params);
  const expected = known.length === 0 ? 'nothing' : `a map with ${known.join(', ')}`;
  context.report.error(path, `"${action}" expects ${expected}, found ${describe(written)}.`);
  return null;
}

function parseParam(
  param: ParamSpec,
  value: unknown,
  path: Path,
  context: ParamContext,
  place: string,
  depth: number,
): unknown {
  if (param.type === 'steps') return nonEmpty(parseSteps(value, path, context, `${place}.`, depth + 1));
  if (param.type === 'answers') return parseAnswers(value, path, context, place, depth);
  return param.type.parse(value, path, context);
}

function nonEmpty(steps: readonly Step[]): readonly Step[] | undefined {
  return steps.length === 0 ? undefined : steps;
}

/** Slack shows at most 25 buttons in a row of 75 characters each; five fit on a phone. */
const MAX_ANSWERS = 5;
const MAX_LABEL = 75;

function parseAnswers(
  value: unknown,
  path: Path,
  context: ParamContext,
  place: string,
  depth: number,
): unknown {
  const { report } = context;
  const labels = isMap(value) ? Object.keys(value) : [];
  if (!isMap(value) || labels.length === 0 || labels.length > MAX_ANSWERS) {
    report.error(
      path,
      `"answers" expects a map of 1 to ${MAX_ANSWERS} labels, each with a list of steps, found ${describe(value)}.`,
    );
    return undefined;
  }
  const answers: Record<string, readonly Step[]> = {};
  for (const label of labels) {
    if (label.length > MAX_LABEL || !/^[^.\p{Cc}]+$/u.test(label) || label === '__proto__') {
      report.error([...path, label], `A label has 1 to ${MAX_LABEL} characters and no dot.`, 'key');
      return undefined;
    }
    answers[label] = parseSteps(value[label], [...path, label], context, `${place}.${label}.`, depth + 1);
  }
  return Object.values(answers).every((steps) => steps.length > 0) ? answers : undefined;
}

function checkPresence(
  action: ActionName,
  spec: ActionSpec,
  written: Readonly<Record<string, unknown>>,
  path: Path,
  context: ParamContext,
): boolean {
  const { report } = context;
  const has = (key: string): boolean => Object.hasOwn(written, key);
  const missing = Object.entries(spec.params).filter(([key, param]) => param.required === true && !has(key));
  for (const [key] of missing) report.error(path, `"${action}" needs "${key}".`, 'key');
  if (spec.needs !== undefined && !spec.needs.some(has)) {
    report.error(path, `"${action}" needs at least one of ${spec.needs.join(', ')}.`, 'key');
    return false;
  }
  const chosen = spec.exactlyOne?.filter(has) ?? [];
  if (spec.exactlyOne !== undefined && chosen.length !== 1) {
    report.error(
      path,
      `"${action}" needs exactly one of ${spec.exactlyOne.join(', ')}${chosen.length > 1 ? `, found ${chosen.join(' and ')}` : ''}.`,
      'key',
    );
    return false;
  }
  return missing.length === 0;
}

/** What only several parameters together can tell; also writes the last normal forms. */
function checkTogether(
  action: ActionName,
  params: Record<string, unknown>,
  path: Path,
  { report, known }: ParamContext,
): boolean {
  const fail = (key: string, message: string): false => {
    report.error([...path, key], message);
    return false;
  };
  if (action === 'tag' || action === 'watch') {
    params['add'] ??= [];
    params['remove'] ??= [];
  }
  if (action === 'slack.ask') {
    const labels = Object.keys(params['answers'] ?? {});
    const fallback = params['default'];
    if (fallback === undefined) return true;
    if (typeof fallback !== 'string' || !labels.includes(fallback))
      return fail('default', `"default" must be one of the answers: ${labels.join(', ')}.`);
    if (params['within'] === undefined)
      return fail('default', '"default" needs "within": after what time it counts.');
  }
  if (action === 'emit') {
    const type = params['type'] as string;
    if ((EVENT_TYPES as readonly string[]).includes(type))
      return fail('type', `Rules cannot emit "${type}"; write custom.<name>.`);
    params['type'] = type.startsWith('custom.') ? type : `custom.${type}`;
    const problem = eventTypeProblem(params['type'] as string);
    if (problem !== null || /\{[{%]/.test(type))
      return fail('type', problem?.message ?? 'The type must be written out.');
  }
  if (action === 'create_ticket' && known.connections !== null && params['connection'] !== undefined) {
    const name = params['connection'] as string;
    const names = Object.keys(known.connections);
    if (!names.includes(name))
      return fail('connection', `No connection "${name}" is configured.${didYouMean(name, names)}`);
  }
  return true;
}

/** All steps, nested ones included, in the order written. */
export function* allSteps(steps: readonly Step[]): Generator<Step> {
  for (const step of steps) {
    yield step;
    if (step.action === 'repeat') yield* allSteps(step.params.do);
    if (step.action === 'slack.ask')
      for (const inner of Object.values(step.params.answers)) yield* allSteps(inner);
  }
}
