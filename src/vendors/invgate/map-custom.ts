import type { CustomValue, TicketFields } from '../../ticket.ts';
import { isRecord } from './envelope.ts';
import { deskText } from './text.ts';

/**
 * Custom fields by uid; names come from `cf.fields.all`. An empty collection is `[]`, and values of lists look like
 * `{ "<hash>": "<label>" }` (integration reference 2.2).
 */
export function mapCustom(fields: unknown, names: ReadonlyMap<string, string>): TicketFields['custom'] {
  if (!isRecord(fields)) return {};
  const entries = Object.entries(fields).map(([uid, value]): [string, CustomValue] => {
    const name = names.get(uid) ?? null;
    return [name ?? uid, { id: uid, name, value: customValue(value) }];
  });
  return Object.fromEntries(entries);
}

/** One value is that value, several are a list, none is null; anything nested is its JSON. */
export function customValue(value: unknown): CustomValue['value'] {
  if (value === null || value === undefined || value === '') return null;
  if (typeof value === 'string') return deskText(value);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  const items = (Array.isArray(value) ? value : Object.values(value)).filter(
    (item) => item !== '' && item !== null,
  );
  if (items.length === 0) return null;
  const [first] = items;
  if (items.length === 1) return typeof first === 'object' ? JSON.stringify(first) : customValue(first);
  return items.map((item) => (typeof item === 'string' ? deskText(item) : JSON.stringify(item)));
}
