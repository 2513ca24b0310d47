import type { DeskEvent } from '../event.ts';
import type { Rule } from '../match/rule.ts';
import { parseTemplate, render, type Escape, type Template } from '../match/template.ts';
import { scopeOf } from '../match/template-scope.ts';

/** Renders a rule's texts for one run. Parsed texts are kept: a rule's texts are rendered again and again. */
export interface Renderer {
  /** @throws TemplateError when a limit is exceeded or a filter fails */
  text(template: string, escape: Escape): string;
  /** The same for all strings in a JSON value. */
  json(value: unknown): unknown;
}

export interface RenderScope {
  readonly event: DeskEvent;
  readonly rule: Rule;
  readonly runId: string;
  readonly oncall: Readonly<Record<string, string>>;
}

const PARSED_KEPT = 5_000;

/** Makes renderers that share their parsed texts. */
export function createRendering(): (scope: RenderScope) => Renderer {
  const parsed = new Map<string, Template>();

  function parse(text: string): Template {
    let template = parsed.get(text);
    if (template === undefined) {
      if (parsed.size >= PARSED_KEPT) parsed.clear();
      template = parseTemplate(text);
      parsed.set(text, template);
    }
    return template;
  }

  return (options) => {
    const { event, rule, runId, oncall } = options;
    const connection = { name: event.connection, vendor: event.vendor };
    const scope = scopeOf(event, rule, { run: { id: runId }, oncall, connection });
    const text = (template: string, escape: Escape): string =>
      template.includes('{') ? render(parse(template), scope, escape) : template;
    const json = (value: unknown): unknown => {
      if (typeof value === 'string') return text(value, 'none');
      if (Array.isArray(value)) return value.map(json);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, json(inner)]));
    };
    return { text, json };
  };
}
