import { replay } from '../operate/replay.ts';
import { parseSince } from '../operate/since.ts';
import { systemClock } from '../clock.ts';
import { readArguments, usageError } from './arguments.ts';
import { asOperator } from './operator.ts';

/** Matches stored events again, as new runs; a running `serve` takes their steps. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, {
    event: { type: 'string' },
    connection: { type: 'string' },
    since: { type: 'string' },
    json: { type: 'boolean' },
  });
  const [event, since] = [given.text('event'), given.text('since')];
  if ((event === undefined) === (since === undefined))
    throw usageError('give either --event KEY or --since T');
  return asOperator('replay', async ({ database, store }) => {
    const request = {
      event,
      connection: given.text('connection'),
      since: since === undefined ? undefined : parseSince(since, systemClock.now()),
    };
    const result = await replay(request, { database, store });
    if (given.flag('json')) console.log(JSON.stringify(result));
    else {
      for (const run of result.runs)
        console.log(`${run.rule}: run ${run.id} (replay ${run.replay_no}) ${run.state}`);
      console.log(`${result.events} events matched again, ${result.runs.length} new runs`);
    }
    return 0;
  });
}
