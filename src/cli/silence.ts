import { addSilence, endSilence, readSilences } from '../operate/silences.ts';
import { databaseNow } from '../record/database.ts';
import { readYaml } from '../yaml-file.ts';
import { readArguments, required, usageError, type Arguments } from './arguments.ts';
import { readMoment, whoAmI } from './moment.ts';
import { asOperator, type Operator } from './operator.ts';
import { knownNamesOf } from './setup.ts';
import { formatTable } from './table.ts';

/** Silences: for a while nobody acts on what they cover. Those of the configuration are listed too. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, {
    when: { type: 'string' },
    from: { type: 'string' },
    until: { type: 'string' },
    reason: { type: 'string' },
    all: { type: 'boolean' },
    json: { type: 'boolean' },
  });
  const [verb, id] = given.positionals;
  return asOperator('silence', async (operator) => {
    switch (verb) {
      case 'add':
        return add(operator, given);
      case 'list':
        return list(operator, given);
      case 'end':
        await endSilence(required(id, 'the id of the silence'), whoAmI(process.env), {
          database: operator.database,
          configured: operator.config.silences,
        });
        say(given, { id, ended: true }, `${id ?? ''} is over`);
        return 0;
      default:
        throw usageError(`silence ${verb ?? ''}: expected add, list or end`);
    }
  });
}

async function add({ database, store, config }: Operator, given: Arguments): Promise<number> {
  const now = await databaseNow(database.db);
  const wish = {
    when: readCondition(given.text('when') ?? '{}'),
    from: given.text('from') === undefined ? now : readMoment(given.text('from') ?? '', '--from', now),
    until: readMoment(required(given.text('until'), '--until'), '--until', now),
    reason: required(given.text('reason'), '--reason'),
    by: whoAmI(process.env),
  };
  const id = await addSilence(database, wish, knownNamesOf(config, process.env), store.newId);
  say(given, { id }, `${id} until ${new Date(wish.until).toISOString()}`);
  return 0;
}

/** YAML as in a rule: `{ queue: Network L2 }`. @throws ConfigError */
function readCondition(text: string): Readonly<Record<string, unknown>> {
  const { documents, problems } = readYaml('--when', text);
  const value = documents[0]?.value;
  if (problems.length > 0 || typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw usageError('--when: expected a condition as in a rule, such as "{ queue: Network L2 }"');
  }
  return value as Readonly<Record<string, unknown>>;
}

async function list({ database, config }: Operator, given: Arguments): Promise<number> {
  const now = await databaseNow(database.db);
  const { items } = await readSilences(
    { limit: 200, after: null },
    { database, configured: config.silences },
  );
  const rows = items
    .map((silence) => ({ ...silence, state: stateOf(silence, now) }))
    .filter(({ state }) => given.flag('all') || state === 'active' || state === 'to come');
  if (given.flag('json')) console.log(JSON.stringify(rows));
  else if (rows.length === 0) console.log('nothing is silenced');
  else {
    console.log(
      formatTable(rows, [
        { title: 'id', of: (row) => row.id },
        { title: 'state', of: (row) => row.state },
        { title: 'from', of: (row) => row.from.toISOString() },
        { title: 'until', of: (row) => row.until.toISOString() },
        { title: 'when', of: (row) => JSON.stringify(row.when) },
        { title: 'reason', of: (row) => row.reason },
        { title: 'by', of: (row) => row.created_by },
      ]),
    );
  }
  return 0;
}

function stateOf(
  silence: { readonly from: Date; readonly until: Date; readonly ended_at: Date | null },
  now: number,
): string {
  if (silence.ended_at !== null) return 'ended';
  if (silence.until.getTime() <= now) return 'over';
  return silence.from.getTime() <= now ? 'active' : 'to come';
}

function say(given: Arguments, result: unknown, text: string): void {
  console.log(given.flag('json') ? JSON.stringify(result) : text);
}
