import { describeMiss, foldName } from '../names.ts';
import type { DeskAction, PlannedWrite } from '../vendor.ts';
import { customValue, dateValue, FIELD_CHECKBOX, FIELD_DATE, FIELD_OPTION } from './map-custom.ts';
import type { FieldDefinition } from './schema.ts';
import { readFieldValues } from './tickets.ts';
import { idOf, newUpdate, requestJson, setField, type OpenTicket, type Planner } from './write.ts';

type SetFields = Extract<DeskAction, { action: 'set' }>;

/** All wanted custom fields in one SetCustomFields call; those that are so already are left out. */
export async function planCustom(
  wanted: NonNullable<SetFields['custom']>,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  const entries = Object.entries(wanted);
  if (entries.length === 0) return null;
  const { client, lookups, mapping } = planner.reader;
  const categoryId = idOf(ticket.observed.category);
  if (categoryId === null) throw client.refused('set custom: the category of this ticket is not known');
  const values = await readFieldValues(planner.reader, ticket.id, planner.context);
  const update = newUpdate();
  for (const [name, value] of entries) {
    const field = await lookups.field(name, categoryId, planner.context);
    const { sent, reads } = fieldText(field, value, planner);
    const current = values.find((one) => one.FieldID === field.FieldID);
    const before = current === undefined ? null : customValue(current, mapping.toInstant);
    if (before === reads) continue;
    update.form[`cf${field.FieldID}`] = sent;
    setField(update, `custom.${field.FieldName ?? field.FieldID}`, before, reads);
  }
  if (Object.keys(update.form).length === 0) return null;
  return {
    part: 'custom',
    kind: 'state',
    sets: update.sets,
    append: null,
    request: requestJson({ call: 'SetCustomFields', form: { ticketId: ticket.id, ...update.form } }),
  };
}

/** Document, "SetCustomField": checkboxes true or false, drop-downs the option's id, dates in any format. */
function fieldText(
  field: FieldDefinition,
  value: string | number | boolean | null,
  planner: Planner,
): { readonly sent: string; readonly reads: string | number | boolean | null } {
  const { client, mapping } = planner.reader;
  if (value === null || value === '') return { sent: '', reads: null };
  const text = String(value);
  const name = field.FieldName ?? field.FieldID;
  switch (field.Type) {
    case FIELD_CHECKBOX: {
      if (!/^(?:true|false)$/i.test(text)) throw client.refused(`custom field "${name}" takes true or false`);
      const checked = text.toLowerCase() === 'true';
      return { sent: String(checked), reads: checked };
    }
    case FIELD_OPTION: {
      const options = (field.SelectionComboOptions ?? []).map(readOption);
      const option = options.find((one) => foldName(one.text) === foldName(text) || one.id === text);
      if (option === undefined) {
        throw client.refused(
          describeMiss(
            `option of "${name}"`,
            text,
            options.map((one) => one.text),
          ),
        );
      }
      return { sent: option.id, reads: option.text };
    }
    case FIELD_DATE: {
      const date = dateValue(text, mapping.toInstant);
      return { sent: date, reads: date };
    }
    default:
      return { sent: text, reads: text };
  }
}

/** The document does not print an option: its id and text are told by the names of their keys. */
function readOption(option: Readonly<Record<string, unknown>>): {
  readonly id: string;
  readonly text: string;
} {
  const pick = (pattern: RegExp): string => {
    const key = Object.keys(option).find((name) => pattern.test(name));
    const value = key === undefined ? undefined : option[key];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  return {
    id: pick(/^option_?id$|^id$|^key$/i),
    text: pick(/^(?:option|optionname|name|text|value|label)$/i),
  };
}
