import { formatProblem } from '../errors.ts';
import { readArguments } from './arguments.ts';
import { loadOffline } from './offline.ts';

/** Checks configuration and rules; every mistake at once, each with its place. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, { rules: { type: 'string' }, json: { type: 'boolean' } });
  const { loaded, config, folder } = await loadOffline(given.text('rules'));
  const errors = loaded.problems.filter((problem) => problem.severity === 'error').length;
  const warnings = loaded.problems.length - errors;
  if (given.flag('json')) {
    console.log(JSON.stringify({ ok: errors === 0, rules: loaded.rules.length, problems: loaded.problems }));
    return errors === 0 ? 0 : 1;
  }
  for (const problem of loaded.problems) console.log(formatProblem(problem));
  if (config === null) console.log('no configuration file: names of connections and lists were not checked');
  console.log(`${folder}: ${loaded.rules.length} rules, ${errors} errors, ${warnings} warnings`);
  return errors === 0 ? 0 : 1;
}
