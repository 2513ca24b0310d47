import type { TimeOptions } from '../clockwork.ts';
import type { Config } from '../config.ts';
import type { KnownNames } from '../match/load.ts';
import type { MatchSettings } from '../match/matcher.ts';
import type { Environment } from '../config.ts';
import { calendarSettings, createCalendars } from '../sla/calendars.ts';
import { connectEmbedded } from '../record/embedded/embedded.ts';
import { reachDatabase } from '../record/reach.ts';
import type { Log } from '../log.ts';

/** What rules may refer to, as this configuration says. */
export function knownNamesOf(config: Config, env: Readonly<Record<string, string | undefined>>): KnownNames {
  return {
    connections: Object.fromEntries(
      config.connections.map(({ name, vendor }) => [
        name,
        { vendor: vendor.id, vendorName: vendor.name, actions: vendor.capabilities.actions },
      ]),
    ),
    lists: Object.keys(config.lists),
    calendars: config.calendars.map(({ name }) => name),
    environment: Object.keys(env),
    oncall: config.oncall.map(({ name }) => name),
  };
}

export function matchSettingsOf(config: Config): MatchSettings {
  return {
    lists: config.lists,
    locales: Object.fromEntries(
      config.connections.flatMap(({ name, locale }) => (locale === null ? [] : [[name, locale]])),
    ),
    ...calendarSettings(createCalendars(config.calendars)),
  };
}

/** What the configuration says of deadlines, rotas and silences. */
export function timeOptionsOf(config: Config): TimeOptions {
  const calendars = createCalendars(config.calendars);
  return {
    sla: new Map(
      Object.entries(config.sla).map(([connection, { calendar, ...plan }]) => [
        connection,
        { ...plan, calendar: calendar === null ? null : (calendars.get(calendar) ?? null) },
      ]),
    ),
    oncall: config.oncall,
    silences: config.silences,
    heartbeatUrl: config.heartbeatUrl,
  };
}

/** The database that a command works on, and how to leave it. */
export interface OpenedDatabase {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * `DATABASE_URL`, or the embedded database as a client: running, or started for this command.
 *
 * @throws Error that says why it cannot be used
 */
export async function openForCommand(
  environment: Environment,
  command: string,
  log: Log,
): Promise<OpenedDatabase> {
  const { databaseUrl: url } = environment;
  if (url !== null) {
    await (await reachDatabase(url)).end();
    return { url, close: async () => undefined };
  }
  const embedded = await connectEmbedded({ dataDir: environment.dataDir, log, command });
  return { url: embedded.url, close: () => embedded.stop() };
}
