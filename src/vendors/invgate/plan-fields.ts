import type { DeskAction, PlannedWrite } from '../vendor.ts';
import { plainCategory, mapPriority } from './map.ts';
import { priorityId } from './plan-append.ts';
import { planCustom } from './plan-custom.ts';
import { planStatus } from './plan-move.ts';
import { setField, stateWrite, type OpenTicket, type Planner, type Sets } from './write.ts';

/** Actions that set fields: reassigning, and what PUT `incident` takes; then custom fields, then the status. */

type Reassign = Extract<DeskAction, { action: 'reassign' }>;
type SetFields = Extract<DeskAction, { action: 'set' }>;

/**
 * Manual, `incident.reassign`: the help desk is required even to change the agent alone, so the present one is sent.
 * Without an agent the desk's own engine may choose one.
 */
export async function planReassign(
  action: Reassign,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (planner.done.has('reassign')) return null;
  const { client, lookups } = planner.reader;
  const { observed } = ticket;
  const desk = action.queue === undefined ? null : await lookups.helpdesk(action.queue, planner.context);
  const deskId = desk?.id ?? observed.queue?.id ?? null;
  if (deskId === null) throw client.refused('reassign: the ticket has no help desk yet; name a queue');
  const agent =
    typeof action.agent === 'string' ? await lookups.people.find(action.agent, planner.context) : null;

  const sets: Sets = {};
  if (observed.queue?.id !== deskId) {
    setField(sets, 'queue', observed.queue, { id: deskId, name: desk?.name ?? null });
  }
  const agentId = action.agent === undefined ? (observed.assignee?.id ?? null) : (agent?.id ?? null);
  const changesAgent = action.agent !== undefined && (observed.assignee?.id ?? null) !== agentId;
  if (changesAgent) setField(sets, 'assignee', observed.assignee, agent);
  if (Object.keys(sets).length === 0) return null;
  const form = { request_id: ticket.id, group_id: deskId, author_id: await planner.author() };
  // A new help desk chooses its own agent unless the rule names one; the old agent need not belong to it.
  const withAgent = agent === null ? form : { ...form, agent_id: agent.id };
  const along = action.agent === undefined ? ['assignee', 'status', 'phase'] : ['status', 'phase'];
  return stateWrite('reassign', 'state', 'POST incident.reassign', withAgent, { sets, alsoChanges: along });
}

/** First everything that PUT `incident` takes in one call, then each custom field, then the status. */
export async function planSet(
  action: SetFields,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  const { client } = planner.reader;
  if (action.due_at !== undefined) throw client.refused("set due_at: InvGate's API has no due dates");
  return (
    (await planFields(action, ticket, planner)) ??
    (await planCustom(action.custom ?? {}, ticket, planner)) ??
    (action.status === undefined ? null : await planStatus(action.status, ticket, planner))
  );
}

/** `reassignment` is left out: with it InvGate would route the request anew by its new properties. */
async function planFields(
  action: SetFields,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (planner.done.has('fields')) return null;
  const { lookups, mapping } = planner.reader;
  const { observed } = ticket;
  const sets: Sets = {};
  const form: Record<string, string> = {};
  if (action.category !== undefined) {
    const category = await lookups.category(action.category, planner.context);
    if (observed.category?.id !== category.id) {
      form['category_id'] = category.id;
      setField(sets, 'category', observed.category, plainCategory(category));
    }
  }
  if (action.priority !== undefined) {
    const id = await priorityId(action.priority, planner);
    if (observed.priority?.id !== id) {
      form['priority_id'] = id;
      const { level, name } = mapPriority(id, lookups.known(), mapping.settings);
      setField(sets, 'priority', observed.priority?.level ?? observed.priority?.name, level ?? name);
    }
  }
  if (action.type !== undefined) {
    const id = await lookups.attribute('type', action.type, planner.context);
    if (observed.type?.id !== id) {
      form['type_id'] = id;
      setField(sets, 'type', observed.type, { id, name: lookups.known().attributes.type.get(id) ?? null });
    }
  }
  if (action.title !== undefined && action.title !== observed.title) {
    form['title'] = action.title;
    setField(sets, 'title', observed.title, action.title);
  }
  if (Object.keys(form).length === 0) return null;
  return stateWrite('fields', 'state', 'PUT incident', { id: ticket.id, ...form }, { sets });
}
