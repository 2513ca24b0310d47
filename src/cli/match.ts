import { systemClock } from '../clock.ts';
import { compileRules } from '../match/compile.ts';
import { readArguments, required } from './arguments.ts';
import { readEventLines } from './events-input.ts';
import { loadOffline, printWarnings, readAt, usableRules } from './offline.ts';

/** Prints one line per event with the ids of the rules that match it, in their order. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, {
    rules: { type: 'string' },
    events: { type: 'string' },
    at: { type: 'string' },
    json: { type: 'boolean' },
  });
  const path = required(given.text('events'), '--events FILE');
  const offline = await loadOffline(given.text('rules'));
  const matcher = compileRules(usableRules(offline), offline.settings);
  const events = await readEventLines(path, { at: readAt(given.text('at')), clock: systemClock.now() });
  printWarnings(offline.loaded.problems);
  const lines = events.map(({ event, name, now }) => {
    const rules = matcher.match(event, now).map((match) => match.rule.id);
    return given.flag('json')
      ? JSON.stringify({ event: name, rules })
      : `${name}: ${rules.length === 0 ? 'no rule' : rules.join(', ')}`;
  });
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}
