import { systemClock } from '../clock.ts';
import { loadSetup, type Config, type Environment } from '../config.ts';
import { createLogger } from '../log.ts';
import type { MatchSettings } from '../match/matcher.ts';
import { OperateError } from '../operate/error.ts';
import { openDatabase, type Database } from '../record/database.ts';
import { createIdSource } from '../record/ids.ts';
import { createActiveRules } from '../rules/active.ts';
import type { StoreDeps } from '../ingest/store-event.ts';
import { vendors } from '../vendors/registry.ts';
import { usageError } from './arguments.ts';
import { matchSettingsOf, openForCommand, timeOptionsOf } from './setup.ts';

/** What the commands of an operator work on: the database of a `serve` that runs or does not, and its rules. */
export interface Operator {
  readonly config: Config;
  readonly environment: Environment;
  readonly database: Database;
  readonly settings: MatchSettings;
  readonly store: StoreDeps;
}

/**
 * Opens the database for one command and closes it afterwards.
 *
 * @throws ConfigError for what the operator got wrong, whatever `work` throws else
 */
export async function asOperator<T>(command: string, work: (operator: Operator) => Promise<T>): Promise<T> {
  const { environment, config } = loadSetup(process.env, vendors);
  const log = createLogger({ level: 'error', secrets: [...environment.secrets, ...config.secrets] });
  const opened = await openForCommand(environment, command, log);
  const database = openDatabase({ url: opened.url, poolSize: 3 });
  try {
    const settings = matchSettingsOf(config);
    const active = createActiveRules(database, settings);
    const store: StoreDeps = {
      active,
      newId: createIdSource(() => systemClock.now()),
      now: () => systemClock.now(),
      sla: timeOptionsOf(config).sla,
    };
    return await work({ config, environment, database, settings, store });
  } catch (error) {
    if (error instanceof OperateError) throw usageError(error.message);
    if (isMissingTable(error)) throw usageError('the database has no schema yet: run `deskhand migrate`');
    throw error;
  } finally {
    await database.close();
    await opened.close();
  }
}

/** undefined_table, undefined_column. */
function isMissingTable(error: unknown): boolean {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return code === '42P01' || code === '42703';
}
