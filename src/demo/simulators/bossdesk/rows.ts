import { statusOf, type BossCore } from './core.ts';
import { brokenTaskId } from './seed.ts';
import type { BossComment, BossTask, BossTicket, BossTimeEntry, BossUser, Named } from './state.ts';

export type Row = Record<string, unknown>;

/** Milliseconds are shown, microseconds are cut off. */
export function stamp(at: number | null): string | null {
  return at === null ? null : new Date(Math.floor(at / 1000)).toISOString();
}

function byId<T extends Named>(
  rows: ReadonlyMap<number, T>,
  id: number | null,
  more: (row: T) => Row = () => ({}),
): Row | null {
  const row = rows.get(id ?? 0);
  return row === undefined ? null : { id: row.id, name: row.name, ...more(row) };
}

export function personRow(user: BossUser | undefined): Row | null {
  if (user === undefined) return null;
  return {
    id: user.id,
    friendly_id: user.friendlyId,
    first_name: user.firstName,
    last_name: user.lastName,
    username: user.username,
  };
}

/** A row of the list: no `updated_at`, `created_at`, team, tags, comments or `lock_version`. */
export function listRow(core: BossCore, ticket: BossTicket): Row {
  const { users, priorities, categories, extendedStatuses, types } = core.state;
  return {
    id: ticket.id,
    friendly_id: ticket.friendlyId,
    title: ticket.title,
    status: statusOf(ticket),
    due_at: stamp(ticket.dueAt),
    type: byId(types, ticket.typeId, ({ shortcut }) => ({ shortcut })),
    priority: byId(priorities, ticket.priorityId, () => ({ color: 'rgb(133, 211, 132)' })),
    category: byId(categories, ticket.categoryId, () => ({
      color: 'rgb(37, 160, 218)',
      icon: 'fa fa-fw fa-desktop',
    })),
    extended_status: byId(extendedStatuses, ticket.extendedStatusId),
    requester: personRow(users.get(ticket.requesterId ?? 0)),
    agent: personRow(users.get(ticket.agentId ?? 0)),
  };
}

/** "Retrieving one ticket". */
export function detailRow(core: BossCore, ticket: BossTicket): Row {
  const requester = core.state.users.get(ticket.requesterId ?? 0);
  return {
    ...listRow(core, ticket),
    description: ticket.description,
    source: ticket.source,
    custom_fields: Object.fromEntries(ticket.customFields),
    created_at: stamp(ticket.createdAt),
    updated_at: stamp(ticket.updatedAt),
    closed_at: stamp(ticket.closedAt),
    lock_version: ticket.lockVersion,
    team: byId(core.state.teams, ticket.teamId),
    requester: requester === undefined ? null : requesterRow(requester),
    comments: ticket.comments.map((comment) => commentRow(core, comment)),
    tags: ticket.tagIds.map((id) => byId(core.state.tags, id)).filter((tag) => tag !== null),
    attachments: [],
    time_entries: ticket.timeEntries.map((entry) => timeEntryRow(core, ticket, entry)),
    tasks: ticket.tasks.map((task) => ({
      ...taskRow(core, task),
      created_at: task.id === brokenTaskId ? '2016-10-23T12:45:74.234Z' : stamp(task.createdAt),
      created_by: personRow(core.state.users.get(task.createdById)),
    })),
    problem: null,
    change: null,
    approval_requests: ticket.approvals.map((one) => ({
      id: one.id,
      status: one.status,
      comment: one.comment,
      created_at: stamp(one.createdAt),
      responded_at: stamp(one.respondedAt),
      user: personRow(core.state.users.get(one.userId)),
    })),
    cis: [],
  };
}

function requesterRow(user: BossUser): Row {
  return {
    ...personRow(user),
    is_agent: user.isAgent,
    email: user.email,
    phone: '',
    mobile: '',
    group: user.group,
  };
}

export function commentRow(core: BossCore, comment: BossComment): Row {
  const author = core.state.users.get(comment.createdById);
  return {
    id: comment.id,
    body: comment.body,
    is_public: comment.isPublic,
    from_agent: author?.isAgent ?? false,
    source: comment.source,
    created_at: stamp(comment.createdAt),
    created_by: personRow(author),
    attachments: [],
  };
}

export function taskRow(core: BossCore, task: BossTask): Row {
  return {
    id: task.id,
    title: task.title,
    note: task.note,
    due_at: stamp(task.dueAt),
    closed_at: stamp(task.closedAt),
    type: byId(core.state.taskTypes, task.typeId),
    team: byId(core.state.teams, task.teamId),
    agent: personRow(core.state.users.get(task.agentId ?? 0)),
  };
}

export function timeEntryRow(core: BossCore, ticket: BossTicket, entry: BossTimeEntry): Row {
  const task = ticket.tasks.find((one) => one.id === entry.taskId);
  return {
    id: entry.id,
    task_id: entry.taskId,
    date: entry.date,
    duration: entry.duration,
    billable: entry.billable,
    agent: personRow(core.state.users.get(entry.agentId)),
    task: task === undefined ? null : { id: task.id, title: task.title },
  };
}

/** "Retrieving the user list". */
export function userRow(user: BossUser): Row {
  return {
    ...personRow(user),
    email: user.email,
    is_agent: user.isAgent,
    archived_at: null,
    updated_at: '2016-06-19T10:05:01.566Z',
  };
}

export function lookupRows<T extends Named>(
  rows: ReadonlyMap<number, T>,
  more: (row: T) => Row = () => ({}),
): Row[] {
  const dates = { created_at: '2016-05-12T13:20:45.033Z', updated_at: '2016-07-07T09:03:57.028Z' };
  return [...rows.values()].map((row) => ({ id: row.id, name: row.name, ...more(row), ...dates }));
}
