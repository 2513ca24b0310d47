import pino from 'pino';

/**
 * One JSON line per event. Whatever comes in, no configured secret and nothing that looks like one goes out: the
 * finished line is scrubbed, so depth, error causes and stacks make no difference.
 */

/** What the parts of Deskhand log with. `fields` may hold an `err`; messages are static text. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  readonly level: LogLevel;
  /** Values that must never appear, whatever they look like. */
  readonly secrets: readonly string[];
  /** Gets whole lines with their newline. Default: standard output, written at once so that a kill loses nothing. */
  readonly destination?: { write(line: string): void };
}

/** A logger that adds these fields to every line of a child. */
export interface RootLog extends Log {
  child(fields: object): Log;
}

/** Makes the process's logger. */
export function createLogger(options: LogOptions): RootLog {
  const scrub = createScrubber(options.secrets);
  return pino(
    {
      level: options.level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: withReadableErrors },
      serializers: { err: (error: unknown) => error },
      hooks: { streamWrite: scrub },
    },
    options.destination ?? pino.destination({ fd: 1, sync: true }),
  );
}

/** JSON shows errors as `{}`: gives every field its message, stack and causes. */
function withReadableErrors(fields: Record<string, unknown>): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    copy[name] = value instanceof Error ? readable(value, 0) : value;
  }
  return copy;
}

const MAX_CAUSES = 5;

/** Only what people need: drivers hang their whole connection on an error. */
function readable(error: Error, depth: number): Record<string, unknown> {
  const { name: type, message, stack, cause } = error;
  const more: Record<string, unknown> = {};
  for (const key of ['code', 'reason', 'status', 'detail', 'constraint', 'table']) {
    const value: unknown = (error as unknown as Record<string, unknown>)[key];
    if (typeof value === 'string' || typeof value === 'number') more[key] = value;
  }
  if (cause instanceof Error && depth < MAX_CAUSES) more['cause'] = readable(cause, depth + 1);
  return { type, message, ...more, stack };
}

/** What may stand in a secret within a finished JSON line: it ends at white space, a quote or an escape. */
const VALUE = String.raw`[^\s"'\\&,;)}\]]+`;

/** Looks like a secret → what to print instead. Each needs time linear in the line. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // A field by its name, at any depth.
  [
    /("(?:[\w-]{0,60}[_-])?(?:authorization|cookie|password|passwd|secret|token|api_?key)"\s*:\s*)"(?:[^"\\]|\\.)*"/gi,
    '$1"[secret]"',
  ],
  // Queries can hold anything; credentials stand before the host.
  [/(https?:\/\/[^\s"'?#\\<>]*)\?[^\s"'\\<>]*/gi, '$1?[query]'],
  [/(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s"'/@\\]+@/gi, '$1[secret]@'],
  [/(hooks\.slack\.com\/)[^\s"'\\]+/gi, '$1[secret]'],
  // A hook's address ends with its secret.
  [/(\/hooks\/[\w.~%-]+\/)[^\s"'?\\]+/g, '$1[secret]'],
  [/\bxox[a-z]+-[\w-]+|\bxapp-[\w-]+|\bwhsec_[\w+/=-]+/gi, '[secret]'],
  // A digit, or more letters than a word has: "Basic questions" are none.
  [
    new RegExp(String.raw`\b(Bearer|Basic|Token)(\s+)(?!token=)(?=\S*\d|\S{16})${VALUE}`, 'gi'),
    '$1$2[secret]',
  ],
  [
    new RegExp(
      String.raw`\b((?:[\w-]{0,60}[_-])?(?:password|passwd|pwd|secret|token|api_?key)|(?<=[?&])key)=(\\?["']?)${VALUE}`,
      'gi',
    ),
    '$1=$2[secret]',
  ],
];

/** Shorter ones are words too; replacing them everywhere would make the log unreadable and hide nothing. */
const MIN_SECRET_LENGTH = 4;

/**
 * Makes the function that takes secrets out of finished JSON lines. The result is JSON again.
 *
 * @param secrets taken out as they are, as JSON and as URLs write them
 */
export function createScrubber(secrets: readonly string[]): (line: string) => string {
  const forms = secrets
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    .flatMap((secret) => [secret, urlForm(secret)])
    .map((secret) => JSON.stringify(secret).slice(1, -1));
  // Longest first: a secret may begin with another one.
  const known = [...new Set(forms)].sort((a, b) => b.length - a.length).map(escapePattern);
  const configured = known.length === 0 ? null : new RegExp(known.join('|'), 'g');
  return (line) => {
    let clean = configured === null ? line : line.replace(configured, '[secret]');
    for (const [pattern, replacement] of PATTERNS) clean = clean.replace(pattern, replacement);
    return clean;
  };
}

/** A value that cannot stand in a URL (half a surrogate pair) has no other form. */
function urlForm(secret: string): string {
  try {
    return encodeURIComponent(secret);
  } catch {
    return secret;
  }
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
