import { snooze } from '../operate/attention.ts';
import { readArguments, usageError } from './arguments.ts';
import { readMoment } from './moment.ts';
import { asOperator } from './operator.ts';

const DEFAULT = '1h';

/** Keeps quiet about a ticket in Slack for a while; what is written to the desk goes on. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, {
    until: { type: 'string' },
    off: { type: 'boolean' },
    json: { type: 'boolean' },
  });
  const [connection, ticketId, ...more] = given.positionals;
  if (connection === undefined || ticketId === undefined || more.length > 0) {
    throw usageError('expected: snooze CONNECTION TICKET [--until T | --off]');
  }
  const wanted = given.text('until') ?? DEFAULT;
  const until = given.flag('off') ? null : (now: number): number => readMoment(wanted, '--until', now);
  return asOperator('snooze', async ({ database }) => {
    const result = await snooze(database, { connection, ticketId }, until);
    const at = result.snoozed_until?.toISOString() ?? null;
    if (given.flag('json')) console.log(JSON.stringify(result));
    else console.log(at === null ? 'the snooze is over' : `snoozed until ${at}`);
    return 0;
  });
}
