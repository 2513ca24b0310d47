import { pauseAll, pauseConnection, pauseRule } from '../operate/pauses.ts';
import { readArguments } from './arguments.ts';
import { asOperator } from './operator.ts';
import { readTarget } from './target.ts';

const REASON = 'paused by a person';

/** Stops a rule, a connection, or every action; what comes in is still stored. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, {
    json: { type: 'boolean' },
    all: { type: 'boolean' },
    reason: { type: 'string' },
  });
  const target = readTarget(given, 'pause');
  const reason = given.text('reason') ?? REASON;
  return asOperator('pause', async ({ database }) => {
    const result =
      target.kind === 'all'
        ? await pauseAll(database, reason)
        : target.kind === 'rule'
          ? await pauseRule(database, target.name, reason)
          : await pauseConnection(database, target.name, true);
    if (given.flag('json')) console.log(JSON.stringify(result));
    else console.log(`${target.text} ${result.changed ? 'is paused' : 'was paused already'}`);
    return 0;
  });
}
