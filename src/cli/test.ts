import { formatExplanation, runRuleTests } from '../match/rule-tests.ts';
import { readArguments } from './arguments.ts';
import { loadOffline, printWarnings, readAt, usableRules } from './offline.ts';

/** Runs the tests that stand in the rules; a failing one is printed with its explanation. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, {
    rules: { type: 'string' },
    at: { type: 'string' },
    json: { type: 'boolean' },
  });
  const offline = await loadOffline(given.text('rules'));
  const rules = usableRules(offline);
  const result = runRuleTests(rules, offline.settings, readAt(given.text('at')));
  if (given.flag('json')) {
    console.log(
      JSON.stringify({ passed: result.passed, failed: result.findings.length, findings: result.findings }),
    );
    return result.findings.length === 0 ? 0 : 1;
  }
  printWarnings(offline.loaded.problems);
  for (const finding of result.findings) {
    console.log(`${finding.rule}, test ${finding.test + 1} (line ${finding.line}): ${finding.message}`);
    console.log(formatExplanation(finding.explanation));
  }
  console.log(`${result.passed} passed, ${result.findings.length} failed`);
  return result.findings.length === 0 ? 0 : 1;
}
