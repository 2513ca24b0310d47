import { formatProblem } from '../errors.ts';
import { readArguments, usageError } from './arguments.ts';
import { loadOffline } from './offline.ts';
import { checkOnline } from './online.ts';
import { visible } from './table.ts';

/** Checks configuration and rules; every mistake at once, each with its place. `--online` asks every desk once. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, {
    rules: { type: 'string' },
    online: { type: 'boolean' },
    json: { type: 'boolean' },
  });
  const { loaded, config, folder } = await loadOffline(given.text('rules'));
  const problems = [...(config?.warnings ?? []), ...loaded.problems];
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const warnings = problems.length - errors;
  if (given.flag('online') && config === null) throw usageError('--online needs a configuration file');
  const online = given.flag('online') && config !== null ? await checkOnline(config) : [];
  const ok = errors === 0 && online.every((check) => check.ok);
  if (given.flag('json')) {
    const asked = given.flag('online') ? { online } : {};
    console.log(JSON.stringify({ ok, rules: loaded.rules.length, problems, ...asked }));
    return ok ? 0 : 1;
  }
  for (const problem of problems) console.log(formatProblem(problem));
  if (config === null) console.log('no configuration file: names of connections and lists were not checked');
  for (const { connection, problem, findings } of online) {
    console.log(`${connection}: ${problem === null ? 'answers' : visible(problem)}`);
    for (const finding of findings) console.log(`  ${visible(finding)}`);
  }
  console.log(`${folder}: ${loaded.rules.length} rules, ${errors} errors, ${warnings} warnings`);
  return ok ? 0 : 1;
}
