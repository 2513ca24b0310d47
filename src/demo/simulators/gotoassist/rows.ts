import { priorityOf, statusOf } from './core.ts';
import type {
  GotoIncident,
  GotoNamed,
  GotoNote,
  GotoService,
  GotoState,
  GotoTimeEntry,
  GotoUser,
} from './state.ts';

export type Row = Record<string, unknown>;

/** Links still carry the old name of the API. */
const root = '/external_api/v1';

/** Whole seconds; no date is `""`. */
export function stamp(at: number | null): string {
  return at === null ? '' : new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}

export function userRow(user: GotoUser | undefined): Row | null {
  if (user === undefined) return null;
  return {
    [user.isGroup ? 'group_link' : 'user_link']: `${root}/users/${user.id}`,
    avatar: null,
    id: user.id,
    full_name: user.isGroup ? user.firstName : `${user.firstName} ${user.lastName}`,
    last_name: user.lastName,
    first_name: user.firstName,
  };
}

export function noteRow(state: GotoState, incident: GotoIncident, note: GotoNote): Row {
  return {
    created_at: stamp(note.createdAt),
    updated_at: stamp(note.createdAt),
    id: note.id,
    note: note.note,
    [`${note.kind}_link`]: `${root}/incidents/${incident.referenceNum}/${note.kind}s/${note.id}`,
    user: userRow(state.users.get(note.userId ?? 0)),
    external_email: note.externalEmail,
  };
}

export function watchRow(
  state: GotoState,
  incident: GotoIncident,
  watch: GotoIncident['watches'][number],
): Row {
  return {
    id: watch.id,
    watch_link: `${root}/incidents/${incident.referenceNum}/watches/${watch.id}`,
    watched_by: userRow(state.users.get(watch.watchedBy)),
  };
}

/** "Show Incidents": no `status` and no list of comments; watches are wrapped here and bare in their own list. */
export function listRow(state: GotoState, incident: GotoIncident): Row {
  const { users, services } = state;
  const person = (id: number | null): Row | null => userRow(users.get(id ?? 0));
  const priority = priorityOf(state, incident);
  const latest = incident.notes.at(-1);
  const service = services.get(incident.serviceId);
  return {
    incident_link: `${root}/incidents/${incident.referenceNum}`,
    watches: incident.watches.map((watch) => ({ watch: watchRow(state, incident, watch) })),
    id: incident.id,
    reference_num: incident.referenceNum,
    title: incident.title,
    created_at: stamp(incident.createdAt),
    last_active_at: stamp(incident.lastActiveAt),
    due_date: stamp(incident.dueDate),
    due_to_escalate_at: stamp(incident.dueToEscalateAt),
    closed_at: stamp(incident.closedAt),
    service: {
      id: incident.serviceId,
      name: service?.name ?? '',
      avatar: null,
      service_link: `${root}/services/${incident.serviceId}`,
    },
    priority: priority === undefined ? null : priorityRow(priority, incident.serviceId),
    assigned_user: person(incident.assignedUserId),
    owner: person(incident.ownerId),
    updated_by_user: person(incident.updatedById),
    resolved_by_user: person(incident.resolvedById),
    closed_by_user: person(incident.closedById),
    latest_note: latest === undefined ? null : noteRow(state, incident, latest),
  };
}

/** "Show Incident". */
export function detailRow(state: GotoState, incident: GotoIncident): Row {
  const { types = [], categories = [] } = state.services.get(incident.serviceId) ?? {};
  const type = types.find((one) => one.id === incident.typeId);
  const category = categories.find((one) => one.id === incident.categoryId);
  const customer = state.customers.get(incident.customerId ?? 0);
  const notes = (kind: GotoNote['kind']): Row[] =>
    incident.notes
      .filter((note) => note.kind === kind)
      .map((note) => ({ [kind]: noteRow(state, incident, note) }));
  return {
    ...listRow(state, incident),
    status: statusOf(incident),
    opened_at: stamp(incident.openedAt),
    resolved_at: stamp(incident.resolvedAt),
    closure_code: incident.closureCode ?? '',
    closure_comment: incident.closureComment,
    interesting: 0,
    service_activity_type: type === undefined ? null : typeRow(type, incident.serviceId),
    category: category === undefined ? null : { ...category },
    customer: customer === undefined ? null : customerRow(customer),
    additional_values: incident.additionalValues,
    symptoms: notes('symptom'),
    comments: notes('comment'),
    resolutions: notes('resolution'),
    ...linkRows(incident),
  };
}

/** "Show Links": four lists, each row with the link and the id. */
export function linkRows(incident: GotoIncident): Row {
  const rows = (type: string): Row[] =>
    incident.links
      .filter((link) => link.type === type)
      .map((link) => ({
        [`${type}_link`]: `${root}/links/incidents/${incident.referenceNum}/${type}s/${link.ref}`,
        [`${type}_id`]: link.ref,
      }));
  return {
    releases: rows('release'),
    incidents: rows('incident'),
    changes: rows('change'),
    problems: rows('problem'),
  };
}

export function customerRow(customer: { id: number; firstName: string; lastName: string }): Row {
  const link = `${root}/customers/${customer.id}`;
  return {
    id: customer.id,
    last_name: customer.lastName,
    customer_link: link,
    first_name: customer.firstName,
  };
}

function typeRow(type: GotoNamed, serviceId: number): Row {
  const link = `${root}/services/${serviceId}/service_activity_types/${type.id}`;
  return { name: type.name, service_activity_type_link: link, id: type.id };
}

function priorityRow(priority: GotoService['priorities'][number], serviceId: number): Row {
  const link = `${root}/services/${serviceId}/service_priorities/${priority.id}`;
  return {
    service_priority_link: link,
    level: priority.level,
    id: priority.id,
    description: priority.description,
  };
}

/** "Show Service": everything in it is wrapped once more. */
export function serviceRow(service: GotoService): Row {
  return {
    id: service.id,
    name: service.name,
    avatar: null,
    service_priorities: service.priorities.map((one) => ({ service_priority: priorityRow(one, service.id) })),
    incident_types: service.types.map((one) => ({ incident_type: typeRow(one, service.id) })),
    problem_types: [],
    change_types: [],
    beetil_categories: service.categories.map((one) => ({ beetil_category: { ...one } })),
  };
}

export function timeRow(state: GotoState, entry: GotoTimeEntry): Row {
  return {
    id: entry.id,
    hours: entry.hours,
    description: entry.description,
    custom: entry.entry,
    performed_at: stamp(entry.performedAt),
    created_at: stamp(entry.createdAt),
    updated_at: stamp(entry.createdAt),
    locked_at: '',
    user: userRow(state.users.get(entry.userId)),
  };
}
