import { Context, Liquid, LiquidError, type Template as Parsed } from 'liquidjs';
import { didYouMean } from '../did-you-mean.ts';
import { describeValue, toScope } from './template-scope.ts';
import { checkVariable, type TemplateScope } from './template-names.ts';

/**
 * Liquid texts of rules. In come templates that people wrote and values that strangers wrote; out comes text that
 * is escaped for where it goes. No file is ever read, and parsing and rendering are bounded in time and memory.
 */

/** Where a rendered text goes; decides how values (never the template's own text) are escaped. */
export type Escape = 'none' | 'slack' | 'html' | 'url' | 'json';

/** A text that cannot be parsed or rendered; the message is fit for people. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

export type { TemplateRoot, TemplateScope } from './template-names.ts';

/** A parsed text. */
export interface Template {
  readonly text: string;
  readonly parsed: readonly Parsed[];
}

/** Characters of one template: far beyond any message that people read. */
const PARSE_LIMIT = 32 * 1024;
/** Milliseconds that one text may keep the process busy. */
const RENDER_LIMIT_MS = 100;
/** Elements and characters that filters and ranges may make. */
const MEMORY_LIMIT = 2_000_000;
/** Characters of one rendered text. */
const OUTPUT_LIMIT = 256 * 1024;

const REFUSED_TAGS = ['include', 'render', 'layout', 'block'];
/** `raw` would get round the escaping; `sample` would make two attempts differ. */
const REFUSED_FILTERS = ['raw', 'sample'];

const ENGINE = createEngine();

function createEngine(): Liquid {
  const engine = new Liquid({
    templates: {},
    strictFilters: true,
    ownPropertyOnly: true,
    outputEscape: escapeOutput,
    timezoneOffset: 0,
    parseLimit: PARSE_LIMIT,
    renderLimit: RENDER_LIMIT_MS,
    memoryLimit: MEMORY_LIMIT,
  });
  for (const tag of REFUSED_TAGS) delete engine.tags[tag];
  for (const filter of REFUSED_FILTERS) delete engine.filters[filter];
  return engine;
}

/**
 * Parses a text and checks every name in it.
 *
 * @throws TemplateError for broken syntax, refused tags, unknown filters and unknown names
 */
export function parseTemplate(text: string): Template {
  const parsed = parseText(text);
  for (const path of pathsOf(parsed)) {
    const problem = checkVariable(path);
    if (problem !== null) throw new TemplateError(problem);
  }
  return { text, parsed };
}

/** The paths of all names that a text uses, e.g. `['ticket', 'requester', 'email']`; unknown parts end a path. */
export function variablesOf(template: Template): readonly (readonly string[])[] {
  return pathsOf(template.parsed);
}

/**
 * Renders a text. Named things, persons and priorities print their name.
 *
 * @throws TemplateError when a limit is exceeded or a filter fails
 */
export function render(template: Template, scope: TemplateScope, escape: Escape): string {
  const context = new Context(toScope(scope), ENGINE.options, { sync: true }, { liquid: ENGINE });
  context.setRegister('escape', escape);
  let result: unknown;
  try {
    result = ENGINE.renderSync([...template.parsed], context);
  } catch (error) {
    throw new TemplateError(explain(error), { cause: error });
  }
  const text = String(result);
  if (text.length > OUTPUT_LIMIT)
    throw new TemplateError(`The rendered text is longer than ${OUTPUT_LIMIT / 1024} KB.`);
  return text;
}

function parseText(text: string): readonly Parsed[] {
  const range = /\(\s*(-?\d+)\s*\.\.\s*(-?\d+)\s*\)/.exec(text);
  if (range !== null && Number(range[2]) - Number(range[1]) > MEMORY_LIMIT) {
    throw new TemplateError(`The range ${range[0]} has too many elements.`);
  }
  try {
    return ENGINE.parse(text);
  } catch (error) {
    throw new TemplateError(explain(error), { cause: error });
  }
}

function pathsOf(parsed: readonly Parsed[]): readonly (readonly string[])[] {
  const { globals } = ENGINE.analyzeSync([...parsed], { partials: false });
  return Object.values(globals).flatMap((uses) =>
    uses.map(({ segments }) => {
      const end = segments.findIndex((segment) => typeof segment === 'object');
      return (end < 0 ? segments : segments.slice(0, end)).map(String);
    }),
  );
}

/** Liquid's message in our words, with the line of the text where it is not the first. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return 'The text cannot be rendered.';
  const [, what = error.message, line] =
    /^([\s\S]*?)(?:, (?:file:\S+, )?line:(\d+), col:\d+)?$/.exec(error.message) ?? [];
  const where = line === undefined || line === '1' ? '' : ` (line ${line} of the text)`;
  return `${inOurWords(what)}${LiquidError.is(error) ? where : ''}`;
}

function inOurWords(what: string): string {
  const filter = /undefined filter: (\S+)/.exec(what)?.[1];
  if (filter === 'raw') return 'The filter "raw" is refused: values are always escaped.';
  if (filter !== undefined)
    return `Unknown filter "${filter}".${didYouMean(filter, Object.keys(ENGINE.filters))}`;
  const tag = /tag "?(\S+?)"? not found/.exec(what)?.[1];
  if (tag !== undefined && REFUSED_TAGS.includes(tag))
    return `The tag "${tag}" is refused: texts read no files.`;
  if (tag !== undefined) return `Unknown tag "${tag}".${didYouMean(tag, Object.keys(ENGINE.tags))}`;
  if (/parse length limit exceeded/.test(what)) return `The text is longer than ${PARSE_LIMIT / 1024} KB.`;
  if (/memory alloc limit exceeded/.test(what)) return 'The text makes too many elements or characters.';
  if (/template render limit exceeded/.test(what))
    return `The text takes longer than ${RENDER_LIMIT_MS} ms to render.`;
  return `Template: ${what}.`;
}

const INVISIBLE =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class -- these characters are what it is about
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** Runs as the last filter of every output. */
function escapeOutput(this: unknown, value: unknown): string {
  const escape = (this as { readonly context: Context }).context.getRegister<Escape>('escape');
  return escapeFor(describeValue(value), escape);
}

/** Escapes a value for where it goes. */
export function escapeFor(value: string, escape: Escape): string {
  switch (escape) {
    case 'none':
      return value;
    case 'slack':
      // A grave accent for each backtick: no value ends a rule's code span.
      return stripInvisible(value)
        .replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('>', '&gt;')
        .replaceAll('`', 'ˋ');
    case 'html':
      return value
        .replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('>', '&gt;')
        .replaceAll('"', '&quot;')
        .replaceAll("'", '&#39;');
    case 'url':
      return encodeURIComponent(value.replace(/\p{Surrogate}/gu, '\ufffd'));
    case 'json':
      return JSON.stringify(value).slice(1, -1);
  }
}

/**
 * Control characters but line breaks and tabs, bidirectional overrides and isolates, zero-width characters: they
 * let a ticket's text look like something that it is not. The joiners of emoji and Indic scripts go with them.
 */
function stripInvisible(value: string): string {
  return value.replace(INVISIBLE, '');
}
