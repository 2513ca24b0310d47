import { systemClock } from '../clock.ts';
import { compileRules } from '../match/compile.ts';
import { formatExplanation } from '../match/rule-tests.ts';
import { readArguments, required, usageError } from './arguments.ts';
import { readOneEvent } from './events-input.ts';
import { loadOffline, printWarnings, readAt, usableRules } from './offline.ts';

/** Says for one rule and one event what each condition wanted and got. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, {
    rule: { type: 'string' },
    event: { type: 'string' },
    rules: { type: 'string' },
    at: { type: 'string' },
    json: { type: 'boolean' },
  });
  const ruleId = required(given.text('rule'), '--rule ID');
  const path = required(given.text('event'), '--event FILE');
  const offline = await loadOffline(given.text('rules'));
  const rules = usableRules(offline);
  if (!rules.some((rule) => rule.id === ruleId))
    throw usageError(`there is no rule "${ruleId}" in ${offline.folder}`);
  const { event, now } = await readOneEvent(path, { at: readAt(given.text('at')), clock: systemClock.now() });
  const explanation = compileRules(rules, offline.settings).explain(ruleId, event, now);
  printWarnings(offline.loaded.problems);
  console.log(given.flag('json') ? JSON.stringify(explanation) : formatExplanation(explanation));
  return 0;
}
