import { compileRules } from './compile.ts';
import { readEventInput } from './input.ts';
import type { Explanation, Leaf, MatchSettings } from './matcher.ts';
import type { Rule, RuleTest, Step } from './rule.ts';
import { parseTemplate, render, TemplateError } from './template.ts';
import { scopeOf } from './template-scope.ts';

/** Runs the tests that rules carry. Each test sees its rule alone, as if it were live; `now` is the event's `observed_at`. */

/** One expectation that failed. */
export interface TestFinding {
  readonly rule: string;
  /** Position of the test in the rule, from 0, and its line in the file. */
  readonly test: number;
  readonly line: number;
  readonly message: string;
  /** Why the rule did or did not match, leaf by leaf. */
  readonly explanation: Explanation;
}

export interface TestResult {
  readonly passed: number;
  readonly findings: readonly TestFinding[];
}

/**
 * @param at the clock of every test, epoch ms; default: each event's observed_at
 * @throws nothing for rules that {@link loadRules} accepted
 */
export function runRuleTests(
  rules: readonly Rule[],
  settings: MatchSettings,
  at: number | null = null,
): TestResult {
  const findings: TestFinding[] = [];
  let count = 0;
  for (const rule of rules) {
    const matcher = compileRules([{ ...rule, mode: 'live' }], settings);
    for (const [index, test] of rule.tests.entries()) {
      count += 1;
      const { event } = readEventInput(test.event);
      const explanation = matcher.explain(rule.id, event, at ?? Date.parse(event.observed_at));
      const message = failureOf(rule, test, explanation);
      if (message !== null)
        findings.push({ rule: rule.id, test: index, line: test.line, message, explanation });
    }
  }
  return { passed: count - findings.length, findings };
}

function failureOf(rule: Rule, test: RuleTest, { verdict, reason }: Explanation): string | null {
  const expected = test.expect === 'none' ? { matched: false } : test.expect;
  const matched = verdict === 'match';
  const wanted = expected.matched ?? true;
  if (matched !== wanted)
    return wanted ? `expected a match, found none: ${reason}` : 'expected no match, found one';
  if (!matched) return null;
  const steps = untilFirstWait(rule.then);
  const actions = steps.map((step) => step.action);
  if (expected.actions !== undefined && !sameList(expected.actions, actions)) {
    return `expected the actions ${expected.actions.join(', ')}, found ${actions.join(', ') || 'none'}`;
  }
  if (expected.rendered === undefined) return null;
  const texts = renderAll(rule, test, steps);
  if (texts instanceof TemplateError) return texts.message;
  return sameList(expected.rendered, texts)
    ? null
    : `expected the texts ${JSON.stringify(expected.rendered)}, found ${JSON.stringify(texts)}`;
}

/** Steps that are done at once. */
function untilFirstWait(steps: readonly Step[]): readonly Step[] {
  const wait = steps.findIndex((step) => step.action === 'wait');
  return wait < 0 ? steps : steps.slice(0, wait);
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((element, index) => element === b[index]);
}

/** The `text` of every step that has one, in order. */
function renderAll(rule: Rule, test: RuleTest, steps: readonly Step[]): string[] | TemplateError {
  const { event } = readEventInput(test.event);
  const scope = scopeOf(event, rule, { connection: { name: event.connection, vendor: event.vendor } });
  try {
    return steps.flatMap((step) => {
      const text = 'text' in step.params ? step.params.text : undefined;
      if (text === undefined) return [];
      return [render(parseTemplate(text), scope, step.action.startsWith('slack.') ? 'slack' : 'none')];
    });
  } catch (error) {
    if (error instanceof TemplateError) return error;
    throw error;
  }
}

/** One leaf as a line for a terminal: `✗ priority at_least "high": got "low"`. */
export function formatLeaf(leaf: Leaf): string {
  const sign = leaf.truth === 'unknown' ? '?' : leaf.truth === 'true' ? '✓' : '✗';
  const got = leaf.got === undefined ? '' : `, got ${short(leaf.got)}`;
  const note = leaf.note === null ? '' : ` (${leaf.note})`;
  const groups = leaf.groups.length === 0 ? '' : `${leaf.groups.join(' › ')} › `;
  return `${sign} ${groups}${leaf.path} ${leaf.operator} ${short(leaf.wanted)}${got}${note}`;
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}

/** An explanation as lines for a terminal: the verdict, then each leaf. */
export function formatExplanation(explanation: Explanation): string {
  const head = `${explanation.rule}: ${explanation.verdict} (${explanation.reason})`;
  return [head, ...explanation.leaves.map((leaf) => `  ${formatLeaf(leaf)}`)].join('\n');
}
