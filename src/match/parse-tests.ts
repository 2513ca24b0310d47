import { didYouMean } from '../did-you-mean.ts';
import { readEventInput } from './input.ts';
import { describe, isMap } from './parse-condition.ts';
import type { Path, Report } from './report.ts';
import { ACTION_NAMES, type RuleTest } from './rule.ts';

/** Parses the `tests` of a rule; their events are checked like any input. */
export function parseTests(
  written: unknown,
  report: Report,
  line: (path: Path) => number,
): readonly RuleTest[] {
  if (written === undefined) return [];
  if (!Array.isArray(written) || written.length === 0) {
    report.error(['tests'], `Expected a list of tests, found ${describe(written)}.`);
    return [];
  }
  return written.flatMap((test, index) => {
    const path = ['tests', index];
    const parsed = parseTest(test, path, report);
    return parsed === null ? [] : [{ ...parsed, line: line(path) }];
  });
}

function parseTest(written: unknown, path: Path, report: Report): Omit<RuleTest, 'line'> | null {
  if (!isMap(written)) {
    report.error(path, `Expected a test with event and expect, found ${describe(written)}.`);
    return null;
  }
  for (const key of Object.keys(written)) {
    if (key === 'event' || key === 'expect' || key === 'name') continue;
    report.error(
      [...path, key],
      `Unknown key "${key}" in a test.${didYouMean(key, ['event', 'expect', 'name'])}`,
      'key',
    );
  }
  for (const key of ['event', 'expect'])
    if (!Object.hasOwn(written, key)) report.error(path, `The test needs "${key}".`, 'key');
  const input = readEventInput(written['event'] ?? {});
  for (const problem of input.problems)
    report.error([...path, 'event', ...problem.path], problem.message, problem.what);
  const expect = parseExpect(written['expect'], [...path, 'expect'], report);
  return expect === null || input.problems.length > 0 ? null : { event: written['event'], expect };
}

function parseExpect(written: unknown, path: Path, report: Report): RuleTest['expect'] | null {
  if (written === 'none') return 'none';
  if (Array.isArray(written))
    return actionList(written, path, report) ? { matched: true, actions: written as string[] } : null;
  if (!isMap(written) || Object.keys(written).length === 0) {
    if (written !== undefined)
      report.error(
        path,
        `Expected none, a list of actions, or matched, actions, rendered, found ${describe(written)}.`,
      );
    return null;
  }
  const { matched, actions, rendered, ...unknown } = written;
  let good = true;
  const fail = (key: string, message: string, what?: 'key'): void => {
    good = false;
    report.error([...path, key], message, what);
  };
  for (const key of Object.keys(unknown))
    fail(key, `Unknown key "${key}".${didYouMean(key, ['matched', 'actions', 'rendered'])}`, 'key');
  if (matched !== undefined && typeof matched !== 'boolean')
    fail('matched', `Expected true or false, found ${describe(matched)}.`);
  if (actions !== undefined && !actionList(actions, [...path, 'actions'], report)) good = false;
  if (
    rendered !== undefined &&
    (!Array.isArray(rendered) || rendered.some((text) => typeof text !== 'string'))
  ) {
    fail('rendered', `Expected a list of texts, found ${describe(rendered)}.`);
  }
  return good ? (written as RuleTest['expect']) : null;
}

function actionList(written: unknown, path: Path, report: Report): boolean {
  if (!Array.isArray(written)) {
    report.error(path, `Expected a list of actions, found ${describe(written)}.`);
    return false;
  }
  let good = true;
  for (const [index, action] of written.entries()) {
    if ((ACTION_NAMES as readonly unknown[]).includes(action)) continue;
    good = false;
    const hint = typeof action === 'string' ? didYouMean(action, ACTION_NAMES) : '';
    report.error([...path, index], `Unknown action ${describe(action)}.${hint}`);
  }
  return good;
}
