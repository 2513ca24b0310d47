import {
  dateIn,
  fail,
  isObject,
  paged,
  wrapped,
  type Body,
  type Endpoints,
  type Request,
} from './endpoint.ts';
import { customerRow, serviceRow, timeRow, userRow } from './rows.ts';
import type { GotoCustomer, GotoTimeEntry, GotoUser } from './state.ts';

/** People, services and time. */
export const lookupEndpoints: Endpoints = {
  // "Returns a list of users, including groups."
  'GET users': ({ core }) => ({ users: [...core.state.users.values()].map(userRow) }),
  'GET users/current_user': ({ user }) => ({ user: { ...detailed(user), incident_count: 0 } }),
  'GET users/:n': ({ core, path }) => ({
    user: detailed(core.state.users.get(path[0] ?? 0) ?? fail('no user found')),
  }),
  'GET customers': (request) => {
    const { rows } = paged(request, [...request.core.state.customers.values()]);
    return { customers: rows.map((one) => customerRow(one)) };
  },
  'GET customers/:n': ({ core, path }) => {
    const found = core.state.customers.get(path[0] ?? 0) ?? fail('no customer found');
    return { customer: customerDetail(found) };
  },
  // The guide writes Companies with a capital, in the path and in the answer.
  'GET companies': (request) => {
    const { rows } = paged(request, request.core.state.companies);
    return { Companies: rows.map((one) => ({ ...one, avatar: null })) };
  },
  'GET services': ({ core }) => ({
    services: [...core.state.services.values()].map((one) => ({ service: serviceRow(one) })),
  }),
  'GET services/:n': ({ core, path }) => ({
    service: serviceRow(core.state.services.get(path[0] ?? 0) ?? fail('no service found')),
  }),
  'GET time_entries': timeEntries,
  'GET time_entries/:n': (request) => ({ time_entry: timeRow(request.core.state, timeEntryOf(request)) }),
  'POST time_entries': createTimeEntry,
  'DELETE time_entries/:n': (request) => {
    const entry = timeEntryOf(request);
    const all = request.core.state.timeEntries;
    all.splice(all.indexOf(entry), 1);
    return { time_entry: timeRow(request.core.state, entry) };
  },
};

function detailed(user: GotoUser): Body {
  return { ...userRow(user), email: user.email, Company: null, time_zone: '', job_title: '', department: '' };
}

function customerDetail(customer: GotoCustomer): Body {
  const full = `${customer.firstName} ${customer.lastName}`;
  return { ...customerRow(customer), full_name: full, email: customer.email, Company: null, avatar: null };
}

/** One month back by default, 50 per page, the token's user's own unless `selected_user_id` is given. */
function timeEntries(request: Request): Body {
  const { core, call, user } = request;
  const dates: Body = Object.fromEntries(call.params);
  const now = core.clock.now();
  const from = dateIn(core, dates, 'start_date') ?? now - 31 * 86_400_000;
  const to = dateIn(core, dates, 'end_date') ?? now;
  const who = Number(call.params.get('selected_user_id') ?? user.id);
  const found = core.state.timeEntries.filter(
    (one) => one.userId === who && one.performedAt >= from && one.performedAt <= to,
  );
  const { rows } = paged(request, found, 50);
  return { time_entries: rows.map((one) => timeRow(core.state, one)) };
}

/** Time against a record is entered as `B#1234`. */
function createTimeEntry(request: Request): Body {
  const { core, call, user } = request;
  const body = wrapped(request, 'time_entry');
  const hours = Number(body['hours'] ?? Number.NaN);
  if (Number.isNaN(hours)) fail("hours can't be blank");
  const written = body['entry'];
  if (typeof written !== 'string' || written === '') return fail("entry can't be blank");
  const record = /^B#(\d+)$/.exec(written)?.[1];
  if (record !== undefined && !core.state.incidents.has(Number(record))) fail('no record found');
  const now = core.clock.now();
  const entry: GotoTimeEntry = {
    id: core.state.nextId++,
    entry: written,
    hours,
    description: isObject(body) && typeof body['description'] === 'string' ? body['description'] : '',
    userId: Number(call.params.get('selected_user_id') ?? user.id),
    performedAt: dateIn(core, body, 'performed_at') ?? now,
    createdAt: now,
  };
  core.state.timeEntries.push(entry);
  return { time_entry: timeRow(core.state, entry) };
}

function timeEntryOf({ core, path }: Request): GotoTimeEntry {
  return core.state.timeEntries.find((one) => one.id === path[0]) ?? fail('no time entry found');
}
