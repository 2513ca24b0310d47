import { json, nothing, Refusal, type Reply } from '../support/reply.ts';
import { addComment, bump, editTicket, micros, newTicket } from './core.ts';
import {
  invalid,
  isObject,
  reference,
  textIn,
  ticketOf,
  wrapped,
  type Body,
  type Endpoints,
  type Request,
} from './endpoint.ts';
import { commentRow, detailRow, listRow } from './rows.ts';
import { paged, searched } from './search.ts';
import { bossIds } from './seed.ts';
import type { BossTicket } from './state.ts';

/** The manual's part "Tickets". */
export const ticketEndpoints: Endpoints = {
  'GET tickets': ({ core, call, mode }) =>
    json(paged(call, searched(core, call, mode)).map((ticket) => listRow(core, ticket))),
  'GET tickets/:n': (request) => json(detailRow(request.core, ticketOf(request))),
  'POST tickets': create,
  'PATCH tickets/:n': update,
  'PATCH tickets/:n/close': close,
  'PATCH tickets/:n/reopen': (request) => {
    const ticket = ticketOf(request);
    if (ticket.closedAt === null) invalid({ base: ["can't be opened because it is open"] });
    editTicket(request.core, ticket, { closedAt: null });
    return json(detailRow(request.core, ticket));
  },
  'POST tickets/:n/comments': comment,
};

function create(request: Request): Reply {
  const { core } = request;
  const body = wrapped(request, 'ticket');
  const edit = editOf(request, body);
  const missing = ['title', 'type_id', 'priority_id'].filter((name) => (body[name] ?? '') === '');
  if (missing.length > 0)
    invalid(Object.fromEntries(missing.map((name) => [name.replace(/_id$/, ''), ["can't be blank"]])));
  const requesterId = edit.requesterId ?? bossIds.deskbot;
  const required = { title: edit.title ?? '', typeId: edit.typeId ?? 0, priorityId: edit.priorityId ?? 0 };
  const ticket = newTicket(core.state, micros(core), { ...edit, ...required, requesterId, source: 'api' });
  setFields(request, ticket, body);
  return json(detailRow(core, ticket), 201);
}

/** 204 without a body; 409 when `lock_version` is not the current one. */
function update(request: Request): Reply {
  const ticket = ticketOf(request);
  const body = wrapped(request, 'ticket');
  const lock = body['lock_version'];
  if (lock !== undefined && Number(lock) !== ticket.lockVersion) {
    throw new Refusal(json({ errors: { base: ['The ticket has been changed by somebody else'] } }, 409));
  }
  const edit = editOf(request, body);
  if (edit.title?.trim() === '') invalid({ title: ["can't be blank"] });
  const changed = editTicket(request.core, ticket, edit);
  if (setFields(request, ticket, body) && !changed) bump(ticket, micros(request.core));
  return nothing(204);
}

/** The writable attributes; `status`, `due_at` and unknown ones are dropped like Rails' unpermitted parameters. */
function editOf({ core }: Request, body: Body): Partial<BossTicket> {
  const { users, teams, types, priorities, categories, extendedStatuses } = core.state;
  const tagIds = body['tag_ids'];
  const edit = {
    title: textIn(body, 'title'),
    description: textIn(body, 'description'),
    typeId: reference(body, 'type_id', types),
    priorityId: reference(body, 'priority_id', priorities),
    extendedStatusId: reference(body, 'extended_status_id', extendedStatuses),
    categoryId: reference(body, 'category_id', categories),
    requesterId: reference(body, 'requester_id', users),
    teamId: reference(body, 'team_id', teams),
    agentId: reference(body, 'agent_id', users),
    tagIds: Array.isArray(tagIds) ? tagIds.map(Number).filter((id) => core.state.tags.has(id)) : undefined,
  };
  if (edit.agentId && core.state.users.get(edit.agentId)?.isAgent !== true)
    invalid({ agent: ['is not an agent'] });
  return Object.fromEntries(Object.entries(edit).filter(([, value]) => value !== undefined));
}

/** `custom_fields` by field id: the given ones, or all of them where the desk is set so. */
function setFields({ core }: Request, ticket: BossTicket, body: Body): boolean {
  const values = body['custom_fields'];
  if (!isObject(values)) return false;
  const was = JSON.stringify([...ticket.customFields]);
  if (core.behaviour.fieldsReplace) ticket.customFields.clear();
  for (const [id, value] of Object.entries(values)) {
    if (!core.state.fields.has(Number(id))) invalid({ custom_fields: [`field ${id} does not exist`] });
    ticket.customFields.set(id, value);
  }
  return JSON.stringify([...ticket.customFields]) !== was;
}

function close(request: Request): Reply {
  const { core } = request;
  const ticket = ticketOf(request);
  if (ticket.closedAt !== null) invalid({ base: ["can't be closed because it is closed"] });
  if (core.behaviour.tasksBlockClosing && ticket.tasks.some((task) => task.closedAt === null)) {
    invalid({ base: ["can't be closed because it has open tasks"] });
  }
  editTicket(core, ticket, { closedAt: micros(core) });
  return json(detailRow(core, ticket));
}

/** `is_public` is required. */
function comment(request: Request): Reply {
  const { core } = request;
  const ticket = ticketOf(request);
  const wanted = wrapped(request, 'comment');
  const isPublic = wanted['is_public'];
  const body = textIn(wanted, 'body') ?? '';
  if (typeof isPublic !== 'boolean') return invalid({ is_public: ["can't be blank"] });
  if (body.trim() === '') invalid({ body: ["can't be blank"] });
  const id = addComment(core, ticket, { body, isPublic, createdById: bossIds.deskbot, source: 'api' });
  const stored = ticket.comments.find((one) => one.id === id);
  return json(stored === undefined ? null : commentRow(core, stored), 201);
}
