import type { CustomValue } from '../../ticket.ts';
import { describeMiss, foldName } from '../names.ts';
import type { DeskAction, PlannedWrite } from '../vendor.ts';
import { setField, stateWrite, type OpenTicket, type Planner, type Sets } from './write.ts';
import { deskLine } from './text.ts';

type Wanted = NonNullable<Extract<DeskAction, { action: 'set' }>['custom']>;

/** The next custom field that is not as wanted; one call each (manual, `incident.custom_field`). */
export async function planCustom(
  wanted: Wanted,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  const { lookups } = planner.reader;
  for (const [name, value] of Object.entries(wanted)) {
    const field = await lookups.field(name, planner.context);
    const part = `custom.${field.uid}`;
    if (planner.done.has(part)) continue;
    const { sent, reads } = await fieldValue(field, value, planner);
    const current = Object.values(ticket.observed.custom ?? {}).find((one) => one.id === field.uid);
    const before = current?.value ?? null;
    if (sameFieldValue(before, reads)) continue;
    const sets: Sets = {};
    setField(sets, `custom.${field.label === null ? field.uid : deskLine(field.label)}`, before, reads);
    const form = {
      request_id: ticket.id,
      author_id: await planner.author(),
      custom_field_uid: field.uid,
      // "No value (empty string) means erase value."
      'values[]': [sent],
    };
    return stateWrite(part, 'state', 'POST incident.custom_field', form, { sets });
  }
  return null;
}

/** Desks return numbers as text and the other way round. */
function sameFieldValue(before: CustomValue['value'], wanted: string | null): boolean {
  if (before === null || wanted === null) return before === wanted;
  return (typeof before === 'number' || typeof before === 'boolean' ? String(before) : before) === wanted;
}

/** List fields take one of their options, by label or key, and read as its label; other fields take text. */
async function fieldValue(
  field: { readonly uid: string; readonly label: string | null },
  value: string | number | boolean | null,
  planner: Planner,
): Promise<{ readonly sent: string; readonly reads: string | null }> {
  if (value === null || value === '') return { sent: '', reads: null };
  const text = String(value);
  const { client, lookups } = planner.reader;
  const options = [...(await lookups.options(field.uid, planner.context))];
  if (options.length === 0) return { sent: text, reads: text };
  const found = options.find(([key, label]) => foldName(label) === foldName(text) || key === text);
  if (found !== undefined) return { sent: found[1], reads: found[1] };
  const kind = `option of "${field.label ?? field.uid}"`;
  throw client.refused(
    describeMiss(
      kind,
      text,
      options.map(([, label]) => label),
    ),
  );
}
