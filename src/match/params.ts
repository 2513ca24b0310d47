import { didYouMean } from '../did-you-mean.ts';
import { describe, isMap, parseSpanOrReport } from './parse-condition.ts';
import type { Path, Report } from './report.ts';
import { parseInstant, SPAN_PATTERN } from './span.ts';
import { parseTemplate, TemplateError, variablesOf } from './template.ts';

/**
 * Types of action parameters: each parses what was written, reports what is wrong with it, and has the JSON
 * schema that editors get. A parse that reported an error gives undefined.
 */

/** What a configuration offers for rules to name; null where it is not known (then nothing is checked). */
export interface KnownNames {
  readonly connections: Readonly<
    Record<
      string,
      {
        readonly vendor: string;
        /** As people write it: `Jitbit`. */
        readonly vendorName: string;
        /** Supported actions with the parameters that each takes. */
        readonly actions: Readonly<Partial<Record<string, readonly string[]>>>;
      }
    >
  > | null;
  readonly lists: readonly string[] | null;
  readonly calendars: readonly string[] | null;
  readonly environment: readonly string[] | null;
  readonly oncall: readonly string[] | null;
}

/** Checks nothing that only a configuration can tell. */
export const NOTHING_KNOWN: KnownNames = {
  connections: null,
  lists: null,
  calendars: null,
  environment: null,
  oncall: null,
};

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface ParamContext {
  readonly report: Report;
  readonly known: KnownNames;
}

export interface ParamType {
  readonly schema: JsonSchema;
  parse(value: unknown, path: Path, context: ParamContext): unknown;
}

function refuse(context: ParamContext, path: Path, message: string, what?: 'key'): undefined {
  context.report.error(path, message, what);
  return undefined;
}

const NAME_IN_ENVIRONMENT = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Checks a Liquid text; true if it can be used. */
function checkText(value: string, path: Path, context: ParamContext): boolean {
  const reference = value.match(NAME_IN_ENVIRONMENT)?.[0];
  if (reference !== undefined && /[A-Z]/.test(reference) && reference === reference.toUpperCase()) {
    context.report.error(path, `${reference} is only replaced in "headers" and "secret" of http.post.`);
    return false;
  }
  return checkTemplate(value, path, context);
}

function checkTemplate(value: string, path: Path, context: ParamContext): boolean {
  try {
    const template = parseTemplate(value);
    const { oncall } = context.known;
    for (const [root, name] of variablesOf(template)) {
      if (root !== 'oncall' || name === undefined || oncall === null || oncall.includes(name)) continue;
      context.report.error(
        path,
        `No rota "${name}" stands under "oncall" in the configuration.${didYouMean(name, oncall)}`,
      );
      return false;
    }
    return true;
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    context.report.error(path, error.message);
    return false;
  }
}

/** A Liquid text that is not empty. */
export const text: ParamType = {
  schema: { type: 'string', minLength: 1 },
  parse(value, path, context) {
    if (typeof value === 'string' && value.trim() !== '')
      return checkText(value, path, context) ? value : undefined;
    const quotes = typeof value === 'number' || typeof value === 'boolean' ? ' Put it in quotes.' : '';
    return refuse(
      context,
      path,
      `Expected a text, found ${value === '' ? 'an empty one' : describe(value)}.${quotes}`,
    );
  },
};

/** A text, or a number or boolean that is taken as its text: names and ids of desk objects. */
export const nameOrId: ParamType = {
  schema: { type: ['string', 'number'], minLength: 1 },
  parse: (value, path, context) =>
    text.parse(typeof value === 'number' ? String(value) : value, path, context),
};

export const boolean: ParamType = {
  schema: { type: 'boolean' },
  parse(value, path, context) {
    return typeof value === 'boolean'
      ? value
      : refuse(context, path, `Expected true or false, found ${describe(value)}.`);
  },
};

/** One of a fixed set of words. */
export function oneOf(words: readonly string[]): ParamType {
  return {
    schema: { enum: words },
    parse(value, path, context) {
      if (typeof value === 'string' && words.includes(value)) return value;
      const hint = typeof value === 'string' ? didYouMean(value, words) : '';
      return refuse(context, path, `Expected one of ${words.join(', ')}, found ${describe(value)}.${hint}`);
    },
  };
}

/** A whole number within bounds, both included. */
export function integer(least: number, most: number): ParamType {
  return {
    schema: { type: 'integer', minimum: least, maximum: most },
    parse(value, path, context) {
      if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most)
        return value;
      return refuse(
        context,
        path,
        `Expected a whole number from ${least} to ${most}, found ${describe(value)}.`,
      );
    },
  };
}

/** A list with at least one element of a type. */
export function listOf(type: ParamType): ParamType {
  return {
    schema: { type: 'array', items: type.schema, minItems: 1 },
    parse(value, path, context) {
      if (!Array.isArray(value)) return refuse(context, path, `Expected a list, found ${describe(value)}.`);
      if (value.length === 0)
        return refuse(context, path, 'Expected at least one element, found an empty list.');
      const parsed = value.map((element, index) => type.parse(element, [...path, index], context));
      return parsed.includes(undefined) ? undefined : parsed;
    },
  };
}

export const spanSchema: JsonSchema = {
  anyOf: [
    { type: 'string', pattern: SPAN_PATTERN, description: 'A duration such as 90s, 15m, 4h, 2d, 1w, 1h30m.' },
    {
      type: 'object',
      properties: { for: { type: 'string', pattern: SPAN_PATTERN }, calendar: { type: 'string' } },
      required: ['for'],
      additionalProperties: false,
    },
  ],
};

/** A duration, plain or on a calendar. */
export function span(name: string): ParamType {
  return {
    schema: spanSchema,
    parse: (value, path, { report, known }) =>
      parseSpanOrReport(value, path, name, report, known.calendars) ?? undefined,
  };
}

/** An instant: ISO 8601, or a template that will give one; `none` where nothing can stand. */
export const instant: ParamType = {
  schema: { type: 'string', minLength: 1 },
  parse(value, path, context) {
    const written = text.parse(value, path, context);
    if (typeof written !== 'string' || written.includes('{{') || written === 'none') return written;
    if (!Number.isNaN(parseInstant(written))) return written;
    return refuse(context, path, `Expected a time such as 2026-11-23T09:00Z, found "${written}".`);
  },
};

const CHOICES = ['rotate', 'least_open'] as const;

/** A person, nobody, or a way to choose one. */
export const agentChoice: ParamType = {
  schema: {
    anyOf: [
      { type: ['string', 'number'], description: 'A name, id or e-mail; "none" for nobody.' },
      ...CHOICES.map((choice) => ({
        type: 'object',
        properties: { [choice]: listOf(nameOrId).schema },
        required: [choice],
        additionalProperties: false,
      })),
    ],
  },
  parse(value, path, context) {
    if (!isMap(value)) {
      const person = nameOrId.parse(value, path, context);
      if (person === undefined) return undefined;
      return person === 'none' ? { kind: 'none' } : { kind: 'person', person };
    }
    const [kind, ...more] = Object.keys(value);
    if (more.length > 0 || (kind !== 'rotate' && kind !== 'least_open')) {
      const key = kind === undefined ? '' : didYouMean(kind, CHOICES);
      const at = kind === undefined ? path : [...path, kind];
      return refuse(
        context,
        at,
        `Expected a person, none, { rotate: [..] } or { least_open: [..] }.${key}`,
        'key',
      );
    }
    const people = listOf(nameOrId).parse(value[kind], [...path, kind], context);
    return people === undefined ? undefined : { kind, people };
  },
};

/** JSON whose texts are templates. */
export const json: ParamType = {
  schema: {},
  parse(value, path, context) {
    return checkTree(value, path, context) ? value : undefined;
  },
};

function checkTree(value: unknown, path: Path, context: ParamContext): boolean {
  if (typeof value === 'string') return checkText(value, path, context);
  if (Array.isArray(value))
    return value.map((inner, index) => checkTree(inner, [...path, index], context)).every(Boolean);
  if (!isMap(value)) return true;
  return Object.entries(value)
    .map(([key, inner]) => checkTree(inner, [...path, key], context))
    .every(Boolean);
}

/** A map of JSON whose texts are templates. */
export const jsonMap: ParamType = {
  schema: { type: 'object' },
  parse(value, path, context) {
    return isMap(value)
      ? json.parse(value, path, context)
      : refuse(context, path, `Expected a map, found ${describe(value)}.`);
  },
};

/** Custom fields to set: name → text, number, boolean or null. */
export const customFields: ParamType = {
  schema: {
    type: 'object',
    minProperties: 1,
    additionalProperties: { type: ['string', 'number', 'boolean', 'null'] },
  },
  parse(value, path, context) {
    if (!isMap(value) || Object.keys(value).length === 0) {
      return refuse(context, path, `Expected a map of custom fields, found ${describe(value)}.`);
    }
    let good = true;
    for (const [name, inner] of Object.entries(value)) {
      if (typeof inner === 'object' && inner !== null) {
        good = false;
        context.report.error(
          [...path, name],
          `Expected a text, number, true, false or null, found ${describe(inner)}.`,
        );
      } else if (typeof inner === 'string' && !checkText(inner, [...path, name], context)) good = false;
    }
    return good ? value : undefined;
  },
};

/** The URL of http.post: scheme and host are literal, so that no ticket can choose where it goes. */
export const url: ParamType = {
  schema: { type: 'string', pattern: '^https?://[^/?#{}]+' },
  parse(value, path, context) {
    const written = text.parse(value, path, context);
    if (typeof written !== 'string') return undefined;
    const problem = urlProblem(written);
    return problem === null ? written : refuse(context, path, problem);
  },
};

function urlProblem(written: string): string | null {
  const literal = written.split(/\{[{%]/)[0] ?? '';
  const found = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([/?#]|$)/i.exec(literal);
  if (found === null)
    return 'Expected a URL whose scheme and host are written out, such as https://hooks.example.com/x.';
  const [, scheme = '', authority = '', after = ''] = found;
  if (!/^https?$/i.test(scheme)) return `Expected http or https, found "${scheme}".`;
  if (authority.includes('@')) return 'A URL must hold no user or password; use "headers".';
  if (after === '' && literal !== written)
    return 'The host must be written out to its end: put a "/" before the first {{.';
  return URL.canParse(`${scheme}://${authority}/`) && !/[\s\\]/.test(literal)
    ? null
    : `"${authority}" is no host.`;
}

/** Checks `${NAME}` references against the environment. */
function checkReferences(value: string, path: Path, context: ParamContext): boolean {
  const { environment } = context.known;
  for (const [, name = ''] of value.matchAll(NAME_IN_ENVIRONMENT)) {
    if (environment === null || environment.includes(name)) continue;
    context.report.error(
      path,
      `The environment variable ${name} is not set.${didYouMean(name, environment)}`,
    );
    return false;
  }
  return true;
}

/** A signing secret: stored as the reference that was written. */
export const secret: ParamType = {
  schema: { type: 'string', minLength: 1 },
  parse(value, path, context) {
    if (typeof value !== 'string' || value === '')
      return refuse(context, path, `Expected \${NAME}, found ${describe(value)}.`);
    if (!/\$\{\w+\}/.test(value))
      context.report.warning(path, 'A secret in a rule file is readable by all; write ${NAME}.');
    return checkReferences(value, path, context) ? value : undefined;
  },
};

/** Headers that the transport sets itself. */
const RESERVED_HEADERS = [
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'te',
  'trailer',
  'expect',
];

/** Header names → templates that may hold `${NAME}`. */
export const headers: ParamType = {
  schema: { type: 'object', additionalProperties: { type: 'string' } },
  parse(value, path, context) {
    if (!isMap(value)) return refuse(context, path, `Expected a map of headers, found ${describe(value)}.`);
    const good = Object.entries(value).map(([name, inner]) =>
      checkHeader(name, inner, [...path, name], context),
    );
    return good.every(Boolean) ? value : undefined;
  },
};

function checkHeader(name: string, value: unknown, path: Path, context: ParamContext): boolean {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || RESERVED_HEADERS.includes(name.toLowerCase())) {
    context.report.error(path, `"${name}" cannot be set as a header.`, 'key');
    return false;
  }
  if (typeof value !== 'string' || /[\r\n\0]/.test(value)) {
    context.report.error(path, `Expected one line of text, found ${describe(value)}.`);
    return false;
  }
  return checkReferences(value, path, context) && checkTemplate(value, path, context);
}
