import { json, text, type Reply } from '../support/reply.ts';
import { isTechIn, canSee } from './access.ts';
import { addComment, touch } from './core.ts';
import {
  editableTicket,
  ok,
  refuse,
  requireAdmin,
  requireTech,
  visibleTicket,
  type Endpoints,
  type Request,
} from './endpoint.ts';
import { categoryRow, currentUser, techRow, userInfo, userRow } from './lookup-rows.ts';
import { commentRow, linkedRow, subTicketRow, ticketDetail } from './rows.ts';
import type { JitbitTicket, JitbitUser } from './state.ts';

/** What `comment` answers: the document is silent. */
export type CommentReply = 'empty' | 'id';

/** The document's part "Comments". A public script is known to comment with GET, so that works too. */
export function commentEndpoints(reply: CommentReply, newestFirst: boolean): Endpoints {
  return {
    '* comment': (request) => {
      const id = comment(request);
      return reply === 'id' ? json(id) : ok();
    },
    '* comments': (request) => {
      const ticket = visibleTicket(request);
      const tech = isTechIn(request.core, request.user, ticket.categoryId);
      const said = request.core.state.comments.filter(
        (one) => one.ticketId === ticket.id && (tech || !one.forTechsOnly),
      );
      const rows = said.map((one) => commentRow(request.core, one));
      return json(newestFirst ? rows.reverse() : rows);
    },
    '* commenttemplates': ({ core }) =>
      json(core.state.templates.map(({ id, name, body }) => ({ TemplateId: id, Body: body, Name: name }))),
  };
}

/** Whoever sees a ticket may reply; techs-only notes and foreign authors need the power for it. */
function comment(request: Request): number {
  const { core, params, actor, user } = request;
  const ticket = visibleTicket(request);
  const body = params.requiredText('body');
  if (body.trim() === '') refuse(400, 'The comment has no text');
  const author = params.int('fromUserId');
  if (author !== undefined) requireAdmin(request);
  if (author !== undefined && !core.state.users.has(author)) refuse(404, `User ${author} not found`);
  const recipientIds = (params.text('recipientIds') ?? '').split(',').filter((id) => id !== '');
  const forTechsOnly = params.bool('forTechsOnly', false) && isTechIn(core, user, ticket.categoryId);
  return addComment(
    core,
    ticket,
    { body, forTechsOnly, isSystem: params.bool('isSystem', false), recipientIds: recipientIds.map(Number) },
    { ...actor, userId: author ?? actor.userId },
  );
}

/** People, categories and companies. */
export const lookupEndpoints: Endpoints = {
  'POST authorization': ({ core, user }) => json(currentUser(core, user)),
  '* categories': ({ core, user }) => {
    const seen = [...core.state.categories.values()].filter((one) => !one.forTechsOnly || user.isTech);
    return json(seen.map(categoryRow));
  },
  '* techsforcategory': ({ core, params }) => {
    const category = core.state.categories.get(params.requiredInt('id'));
    if (category === undefined) return refuse(404, 'Category not found');
    const techs = category.techIds.flatMap((id) => core.state.users.get(id) ?? []);
    return json(techs.filter((tech) => !tech.disabled).map((tech) => techRow(core, tech)));
  },
  '* userbyemail': (request) => {
    requireTech(request);
    const email = request.params.requiredText('email').toLowerCase();
    return oneUser(request, (user) => user.email.toLowerCase() === email);
  },
  '* userbyusername': (request) => {
    requireTech(request);
    const username = request.params.requiredText('username').toLowerCase();
    return oneUser(request, (user) => user.username.toLowerCase() === username);
  },
  'GET user': (request) => {
    const id = request.params.requiredInt('userId');
    if (id !== request.user.id) requireTech(request);
    return oneUser(request, (user) => user.id === id);
  },
  '* users': users,
  '* companies': (request) => {
    requireAdmin(request);
    const rows = [...request.core.state.companies.values()];
    return json(
      rows.map(({ id, name, emailDomain }) => ({
        CompanyID: id,
        Name: name,
        EmailDomain: emailDomain,
        Notes: null,
      })),
    );
  },
};

function oneUser({ core }: Request, test: (user: JitbitUser) => boolean): Reply {
  const found = [...core.state.users.values()].find(test);
  return found === undefined ? refuse(404, 'User not found') : json(userInfo(core, found));
}

/** "Users": 500 per page by default, pages from 1, `listMode` as printed. */
function users(request: Request): Reply {
  requireAdmin(request);
  const { core, params } = request;
  const mode = (params.text('listMode') ?? 'all').toLowerCase();
  const companyId = params.int('companyId');
  const wanted = [...core.state.users.values()].filter(
    (user) => inMode(user, mode) && (companyId === undefined || user.companyId === companyId),
  );
  const count = params.int('count') ?? 500;
  const start = (Math.max(params.int('page') ?? 1, 1) - 1) * count;
  return json(wanted.slice(start, start + count).map((user) => userRow(core, user)));
}

function inMode(user: JitbitUser, mode: string): boolean {
  if (mode === 'disabled') return user.disabled;
  if (user.disabled) return false;
  if (mode === 'techs') return user.isTech || user.isAdmin;
  if (mode === 'admins') return user.isAdmin;
  return mode !== 'regular' || (!user.isTech && !user.isAdmin);
}

/** Subscribers, related tickets and sub-tickets. */
export const linkEndpoints: Endpoints = {
  'POST addsubscriber': (request) => {
    const ticket = editableTicket(request);
    ticket.subscriberIds.add(existingUser(request));
    touch(request.core, ticket, 'subscribers', request.actor);
    return ok();
  },
  'POST removesubscriber': (request) => {
    const ticket = editableTicket(request);
    ticket.subscriberIds.delete(existingUser(request));
    touch(request.core, ticket, 'subscribers', request.actor);
    return ok();
  },
  'GET subscribers': (request) => {
    const people = [...visibleTicket(request).subscriberIds].flatMap(
      (id) => request.core.state.users.get(id) ?? [],
    );
    return json(people.map((user) => userInfo(request.core, user)));
  },
  '* linktickets': (request) => {
    const [one, other] = pair(request);
    one.linkedIds.add(other.id);
    other.linkedIds.add(one.id);
    return touched(request, one, other);
  },
  '* unlinktickets': (request) => {
    const [one, other] = pair(request);
    one.linkedIds.delete(other.id);
    other.linkedIds.delete(one.id);
    return touched(request, one, other);
  },
  '* linkedtickets': (request) =>
    json(seen(request, visibleTicket(request).linkedIds).map((one) => linkedRow(request.core, one))),
  '* addsubticket': (request) => {
    const parent = editableTicket(request, 'parentId');
    const child = editableTicket(request, 'childId');
    if (parent.id === child.id) refuse(400, 'A ticket cannot be its own sub-ticket');
    child.parentId = parent.id;
    return touched(request, parent, child);
  },
  '* removesubticket': (request) => {
    const child = editableTicket(request, 'childId');
    child.parentId = null;
    return touched(request, child);
  },
  '* subtickets': (request) => {
    const parent = visibleTicket(request);
    const children = [...request.core.state.tickets.values()].filter((one) => one.parentId === parent.id);
    return json(
      seen(
        request,
        children.map((one) => one.id),
      ).map((one) => subTicketRow(request.core, one)),
    );
  },
  '* parentticket': (request) => {
    const { parentId } = visibleTicket(request);
    const parent = request.core.state.tickets.get(parentId ?? 0);
    if (parent === undefined || !request.params.bool('returnFullTicket', false))
      return text(String(parentId ?? 0));
    return json(ticketDetail(request.core, parent, request.user));
  },
};

function existingUser({ core, params }: Request): number {
  const id = params.requiredInt('userId');
  return core.state.users.has(id) ? id : refuse(404, `User ${id} not found`);
}

function pair(request: Request): [JitbitTicket, JitbitTicket] {
  const one = editableTicket(request);
  const other = editableTicket(request, 'id2');
  return one.id === other.id ? refuse(400, 'A ticket cannot be linked with itself') : [one, other];
}

function touched(request: Request, ...tickets: JitbitTicket[]): Reply {
  for (const ticket of tickets) touch(request.core, ticket, 'links', request.actor);
  return ok();
}

function seen({ core, user }: Request, ids: Iterable<number>): JitbitTicket[] {
  return [...ids]
    .flatMap((id) => core.state.tickets.get(id) ?? [])
    .filter((ticket) => canSee(core, user, ticket));
}
