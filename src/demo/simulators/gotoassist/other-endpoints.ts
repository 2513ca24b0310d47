import { fail, paged, type Body, type Endpoint, type Endpoints } from './endpoint.ts';
import { stamp, userRow } from './rows.ts';
import type { GotoNote, GotoOther, GotoOtherKind, GotoState } from './state.ts';

/** "Problems/Changes/Releases API Calls": lists with few fields and no order, and one of them as a whole. */
export const otherEndpoints: Endpoints = {
  'GET problems': list('problem', (state, one) => ({
    assigned_to: userRow(state.users.get(one.assignedUserId ?? 0)),
    title: one.title,
    id: one.id,
  })),
  'GET changes': list('change', (state, one) => ({
    assigned_to: userRow(state.users.get(one.assignedUserId ?? 0)),
    title: one.title,
    id: one.id,
    service: serviceOf(state, one),
    due_date: '',
    comments: notesOf(state, one),
  })),
  // A release's row shows neither its service nor its people.
  'GET releases': list('release', (_, one) => ({ title: one.title, priority: 1, id: one.id })),
  // The guide's example has no `result` around the problem.
  'GET problems/:n': whole('problem', (state, one) => ({
    ...shared(state, one),
    assigned_to: userRow(state.users.get(one.assignedUserId ?? 0)),
    type: 'Enhancement',
  })),
  'GET changes/:n': whole('change', (state, one) => ({
    ...shared(state, one),
    assigned_to: userRow(state.users.get(one.assignedUserId ?? 0)),
  })),
  'GET releases/:n': whole('release', (state, one) => ({
    ...shared(state, one),
    assigned_user: userRow(state.users.get(one.assignedUserId ?? 0)),
    status: 6,
  })),
};

type Show = (state: GotoState, one: GotoOther) => Body;

/** "List of service ids to return; default: the services for the selected user", and his own of these. */
function list(kind: GotoOtherKind, show: Show): Endpoint {
  return (request) => {
    const { core, call, user } = request;
    const services = call.params.getAll('service_ids[]').map(Number);
    const all = [...core.state.others.values()].filter(
      (one) =>
        one.kind === kind &&
        (services.length === 0 ? one.assignedUserId === user.id : services.includes(one.serviceId)),
    );
    const { rows, pages } = paged(request, all);
    const shown = rows.map((one) => show(core.state, one));
    return { total_entries: all.length, total_pages: pages, [`${kind}s`]: shown };
  };
}

function whole(kind: GotoOtherKind, show: Show): Endpoint {
  return ({ core, path }) => {
    const found = core.state.others.get(`${kind}-${path[0] ?? 0}`) ?? fail(`no ${kind} found`);
    return { [kind]: show(core.state, found) };
  };
}

function shared(state: GotoState, one: GotoOther): Body {
  return {
    id: one.id,
    title: one.title,
    service: serviceOf(state, one),
    created_at: stamp(one.createdAt),
    last_active_at: stamp(one.lastActiveAt),
    closed_at: stamp(one.closedAt),
    due_date: '',
    priority: 1,
    category: null,
    comments: notesOf(state, one),
    additional_values: {},
  };
}

function serviceOf(state: GotoState, one: GotoOther): Body {
  return { id: one.serviceId, name: state.services.get(one.serviceId)?.name ?? '', avatar: null };
}

function notesOf(state: GotoState, one: GotoOther): Body[] {
  return one.notes.map((note: GotoNote) => ({
    comment: {
      id: note.id,
      note: note.note,
      created_at: stamp(note.createdAt),
      user: userRow(state.users.get(note.userId ?? 0)),
    },
  }));
}
