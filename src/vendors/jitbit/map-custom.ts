import type { CustomValue, TicketFields } from '../../ticket.ts';
import type { DateParser } from '../http/dates.ts';
import type { FieldValue } from './schema.ts';

/** Custom fields. Pure. */

/** Document, "Custom field types": Text 1, Date 2, SelectionCombo 3, Checkbox 4, MultilineText 5. */
export const FIELD_DATE = 2;
export const FIELD_OPTION = 3;
export const FIELD_CHECKBOX = 4;

export function mapCustom(values: readonly FieldValue[], toInstant: DateParser): TicketFields['custom'] {
  const entries = values.map((field): [string, CustomValue] => {
    const name = field.FieldName === '' ? null : field.FieldName;
    return [name ?? field.FieldID, { id: field.FieldID, name, value: customValue(field, toInstant) }];
  });
  return Object.fromEntries(entries);
}

/** A drop-down reads as its option's text, a checkbox as true or false, a date without time as `YYYY-MM-DD`. */
export function customValue(field: FieldValue, toInstant: DateParser): CustomValue['value'] {
  const raw = field.Type === FIELD_OPTION ? (field.ValueWithOption ?? field.Value) : field.Value;
  if (raw === null || raw === undefined || raw === '') return null;
  if (field.Type === FIELD_CHECKBOX) return raw === true || /^(?:true|1|on|yes)$/i.test(String(raw));
  if (field.Type === FIELD_DATE) return dateValue(String(raw), toInstant);
  return raw;
}

/** One spelling for a date, whichever format the desk or a rule used; other text stays as it is. */
export function dateValue(text: string, toInstant: DateParser): string {
  const at = /^\d{4}-/.test(text) ? toInstant(text) : null;
  if (at === null) return text;
  return at.endsWith('T00:00:00.000Z') ? at.slice(0, 10) : at;
}
