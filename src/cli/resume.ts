import { pauseAll, pauseConnection, resumeRule } from '../operate/pauses.ts';
import { readArguments, usageError } from './arguments.ts';
import { asOperator, type Operator } from './operator.ts';
import { readTarget, type Target } from './target.ts';

/** Lets a rule, a connection, or every action go on. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, {
    json: { type: 'boolean' },
    all: { type: 'boolean' },
    release: { type: 'boolean' },
    discard: { type: 'boolean' },
  });
  const target = readTarget(given, 'resume');
  if (given.flag('release') && given.flag('discard')) throw usageError('either --release or --discard');
  if ((given.flag('release') || given.flag('discard')) && target.kind !== 'rule') {
    throw usageError('--release and --discard are for rules');
  }
  const held = given.flag('release') ? 'release' : given.flag('discard') ? 'discard' : null;
  return asOperator('resume', async (operator) => {
    const { result, said } = await resume(operator, target, held);
    console.log(given.flag('json') ? JSON.stringify(result) : said);
    return 0;
  });
}

async function resume(
  { database }: Operator,
  target: Target,
  held: 'release' | 'discard' | null,
): Promise<{ readonly result: object; readonly said: string }> {
  if (target.kind === 'rule') {
    const result = await resumeRule(database, target.name, held);
    const { released, discarded } = result;
    return { result, said: `${target.text} goes on; ${released} held runs released, ${discarded} discarded` };
  }
  const result =
    target.kind === 'all'
      ? await pauseAll(database, null)
      : await pauseConnection(database, target.name, false);
  return { result, said: `${target.text} ${result.changed ? 'goes on' : 'was not paused'}` };
}
