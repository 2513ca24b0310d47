import { foldName } from '../names.ts';
import type { DeskAction, PlannedWrite } from '../vendor.ts';
import { phaseByName } from './map.ts';
import { addCustom } from './plan-custom.ts';
import { moveWrite } from './plan-move.ts';
import { setExtendedStatus, setPerson, setPriority } from './update.ts';
import {
  newUpdate,
  setField,
  toId,
  updateWrite,
  type OpenTicket,
  type Planner,
  type Update,
} from './write.ts';

/** Actions that set fields: all of them in one PATCH, under one `lock_version`. */

type Reassign = Extract<DeskAction, { action: 'reassign' }>;
type SetFields = Extract<DeskAction, { action: 'set' }>;

/** Team and agent; the desk itself checks that the agent is one of the team (422). */
export async function planReassign(
  action: Reassign,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (planner.done.has('reassign')) return null;
  const { lookups, people } = planner.reader;
  const update = newUpdate();
  if (action.queue !== undefined) {
    const team = await lookups.named('team', action.queue, planner.context);
    if (ticket.observed.queue?.id !== team.id) {
      update.body['team_id'] = toId(team.id);
      setField(update, 'queue', ticket.observed.queue, team);
    }
  }
  if (action.agent === null) setPerson(update, null, ticket);
  if (typeof action.agent === 'string') {
    setPerson(update, await people.agent(action.agent, planner.context), ticket);
  }
  return updateWrite('reassign', 'state', ticket, update, planner);
}

/** First all fields, then closing or reopening, which are calls of their own. */
export async function planSet(
  action: SetFields,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  const { client } = planner.reader;
  if (action.due_at !== undefined) throw client.refused('set due_at: BOSSDesk computes due dates itself');
  if (!planner.done.has('fields')) {
    const update = await fieldsUpdate(action, ticket, planner);
    const write = updateWrite('fields', 'state', ticket, update, planner);
    if (write !== null) return write;
  }
  const move = moveNamed(action.status);
  return move === null || planner.done.has('status') ? null : moveWrite(move, ticket);
}

async function fieldsUpdate(action: SetFields, ticket: OpenTicket, planner: Planner): Promise<Update> {
  const { lookups } = planner.reader;
  const { observed } = ticket;
  const update = newUpdate();
  if (action.category !== undefined) {
    const found = await lookups.named('category', action.category, planner.context);
    if (observed.category?.id !== found.id) {
      update.body['category_id'] = toId(found.id);
      setField(update, 'category', observed.category, { ...found, path: null });
    }
  }
  if (action.type !== undefined) {
    const found = await lookups.named('type', action.type, planner.context);
    if (observed.type?.id !== found.id) {
      update.body['type_id'] = toId(found.id);
      setField(update, 'type', observed.type, found);
    }
  }
  if (action.priority !== undefined) await setPriority(update, action.priority, ticket, planner);
  if (action.title !== undefined && action.title !== observed.title) {
    update.body['title'] = action.title;
    setField(update, 'title', observed.title, action.title);
  }
  if (action.status !== undefined && moveNamed(action.status) === null) {
    await setStatus(update, action.status, ticket, planner);
  }
  await addCustom(update, action.custom ?? {}, ticket, planner);
  return update;
}

/** `status` cannot be written: what can be set is the extended status; "none" takes it away. */
async function setStatus(update: Update, name: string, ticket: OpenTicket, planner: Planner): Promise<void> {
  const none = foldName(name) === 'none';
  const wanted = none ? null : await planner.reader.lookups.named('extended status', name, planner.context);
  const { settings } = planner.reader.mapping;
  const phase = wanted === null ? null : phaseByName(wanted, settings);
  setExtendedStatus(update, wanted, phase, ticket, planner);
}

/** The words for statuses that follow from closing and reopening. */
function moveNamed(status: string | undefined): 'close' | 'reopen' | null {
  if (status === undefined) return null;
  const name = foldName(status);
  if (name === 'closed') return 'close';
  return ['open', 'incoming', 'assigned', 'reopened'].includes(name) ? 'reopen' : null;
}
