import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { type ConnectionConfig, isMap, type PartContext, readConnection } from './config/connection.ts';
import { type Environment, readEnvironment } from './config/environment.ts';
import { type Complain, expandVariables, type Path } from './config/expand.ts';
import { explainIssues } from './config/issues.ts';
import { heartbeatSchema, httpSchema, listsSchema, retentionSchema, slackSchema } from './config/schema.ts';
import { collectSecrets, isSecretPath } from './config/secrets.ts';
import { readTimeParts, type TimeConfig } from './config/time-parts.ts';
import { calendarsSchema, oncallSchema, silencesSchema, slaSchema } from './config/time.ts';
import { didYouMean } from './did-you-mean.ts';
import { ConfigError, type Problem } from './errors.ts';
import { isPlainHttp } from './vendors/http/settings.ts';
import type { Vendor } from './vendors/vendor.ts';
import { readYaml, type YamlDocument } from './yaml-file.ts';

export type { ConnectionConfig } from './config/connection.ts';
export { type Environment, loadEnvironment } from './config/environment.ts';
export type { SilenceConfig, SlaConfig } from './config/time-parts.ts';
export { parseDuration } from './config/values.ts';

/**
 * Reads `deskhand.yaml`. In come its text and the environment, out comes a typed configuration or every mistake at
 * once, each with its place. It opens nothing and calls nobody.
 */

/** Slack as configured; secrets are null where their mode is not used. */
export type SlackConfig = z.output<typeof slackSchema>;
/** How long rows are kept, in milliseconds. */
export type Retention = z.output<typeof retentionSchema>;

export interface Config extends TimeConfig {
  /** By name in the file's order. */
  readonly connections: readonly ConnectionConfig[];
  readonly slack: SlackConfig | null;
  readonly lists: Readonly<Record<string, readonly string[]>>;
  readonly http: {
    /** Hosts, host:port, addresses and ranges that `http.post` may reach, in lower case. */
    readonly allow: readonly string[];
  };
  readonly retention: Retention;
  readonly heartbeatUrl: string | null;
  /** Every secret value, for {@link createLogger}. */
  readonly secrets: readonly string[];
  /** What is allowed but should not be left like this. */
  readonly warnings: readonly Problem[];
}

export interface ConfigSource {
  /** As problems name it. */
  readonly file: string;
  readonly text: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly vendors: Readonly<Record<string, Vendor>>;
  /** Reads an .ics file that the configuration names; default: from disk, relative to `file`. */
  readonly readFile?: (path: string) => string;
}

/**
 * Reads the configuration file.
 *
 * @throws ConfigError with all problems, also when the file cannot be read
 */
export function loadConfig(source: Omit<ConfigSource, 'file' | 'text'> & { readonly path: string }): Config {
  return parseConfig({ ...source, file: source.path, text: readText(source.path) });
}

/**
 * Reads environment and configuration file, so that a start names the mistakes of both at once.
 *
 * @throws ConfigError
 */
export function loadSetup(
  env: ConfigSource['env'],
  vendors: ConfigSource['vendors'],
): { environment: Environment; config: Config } {
  const problems: Problem[] = [];
  const environment = readEnvironment(env, problems);
  try {
    const config = loadConfig({ path: environment.configPath, env, vendors });
    if (problems.length === 0) return { environment, config };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  throw new ConfigError(problems);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message =
      code === 'ENOENT'
        ? 'there is no such file. Write one with a "connections:" part (docs/operations.md shows how), or set ' +
          'DESKHAND_CONFIG to where it is; "deskhand demo" needs none.'
        : `the file cannot be read (${code})`;
    throw new ConfigError([{ file: path, line: 1, column: 1, path: '', message, severity: 'error' }]);
  }
}

/** Parts with a schema of their own; `connections` is read vendor by vendor. */
const PARTS = {
  slack: slackSchema,
  lists: listsSchema,
  http: httpSchema,
  retention: retentionSchema,
  calendars: calendarsSchema,
  sla: slaSchema,
  oncall: oncallSchema,
  silences: silencesSchema,
  heartbeat_url: heartbeatSchema,
} as const satisfies Readonly<Record<string, z.ZodType>>;

/**
 * Reads a configuration from text.
 *
 * @throws ConfigError
 */
export function parseConfig(source: ConfigSource): Config {
  const { documents, problems: syntax } = readYaml(source.file, source.text);
  const document = documents[0];
  if (syntax.length > 0 || documents.length > 1 || document === undefined || !isMap(document.value)) {
    throw new ConfigError(syntax.length > 0 ? syntax : [shapeProblem(source.file, documents)]);
  }
  const problems: Problem[] = [];
  const complain = complainTo(problems, source.file, document);
  const broken = new Set<string>();
  const value = expandVariables(document.value, source.env, (path, message, what) => {
    broken.add(path.join('\0'));
    complain(path, message, what);
  }) as Record<string, unknown>;
  const context: PartContext = {
    // A variable that is missing was named; that its place is empty needs no second line.
    complain: (path, message, what) => {
      if (!broken.has(path.join('\0'))) complain(path, message, what);
    },
    isHidden: (path) => isSecretPath(path) || isExpanded(document.value, path),
  };
  const readFile = source.readFile ?? ((path) => readFileSync(resolve(dirname(source.file), path), 'utf8'));
  const config = readParts(value, source.vendors, context, readFile);
  if (problems.length > 0) throw new ConfigError(problems.toSorted(byPlace));
  const warnings = config.connections.filter(sendsInTheClear).map(({ name }): Problem => {
    const path = ['connections', name, 'url'];
    const message = 'credentials and tickets travel unencrypted: use https, or a proxy on this machine';
    return { file: source.file, ...document.at(path), path: path.join('.'), message, severity: 'warning' };
  });
  return { ...config, secrets: collectSecrets(value), warnings };
}

/** Only desks have a `url`; senders of webhooks reach us, not we them. */
function sendsInTheClear({ settings }: ConnectionConfig): boolean {
  const url = isMap(settings) ? settings['url'] : undefined;
  return typeof url === 'string' && isPlainHttp(url);
}

function complainTo(problems: Problem[], file: string, document: YamlDocument): Complain {
  return (path, message, what) => {
    const place = document.at(path, what);
    problems.push({ file, ...place, path: path.join('.'), message, severity: 'error' });
  };
}

function byPlace(a: Problem, b: Problem): number {
  return a.line - b.line || a.column - b.column;
}

function shapeProblem(file: string, documents: readonly YamlDocument[]): Problem {
  const place = documents[1]?.at([]) ?? { line: 1, column: 1 };
  const message =
    documents.length > 1
      ? 'expected one document; remove the "---" and what follows'
      : 'expected keys such as "connections:" (docs/operations.md shows an example)';
  return { file, ...place, path: '', message, severity: 'error' };
}

/** True if what was written there takes text from the environment. */
function isExpanded(written: unknown, path: Path): boolean {
  let current = written;
  for (const part of path) {
    if (typeof current !== 'object' || current === null) return false;
    current = (current as Record<string | number, unknown>)[part];
  }
  return typeof current === 'string' && current.includes('${');
}

function readParts(
  value: Readonly<Record<string, unknown>>,
  vendors: Readonly<Record<string, Vendor>>,
  context: PartContext,
  readFile: (path: string) => string,
): Omit<Config, 'secrets' | 'warnings'> {
  checkKeys(value, context);
  const read = <Name extends keyof typeof PARTS>(name: Name): z.output<(typeof PARTS)[Name]> | undefined => {
    if (value[name] === undefined) return undefined;
    const result = PARTS[name].safeParse(value[name]);
    if (result.success) return result.data as z.output<(typeof PARTS)[Name]>;
    explainIssues(result.error.issues, { ...context, value: value[name], schema: PARTS[name], base: [name] });
    return undefined;
  };
  const lists = read('lists') ?? {};
  const written = isMap(value['connections']) ? Object.keys(value['connections']) : [];
  const time = readTimeParts(
    { calendars: read('calendars'), sla: read('sla'), oncall: read('oncall'), silences: read('silences') },
    { complain: context.complain, readFile, connections: written, lists: Object.keys(lists) },
  );
  return {
    connections: readConnections(value['connections'], vendors, context),
    ...time,
    slack: read('slack') ?? null,
    lists,
    http: read('http') ?? { allow: [] },
    retention: read('retention') ?? retentionSchema.parse({}),
    heartbeatUrl: read('heartbeat_url') ?? null,
  };
}

function checkKeys(value: Readonly<Record<string, unknown>>, { complain }: PartContext): void {
  const known = ['connections', ...Object.keys(PARTS)];
  for (const key of Object.keys(value).filter((each) => !known.includes(each))) {
    complain(
      [key],
      `unknown key "${key}".${didYouMean(key, known) || ` Known: ${known.join(', ')}.`}`,
      'key',
    );
  }
}

function readConnections(
  written: unknown,
  vendors: Readonly<Record<string, Vendor>>,
  context: PartContext,
): ConnectionConfig[] {
  if (!isMap(written) || Object.keys(written).length === 0) {
    const found = written === undefined ? '"connections" is missing' : '"connections" is empty';
    context.complain(['connections'], `${found}; expected at least one, by name`, 'key');
    return [];
  }
  return Object.entries(written)
    .map(([name, connection]) => readConnection(name, connection, vendors, context))
    .filter((connection) => connection !== undefined);
}
