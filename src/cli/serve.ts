import { startApp } from '../app.ts';
import { systemClock } from '../clock.ts';
import { loadSetup, type Config, type Environment } from '../config.ts';
import { createLogger, type Log } from '../log.ts';
import { openEmbedded } from '../record/embedded/embedded.ts';
import { pauseAll } from '../operate/pauses.ts';
import { openDatabase } from '../record/database.ts';
import { migrate } from '../record/migrate.ts';
import { vendors } from '../vendors/registry.ts';
import { readArguments } from './arguments.ts';
import { knownNamesOf, matchSettingsOf, timeOptionsOf } from './setup.ts';
import { untilStopped, whenAborted } from './stop-signals.ts';
import { letYoungGenerationGrow } from './heap.ts';

/** Watches the configured desks until it is told to stop. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, { hold: { type: 'boolean' } });
  const { environment, config } = loadSetup(process.env, vendors);
  const log = createLogger({
    level: environment.logLevel,
    secrets: [...environment.secrets, ...config.secrets],
  });
  warnAboutGaps(environment, config, log);
  const stopping = untilStopped();
  // From the signal on, also while it is still starting.
  let giveUp: NodeJS.Timeout | undefined;
  stopping.addEventListener('abort', () => {
    giveUp = setTimeout(() => leave(log, NOT_IN_TIME), STOP_WITHIN_MS).unref();
  });
  const embedded =
    environment.databaseUrl === null
      ? await openEmbedded({
          dataDir: environment.dataDir,
          log,
          command: 'serve',
          onLost: (error) => lost(log, error),
        })
      : null;
  const databaseUrl = embedded?.url ?? environment.databaseUrl ?? '';
  try {
    const { applied } = await migrate(databaseUrl);
    if (applied.length > 0) log.info({ migrations: applied }, 'schema brought up to date');
    if (given.flag('hold')) await hold(databaseUrl, log);
    const app = await startApp({
      databaseUrl,
      alone: embedded !== null,
      connections: config.connections,
      rulesFolder: environment.rulesDir,
      // With the embedded database the folder always wins.
      publishWhen: embedded === null ? 'new' : 'changed',
      known: knownNamesOf(config, process.env),
      matchSettings: matchSettingsOf(config),
      time: timeOptionsOf(config),
      slack: config.slack,
      httpAllow: config.http.allow,
      listen: { host: environment.host, port: environment.port },
      adminToken: environment.adminToken,
      metricsToken: environment.metricsToken,
      secrets: [...environment.secrets, ...config.secrets],
      retention: config.retention,
      environment: process.env,
      crashAt: process.env['DESKHAND_CRASH_AT'],
      clock: systemClock,
      log,
    });
    log.info(
      { host: environment.host, port: app.port, readyMs: Math.round(performance.now()) },
      'deskhand is ready',
    );
    letYoungGenerationGrow();
    await whenAborted(stopping);
    log.info({}, 'stopping');
    await app.stop();
    clearTimeout(giveUp);
  } finally {
    await embedded?.stop();
  }
  log.info({}, 'stopped');
  setTimeout(() => leave(log, 'something stayed open'), LINGER_MS).unref();
  return 0;
}

/** Whoever stops a service kills it after some seconds. */
const STOP_WITHIN_MS = 4_500;
const NOT_IN_TIME = 'not stopped in time: what is under way is looked up at the next start';
/** With everything done the process ends by itself, at once, unless a socket was forgotten. */
const LINGER_MS = 1_000;

/** Leaving like this loses nothing: it is what a crash does, and the next start looks up what was under way. */
function leave(log: Log, why: string): void {
  log.warn({}, why);
  process.exit(0);
}

/** After a restored backup: it does not know what was sent since it was made. */
async function hold(databaseUrl: string, log: Log): Promise<void> {
  const database = openDatabase({ url: databaseUrl, poolSize: 1 });
  try {
    await pauseAll(database, 'held at start');
  } finally {
    await database.close();
  }
  log.warn({}, 'held: nothing is sent until `deskhand resume --all`');
}

/** Without its database nothing can be promised: whoever supervises the process starts it again. */
function lost(log: Log, error: Error): void {
  log.error({ err: error }, 'the embedded database is lost');
  process.exit(1);
}

/** Things that are allowed but surprise people later. */
function warnAboutGaps(environment: Environment, config: Config, log: Log): void {
  if (environment.adminToken === null) {
    log.warn({}, 'DESKHAND_ADMIN_TOKEN is not set: the API, the console and /metrics answer 401 to all');
  }
  for (const { file, line, path, message } of config.warnings) log.warn({ file, line, path }, message);
  for (const { name, verify, vendor } of config.connections) {
    if (verify === null && vendor.inbound !== null) {
      log.warn({ connection: name }, 'no webhook_secret or verify: its hook answers 401 to all');
    }
  }
}
