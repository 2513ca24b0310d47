import { addNote, editIncident, newIncident, priorityOf, touch, type GotoCore } from './core.ts';
import {
  dateIn,
  fail,
  incidentOf,
  intIn,
  paged,
  wrapped,
  type Body,
  type Endpoint,
  type Endpoints,
  type Request,
} from './endpoint.ts';
import { detailRow, linkRows, listRow, noteRow, watchRow } from './rows.ts';
import { gotoIds } from './seed.ts';
import type { GotoIncident, GotoLinkType, GotoNote, GotoNoteKind, GotoService } from './state.ts';

/** Incidents with their notes, watches and links. */
export const incidentEndpoints: Endpoints = {
  'GET incidents': list,
  'GET incidents/:n': (request) => ({ incident: detailRow(request.core.state, incidentOf(request)) }),
  'POST incidents': create,
  'PUT incidents/:n': update,
  ...noteEndpoints('symptom'),
  ...noteEndpoints('comment'),
  ...noteEndpoints('resolution'),
  'GET incidents/:n/watches': (request) => {
    const incident = incidentOf(request);
    return { watches: incident.watches.map((watch) => watchRow(request.core.state, incident, watch)) };
  },
  'POST incidents/:n/watches': (request) => {
    const incident = incidentOf(request);
    const watchedBy = intIn(wrapped(request, 'watch'), 'watched_by') ?? fail("watched_by can't be blank");
    if (!request.core.state.users.has(watchedBy)) fail('no user found');
    const watch = { id: request.core.state.nextId++, watchedBy, createdAt: request.core.clock.now() };
    incident.watches.push(watch);
    return { watch: watchRow(request.core.state, incident, watch) };
  },
  'DELETE incidents/:n/watches/:n': (request) => {
    const incident = incidentOf(request);
    const watch = incident.watches.find((one) => one.id === request.path[1]) ?? fail('no watch found');
    incident.watches.splice(incident.watches.indexOf(watch), 1);
    return { watch: watchRow(request.core.state, incident, watch) };
  },
  'GET links/incidents/:n': (request) => linkRows(incidentOf(request)),
  'POST links/incidents/:n': link,
  'DELETE links/incidents/:n/incidents/:n': (request) => unlink(request, 'incident'),
  'DELETE links/incidents/:n/changes/:n': (request) => unlink(request, 'change'),
  'DELETE links/incidents/:n/problems/:n': (request) => unlink(request, 'problem'),
  'DELETE links/incidents/:n/releases/:n': (request) => unlink(request, 'release'),
};

/**
 * "Show Incidents": the token's user's own incidents unless `report_id` (all of them) or `service_ids[]` is given;
 * ordered by due date unless told otherwise, in a direction the guide does not state, or not at all.
 */
function list(request: Request): Body {
  const { core, listing } = request;
  const rows = sorted(request, selected(request));
  const { rows: shown, pages } = paged(request, listing.direction === 'desc' ? rows.toReversed() : rows);
  const incidents = shown.map((incident) => listRow(core.state, incident));
  return { total_entries: rows.length, total_pages: pages, incidents };
}

function selected({ core, call, user, listing }: Request): GotoIncident[] {
  const { params } = call;
  const all = [...core.state.incidents.values()];
  const report = params.get('report_id');
  if (report !== null) return Number(report) === gotoIds.report ? all : fail('no report found');
  const seen = all.filter((one) => listing.closedInLists || one.closedAt === null);
  const services = params.getAll('service_ids[]').map(Number);
  if (services.length > 0) return seen.filter((one) => services.includes(one.serviceId));
  const who = Number(params.get('selected_user_id') ?? user.id);
  const watched = params.get('include_watchlisted') !== null;
  return seen.filter(
    (one) => one.assignedUserId === who || (watched && one.watches.some((watch) => watch.watchedBy === who)),
  );
}

function sorted({ core, call, listing }: Request, rows: GotoIncident[]): GotoIncident[] {
  if (listing.direction === 'none') return rows;
  const order = call.params.get('order') ?? 'due_date';
  const value = (one: GotoIncident): number => {
    if (order === 'created_at') return one.createdAt;
    if (order === 'last_active_at') return one.lastActiveAt;
    if (order === 'priority') return priorityOf(core.state, one)?.level ?? 0;
    return one.dueDate ?? 0;
  };
  return [...rows].sort((one, other) => value(one) - value(other) || one.id - other.id);
}

/** `symptom` is not in the guide; a client uses it for the description [O]. */
function create(request: Request): Body {
  const { core, user } = request;
  const body = wrapped(request, 'incident');
  if ((body['title'] ?? '') === '') fail("title can't be blank");
  const serviceId = intIn(body, 'service_id') ?? fail("service_id can't be blank");
  const service = core.state.services.get(serviceId) ?? fail('no service found');
  const openedAt =
    dateIn(core, body, 'opened_at') ?? dateIn(core, body, 'occured_at') ?? fail("opened_at can't be blank");
  const edit = editOf(core, body, service);
  const priorityId = edit.priorityId ?? service.priorities[2]?.id ?? 0;
  const required = {
    title: String(body['title'] as string),
    serviceId,
    priorityId,
    openedAt,
    ownerId: edit.ownerId ?? user.id,
  };
  const incident = newIncident(core.state, core.clock.now(), { ...edit, ...required, updatedById: user.id });
  const symptom = body['symptom'];
  if (typeof symptom === 'string') {
    addNote(core, incident, { kind: 'symptom', note: symptom, userId: user.id, externalEmail: '' });
  }
  return { incident: detailRow(core.state, incident) };
}

/** Resolving, closing and reopening are edits with all their parts present. */
function update(request: Request): Body {
  const { core, user } = request;
  const incident = incidentOf(request);
  const body = wrapped(request, 'incident');
  if (body['title'] !== undefined && (body['title'] ?? '') === '') fail("title can't be blank");
  const service =
    core.state.services.get(intIn(body, 'service_id') ?? incident.serviceId) ?? fail('no service found');
  const states = { ...resolving(request, incident, body), ...closing(request, body) };
  const dueDate = core.takesDueDate ? dateIn(core, body, 'due_date') : undefined;
  const due = dueDate === undefined ? {} : { dueDate };
  editIncident(core, incident, { ...editOf(core, body, service), ...states, ...due }, user.id);
  return { incident: detailRow(core.state, incident) };
}

function editOf(core: GotoCore, body: Body, service: GotoService): Partial<GotoIncident> {
  const among = (name: string, rows: readonly { readonly id: number }[]): number | null | undefined => {
    const id = intIn(body, name);
    return id === undefined || id === null || rows.some((row) => row.id === id)
      ? id
      : fail(`no ${name} found`);
  };
  const edit = {
    title: typeof body['title'] === 'string' ? body['title'] : undefined,
    serviceId: body['service_id'] === undefined ? undefined : service.id,
    priorityId: among('priority_id', service.priorities) ?? undefined,
    typeId: among('type_id', service.types),
    categoryId: among('category_id', service.categories),
    customerId: among('customer_id', [...core.state.customers.values()]),
    assignedUserId: among('assigned_user_id', [...core.state.users.values()]),
    ownerId: among('owner_id', [...core.state.users.values()]) ?? undefined,
  };
  return Object.fromEntries(Object.entries(edit).filter(([, value]) => value !== undefined));
}

/** "To Resolve an incident ensure resolution and resolved_at are both present." */
function resolving({ core, user }: Request, incident: GotoIncident, body: Body): Partial<GotoIncident> {
  const resolvedAt = dateIn(core, body, 'resolved_at');
  if (resolvedAt === undefined || resolvedAt === null) return {};
  if (!incident.notes.some((note) => note.kind === 'resolution')) fail("resolution can't be blank");
  return { resolvedAt, resolvedById: intIn(body, 'resolved_by_user_id') ?? user.id };
}

/** Closing needs closed_at, closure_code and closure_comment; reopening that the first two are null. */
function closing({ core, user }: Request, body: Body): Partial<GotoIncident> {
  if (body['closed_at'] === undefined && body['closure_code'] === undefined) return {};
  const none = core.reopensWith === 'null' ? null : '';
  if (body['closed_at'] === none && body['closure_code'] === none) {
    const open = {
      closedAt: null,
      closedById: null,
      closureCode: null,
      resolvedAt: null,
      resolvedById: null,
    };
    return { ...open, closureComment: '' };
  }
  if (body['closed_at'] === null || body['closed_at'] === '') return {};
  const comment = body['closure_comment'];
  const closedAt = dateIn(core, body, 'closed_at') ?? fail("closed_at can't be blank");
  const closureCode = intIn(body, 'closure_code') ?? fail("closure_code can't be blank");
  if (typeof comment !== 'string' || comment === '') return fail("closure_comment can't be blank");
  const closedById = intIn(body, 'closed_by_user_id') ?? user.id;
  return { closedAt, closureCode, closureComment: comment, closedById };
}

/** Notes of one kind: `{"comment":{"note":…,"user_id":…}}`; a person or an `external_email` is required. */
function noteEndpoints(kind: GotoNoteKind): Endpoints {
  const found = (request: Request): GotoNote =>
    incidentOf(request).notes.find((note) => note.kind === kind && note.id === request.path[1]) ??
    fail(`no ${kind} found`);
  const shown = (request: Request, note: GotoNote): Body => ({
    [kind]: noteRow(request.core.state, incidentOf(request), note),
  });
  const post: Endpoint = (request) => {
    const body = wrapped(request, kind);
    const incident = incidentOf(request);
    const text = body['note'];
    if (typeof text !== 'string' || text === '')
      return fail('The note parameter must be specified for this call');
    const userId = intIn(body, 'user_id') ?? null;
    const email = typeof body['external_email'] === 'string' ? body['external_email'] : '';
    if (userId === null && email === '') fail('user_id or external_email must be specified for this call');
    if (userId !== null && !request.core.state.users.has(userId)) fail('no user found');
    return shown(
      request,
      addNote(request.core, incident, { kind, note: text, userId, externalEmail: email }),
    );
  };
  return {
    [`GET incidents/:n/${kind}s/:n`]: (request) => shown(request, found(request)),
    [`POST incidents/:n/${kind}s`]: post,
    [`DELETE incidents/:n/${kind}s/:n`]: (request) => {
      const note = found(request);
      const { notes } = incidentOf(request);
      notes.splice(notes.indexOf(note), 1);
      return shown(request, note);
    },
  };
}

const linkTypes: readonly GotoLinkType[] = ['incident', 'change', 'problem', 'release'];

/** "Only one of the above POST parameters is necessary"; answers with all links. */
function link(request: Request): Body {
  const { core, call } = request;
  const incident = incidentOf(request);
  const body = call.json as Body | null;
  const given = linkTypes.filter((type) => body?.[`${type}_id`] !== undefined);
  const [type] = given;
  if (type === undefined || given.length > 1 || body === null)
    return fail('exactly one id must be specified for this call');
  const ref = intIn(body, `${type}_id`) ?? fail('no record found');
  const other = core.state.incidents.get(ref);
  const known = type === 'incident' ? other !== undefined : core.state.others.has(`${type}-${ref}`);
  if (!known) fail(`no ${type} found`);
  incident.links.push({ type, ref });
  if (type === 'incident') other?.links.push({ type, ref: incident.referenceNum });
  touch(core, incident, request.user.id);
  return linkRows(incident);
}

function unlink(request: Request, type: GotoLinkType): Body {
  const incident = incidentOf(request);
  const index = incident.links.findIndex((one) => one.type === type && one.ref === request.path[1]);
  if (index < 0) fail('no link found');
  incident.links.splice(index, 1);
  return linkRows(incident);
}
