import { json, nothing, type Reply } from '../support/reply.ts';
import { micros, touch } from './core.ts';
import {
  invalid,
  isObject,
  notFound,
  reference,
  textIn,
  ticketOf,
  timeIn,
  wrapped,
  type Endpoints,
  type Request,
} from './endpoint.ts';
import { listRow, lookupRows, taskRow, timeEntryRow, userRow } from './rows.ts';
import { paged, searched } from './search.ts';
import { bossIds } from './seed.ts';
import type { BossTask, BossTimeEntry, BossUser } from './state.ts';

/** The manual's parts "Tasks" and "Time Entries". */
export const childEndpoints: Endpoints = {
  'POST tickets/:n/tasks': (request) => {
    const { core } = request;
    const ticket = ticketOf(request);
    const fields = taskFields(request);
    const blank = { note: '', typeId: null, teamId: null, agentId: null, dueAt: null, closedAt: null };
    const title = fields.title ?? invalid({ title: ["can't be blank"] });
    const stamps = { id: core.state.nextId++, createdAt: micros(core), createdById: bossIds.deskbot };
    const task: BossTask = { ...blank, ...fields, title, ...stamps };
    ticket.tasks.push(task);
    touch(core, ticket);
    return json(taskRow(core, task), 201);
  },
  'PATCH tickets/:n/tasks/:n': (request) => {
    changeTask(request, taskFields(request));
    return nothing(204);
  },
  'PATCH tickets/:n/tasks/:n/close': (request) => {
    const note =
      isObject(request.call.json) && isObject(request.call.json['task']) ? taskFields(request) : {};
    return json(taskRow(request.core, changeTask(request, { ...note, closedAt: micros(request.core) })));
  },
  'PATCH tickets/:n/tasks/:n/reopen': (request) =>
    json(taskRow(request.core, changeTask(request, { closedAt: null }))),
  'DELETE tickets/:n/tasks/:n': (request) => {
    const { tasks } = ticketOf(request);
    tasks.splice(tasks.indexOf(taskOf(request)), 1);
    touch(request.core, ticketOf(request));
    return nothing(204);
  },
  'POST tickets/:n/time_entries': createTimeEntry,
  'PATCH tickets/:n/time_entries/:n': (request) => {
    const body = wrapped(request, 'time_entry');
    const entry = timeEntryOf(request);
    entry.duration = body['duration'] === undefined ? entry.duration : Number(body['duration']);
    touch(request.core, ticketOf(request));
    return nothing(204);
  },
  'DELETE tickets/:n/time_entries/:n': (request) => {
    const { timeEntries } = ticketOf(request);
    timeEntries.splice(timeEntries.indexOf(timeEntryOf(request)), 1);
    return nothing(204);
  },
};

function taskFields(request: Request): Partial<BossTask> {
  const { core } = request;
  const body = wrapped(request, 'task');
  if (textIn(body, 'title')?.trim() === '') invalid({ title: ["can't be blank"] });
  const fields = {
    title: textIn(body, 'title'),
    note: textIn(body, 'note'),
    typeId: reference(body, 'type_id', core.state.taskTypes),
    teamId: reference(body, 'team_id', core.state.teams),
    agentId: reference(body, 'agent_id', core.state.users),
    dueAt: timeIn(request, body, 'due_at'),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function taskOf(request: Request): BossTask {
  return ticketOf(request).tasks.find((task) => task.id === request.path[1]) ?? notFound();
}

function changeTask(request: Request, fields: Partial<BossTask>): BossTask {
  const task = Object.assign(taskOf(request), fields);
  touch(request.core, ticketOf(request));
  return task;
}

function timeEntryOf(request: Request): BossTimeEntry {
  return ticketOf(request).timeEntries.find((entry) => entry.id === request.path[1]) ?? notFound();
}

/** The request's example has `31-12-2017`, its answer `2017-12-31`: both are read, ISO is shown. */
function createTimeEntry(request: Request): Reply {
  const { core } = request;
  const ticket = ticketOf(request);
  const body = wrapped(request, 'time_entry');
  const duration = Number(body['duration'] ?? Number.NaN);
  if (Number.isNaN(duration)) invalid({ duration: ["can't be blank"] });
  const written = textIn(body, 'date') ?? invalid({ date: ["can't be blank"] });
  const turned = /^(\d{2})-(\d{2})-(\d{4})$/.exec(written);
  const entry: BossTimeEntry = {
    id: core.state.nextId++,
    date: turned === null ? written.slice(0, 10) : `${turned[3]}-${turned[2]}-${turned[1]}`,
    duration,
    billable: body['billable'] === true,
    agentId: reference(body, 'agent_id', core.state.users) ?? bossIds.deskbot,
    taskId: body['task_id'] === undefined ? null : Number(body['task_id']),
  };
  ticket.timeEntries.push(entry);
  touch(core, ticket);
  return json(timeEntryRow(core, ticket, entry), 201);
}

/** Account, people and the unpaged lists. */
export const lookupEndpoints: Endpoints = {
  'GET account': ({ core }) =>
    json({
      name: 'Acme Service Desk',
      full_domain: 'acme.bossdesk.io',
      time_zone: core.behaviour.timeZone,
      beginning_of_week: 0,
      ticket_comment_is_public_by_default: true,
      default_helpdesk_priority_id: bossIds.normal,
      default_ticket_team_id: bossIds.serviceDesk,
    }),
  'GET helpdesk_categories': ({ core }) =>
    json(
      lookupRows(core.state.categories, ({ teamIds }) => ({
        teams: teamIds.map((id) => core.state.teams.get(id)),
      })),
    ),
  'GET helpdesk_extended_statuses': ({ core }) => json(lookupRows(core.state.extendedStatuses)),
  'GET helpdesk_priorities': ({ core }) =>
    json(lookupRows(core.state.priorities, ({ level }) => ({ level }))),
  'GET ticket_types': ({ core }) => json(lookupRows(core.state.types, ({ shortcut }) => ({ shortcut }))),
  'GET task_types': ({ core }) => json(lookupRows(core.state.taskTypes)),
  'GET teams': ({ core }) => json(lookupRows(core.state.teams)),
  'GET tags': ({ core }) => json(lookupRows(core.state.tags, () => ({ owner_class: 'ticket' }))),
  'GET locations': () => json([]),
  'GET groups': ({ call }) => json(paged(call, [{ id: 6, name: 'Management' }])),
  'GET custom_fields': ({ core }) =>
    json(
      lookupRows(core.state.fields, ({ typeId, options }) => ({
        owner_class: 'ticket',
        type_id: typeId,
        required: false,
        options,
      })),
    ),
  'GET users': ({ core, call }) => json(paged(call, people(core.state.users, call.params)).map(userRow)),
  'GET users/:n': ({ core, path }) =>
    json(userRow([...core.state.users.values()].find((user) => user.friendlyId === path[0]) ?? notFound())),
  'GET searches': () =>
    json([
      {
        id: bossIds.ticketSearch,
        name: 'Updated in the last 2 days',
        owner_class: 'ticket',
        my_search: false,
      },
      { id: bossIds.problemSearch, name: 'Problems', owner_class: 'problem', my_search: false },
    ]),
  'GET searches/:n': savedSearch,
};

/** Searches by `q[username_eq]`, `q[email_eq]`, `q[last_name_eq]`; other conditions are ignored. */
function people(users: ReadonlyMap<number, BossUser>, params: URLSearchParams): BossUser[] {
  const wanted: [keyof BossUser, string | null][] = [
    ['username', params.get('q[username_eq]')],
    ['email', params.get('q[email_eq]')],
    ['lastName', params.get('q[last_name_eq]')],
  ];
  return [...users.values()].filter((user) =>
    wanted.every(([name, value]) => value === null || user[name] === value),
  );
}

/** "Only CI and Ticket searches are implemented": others are 501. */
function savedSearch({ core, call, path }: Request): Reply {
  if (path[0] === bossIds.problemSearch) return json({ error: 'Not implemented' }, 501);
  if (path[0] !== bossIds.ticketSearch) return notFound();
  const since = micros(core) - 2 * 86_400_000_000;
  const rows = searched(core, call, 'ignores').filter((ticket) => ticket.updatedAt >= since);
  return json(paged(call, rows).map((ticket) => listRow(core, ticket)));
}
