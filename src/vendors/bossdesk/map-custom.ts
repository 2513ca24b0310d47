import type { CustomValue, TicketFields } from '../../ticket.ts';
import type { DateParser } from '../http/dates.ts';
import type { CustomField } from './schema.ts';

/** Custom fields: a ticket has them by id, their names, kinds and options stand in a lookup. Pure. */

/** Manual, "Custom fields": possible `type_id` values. 1 string, 2 text and 3 URL are text to us. */
export const FIELD_INTEGER = 4;
export const FIELD_FLOAT = 5;
export const FIELD_DATE = 6;
export const FIELD_BOOLEAN = 7;
export const FIELD_DROPDOWN = 8;
export const FIELD_CASCADING = 11;

export function mapCustom(
  values: Readonly<Record<string, unknown>>,
  fields: ReadonlyMap<string, CustomField>,
  toInstant: DateParser,
): TicketFields['custom'] {
  const entries = Object.entries(values).map(([id, value]): [string, CustomValue] => {
    const field = fields.get(id);
    const name = field?.name ?? null;
    return [name ?? id, { id, name, value: customValue(value, field, toInstant) }];
  });
  return Object.fromEntries(entries);
}

/** A drop-down reads as its option's name, a date without time as `YYYY-MM-DD`. */
export function customValue(
  value: unknown,
  field: CustomField | undefined,
  toInstant: DateParser,
): CustomValue['value'] {
  if (value === null || value === undefined || value === '') return null;
  if (Array.isArray(value)) return value.map(String);
  if (typeof value === 'object') return JSON.stringify(value);
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return null;
  switch (field?.type_id) {
    case FIELD_DROPDOWN:
    case FIELD_CASCADING:
      return field.options?.find((option) => option.id === String(value))?.name ?? String(value);
    case FIELD_DATE:
      return dateText(String(value), toInstant);
    case FIELD_BOOLEAN:
      return value === true || /^(?:true|1)$/i.test(String(value));
    default:
      return value;
  }
}

/** One spelling for a date, whichever format the desk or a rule used; other text stays as it is. */
export function dateText(text: string, toInstant: DateParser): string {
  const at = /^\d{4}-/.test(text) ? toInstant(text) : null;
  if (at === null) return text;
  return at.endsWith('T00:00:00.000Z') ? at.slice(0, 10) : at;
}
