import { describeMiss, foldName } from '../names.ts';
import type { DeskAction, Json } from '../vendor.ts';
import {
  customValue,
  dateText,
  FIELD_BOOLEAN,
  FIELD_CASCADING,
  FIELD_DATE,
  FIELD_DROPDOWN,
  FIELD_FLOAT,
  FIELD_INTEGER,
} from './map-custom.ts';
import type { CustomField } from './schema.ts';
import { setField, toId, toJson, type OpenTicket, type Planner, type Update } from './write.ts';

type SetFields = Extract<DeskAction, { action: 'set' }>;

/**
 * Custom fields into a PATCH. Whether the desk keeps the fields that are not named is not documented, so all of the
 * ticket's are sent, as they were read under the same `lock_version`.
 */
export async function addCustom(
  update: Update,
  wanted: NonNullable<SetFields['custom']>,
  ticket: OpenTicket,
  planner: Planner,
): Promise<void> {
  const current = currentValues(ticket);
  const changed: Record<string, Json> = {};
  for (const [name, value] of Object.entries(wanted)) {
    const field = await planner.reader.lookups.field(name, planner.context);
    const sent = sentValue(field, value, planner);
    const before = customValue(current[field.id], field, planner.reader.mapping.toInstant);
    const after = customValue(sent, field, planner.reader.mapping.toInstant);
    if (before === after) continue;
    changed[field.id] = sent;
    setField(update, `custom.${field.name ?? field.id}`, before, after);
  }
  if (Object.keys(changed).length > 0) update.body['custom_fields'] = { ...current, ...changed };
}

function currentValues(ticket: OpenTicket): Readonly<Record<string, Json>> {
  const raw = ticket.observed.raw;
  const values = typeof raw === 'object' && raw !== null && 'custom_fields' in raw ? raw.custom_fields : null;
  if (typeof values !== 'object' || values === null) return {};
  return Object.fromEntries(Object.entries(values).map(([id, value]) => [id, toJson(value)]));
}

function sentValue(field: CustomField, value: string | number | boolean | null, planner: Planner): Json {
  const { client, mapping } = planner.reader;
  const name = field.name ?? field.id;
  if (value === null || value === '') return null;
  const text = String(value);
  switch (field.type_id) {
    case FIELD_BOOLEAN:
      if (!/^(?:true|false)$/i.test(text)) throw client.refused(`custom field "${name}" takes true or false`);
      return text.toLowerCase() === 'true';
    case FIELD_INTEGER:
    case FIELD_FLOAT: {
      const number = Number(text);
      const fits = field.type_id === FIELD_FLOAT ? Number.isFinite(number) : Number.isSafeInteger(number);
      if (!fits) throw client.refused(`custom field "${name}" takes a number, not "${text.slice(0, 50)}"`);
      return number;
    }
    case FIELD_DATE:
      return dateText(text, mapping.toInstant);
    case FIELD_DROPDOWN:
    case FIELD_CASCADING: {
      const options = field.options ?? [];
      const option = options.find((one) => foldName(one.name ?? '') === foldName(text) || one.id === text);
      if (option !== undefined) return toId(option.id);
      const names = options.map((one) => one.name ?? one.id);
      throw client.refused(describeMiss(`option of "${name}"`, text, names));
    }
    default:
      return text;
  }
}
