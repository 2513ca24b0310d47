import { foldName } from '../names.ts';
import type { DeskAction, PlannedWrite } from '../vendor.ts';
import { mapPriority } from './map.ts';
import { planMove } from './plan-move.ts';
import type { Service } from './schema.ts';
import {
  newUpdate,
  setField,
  toId,
  asWritten,
  updateWrite,
  writtenTime,
  type OpenTicket,
  type Planner,
  type Update,
} from './write.ts';

/** Actions that set fields: all of them in one PUT. Ids of priorities, types and categories belong to one service. */

type Reassign = Extract<DeskAction, { action: 'reassign' }>;
type SetFields = Extract<DeskAction, { action: 'set' }>;

/** The queue is a service here; what the incident has in its old one is looked for by name in the new one. */
export async function planReassign(
  action: Reassign,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (planner.done.has('reassign')) return null;
  const { lookups, people } = planner.reader;
  const update = newUpdate();
  if (action.queue !== undefined) {
    const service = await lookups.service(action.queue, planner.context);
    if (ticket.observed.queue?.id !== service.id) moveTo(update, service, ticket, planner);
  }
  if (action.agent !== undefined) {
    const person = action.agent === null ? null : await people.user(action.agent, planner.context);
    const before = ticket.observed.assignee ?? null;
    if ((before?.id ?? null) !== (person?.id ?? null)) {
      // Not in the guide's parameter list, but in both of its examples ("Update Incident").
      update.body['assigned_user_id'] = person === null ? null : toId(person.id);
      update.expect['assigned_user.id'] = person?.id ?? null;
      setField(update, 'assignee', before, person);
    }
  }
  return updateWrite('reassign', 'state', ticket.id, update);
}

function moveTo(update: Update, service: Service, ticket: OpenTicket, { reader }: Planner): void {
  const { observed } = ticket;
  update.body['service_id'] = toId(service.id);
  update.expect['service.id'] = service.id;
  setField(update, 'queue', observed.queue, { id: service.id, name: service.name });
  const { settings } = reader.mapping;
  const wanted = observed.priority;
  const priority = (service.service_priorities ?? []).find(
    (one) => one.description === wanted?.name || mapPriority(one, settings)?.level === wanted?.level,
  );
  const same = <T extends { name: string | null }>(
    all: readonly T[] | null | undefined,
    name?: string | null,
  ) => all?.find((one) => name != null && foldName(one.name ?? '') === foldName(name));
  const type = same(service.incident_types, observed.type?.name);
  const category = same(service.beetil_categories, observed.category?.name);
  if (priority !== undefined) update.body['priority_id'] = toId(priority.id);
  if (type !== undefined) update.body['type_id'] = toId(type.id);
  if (category !== undefined) update.body['category_id'] = toId(category.id);
  for (const field of ['priority', 'type', 'category', 'due_at', 'escalate_at'])
    update.alsoChanges.add(field);
}

/** First all fields; then the due date; then `status`, whose words are those of closing, resolving and reopening. */
export async function planSet(
  action: SetFields,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  const { client } = planner.reader;
  if (action.custom !== undefined) throw client.refused("set custom: not in GoToAssist's API");
  const move = moveNamed(action.status);
  if (move === undefined) {
    throw client.refused(`no status "${action.status ?? ''}"; known: open, resolved, closed`);
  }
  if (!planner.done.has('fields')) {
    const write = updateWrite('fields', 'state', ticket.id, await fieldsUpdate(action, ticket, planner));
    if (write !== null) return write;
  }
  if (action.due_at !== undefined && !planner.done.has('due_at')) {
    const write = dueWrite(action.due_at, ticket, planner);
    if (write !== null) return write;
  }
  return move === null ? null : planMove({ action: move }, ticket, planner);
}

/**
 * `due_date` stands in the guide's examples only ("Update Incident"); what comes back tells whether it was taken. It
 * goes out alone, because a priority in the same call would have it calculated anew.
 */
function dueWrite(dueAt: string | null, ticket: OpenTicket, planner: Planner): PlannedWrite | null {
  const { write_time_zone: zone } = planner.reader.mapping.settings;
  const wanted = dueAt === null ? null : asWritten(dueAt, zone);
  const before = ticket.observed.due_at ?? null;
  if (before === wanted) return null;
  const update = newUpdate();
  update.body['due_date'] = wanted === null ? null : writtenTime(wanted, zone);
  setField(update, 'due_at', before, wanted);
  update.alsoChanges.add('escalate_at');
  const write = updateWrite('due_at', 'state', ticket.id, update);
  return write === null ? null : { ...write, request: { ...(write.request as object), dueAt: wanted } };
}

async function fieldsUpdate(action: SetFields, ticket: OpenTicket, planner: Planner): Promise<Update> {
  const { client, lookups, mapping } = planner.reader;
  const { observed } = ticket;
  const update = newUpdate();
  if (action.title !== undefined && action.title !== observed.title) {
    update.body['title'] = action.title;
    setField(update, 'title', observed.title, action.title);
  }
  const { priority, type, category } = action;
  if (priority === undefined && type === undefined && category === undefined) return update;
  const serviceId = observed.queue?.id ?? null;
  if (serviceId === null) throw client.refused('set: the service of this incident is not known');
  const service = await lookups.serviceOf(serviceId, planner.context);
  if (priority !== undefined) {
    const found = lookups.priority(priority, service);
    if (observed.priority?.id !== found.id) {
      const after = mapPriority(found, mapping.settings);
      const before = observed.priority ?? null;
      update.body['priority_id'] = toId(found.id);
      update.expect['priority.id'] = found.id;
      setField(update, 'priority', before?.level ?? before?.name, after?.level ?? after?.name);
      // Guide, "Update Incident": both are calculated by the priority.
      update.alsoChanges.add('due_at').add('escalate_at');
    }
  }
  if (type !== undefined) {
    const { id, name } = lookups.type(type, service);
    if (observed.type?.id !== id) {
      update.body['type_id'] = toId(id);
      update.expect['service_activity_type.id'] = id;
      setField(update, 'type', observed.type, { id, name });
    }
  }
  if (category !== undefined) {
    const { id, name } = lookups.category(category, service);
    if (observed.category?.id !== id) {
      update.body['category_id'] = toId(id);
      update.expect['category.id'] = id;
      setField(update, 'category', observed.category, { id, name, path: null });
    }
  }
  return update;
}

/** Null: no status was asked for; undefined: one that GoToAssist does not have. */
function moveNamed(status: string | undefined): 'close' | 'resolve' | 'reopen' | null | undefined {
  if (status === undefined) return null;
  const moves = { closed: 'close', resolved: 'resolve', open: 'reopen' } as const;
  const name = foldName(status);
  return Object.hasOwn(moves, name) ? moves[name as keyof typeof moves] : undefined;
}
