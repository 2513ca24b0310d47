import { loadEnvironment } from '../config.ts';
import { createLogger } from '../log.ts';
import { migrate } from '../record/migrate.ts';
import { readArguments } from './arguments.ts';
import { openForCommand } from './setup.ts';

/** Brings the database to this version's schema and says what it did. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, { json: { type: 'boolean' } });
  const environment = loadEnvironment(process.env);
  const log = createLogger({ level: 'warn', secrets: environment.secrets });
  const database = await openForCommand(environment, 'migrate', log);
  try {
    const report = await migrate(database.url, (name) => {
      if (!given.flag('json')) console.log(`applied ${name}`);
    });
    if (given.flag('json')) console.log(JSON.stringify(report));
    else console.log(`the schema is at version ${report.version}`);
  } finally {
    await database.close();
  }
  return 0;
}
