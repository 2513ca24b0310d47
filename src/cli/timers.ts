import { databaseNow } from '../record/database.ts';
import { listTimers } from '../record/operate/timers.ts';
import { readArguments, usageError } from './arguments.ts';
import { asOperator } from './operator.ts';
import { formatAge, formatTable } from './table.ts';

/** What fires next: moments of rules, due dates, schedules, and steps that wait. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, { limit: { type: 'string' }, json: { type: 'boolean' } });
  const limit = Number(given.text('limit') ?? '50');
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) {
    throw usageError('--limit: expected a whole number from 1 to 10000');
  }
  return asOperator('timers', async ({ database }) => {
    const [{ items: rows }, now] = await Promise.all([
      listTimers(database.db, { limit, after: null }),
      databaseNow(database.db),
    ]);
    if (given.flag('json')) {
      console.log(JSON.stringify(rows));
      return 0;
    }
    if (rows.length === 0) console.log('nothing waits for its time');
    else {
      console.log(
        formatTable(rows, [
          { title: 'due', of: (row) => row.due_at.toISOString() },
          { title: 'in', of: (row) => dueIn(row.due_at, now) },
          { title: 'what', of: (row) => row.action ?? row.kind },
          { title: 'rule', of: (row) => row.rule },
          { title: 'ticket', of: ticketOf },
          { title: 'reason', of: (row) => row.reason },
        ]),
      );
    }
    return 0;
  });
}

function ticketOf(row: {
  readonly connection: string | null;
  readonly ticket_id: string | null;
}): string | null {
  return row.ticket_id === null ? null : `${row.connection ?? ''} ${row.ticket_id}`;
}

function dueIn(dueAt: Date, now: number): string {
  const seconds = (dueAt.getTime() - now) / 1000;
  return seconds < 0 ? `${formatAge(-seconds)} late` : formatAge(seconds);
}
