import { acknowledge } from '../operate/attention.ts';
import { readArguments, usageError } from './arguments.ts';
import { whoAmI } from './moment.ts';
import { asOperator } from './operator.ts';

/** Says that somebody took a ticket: escalations that wait for that end. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, { by: { type: 'string' }, json: { type: 'boolean' } });
  const [connection, ticketId, ...more] = given.positionals;
  if (connection === undefined || ticketId === undefined || more.length > 0) {
    throw usageError('expected: ack CONNECTION TICKET');
  }
  const by = given.text('by') ?? whoAmI(process.env);
  return asOperator('ack', async ({ database }) => {
    const result = await acknowledge(database, { connection, ticketId }, by);
    if (given.flag('json')) console.log(JSON.stringify(result));
    else if (result.changed) console.log(`acknowledged; runs that ended: ${result.ended_runs}`);
    else console.log('somebody acknowledged it before');
    return 0;
  });
}
