import { isDeepStrictEqual } from 'node:util';
import { loadSetup } from '../config.ts';
import { formatProblem, RuleError } from '../errors.ts';
import { createLogger } from '../log.ts';
import { type LoadedRules, loadRules } from '../match/load.ts';
import type { Rule } from '../match/rule.ts';
import { openDatabase, type Database } from '../record/database.ts';
import { activeSetId, readPausedRules, readRuleSet } from '../record/rules.ts';
import { readRuleFolder } from '../rules/folder.ts';
import { publishRules } from '../rules/publish.ts';
import { vendors } from '../vendors/registry.ts';
import { readArguments, usageError, type Arguments } from './arguments.ts';
import { knownNamesOf, openForCommand } from './setup.ts';

/** `rules publish`: the folder becomes the active set. `list`: what is active. `diff`: what would change. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, {
    rules: { type: 'string' },
    json: { type: 'boolean' },
    'fire-past': { type: 'boolean' },
  });
  const [verb] = given.positionals;
  const { environment, config } = loadSetup(process.env, vendors);
  const log = createLogger({ level: 'warn', secrets: [...environment.secrets, ...config.secrets] });
  const opened = await openForCommand(environment, `rules ${verb ?? ''}`, log);
  const database = openDatabase({ url: opened.url, poolSize: 2 });
  try {
    const folder = await readRuleFolder(given.text('rules') ?? environment.rulesDir);
    const known = knownNamesOf(config, process.env);
    switch (verb) {
      case 'publish':
        return await publish(database, folder.files, known, given);
      case 'list':
        return await list(database, given);
      case 'diff':
        return await diff(database, loadRules(folder.files, known), given);
      default:
        throw usageError(`rules ${verb ?? ''}: expected publish, list or diff`);
    }
  } finally {
    await database.close();
    await opened.close();
  }
}

type Files = Awaited<ReturnType<typeof readRuleFolder>>['files'];

async function publish(
  database: Database,
  files: Files,
  known: Parameters<typeof publishRules>[2],
  given: Arguments,
): Promise<number> {
  try {
    const result = await publishRules(database, files, known, {
      when: 'changed',
      by: 'deskhand rules publish',
      firePast: given.flag('fire-past'),
    });
    const report = { outcome: result.outcome, set: result.ruleSetId, rules: result.rules.length };
    console.log(
      given.flag('json') ? JSON.stringify(report) : `${result.outcome}: ${result.rules.length} rules`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    for (const problem of error.problems) console.error(formatProblem(problem));
    return 1;
  }
}

async function activeRules(database: Database): Promise<readonly Rule[]> {
  const setId = await activeSetId(database.db);
  if (setId === null) return [];
  return (await readRuleSet(database.db, setId)).map((version) => version.rule);
}

async function list(database: Database, given: Arguments): Promise<number> {
  const [rules, paused] = await Promise.all([activeRules(database), readPausedRules(database.db)]);
  const sorted = rules.toSorted((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1));
  const rows = sorted.map(({ id, name, mode, order }) => ({
    id,
    name,
    mode,
    order,
    paused: paused.get(id) ?? null,
  }));
  if (given.flag('json')) console.log(JSON.stringify(rows));
  else
    for (const row of rows)
      console.log(`${String(row.order).padStart(5)}  ${row.mode.padEnd(6)}  ${row.id}  ${row.name}`);
  return 0;
}

/** A folder with mistakes would show its wrong rules as removed, so that it is refused like by `publish`. */
async function diff(database: Database, loaded: LoadedRules, given: Arguments): Promise<number> {
  const errors = loaded.problems.filter(({ severity }) => severity === 'error');
  for (const problem of errors) console.error(formatProblem(problem));
  if (errors.length > 0) return 1;
  const folder = loaded.rules;
  const active = new Map((await activeRules(database)).map((rule) => [rule.id, rule]));
  const added = folder.filter((rule) => !active.has(rule.id)).map((rule) => rule.id);
  const changed = folder
    .filter((rule) => {
      const before = active.get(rule.id);
      return before !== undefined && !isDeepStrictEqual(actingPart(rule), actingPart(before));
    })
    .map((rule) => rule.id);
  const removed = [...active.keys()].filter((id) => !folder.some((rule) => rule.id === id));
  if (given.flag('json')) console.log(JSON.stringify({ added, changed, removed }));
  else {
    for (const id of added) console.log(`+ ${id}`);
    for (const id of changed) console.log(`~ ${id}`);
    for (const id of removed) console.log(`- ${id}`);
  }
  return added.length + changed.length + removed.length === 0 ? 0 : 1;
}

/** What a rule does, as the database gives it back: tests are no part of it, nor is the order of keys. */
function actingPart({ tests: _tests, ...acting }: Rule): unknown {
  return JSON.parse(JSON.stringify(acting));
}
