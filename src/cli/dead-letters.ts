import { readArguments, usageError } from './arguments.ts';
import { asOperator } from './operator.ts';
import { decideSteps, printSteps, readAll } from './step-commands.ts';

/** `list`, `retry ID…`, `skip ID…`: steps whose attempts are used up, or that were refused. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, { json: { type: 'boolean' }, all: { type: 'boolean' } });
  const [verb = 'list'] = given.positionals;
  if (verb !== 'list' && verb !== 'retry' && verb !== 'skip') {
    throw usageError(`dead-letters ${verb}: expected list, retry or skip`);
  }
  return asOperator('dead-letters', async (operator) => {
    if (verb !== 'list') return decideSteps(operator, verb, given, 'dead');
    return printSteps(await readAll(operator.database.db, 'dead'), given, 'There are no dead letters.');
  });
}
