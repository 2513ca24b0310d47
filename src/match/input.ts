import type { DeskEvent } from '../event.ts';
import { didYouMean } from '../did-you-mean.ts';
import { PRIORITY_LEVELS, TICKET_FIELDS } from '../ticket.ts';
import { FIELDS, fieldOf } from './fields.ts';
import { fold } from './fold.ts';
import { describe, isMap } from './parse-condition.ts';
import type { Path } from './report.ts';
import { isScalar } from './values.ts';

/**
 * Reads an event as people write it: the full JSON, or with bare names for named things, persons and
 * priorities. Missing fields stay missing; an unknown field is a mistake.
 */

export interface InputProblem {
  readonly path: Path;
  readonly message: string;
  readonly what: 'key' | 'value';
}

export interface EventInput {
  /**
   * The event; where a field was not given its key is missing or null, so conditions see it as absent.
   * Meaningless if there are problems.
   */
  readonly event: DeskEvent;
  readonly problems: readonly InputProblem[];
  /** What the input left out that a caller may want to fill: `key`, `observed_at`, … */
  readonly absent: ReadonlySet<string>;
}

/** Instant of events that give none; rule tests are evaluated at it. */
export const NO_INSTANT = '1970-01-01T00:00:00.000Z';

type Kind = 'text' | 'id' | 'flag' | 'person' | 'named' | 'priority' | 'texts' | 'json' | 'number';

const EVENT_KEYS: Readonly<Record<string, Kind>> = {
  key: 'id',
  type: 'text',
  connection: 'text',
  vendor: 'text',
  ticket_id: 'id',
  occurred_at: 'text',
  observed_at: 'text',
  late: 'flag',
  replay: 'flag',
  via: 'text',
  feed: 'text',
  own: 'flag',
  unknown: 'texts',
  actor: 'person',
  aspects: 'texts',
  body: 'json',
  rule: 'json',
};
const PARTS = ['changes', 'comment', 'trigger', 'ticket'];

const COMMENT_KEYS: Readonly<Record<string, Kind>> = {
  id: 'id',
  at: 'text',
  author: 'person',
  text: 'text',
  public: 'flag',
  system: 'flag',
  solution: 'flag',
};
const TRIGGER_KEYS: Readonly<Record<string, Kind>> = {
  id: 'id',
  name: 'text',
  execution_id: 'id',
  executed_at: 'text',
};
const OWN_TICKET_KEYS: Readonly<Record<string, Kind>> = {
  id: 'id',
  acknowledged: 'flag',
  snoozed: 'flag',
  revision: 'number',
  raw: 'json',
};
const NAMED_KEYS = ['id', 'name', 'path', 'level'];
const PERSON_KEYS = ['id', 'name', 'email', 'kind'];

/** Reads an event in either form. Never throws. */
export function readEventInput(json: unknown): EventInput {
  const reader = new InputReader();
  const event = reader.event(json);
  return { event, problems: reader.problems, absent: reader.absent };
}

class InputReader {
  readonly problems: InputProblem[] = [];
  readonly absent = new Set<string>();

  event(json: unknown): DeskEvent {
    const base: Record<string, unknown> = {
      key: '', type: '', connection: '', vendor: '', ticket_id: null, occurred_at: null, observed_at: NO_INSTANT, late: false, replay: false,
      via: 'feed', feed: null, own: false, unknown: [], actor: null, aspects: [], changes: null, comment: null, trigger: null, ticket: null, body: null,
    }; // prettier-ignore
    if (!isMap(json)) {
      this.#problem([], `Expected an event: a map with type and ticket, found ${describe(json)}.`);
      return base as unknown as DeskEvent;
    }
    for (const key of Object.keys(base))
      if (json[key] === undefined || json[key] === null) this.absent.add(key);
    for (const [key, value] of Object.entries(json)) {
      if (PARTS.includes(key)) base[key] = value === null ? null : this.#part(key, value);
      else if (Object.hasOwn(EVENT_KEYS, key))
        base[key] = this.#value(EVENT_KEYS[key] ?? 'json', value, [key]) ?? base[key];
      else this.#unknown([], key, [...Object.keys(EVENT_KEYS), ...PARTS]);
    }
    const ticket = base['ticket'];
    if (base['ticket_id'] === null && isMap(ticket)) base['ticket_id'] = ticket['id'] ?? null;
    return base as unknown as DeskEvent;
  }

  #part(part: string, value: unknown): unknown {
    if (!isMap(value)) return this.#problem([part], `Expected a map, found ${describe(value)}.`);
    if (part === 'ticket') return this.#ticket(value);
    if (part === 'changes') return this.#changes(value);
    const keys = part === 'comment' ? COMMENT_KEYS : TRIGGER_KEYS;
    return this.#map(value, keys, [part]);
  }

  #map(
    value: Readonly<Record<string, unknown>>,
    keys: Readonly<Record<string, Kind>>,
    path: Path,
  ): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value)) {
      if (!Object.hasOwn(keys, key)) this.#unknown(path, key, Object.keys(keys));
      else result[key] = this.#value(keys[key] ?? 'json', inner, [...path, key]);
    }
    return result;
  }

  #ticket(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const ticket: Record<string, unknown> = {};
    const custom: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    for (const [key, inner] of Object.entries(value)) {
      const path = ['ticket', key];
      if (key.startsWith('custom.')) custom[key.slice('custom.'.length)] = inner;
      else if (key === 'custom') Object.assign(custom, this.#mapOrNull(inner, path));
      else if (key === 'sla') ticket['sla'] = this.#sla(inner, path);
      else if (Object.hasOwn(OWN_TICKET_KEYS, key))
        ticket[key] = this.#value(OWN_TICKET_KEYS[key] ?? 'json', inner, path);
      else if ((TICKET_FIELDS as readonly string[]).includes(key))
        ticket[key] = this.#value(kindOf(key), inner, path);
      else this.#unknown(['ticket'], key, [...TICKET_FIELDS, ...Object.keys(OWN_TICKET_KEYS)]);
    }
    ticket['custom'] = Object.fromEntries(
      Object.entries(custom).map(([name, entry]) => [name, this.#customEntry(name, entry)]),
    );
    return ticket;
  }

  #mapOrNull(value: unknown, path: Path): Readonly<Record<string, unknown>> {
    if (isMap(value)) return value;
    if (value !== null) this.#problem(path, `Expected a map, found ${describe(value)}.`);
    return {};
  }

  #customEntry(name: string, entry: unknown): unknown {
    const full = isMap(entry) && Object.hasOwn(entry, 'value');
    if (full) return { id: name, name, ...entry };
    return { id: name, name, value: this.#value('json', entry, ['ticket', 'custom', name]) };
  }

  #sla(value: unknown, path: Path): unknown {
    if (value === null) return null;
    if (!isMap(value)) return this.#problem(path, `Expected a map, found ${describe(value)}.`);
    return this.#map(value, { response_due_at: 'text', resolution_due_at: 'text', state: 'text' }, path);
  }

  #changes(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const changes: Record<string, unknown> = {};
    for (const [field, change] of Object.entries(value)) {
      const path = ['changes', field];
      const known =
        field.startsWith('custom.') ||
        field.startsWith('sla.') ||
        (TICKET_FIELDS as readonly string[]).includes(field) ||
        fieldOf(field) !== null;
      if (!known) this.#unknown(['changes'], field, TICKET_FIELDS);
      else if (!isMap(change))
        this.#problem(path, `Expected a change with from and to, found ${describe(change)}.`);
      else {
        for (const key of Object.keys(change))
          if (!['from', 'to', 'by'].includes(key)) this.#unknown(path, key, ['from', 'to', 'by']);
        const { from = null, to = null, by = 'unknown' } = change;
        changes[field] = { from: bareLevel(field, from), to: bareLevel(field, to), by };
      }
    }
    return changes;
  }

  #value(kind: Kind, value: unknown, path: Path): unknown {
    if (value === null || value === undefined) return null;
    switch (kind) {
      case 'json':
        return value;
      case 'id':
        return typeof value === 'number'
          ? String(value)
          : this.#expect(typeof value === 'string', value, path, 'an id');
      case 'text':
        return this.#expect(typeof value === 'string', value, path, 'a text');
      case 'flag':
        return this.#expect(typeof value === 'boolean', value, path, 'true or false');
      case 'number':
        return this.#expect(typeof value === 'number', value, path, 'a number');
      case 'texts':
        return this.#expect(Array.isArray(value), value, path, 'a list');
      case 'named':
        return this.#named(value, path);
      case 'person':
        return this.#person(value, path);
      case 'priority':
        return this.#priority(value, path);
    }
  }

  #expect(fine: boolean, value: unknown, path: Path, expected: string): unknown {
    return fine ? value : this.#problem(path, `Expected ${expected}, found ${describe(value)}.`);
  }

  #named(value: unknown, path: Path): unknown {
    if (isScalar(value) && typeof value !== 'boolean') return { id: null, name: String(value) };
    return this.#object(value, NAMED_KEYS, path, { id: null, name: null });
  }

  #person(value: unknown, path: Path): unknown {
    const base = { id: null, name: null, email: null, kind: 'unknown' };
    if (isScalar(value) && typeof value !== 'boolean') {
      const text = String(value);
      return text.includes('@') ? { ...base, email: text } : { ...base, name: text };
    }
    return this.#object(value, PERSON_KEYS, path, base);
  }

  #priority(value: unknown, path: Path): unknown {
    if (!isScalar(value) || typeof value === 'boolean')
      return this.#object(value, NAMED_KEYS, path, { id: null, name: null, level: null });
    const level = levelOf(String(value));
    return { id: null, name: level === null ? String(value) : null, level };
  }

  #object(
    value: unknown,
    keys: readonly string[],
    path: Path,
    base: Readonly<Record<string, unknown>>,
  ): unknown {
    if (!isMap(value)) return this.#problem(path, `Expected a name or a map, found ${describe(value)}.`);
    for (const key of Object.keys(value)) if (!keys.includes(key)) this.#unknown(path, key, keys);
    const { id } = value;
    return { ...base, ...value, ...(typeof id === 'number' ? { id: String(id) } : {}) };
  }

  #unknown(path: Path, key: string, known: readonly string[]): void {
    const where = path.length === 0 ? '' : ` in "${path.join('.')}"`;
    this.problems.push({
      path: [...path, key],
      what: 'key',
      message: `Unknown field "${key}"${where}.${didYouMean(key, known)}`,
    });
  }

  #problem(path: Path, message: string): null {
    this.problems.push({ path, what: 'value', message });
    return null;
  }
}

/** How a ticket field is written, after the field catalogue. */
function kindOf(field: string): Kind {
  if (field === 'last_updated_by') return 'person';
  if (field === 'tags') return 'texts';
  const kind = FIELDS[field]?.kind;
  if (kind === 'named' || kind === 'person' || kind === 'priority' || kind === 'id') return kind;
  return field === 'internal_id' ? 'id' : 'text';
}

function levelOf(text: string): string | null {
  return PRIORITY_LEVELS.find((level) => level === fold(text)) ?? null;
}

/** A change of priority holds the level. */
function bareLevel(field: string, value: unknown): unknown {
  return field === 'priority' && typeof value === 'string' ? (levelOf(value) ?? value) : value;
}
