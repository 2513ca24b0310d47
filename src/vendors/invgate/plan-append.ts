import type { DeskAction, PlannedWrite } from '../vendor.ts';
import { NEWS_TYPES } from './feed-news.ts';
import { STATUS } from './map.ts';
import { defuse } from './text.ts';
import { appendWrite, setField, type OpenTicket, type Planner, type Sets } from './write.ts';

/** Actions that add something: comments, solutions, requests, time, news. Each names where it could be found again. */

type Action<Name extends DeskAction['action']> = Extract<DeskAction, { action: Name }>;

/** Kinds of {@link PlannedWrite.append}`.children`, before the id of the request or customer. */
export const CHILDREN = { comments: 'comments:', tickets: 'tickets:', time: 'times:', news: 'news' } as const;

/** Manual, `incident.comment`: 0 internal, 1 public. Always sent, because the default is not documented. */
export async function commentWrite(
  ticketId: string,
  text: string,
  isPublic: boolean,
  planner: Planner,
): Promise<PlannedWrite> {
  const comment = defuse(text);
  const form = {
    request_id: ticketId,
    comment,
    author_id: await planner.author(),
    customer_visible: isPublic ? '1' : '0',
  };
  return appendWrite('comment', 'POST incident.comment', form, {
    children: `${CHILDREN.comments}${ticketId}`,
    text: comment,
  });
}

/** A solution is a public comment that moves the request to Solved (integration reference 2.5). */
export async function solutionWrite(
  ticket: OpenTicket,
  text: string,
  planner: Planner,
): Promise<PlannedWrite> {
  const comment = defuse(text);
  const form = {
    request_id: ticket.id,
    comment,
    author_id: await planner.author(),
    customer_visible: '1',
    is_solution: '1',
  };
  const sets: Sets = {};
  setStatusTo(sets, STATUS.solved, 'resolved', ticket);
  return appendWrite(
    'solution',
    'POST incident.comment',
    form,
    { children: `${CHILDREN.comments}${ticket.id}`, text: comment },
    { sets, alsoChanges: ['resolved_at'] },
  );
}

/** Status and phase move together. */
export function setStatusTo(sets: Sets, statusId: string, phase: string, ticket: OpenTicket): void {
  const { status, phase: before } = ticket.observed;
  if (status?.id !== statusId) setField(sets, 'status', status, { id: statusId, name: null });
  if (before !== phase) setField(sets, 'phase', before, phase);
}

/** Defaults of POST `incident`, which requires them all: Medium, Incident. */
const DEFAULT_PRIORITY = '2';
const DEFAULT_TYPE = '1';

/** Manual, POST `incident`: creator, customer, category, priority, type and title are required. */
export async function planCreate(
  action: Action<'create_ticket'>,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (planner.done.has('ticket')) return null;
  const { client, lookups } = planner.reader;
  const { context } = planner;
  if (action.queue !== undefined) {
    throw client.refused('create_ticket queue: InvGate chooses the help desk by the category');
  }
  if (action.category === undefined) throw client.refused('create_ticket: category is missing');
  const author = await planner.author();
  const customer =
    action.requester === undefined ? author : (await lookups.people.find(action.requester, context)).id;
  const description = defuse(action.text);
  const form = {
    creator_id: author,
    customer_id: customer,
    category_id: (await lookups.category(action.category, context)).id,
    priority_id:
      action.priority === undefined ? DEFAULT_PRIORITY : await priorityId(action.priority, planner),
    type_id: action.type === undefined ? DEFAULT_TYPE : await lookups.attribute('type', action.type, context),
    title: action.title,
    description,
  };
  return appendWrite('ticket', 'POST incident', form, {
    children: `${CHILDREN.tickets}${customer}`,
    text: description,
  });
}

const LEVEL_IDS: Readonly<Record<string, string>> = {
  low: '1',
  normal: '2',
  high: '3',
  urgent: '4',
  critical: '5',
};

/** By level, the desk's name, a configured name, the English name, or id. */
export async function priorityId(wanted: string, planner: Planner): Promise<string> {
  const { lookups, mapping } = planner.reader;
  const key = wanted.trim().toLowerCase();
  const configured = Object.entries(mapping.settings.names?.priority ?? {}).find(
    ([, name]) => String(name).toLowerCase() === key,
  )?.[0];
  if (configured !== undefined) return lookups.attribute('priority', configured, planner.context);
  return LEVEL_IDS[key] ?? lookups.attribute('priority', wanted, planner.context);
}

/** Manual lacks it; newer versions: POST `timetracking` with epoch seconds (integration reference 2.5). */
export async function planTime(
  action: Action<'time_entry'>,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (planner.done.has('time')) return null;
  const { client, io } = planner.reader;
  if (client.lacks('POST timetracking')) {
    throw client.refused('time_entry: this version of InvGate has no call for it');
  }
  const to = Math.floor(io.clock.now() / 1000);
  const comment = defuse(action.note ?? '');
  const form = {
    request_id: ticket.id,
    user_id: await planner.author(),
    from: String(to - Math.round(action.minutes * 60)),
    to: String(to),
    comment,
  };
  return appendWrite('time', 'POST timetracking', form, {
    children: `${CHILDREN.time}${ticket.id}`,
    text: comment,
  });
}

/** Manual, POST `breakingnews`: a type, and at least one help desk; without `queues` it is all of them. */
export async function planNews(
  action: Action<'breaking_news'>,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (planner.done.has('news')) return null;
  const { lookups } = planner.reader;
  const { context } = planner;
  const desks =
    action.queues === undefined || action.queues.length === 0
      ? await lookups.helpdesks(context)
      : await Promise.all(action.queues.map((queue) => lookups.helpdesk(queue, context)));
  const severity = action.severity ?? 'medium';
  const type = Object.keys(NEWS_TYPES).find((id) => NEWS_TYPES[id] === severity) ?? '2';
  const body = defuse(action.text);
  const form = {
    type_id: type,
    title: action.title,
    body,
    creator_id: await planner.author(),
    'affected_helpdesk_ids[]': desks.map(({ id }) => id),
  };
  const text = newsText(action.title, body);
  return appendWrite('news', 'POST breakingnews', form, { children: CHILDREN.news, text });
}

/** How news read as a child: without the title two would look alike. */
export function newsText(title: string, body: string): string {
  return `${title}\n${body}`;
}
