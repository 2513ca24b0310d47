import type { DeskAction, PlannedWrite } from '../vendor.ts';
import { planCustom } from './plan-custom.ts';
import { setAssignee, setCategory, setPriority, setStatus } from './update.ts';
import {
  idOf,
  newUpdate,
  setField,
  updateWrite,
  type OpenTicket,
  type Planner,
  type Update,
} from './write.ts';

/** Actions that set fields: one UpdateTicket call for all of them, then one for custom fields. */

type Reassign = Extract<DeskAction, { action: 'reassign' }>;
type SetFields = Extract<DeskAction, { action: 'set' }>;

/** The queue is a category here; the technician must be one of the category where the ticket will be. */
export async function planReassign(
  action: Reassign,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (planner.done.has('reassign')) return null;
  const { lookups, client } = planner.reader;
  const update = newUpdate();
  const category = action.queue === undefined ? null : await lookups.category(action.queue, planner.context);
  if (category !== null) setCategory(update, category, ticket);
  if (action.agent === null) setAssignee(update, null, ticket);
  if (typeof action.agent === 'string') {
    const categoryId = category?.id ?? idOf(ticket.observed.category);
    if (categoryId === null) throw client.refused('reassign: the category of this ticket is not known');
    setAssignee(
      update,
      await lookups.people.agent(action.agent, categoryId, lookups.categoryName(categoryId), planner.context),
      ticket,
    );
  }
  return updateWrite('reassign', 'state', ticket.id, update);
}

/** First everything that UpdateTicket takes, then the custom fields. */
export async function planSet(
  action: SetFields,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (action.type !== undefined) throw planner.reader.client.refused('set type: Jitbit has no ticket types');
  if (!planner.done.has('fields')) {
    const write = updateWrite('fields', 'state', ticket.id, await fieldsUpdate(action, ticket, planner));
    if (write !== null) return write;
  }
  return planner.done.has('custom') ? null : planCustom(action.custom ?? {}, ticket, planner);
}

async function fieldsUpdate(action: SetFields, ticket: OpenTicket, planner: Planner): Promise<Update> {
  const { lookups } = planner.reader;
  const { observed } = ticket;
  const update = newUpdate();
  if (action.category !== undefined) {
    setCategory(update, await lookups.category(action.category, planner.context), ticket);
  }
  if (action.priority !== undefined) setPriority(update, action.priority, ticket, planner);
  if (action.status !== undefined) {
    setStatus(update, (await lookups.statuses.find(action.status, planner.context)).id, ticket, planner);
  }
  if (action.title !== undefined && action.title !== observed.title) {
    update.form['subject'] = action.title;
    setField(update, 'title', observed.title, action.title);
  }
  if (action.due_at !== undefined && action.due_at !== (observed.due_at ?? null)) {
    update.form['dueDate'] = action.due_at === null ? '' : planner.writeTime(action.due_at);
    if (action.due_at !== null) update.dueAt = action.due_at;
    setField(update, 'due_at', observed.due_at, action.due_at);
  }
  return update;
}
