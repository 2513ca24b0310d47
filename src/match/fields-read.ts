import { leavesOf, type LeafNode, type Node } from './condition.ts';
import { requiredLeaves } from './capabilities.ts';
import { fold } from './fold.ts';
import { fieldOf } from './fields.ts';
import { parseTrusted } from './parsed-rule.ts';
import type { Rule, Step } from './rule.ts';
import { parseTemplate, TemplateError, variablesOf } from './template.ts';

/**
 * Which fields and parts of a ticket the rules of a connection read, so that ingest fetches them before it stores.
 * Names are those of the field catalogue (`title`, `requester.email`), plus `comments`, `custom`, `raw`, `approvals`, `tasks`.
 */
export function fieldsReadBy(
  rules: readonly { readonly rule: Rule; readonly node: Node }[],
  connection: string,
): ReadonlySet<string> {
  const fields = new Set<string>();
  for (const { rule, node } of rules) {
    if (rule.mode === 'off' || !concerns(node, connection)) continue;
    for (const leaf of leavesOf(node)) addField(leaf, fields);
    if (rule.while !== null)
      for (const leaf of leavesOf(parseTrusted(rule.while, false))) addField(leaf, fields);
    for (const text of textsOf(rule.then)) addTemplate(text, fields);
    if (rule.on.includes('comment.added')) fields.add('comment').add('comments');
    // What costs calls of its own is read only where somebody listens for it.
    if (rule.on.some((type) => type.startsWith('approval.'))) fields.add('approvals');
    if (rule.on.some((type) => type.startsWith('task.'))) fields.add('tasks');
  }
  return fields;
}

/** False if the rule's own condition on `connection` leaves this one out. */
function concerns(node: Node, connection: string): boolean {
  return requiredLeaves(node).every(({ field, test, negated }) => {
    if (field.name !== 'connection' || test.kind !== 'equals') return true;
    return test.values.some((value) => fold(String(value)) === fold(connection)) !== negated;
  });
}

/** A person may be meant by e-mail, which some desks list only on request. */
function addField({ field }: LeafNode, fields: Set<string>): void {
  const [root = '', name = root] = field.keys;
  if (field.from === 'custom') fields.add('custom').add(field.name);
  else if (root === 'comment') {
    fields.add('comment').add('comments');
    // The desk's own log lines are comments only for rules that ask for them.
    if (name === 'system') fields.add('comment.system');
  } else if (root === 'ticket') {
    fields.add(name === 'raw' ? 'raw' : field.diffedAs).add(name);
    if (field.kind === 'person' || field.part === 'email') fields.add(`${field.diffedAs}.email`);
  }
}

function addTemplate(text: string, fields: Set<string>): void {
  for (const path of variables(text)) {
    const [root, name, ...rest] = path[0] === 'event' ? path.slice(1) : path;
    if (root === 'comment') fields.add('comment').add('comments');
    if (root !== 'ticket' || name === undefined) continue;
    fields.add(name);
    const kind = fieldOf(name)?.kind;
    if (kind === 'person' && (rest.length === 0 || rest[0] === 'email')) fields.add(`${name}.email`);
  }
}

function variables(text: string): readonly (readonly string[])[] {
  if (!text.includes('{')) return [];
  try {
    return variablesOf(parseTemplate(text));
  } catch (error) {
    // A rule loaded by an older version may use names that are gone; it fails where it is rendered.
    if (error instanceof TemplateError) return [];
    throw error;
  }
}

/** Every text anywhere in the parameters; texts that are no templates hold no names. */
function* textsOf(steps: readonly Step[]): Generator<string> {
  const open: unknown[] = steps.map((step) => step.params);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next === 'string') yield next;
    else if (typeof next === 'object' && next !== null)
      open.push(...Object.values(next).filter((value) => value !== null));
  }
}
