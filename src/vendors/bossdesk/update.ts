import { PRIORITY_LEVELS, type Named, type Person, type Phase } from '../../ticket.ts';
import { describeMiss, foldName } from '../names.ts';
import { mapPriority } from './map.ts';
import { setField, toId, type OpenTicket, type Planner, type Update } from './write.ts';

/** Single fields of a PATCH. Each is left out when the ticket already is so. */

export function setPerson(
  update: Update,
  person: (Person & { readonly id: string }) | null,
  ticket: OpenTicket,
): void {
  const before = ticket.observed.assignee ?? null;
  if ((before?.id ?? null) === (person?.id ?? null)) return;
  update.body['agent_id'] = toId(person?.id ?? null);
  setField(update, 'assignee', before, person);
  // `incoming` and `assigned` follow from whether there is an agent.
  if ((before === null) !== (person === null)) update.alsoChanges.add('status').add('phase');
}

/** By name, id or level. A level that two priorities have, or none, is refused with the names. */
export async function setPriority(
  update: Update,
  wanted: string,
  ticket: OpenTicket,
  planner: Planner,
): Promise<void> {
  const id = await priorityId(wanted, planner);
  const before = ticket.observed.priority ?? null;
  if (before?.id === id) return;
  const all = await planner.reader.lookups.all('priority', planner.context);
  const after = mapPriority(
    all.find((one) => one.id === id) ?? { id, name: null },
    planner.reader.mapping.settings,
  );
  update.body['priority_id'] = toId(id);
  setField(update, 'priority', before?.level ?? before?.name, after?.level ?? after?.name);
}

export async function priorityId(wanted: string, planner: Planner): Promise<string> {
  const { client, lookups, mapping } = planner.reader;
  const folded = foldName(wanted);
  const all = await lookups.all('priority', planner.context);
  const named = all.find((one) => foldName(one.name ?? '') === folded || one.id === wanted.trim());
  if (named !== undefined) return named.id;
  if (!PRIORITY_LEVELS.some((level) => level === folded)) {
    return (await lookups.named('priority', wanted, planner.context)).id;
  }
  const ofLevel = all.filter((one) => mapPriority(one, mapping.settings)?.level === folded);
  const [only] = ofLevel;
  if (only !== undefined && ofLevel.length === 1) return only.id;
  const names = all.map((one) => one.name ?? one.id);
  throw client.refused(`${describeMiss('priority', wanted, names)} (priority_order gives names their level)`);
}

/** @param phase what the wanted status means by configuration; null: nothing, then the phase follows from agent and closing */
export function setExtendedStatus(
  update: Update,
  wanted: (Named & { readonly id: string }) | null,
  phase: Phase | null,
  ticket: OpenTicket,
  planner: Planner,
): void {
  const { observed } = ticket;
  if ((observed.sub_status?.id ?? null) === (wanted?.id ?? null)) return;
  if (observed.phase === 'closed')
    throw planner.reader.client.refused('the ticket is closed: reopen it first');
  update.body['extended_status_id'] = toId(wanted?.id ?? null);
  setField(update, 'sub_status', observed.sub_status, wanted);
  if (phase === null) update.alsoChanges.add('phase');
  else if (observed.phase !== phase) setField(update, 'phase', observed.phase, phase);
}
