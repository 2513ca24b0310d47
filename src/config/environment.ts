import { didYouMean } from '../did-you-mean.ts';
import { ConfigError, type Problem } from '../errors.ts';
import { LOG_LEVELS, type LogLevel } from '../log.ts';

/** What Deskhand takes from environment variables, besides those that the configuration names. */
export interface Environment {
  /** `DATABASE_URL`; null: the embedded database. */
  readonly databaseUrl: string | null;
  /** `DESKHAND_DATA`, default `./data`. */
  readonly dataDir: string;
  /** `DESKHAND_CONFIG`, default `./deskhand.yaml`. */
  readonly configPath: string;
  /** `DESKHAND_RULES`, default `./rules`. */
  readonly rulesDir: string;
  /** `PORT`, default 8080; 0 takes any. */
  readonly port: number;
  /** `HOST`, default 127.0.0.1. */
  readonly host: string;
  /** `DESKHAND_ADMIN_TOKEN`; null: API, console and metrics answer 401 to all. */
  readonly adminToken: string | null;
  /** `METRICS_TOKEN`; null: the admin token; `none`: open. */
  readonly metricsToken: string | null;
  /** `LOG_LEVEL`, default info. */
  readonly logLevel: LogLevel;
  /** Every secret among them, for the log's scrubber. */
  readonly secrets: readonly string[];
}

type Variables = Readonly<Record<string, string | undefined>>;

/** @throws ConfigError with all problems */
export function loadEnvironment(env: Variables): Environment {
  const problems: Problem[] = [];
  const environment = readEnvironment(env, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return environment;
}

/** Like {@link loadEnvironment}, but adds to `problems` and gives defaults in the place of what is wrong. */
export function readEnvironment(env: Variables, problems: Problem[]): Environment {
  const complain = (name: string, message: string): void => {
    const place = { file: 'environment', line: 1, column: 1, path: name };
    problems.push({ ...place, message: `${name} ${message}`, severity: 'error' });
  };
  // Set but empty is how many shells and compose files say "unset".
  const setting = (name: string, byDefault: string): string => env[name]?.trim() || byDefault;
  // Not so for what protects or holds data: an empty one is a slip that nobody would notice.
  const secret = (name: string): string | null => {
    if (env[name] === undefined) return null;
    if (env[name].trim() === '') complain(name, 'is empty; give it a value or do not set it');
    return env[name].trim();
  };
  const databaseUrl = secret('DATABASE_URL');
  const adminToken = secret('DESKHAND_ADMIN_TOKEN');
  const metricsToken = secret('METRICS_TOKEN');
  if (databaseUrl !== null && databaseUrl !== '') checkDatabaseUrl(databaseUrl, complain);
  return {
    databaseUrl,
    dataDir: setting('DESKHAND_DATA', './data'),
    configPath: setting('DESKHAND_CONFIG', './deskhand.yaml'),
    rulesDir: setting('DESKHAND_RULES', './rules'),
    port: readPort(setting('PORT', '8080'), complain),
    host: setting('HOST', '127.0.0.1'),
    adminToken,
    metricsToken,
    logLevel: readLevel(setting('LOG_LEVEL', 'info'), complain),
    secrets: secretsOf(databaseUrl, adminToken, metricsToken),
  };
}

type ComplainOf = (name: string, message: string) => void;

function readPort(text: string, complain: ComplainOf): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  complain('PORT', `expected a number from 0 to 65535, got ${JSON.stringify(text)}`);
  return 8080;
}

function readLevel(text: string, complain: ComplainOf): LogLevel {
  const level = LOG_LEVELS.find((each) => each === text.toLowerCase());
  if (level !== undefined) return level;
  const near = didYouMean(text, LOG_LEVELS);
  complain('LOG_LEVEL', `expected ${LOG_LEVELS.join(', ')}, got ${JSON.stringify(text)}.${near}`);
  return 'info';
}

function checkDatabaseUrl(text: string, complain: ComplainOf): void {
  const isRight = URL.canParse(text) && /^postgres(?:ql)?:$/.test(new URL(text).protocol);
  // What stands there may hold a password: it is not shown.
  if (!isRight) complain('DATABASE_URL', 'expected postgresql://user:password@host:5432/database');
}

function secretsOf(databaseUrl: string | null, ...tokens: readonly (string | null)[]): string[] {
  const found = tokens.filter((token): token is string => token !== null && token !== '' && token !== 'none');
  const password = databaseUrl !== null && URL.canParse(databaseUrl) ? new URL(databaseUrl).password : '';
  return password === '' ? found : [...found, password, decode(password)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
