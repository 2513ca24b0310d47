import { RE2JS } from 're2js';
import type { DeskEvent } from '../../event.ts';
import type { MatchSettings } from '../matcher.ts';
import type { Rule } from '../rule.ts';

/**
 * A second evaluator, written from docs/rules.md alone and sharing no code with the first: slow, short, and what
 * the differential tests compare with. It reads the condition map as written.
 */

type Map_ = Readonly<Record<string, unknown>>;
type Scalar = string | number | boolean;

const LEVELS = ['low', 'normal', 'high', 'urgent', 'critical'];
const NAMED = ['status', 'sub_status', 'category', 'queue', 'type', 'company', 'location', 'channel'];
const PERSONS = ['assignee', 'requester', 'creator', 'actor', 'comment.author'];
const TIMES = [
  'created_at',
  'updated_at',
  'due_at',
  'escalate_at',
  'resolved_at',
  'closed_at',
  'sla.response_due_at',
  'sla.resolution_due_at',
];

export function oracleMatch(
  rules: readonly Rule[],
  event: DeskEvent,
  now: number,
  settings: MatchSettings,
): string[] {
  const sorted = rules.toSorted((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1));
  const result: string[] = [];
  for (const rule of sorted) {
    if (rule.mode === 'off' || (event.own && !rule.own) || !rule.on.includes(event.type)) continue;
    if (
      !new Oracle(event, now, settings, rule.onWritten && rule.on.includes('ticket.created')).map(rule.when)
    )
      continue;
    result.push(rule.id);
    if (rule.stop && rule.mode === 'live') break;
  }
  return result;
}

export class Oracle {
  readonly #event: DeskEvent;
  readonly #now: number;
  readonly #settings: MatchSettings;
  readonly #firstCounts: boolean;
  readonly #turkish: boolean;

  constructor(event: DeskEvent, now: number, settings: MatchSettings, firstCounts: boolean) {
    this.#event = event;
    this.#now = now;
    this.#settings = settings;
    this.#firstCounts = firstCounts;
    this.#turkish = settings.locales[event.connection] === 'tr';
  }

  map(map: Map_): boolean {
    return Object.entries(map).every(([key, value]) => {
      if (key === 'all') return (value as Map_[]).every((inner) => this.map(inner));
      if (key === 'any') return (value as Map_[]).some((inner) => this.map(inner));
      if (key === 'none') return !(value as Map_[]).some((inner) => this.map(inner));
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        return this.leaf(key, 'is', value);
      return Object.entries(value).every(([operator, operand]) => this.leaf(key, operator, operand));
    });
  }

  fold(text: string): string {
    let folded = text.normalize('NFKC');
    if (this.#turkish) folded = folded.replace(/I/g, 'ı').replace(/İ/g, 'i');
    folded = folded.replace(/İ/g, 'i').toLowerCase().normalize('NFKC');
    if (!this.#turkish) folded = folded.replace(/ı/g, 'i');
    return folded
      .replace(/i\u0307/g, 'i')
      .replace(/ς/g, 'σ')
      .replace(/ß/g, 'ss');
  }

  #raw(field: string): unknown {
    if (field.startsWith('custom.')) {
      const custom = this.#event.ticket?.custom ?? {};
      const wanted = this.fold(field.slice(7));
      const found = Object.keys(custom).filter((key) => {
        const entry = custom[key] as { id?: unknown; name?: unknown } | null;
        return [key, entry?.id, entry?.name].some(
          (name) => typeof name === 'string' && this.fold(name) === wanted,
        );
      });
      const values = found.map((key) => {
        const entry: unknown = custom[key];
        return typeof entry === 'object' && entry !== null && !Array.isArray(entry)
          ? (entry as Map_)['value']
          : entry;
      });
      return values.length > 1 ? values.flat() : values[0];
    }
    const roots = ['connection', 'vendor', 'late', 'actor', 'comment', 'trigger', 'body'];
    const keys = field === 'event.type' ? ['type'] : field.split('.');
    const path = roots.includes(keys[0] ?? '') || field === 'event.type' ? keys : ['ticket', ...keys];
    let value: unknown = this.#event;
    for (const key of path) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
      value = (value as Map_)[key];
    }
    return value;
  }

  #scalars(field: string, value: unknown): Scalar[] {
    if (Array.isArray(value))
      return value.flatMap((one) => (Array.isArray(one) ? [] : this.#scalars(field, one)));
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return [value];
    if (typeof value !== 'object' || value === null) return [];
    const names = NAMED.includes(field)
      ? ['id', 'name', 'path']
      : PERSONS.includes(field)
        ? ['id', 'name', 'email']
        : field === 'priority'
          ? ['name', 'level']
          : [];
    return names.flatMap((name) =>
      this.#scalars(
        '',
        Object.hasOwn(value, name) && typeof (value as Map_)[name] !== 'object'
          ? (value as Map_)[name]
          : null,
      ),
    );
  }

  leaf(field: string, operator: string, operand: unknown): boolean {
    const list = (Array.isArray(operand) ? operand : [operand]) as unknown[];
    const raw = this.#raw(field);
    const values = this.#scalars(field, raw);
    const asText = (value: unknown): unknown =>
      typeof value === 'number' &&
      (NAMED.includes(field) || PERSONS.includes(field) || ['id', 'display_id', 'trigger.id'].includes(field))
        ? String(value)
        : value;
    const same = (a: unknown, b: unknown): boolean =>
      typeof a === 'string' && typeof b === 'string' ? this.fold(a) === this.fold(b) : a === b;
    const texts = values.filter((value) => typeof value === 'string').map((text) => this.fold(text));
    const needles = list.map((needle) => (typeof needle === 'string' ? this.fold(needle) : ''));
    const someText = (holds: (text: string, needle: string) => boolean): boolean =>
      texts.some((text) => needles.some((needle) => holds(text, needle)));
    const isEmpty = values.every((value) => value === '');
    switch (operator) {
      case 'is':
      case 'has':
        return values.some((value) => list.some((wanted) => same(value, asText(wanted))));
      case 'not':
      case 'not_in':
      case 'has_none':
        return !this.leaf(field, 'is', operand);
      case 'has_all':
        return list.every((wanted) => values.some((value) => same(value, asText(wanted))));
      case 'only': {
        const fits = (value: Scalar): boolean => list.some((wanted) => same(value, asText(wanted)));
        const thing = NAMED.includes(field) || PERSONS.includes(field) || field === 'priority';
        return values.length > 0 && (thing ? values.some(fits) : values.every(fits));
      }
      case 'in_list':
        return (this.#settings.lists?.[operand as string] ?? []).some((wanted) =>
          values.some((value) => same(value, wanted)),
        );
      case 'exact':
        return values.some((value) => list.includes(value));
      case 'contains':
        return someText((text, needle) => text.includes(needle));
      case 'not_contains':
        return !this.leaf(field, 'contains', operand);
      case 'contains_all':
        return texts.some((text) => needles.every((needle) => text.includes(needle)));
      case 'words':
        return someText((text, needle) => {
          const source = needle.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
          const before = /^[\p{L}\p{M}\p{N}_]/u.test(needle) ? '(?<![\\p{L}\\p{M}\\p{N}_])' : '';
          const after = /[\p{L}\p{M}\p{N}_]$/u.test(needle) ? '(?![\\p{L}\\p{M}\\p{N}_])' : '';
          return new RegExp(`${before}${source}${after}`, 'u').test(text);
        });
      case 'starts_with':
        return someText((text, needle) => text.slice(0, needle.length) === needle);
      case 'ends_with':
        return someText(
          (text, needle) =>
            text.length >= needle.length && text.slice(text.length - needle.length) === needle,
        );
      case 'like':
        return someText((text, needle) => {
          const source = needle
            .replace(/[.+^${}()|[\]\\]/g, '\\$&')
            .replace(/\*/g, '[^]*')
            .replace(/\?/g, '[^]');
          return new RegExp(`^${source}$`, 'u').test(text);
        });
      case 'domain':
        return someText((text, needle) =>
          `.${text.split('@').at(-1)?.trim().replace(/\.$/, '')}`.endsWith(`.${needle}`),
        );
      case 'matches':
        return list.some((source) =>
          texts.some((text) =>
            RE2JS.compile(this.fold(source as string), RE2JS.CASE_INSENSITIVE)
              .matcher(text.slice(0, 32_768))
              .find(),
          ),
        );
      case 'at_least':
        return this.#positions(field, raw, values, operand).some(([value, bound]) => value >= bound);
      case 'at_most':
        return this.#positions(field, raw, values, operand).some(([value, bound]) => value <= bound);
      case 'above':
        return this.#positions(field, raw, values, operand).some(([value, bound]) => value > bound);
      case 'below':
        return this.#positions(field, raw, values, operand).some(([value, bound]) => value < bound);
      case 'between': {
        const low = this.#positions(field, raw, values, list[0]);
        const high = this.#positions(field, raw, values, list[1]);
        return low.some(([value, bound], at) => value >= bound && value <= (high[at]?.[1] ?? NaN));
      }
      case 'empty':
        return isEmpty === operand;
      case 'present':
        return isEmpty !== operand;
      case 'older_than':
        return this.#instants(values).some((at) => this.#now - at >= span(operand));
      case 'within':
        return this.#instants(values).some((at) => at - this.#now >= 0 && at - this.#now <= span(operand));
      case 'overdue':
        return this.#instants(values).some((at) => at < this.#now);
      case 'cidr':
        return values.some(
          (value) => typeof value === 'string' && list.some((net) => inNet(value, net as string)),
        );
      case 'unchanged':
        return !this.#changed(field, true);
      case 'changed':
        return this.#changed(field, operand);
      default:
        throw new Error(`unknown operator ${operator}`);
    }
  }

  #instants(values: readonly Scalar[]): number[] {
    return values
      .filter((value) => typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value))
      .map((value) => Date.parse(value as string));
  }

  #positions(field: string, raw: unknown, values: readonly Scalar[], bound: unknown): [number, number][] {
    if (field === 'priority' || field === 'priority.level') {
      const levels = (Array.isArray(raw) ? raw : [raw]).map((one: unknown) =>
        typeof one === 'object' && one !== null ? (one as Map_)['level'] : one,
      );
      return levels
        .filter((level) => LEVELS.includes(level as string))
        .map((level) => [LEVELS.indexOf(level as string), LEVELS.indexOf(bound as string)]);
    }
    if (TIMES.includes(field) || typeof bound === 'string')
      return this.#instants(values).map((at) => [at, Date.parse(bound as string)]);
    return values.filter((value) => typeof value === 'number').map((value) => [value, bound as number]);
  }

  #changed(field: string, operand: unknown): boolean {
    const wanted = operand === true ? {} : (operand as Map_);
    if (this.#event.type === 'ticket.created') {
      const onlyTo = Object.keys(wanted).length === 1 && 'to' in wanted;
      return this.#firstCounts && onlyTo && this.#side(field, wanted['to'], this.#raw(field), []);
    }
    const changes = this.#event.changes ?? {};
    const change = changes[this.#changeKey(field, Object.keys(changes)) ?? ''];
    if (typeof change !== 'object' || change === null) return false;
    if ('by' in wanted && ![wanted['by']].flat().includes(change.by)) return false;
    if ('from' in wanted && !this.#side(field, wanted['from'], change.from, change.to)) return false;
    return !('to' in wanted) || this.#side(field, wanted['to'], change.to, change.from);
  }

  /** A custom field is found under its key, name or id, in any case; the exact key goes first. */
  #changeKey(field: string, keys: readonly string[]): string | undefined {
    if (keys.includes(field) || !field.startsWith('custom.')) return keys.find((key) => key === field);
    const custom = this.#event.ticket?.custom ?? {};
    return keys.find((key) => {
      const entry = custom[key.slice(7)] as { id?: unknown; name?: unknown } | null | undefined;
      const names = key.startsWith('custom.') && entry !== undefined ? [entry?.id, entry?.name] : [];
      return [key, ...names.map((name) => (typeof name === 'string' ? `custom.${name}` : ''))].some(
        (name) => this.fold(name) === this.fold(field),
      );
    });
  }

  #side(field: string, wanted: unknown, here: unknown, there: unknown): boolean {
    const values = this.#scalars(field, here);
    if (typeof wanted === 'object' && wanted !== null && !Array.isArray(wanted)) {
      const empty = values.every((value) => value === '');
      return 'empty' in wanted ? empty === wanted.empty : empty !== (wanted as Map_)['present'];
    }
    const other = Array.isArray(here) || Array.isArray(there) ? this.#scalars(field, there) : [];
    const fold = (value: Scalar): Scalar => (typeof value === 'string' ? this.fold(value) : value);
    const gone = new Set(other.map(fold));
    const list = [wanted].flat() as Scalar[];
    return values.some((value) => !gone.has(fold(value)) && list.some((one) => fold(one) === fold(value)));
  }
}

function span(text: unknown): number {
  const unit: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };
  return [...String(text).matchAll(/(\d+)(\w)/g)].reduce(
    (sum, [, count, name]) => sum + Number(count) * (unit[name ?? ''] ?? NaN),
    0,
  );
}

/** IPv4 only; the generators use no other. */
function inNet(address: string, net: string): boolean {
  const [base = '', bits = '32'] = net.split('/');
  const number = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(address)) return false;
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(address) / size) === Math.floor(number(base) / size);
}
