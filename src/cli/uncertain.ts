import { readArguments, usageError } from './arguments.ts';
import { asOperator } from './operator.ts';
import { decideSteps, printSteps, readAll } from './step-commands.ts';

/** `list`, `resend ID…`, `done ID…`: steps that may or may not have taken effect. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, { json: { type: 'boolean' }, all: { type: 'boolean' } });
  const [verb = 'list'] = given.positionals;
  if (verb !== 'list' && verb !== 'resend' && verb !== 'done') {
    throw usageError(`uncertain ${verb}: expected list, resend or done`);
  }
  return asOperator('uncertain', async (operator) => {
    if (verb === 'list') {
      return printSteps(await readAll(operator.database.db, 'uncertain'), given, 'Nothing is uncertain.');
    }
    return decideSteps(operator, verb === 'done' ? 'mark-done' : 'resend', given, 'uncertain');
  });
}
