import { createZone, toWallTime } from '../http/dates.ts';
import { escapeHtml } from '../http/text.ts';
import { toInstant } from '../../clock.ts';
import type { DeskAction, Json, PlannedWrite } from '../vendor.ts';
import type { FoundName } from './lookups.ts';
import { priorityId } from './update.ts';
import { toId, type OpenTicket, type Planner, type WriteRequest } from './write.ts';

/** Actions that add something: comments, tickets, tasks, time. Each names where it could be found again. */

type CreateTicket = Extract<DeskAction, { action: 'create_ticket' }>;
type Task = Extract<DeskAction, { action: 'task' }>;
type TimeEntry = Extract<DeskAction, { action: 'time_entry' }>;

/** Prefixes of {@link PlannedWrite}`.append.children`, before the ticket's id. */
export const CHILDREN_COMMENTS = 'comments:';
export const CHILDREN_TICKETS = 'tickets';
export const CHILDREN_TASKS = 'tasks:';
export const CHILDREN_TIME = 'time:';

/** Comments and descriptions are HTML. A rule's text is none: whatever is markup in it is shown as it stands. */
export function toHtml(text: string): string {
  const paragraphs = text.replace(/\r\n?/g, '\n').split(/\n{2,}/);
  return paragraphs.map((one) => `<p>${escapeHtml(one).replaceAll('\n', '<br>')}</p>`).join('');
}

function appendWrite(part: string, children: string, text: string, request: WriteRequest): PlannedWrite {
  return { part, kind: 'append', sets: {}, append: { children, text }, request: request as Json };
}

/** `is_public` is required (manual, "Adding a comment to a ticket"); internal unless the rule says otherwise. */
export function commentWrite(ticketId: string, text: string, isPublic: boolean): PlannedWrite {
  const body = toHtml(text);
  return appendWrite('comment', `${CHILDREN_COMMENTS}${ticketId}`, body, {
    method: 'POST',
    path: `tickets/${ticketId}/comments`,
    body: { comment: { body, is_public: isPublic } },
  });
}

/** Manual, "Creating a ticket": title, type and priority are required. */
export async function planCreate(action: CreateTicket, planner: Planner): Promise<PlannedWrite | null> {
  if (planner.done.has('ticket')) return null;
  const { lookups, people } = planner.reader;
  const { context } = planner;
  const type = await onlyOr('type', action.type, planner);
  const priority = await priorityId(action.priority ?? 'normal', planner);
  const category =
    action.category === undefined ? null : await lookups.named('category', action.category, context);
  const team = action.queue === undefined ? null : await lookups.named('team', action.queue, context);
  const requester = action.requester === undefined ? null : await people.user(action.requester, context);
  const description = toHtml(action.text);
  return appendWrite('ticket', CHILDREN_TICKETS, description, {
    method: 'POST',
    path: 'tickets',
    idIn: 'friendly_id',
    body: {
      ticket: {
        title: action.title,
        description,
        type_id: toId(type.id),
        priority_id: toId(priority),
        ...(category === null ? {} : { category_id: toId(category.id) }),
        ...(team === null ? {} : { team_id: toId(team.id) }),
        ...(requester === null ? {} : { requester_id: toId(requester.id) }),
      },
    },
  });
}

/** The named type; without a name the desk's first, which is what its own form shows. */
async function onlyOr(kind: 'type', name: string | undefined, planner: Planner): Promise<FoundName> {
  const { client, lookups } = planner.reader;
  if (name !== undefined) return lookups.named(kind, name, planner.context);
  const [first] = await lookups.all(kind, planner.context);
  if (first === undefined) throw client.refused('create_ticket: this desk has no ticket types');
  return first;
}

/** Manual, "Adding Task to Ticket"; times are read there in the account's zone unless they carry their own. */
export async function planTask(
  action: Task,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (planner.done.has('task')) return null;
  const { lookups, people } = planner.reader;
  const team = action.queue === undefined ? null : await lookups.named('team', action.queue, planner.context);
  const agent = action.agent === undefined ? null : await people.agent(action.agent, planner.context);
  return appendWrite('task', `${CHILDREN_TASKS}${ticket.id}`, action.title, {
    method: 'POST',
    path: `tickets/${ticket.id}/tasks`,
    body: {
      task: {
        title: action.title,
        ...(action.note === undefined ? {} : { note: action.note }),
        ...(team === null ? {} : { team_id: toId(team.id) }),
        ...(agent === null ? {} : { agent_id: toId(agent.id) }),
        ...(action.due_at === undefined ? {} : { due_at: action.due_at }),
      },
    },
  });
}

/**
 * Manual, "Adding Time Entry to Ticket": `date` and `duration` are required. Minutes are a guess that its example
 * (150) supports; its request shows `31-12-2017` and its answer `2017-12-31`: ISO is sent, and what comes back checked.
 */
export async function planTime(
  action: TimeEntry,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (planner.done.has('time')) return null;
  const { io, mapping } = planner.reader;
  const zone = createZone(mapping.settings.time_zone ?? 'UTC');
  const date = toWallTime(toInstant(io.clock.now()), zone).slice(0, 10);
  const duration = Math.round(action.minutes);
  return appendWrite('time', `${CHILDREN_TIME}${ticket.id}`, timeText(date, duration), {
    method: 'POST',
    path: `tickets/${ticket.id}/time_entries`,
    date,
    body: {
      time_entry: { date, duration, ...(action.note === undefined ? {} : { note: action.note }) },
    },
  });
}

/** How a time entry reads as a child of its ticket: its note is not shown. */
export function timeText(date: string, minutes: number): string {
  return `${date} ${minutes} min`;
}
