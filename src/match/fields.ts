import { PHASES, PRIORITY_LEVELS } from '../ticket.ts';

/**
 * The field catalogue: what a condition may name, and what kind of value stands there. The loader, the JSON
 * schema, the evaluator and docs/rules.md all follow this table.
 */

export type FieldKind =
  /** One text. */
  | 'text'
  /** Texts that are ids: a number written for one is its text. */
  | 'id'
  /** One of a fixed set of words. */
  | 'word'
  | 'named'
  | 'person'
  | 'priority'
  | 'list'
  | 'time'
  | 'boolean'
  /** JSON from outside: text, number, boolean, or a list of them. */
  | 'any';

export interface FieldSpec {
  readonly kind: FieldKind;
  /** Keys from the event's root. */
  readonly keys: readonly string[];
  /** The words of a `word` field. */
  readonly words?: readonly string[];
  /** Always has a value on a ticket event, so that a lone negative is harmless. */
  readonly always?: boolean;
}

const ticket = (kind: FieldKind, name: string, more: Partial<FieldSpec> = {}): FieldSpec => ({
  kind,
  keys: ['ticket', ...name.split('.')],
  ...more,
});

/** Fields by name; `custom.`, `body.` and `raw.` take a path behind them and stand in {@link FIELD_PREFIXES}. */
export const FIELDS: Readonly<Record<string, FieldSpec>> = {
  connection: { kind: 'text', keys: ['connection'], always: true },
  vendor: { kind: 'text', keys: ['vendor'], always: true },
  'event.type': { kind: 'text', keys: ['type'], always: true },
  late: { kind: 'boolean', keys: ['late'], always: true },
  actor: { kind: 'person', keys: ['actor'] },
  id: ticket('id', 'id', { always: true }),
  display_id: ticket('id', 'display_id'),
  title: ticket('text', 'title'),
  description: ticket('text', 'description'),
  status: ticket('named', 'status'),
  phase: ticket('word', 'phase', { words: PHASES, always: true }),
  sub_status: ticket('named', 'sub_status'),
  priority: ticket('priority', 'priority'),
  category: ticket('named', 'category'),
  queue: ticket('named', 'queue'),
  type: ticket('named', 'type'),
  assignee: ticket('person', 'assignee'),
  requester: ticket('person', 'requester'),
  creator: ticket('person', 'creator'),
  company: ticket('named', 'company'),
  location: ticket('named', 'location'),
  tags: ticket('list', 'tags'),
  channel: ticket('named', 'channel'),
  created_at: ticket('time', 'created_at'),
  updated_at: ticket('time', 'updated_at'),
  due_at: ticket('time', 'due_at'),
  escalate_at: ticket('time', 'escalate_at'),
  resolved_at: ticket('time', 'resolved_at'),
  closed_at: ticket('time', 'closed_at'),
  awaiting: ticket('word', 'awaiting', { words: ['agent', 'customer', 'other'] }),
  'sla.response_due_at': ticket('time', 'sla.response_due_at'),
  'sla.resolution_due_at': ticket('time', 'sla.resolution_due_at'),
  'sla.state': ticket('text', 'sla.state'),
  acknowledged: ticket('boolean', 'acknowledged', { always: true }),
  snoozed: ticket('boolean', 'snoozed', { always: true }),
  'comment.text': { kind: 'text', keys: ['comment', 'text'] },
  'comment.author': { kind: 'person', keys: ['comment', 'author'] },
  'comment.public': { kind: 'boolean', keys: ['comment', 'public'] },
  'comment.system': { kind: 'boolean', keys: ['comment', 'system'] },
  'comment.solution': { kind: 'boolean', keys: ['comment', 'solution'] },
  'trigger.id': { kind: 'id', keys: ['trigger', 'id'] },
  'trigger.name': { kind: 'text', keys: ['trigger', 'name'] },
};

/** `custom.<name or id>`, `body.<path>`, `raw.<path>`. */
export const FIELD_PREFIXES = ['custom', 'body', 'raw'] as const;

const PARTS: Readonly<Partial<Record<FieldKind, Readonly<Record<string, FieldKind>>>>> = {
  named: { id: 'id', name: 'text', path: 'text' },
  priority: { id: 'id', name: 'text', level: 'priority' },
  person: { id: 'id', name: 'text', email: 'text', kind: 'word' },
};

const PERSON_KINDS = ['agent', 'requester', 'group', 'system', 'self', 'unknown'];

export interface Field {
  /** As written. */
  readonly name: string;
  readonly kind: FieldKind;
  /** Keys from the event's root; for `custom` the part after the prefix. */
  readonly keys: readonly string[];
  readonly from: 'event' | 'custom';
  readonly words: readonly string[] | null;
  readonly always: boolean;
  /** The name under which `changes` and `unknown` know it: `requester.email` is diffed as `requester`. */
  readonly diffedAs: string;
  /** The part of a person or named thing that is meant, or null for the whole. */
  readonly part: string | null;
}

/** Looks a field up by the name that a condition uses. Null if there is none. */
export function fieldOf(name: string): Field | null {
  const spec = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
  if (spec !== undefined) return plainField(name, spec);
  const dot = name.indexOf('.');
  const prefix = name.slice(0, dot);
  const rest = name.slice(dot + 1);
  if (dot > 0 && rest !== '') {
    if (prefix === 'custom') return pathField(name, 'custom', [rest]);
    const keys = splitPath(rest);
    if (keys !== null && prefix === 'body') return pathField(name, 'event', ['body', ...keys]);
    if (keys !== null && prefix === 'raw') return pathField(name, 'event', ['ticket', 'raw', ...keys]);
  }
  return partField(name);
}

function plainField(name: string, spec: FieldSpec): Field {
  return {
    name,
    kind: spec.kind,
    keys: spec.keys,
    from: 'event',
    words: spec.words ?? null,
    always: spec.always ?? false,
    diffedAs: name,
    part: null,
  };
}

function pathField(name: string, from: Field['from'], keys: readonly string[]): Field {
  return { name, kind: 'any', keys, from, words: null, always: false, diffedAs: name, part: null };
}

/** `requester.email`, `category.path`, `priority.level`, `comment.author.id`. */
function partField(name: string): Field | null {
  const dot = name.lastIndexOf('.');
  const whole = name.slice(0, Math.max(0, dot));
  const part = name.slice(dot + 1);
  const spec = Object.hasOwn(FIELDS, whole) ? FIELDS[whole] : undefined;
  const parts = spec === undefined ? undefined : PARTS[spec.kind];
  const kind = parts !== undefined && Object.hasOwn(parts, part) ? parts[part] : undefined;
  if (spec === undefined || kind === undefined) return null;
  const words = part === 'level' ? PRIORITY_LEVELS : part === 'kind' ? PERSON_KINDS : null;
  return {
    ...plainField(name, { ...spec, kind, keys: [...spec.keys, part] }),
    words,
    always: false,
    diffedAs: whole,
    part,
  };
}

/** `alert.labels[0].name` → its keys; null if a part is empty. */
function splitPath(path: string): readonly string[] | null {
  const keys = path.replace(/\[(\d+)\]/g, '.$1').split('.');
  return keys.includes('') ? null : keys;
}

/** Every name that a condition may use, parts included, prefixes as `custom.`; for suggestions. */
export function fieldNames(): readonly string[] {
  const parts = Object.entries(FIELDS).flatMap(([name, spec]) =>
    Object.keys(PARTS[spec.kind] ?? {}).map((part) => `${name}.${part}`),
  );
  return [...Object.keys(FIELDS), ...parts];
}

/** What an event's type must look like (surfaces: `event.type`). */
export const EVENT_TYPE_PATTERN = '^[a-z0-9._-]{1,64}$';
