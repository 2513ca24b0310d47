import { FINAL_PHASES, type Phase } from '../../ticket.ts';
import { describeMiss, foldName } from '../names.ts';
import type { KnownCategory } from './known.ts';
import { mapPriority, phaseOf, PRIORITIES, queueOf } from './map.ts';
import { idOf, setField, type OpenTicket, type Planner, type Update } from './write.ts';

/** Single fields of an UpdateTicket call. Each is left out when the ticket already is so. */

export function setCategory(update: Update, category: KnownCategory, ticket: OpenTicket): void {
  const { id, name, path } = category;
  if (idOf(ticket.observed.category) === id) return;
  update.form['categoryId'] = id;
  setField(update, 'category', ticket.observed.category, { id, name, path });
  const queue = queueOf(category);
  if (ticket.observed.queue?.id !== queue.id) setField(update, 'queue', ticket.observed.queue, queue);
}

export function setAssignee(
  update: Update,
  person: { readonly id: string } | null,
  ticket: OpenTicket,
): void {
  if (idOf(ticket.observed.assignee) === (person?.id ?? null)) return;
  // Document, "UpdateTicket": 0 removes the assigned user.
  update.form['assignedUserId'] = person?.id ?? '0';
  setField(update, 'assignee', ticket.observed.assignee, person);
}

export function setPriority(update: Update, wanted: string, ticket: OpenTicket, planner: Planner): void {
  const id = priorityId(wanted, planner);
  if (ticket.observed.priority?.id === id) return;
  update.form['priority'] = id;
  const priority = mapPriority(Number(id), planner.reader.mapping.settings);
  const before = ticket.observed.priority;
  setField(update, 'priority', before?.level ?? before?.name, priority?.level ?? priority?.name);
}

/** By name, id, level or configured name. Jitbit has four levels: `urgent` is written as Critical. */
export function priorityId(wanted: string, planner: Planner): string {
  const { mapping, client } = planner.reader;
  const folded = foldName(wanted);
  const all = PRIORITIES.map((builtIn) => ({
    builtIn,
    mapped: mapPriority(Number(builtIn.id), mapping.settings),
  }));
  const found = all.find(({ builtIn, mapped }) =>
    [mapped?.name, mapped?.level, builtIn.name, builtIn.id].some((name) => foldName(name ?? '') === folded),
  );
  if (found !== undefined) return found.builtIn.id;
  if (folded === 'urgent') return '2';
  throw client.refused(
    describeMiss(
      'priority',
      wanted,
      all.map(({ mapped }) => mapped?.name ?? ''),
    ),
  );
}

/** A status, with the phase that follows from it and the times that the desk sets by itself. */
export function setStatus(update: Update, statusId: string, ticket: OpenTicket, planner: Planner): void {
  const { observed } = ticket;
  if (observed.status?.id === statusId) return;
  update.form['statusId'] = statusId;
  const status = { id: statusId, name: planner.reader.lookups.statuses.nameOf(statusId) };
  const phase = phaseOf(status, false, planner.reader.mapping.settings);
  setField(update, 'status', observed.status, status);
  if (observed.phase !== phase) setField(update, 'phase', observed.phase, phase);
  if (isFinal(phase) || isFinal(observed.phase ?? 'unknown')) {
    update.alsoChanges.add('resolved_at').add('closed_at');
  }
}

export function isFinal(phase: Phase): boolean {
  return FINAL_PHASES.includes(phase);
}
