import { notDone, refuse, type Endpoint, type Endpoints, type Request } from './endpoint.ts';
import { userRow, type Row } from './rows.ts';
import {
  invgatePriorities,
  invgateSources,
  invgateStatuses,
  invgateTypes,
  type InvgateHelpdesk,
  type InvgateUser,
} from './state.ts';

/** People, help desks, categories, attributes and custom fields. */
export const lookupEndpoints: Endpoints = {
  'GET sd.version': ({ newer }) => ({ version: newer ? '8.12.3' : '4.9.1' }),
  'GET categories': categories,
  'GET helpdesks': ({ core, params }) => {
    const id = params.int('id');
    const name = params.text('name');
    return [...core.state.helpdesks.values()]
      .filter((one) => (id === undefined || one.id === id) && (name === undefined || one.name === name))
      .map((one) => helpdeskRow(one));
  },
  'GET helpdesksandlevels': ({ core }) =>
    [...core.state.helpdesks.values()].map((one) => ({
      ...helpdeskRow(one),
      members_ids: one.memberIds,
      level_order: null,
    })),
  'GET levels': () => [],
  'GET incident.attributes.priority': attribute(invgatePriorities),
  'GET incident.attributes.type': attribute(invgateTypes),
  'GET incident.attributes.status': attribute(invgateStatuses),
  'GET incident.attributes.source': attribute(invgateSources),
  'GET cf.fields.all': ({ core }) =>
    [...core.state.fields.values()].map((one) => ({
      uid: one.uid,
      label: one.label,
      type: one.type,
      description: '',
      categories: '',
      is_required: false,
    })),
  'GET cf.field.options.list': ({ core, params }) => {
    const field =
      core.state.fields.get(params.requiredInt('uid')) ?? notDone('The custom field does not exist');
    return { 'key-value': field.options.size === 0 ? [] : Object.fromEntries(field.options) };
  },
  'GET user': ({ core, params }) => {
    const found = core.state.users.get(params.requiredInt('id'));
    return found === undefined ? refuse(404, 'The user does not exist') : userRow(found);
  },
  'GET user.by': ({ core, params }) => {
    const email = params.text('email')?.toLowerCase();
    const username = params.text('username');
    if (email === undefined && username === undefined) refuse(428, 'Parameter username or email is required');
    const found = people(core.state.users).find((one) => one.email === email || one.username === username);
    return found === undefined ? refuse(404, 'The user does not exist') : userRow(found);
  },
  'GET users': ({ core, params }) => {
    const ids = params.ints('ids');
    const disabled = params.flag('include_disabled') === true;
    const found = people(core.state.users).filter(
      (one) => (ids.length === 0 || ids.includes(one.id)) && (disabled || !one.isDisabled),
    );
    return found.map(userRow);
  },
  'GET users.by': usersBy,
  'GET groups': ({ core }) => core.state.groups,
  'GET companies': ({ core }) => core.state.companies,
  'GET locations': ({ core }) => core.state.locations,
};

function people(users: ReadonlyMap<number, InvgateUser>): InvgateUser[] {
  return [...users.values()];
}

/** Ids come as text [O]; newer versions page by twenty unless told otherwise, at most 500. */
function categories(request: Request): unknown {
  const { core, params, newer } = request;
  const id = params.int('id');
  const found = core.state.categories.filter((one) => id === undefined || one.id === id);
  const rows = found.map((one) => ({
    id: String(one.id),
    name: one.name,
    parent_category_id: one.parentId === null ? null : String(one.parentId),
  }));
  if (!newer) return rows;
  const size = Math.min(params.int('page_size') ?? 20, 500);
  const start = (Math.max(params.int('page') ?? 1, 1) - 1) * size;
  return rows.slice(start, start + size);
}

function helpdeskRow(one: InvgateHelpdesk): Row {
  return {
    id: one.id,
    name: one.name,
    parent_id: one.parentId,
    engine_id: 4,
    status_id: 1,
    total_members: one.memberIds.length,
  };
}

function attribute(names: ReadonlyMap<number, string>): Endpoint {
  return ({ params }) => {
    const wanted = params.int('id');
    return [...names]
      .filter(([id]) => wanted === undefined || id === wanted)
      .map(([id, name]) => ({ id, name }));
  };
}

/** Ten per page, keyed by id [O]; without `exact_match` a part of the value is enough. */
function usersBy({ core, params }: Request): unknown {
  const email = params.text('email')?.toLowerCase();
  const username = params.text('username')?.toLowerCase();
  const exact = params.flag('exact_match') === true;
  const fits = (value: string, wanted: string | undefined): boolean =>
    wanted !== undefined && (exact ? value === wanted : value.includes(wanted));
  const found = people(core.state.users).filter(
    (one) => fits(one.email, email) || fits(one.username, username),
  );
  const start = Number(Buffer.from(params.text('page_key') ?? '', 'base64url').toString('utf8') || '0');
  const rows = found.slice(start, start + 10);
  const next = start + 10 < found.length ? Buffer.from(String(start + 10)).toString('base64url') : null;
  return {
    data: rows.length === 0 ? [] : Object.fromEntries(rows.map((one) => [one.id, userRow(one)])),
    next_page_key: next,
  };
}
