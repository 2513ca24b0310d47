import { seconds } from './core.ts';
import { notDone, readRequest, refuse, type Endpoints, type Request } from './endpoint.ts';
import {
  bulkCommentRow,
  commentRow,
  fieldValues,
  requestRow,
  shapeOf,
  viewRow,
  type Row,
  type Shape,
} from './rows.ts';
import { invgateIds } from './seed.ts';
import type { InvgateComment, InvgateRequest } from './state.ts';

/** Requests, comments and the lists that serve as feeds. */
export const readEndpoints: Endpoints = {
  'GET incident': (request) => {
    const row = full(request, readRequest(request, 'id'), shapeOf(request, { iso: true, decoded: true }));
    // "Returns an array of objects": an array of one in older versions, an object in newer ones [O].
    return request.newer ? row : [row];
  },
  'GET incidents': bulk,
  'GET incident.comment': (request) => {
    const shape = shapeOf(request, { iso: true, decoded: true });
    const wanted = request.params.flag('is_solution');
    const said = commentsOf(request, readRequest(request));
    const rows = said.map((comment, index) => [comment, commentRow(comment, index + 1, shape)] as const);
    return rows
      .filter(([comment]) => wanted === undefined || comment.isSolution === wanted)
      .map(([, row]) => row);
  },
  'GET incidents.last.hour': lastHour,
  'GET incidents.by.status': byStatus,
  'GET incidents.by.helpdesk': byHelpdesk,
  'GET incidents.by.view': (request) => {
    const { ids, limit, offset } = sliced(request, viewRequests(request, 'id', 'asc'));
    return { status: 'OK', info: '', requestIds: ids, limit, offset };
  },
  'GET incidents.details.by.view': details,
  'GET incidents.by.agent': (request) => byPerson(request, (one, id) => one.assignedId === id),
  'GET incidents.by.customer': (request) => byPerson(request, (one, id) => one.userId === id),
  'GET triggers': ({ core, params }) => {
    const wanted = params.int('trigger_id');
    const rows = [...core.state.triggers].map(([id, name]) => ({ id, trigger_name: name }));
    return rows.filter((row) => wanted === undefined || row.id === wanted);
  },
  'GET triggers.executions': (request) => {
    const wanted = request.params.int('trigger_id');
    return request.core.state.executions
      .filter(
        (one) => inLastHour(request, one.executedAt) && (wanted === undefined || one.triggerId === wanted),
      )
      .map((one) => ({
        id: one.id,
        trigger_id: one.triggerId,
        request_id: one.requestId,
        executed_at: one.executedAt,
      }));
  },
};

function full(request: Request, row: InvgateRequest, shape: Shape): Row {
  const plain = requestRow(row, shape, fieldValues(request, row));
  if (request.params.flag('comments') !== true) return plain;
  const said = commentsOf(request, row);
  return { ...plain, comments: said.map((comment, index) => bulkCommentRow(comment, index + 1, shape)) };
}

function commentsOf({ core }: Request, row: InvgateRequest): InvgateComment[] {
  return core.state.comments.filter((comment) => comment.requestId === row.id);
}

/** Keyed by id in newer versions; unknown ids are left out, or fail the call where the desk is set so. */
function bulk(request: Request): unknown {
  const { core, params } = request;
  const shape = shapeOf(request, { iso: true, decoded: false });
  const found: [string, Row][] = [];
  for (const id of params.requiredInts('ids')) {
    const row = core.state.requests.get(id);
    if (row !== undefined) found.push([String(id), full(request, row, shape)]);
    else if (core.behaviour.unknownIds === 'error') refuse(404, `The request ${id} does not exist`);
  }
  if (!request.newer) return found.map(([, row]) => row);
  return found.length === 0 ? [] : Object.fromEntries(found);
}

function inLastHour({ core }: Request, at: number): boolean {
  const now = seconds(core);
  return at > now - 3600 && at <= now;
}

/** "Created within the last hour": always epoch, nothing about later changes. */
function lastHour(request: Request): unknown {
  const { core, params, newer } = request;
  const shape = shapeOf(request, { iso: false, decoded: false });
  const rows = [...core.state.requests.values()].filter((row) => inLastHour(request, row.createdAt));
  if (!newer) return rows.map((row) => full(request, row, shape));
  const page = keyPage(request, rows, params.int('limit') ?? core.behaviour.hourPageSize);
  return { data: page.rows.map((row) => full(request, row, shape)), next_page_key: page.next };
}

/** "Lists all open requests matching the status": closed ones never appear unless the desk is set so. */
function byStatus(request: Request): unknown {
  const { params } = request;
  const one = params.int('status_id');
  const wanted = one === undefined ? params.ints('status_ids') : [one];
  if (wanted.length === 0) notDone('At least one status is required');
  const rows = listed(request).filter((row) => wanted.includes(row.statusId));
  const { ids, limit, offset } = sliced(request, rows);
  const shape = { status: 'OK', info: '', requestIds: ids, limit, offset };
  return request.newer ? { ...shape, total: rows.length } : shape;
}

function byHelpdesk(request: Request): unknown {
  const { params } = request;
  const one = params.int('helpdesk_id');
  const wanted = one === undefined ? params.ints('helpdesk_ids') : [one];
  // `id=` gives 200 with an error text [O].
  if (wanted.length === 0) notDone('The parameter helpdesk_id or helpdesk_ids is required');
  const rows = listed(request).filter((row) => wanted.includes(row.assignedGroupId));
  return { status: 'OK', info: '', requestIds: shownIds(request, rows) };
}

function listed({ core }: Request): InvgateRequest[] {
  return [...core.state.requests.values()].filter((row) =>
    core.behaviour.listedStatuses.includes(row.statusId),
  );
}

function sliced(
  request: Request,
  rows: readonly InvgateRequest[],
): { ids: unknown[]; limit: number; offset: number } {
  const offset = request.params.int('offset') ?? 0;
  const limit = request.params.int('limit') ?? 100;
  return { ids: shownIds(request, rows.slice(offset, offset + limit)), limit, offset };
}

function shownIds({ core }: Request, rows: readonly InvgateRequest[]): unknown[] {
  return rows.map((row) => (core.behaviour.stringIds ? String(row.id) : row.id));
}

/** Rows of a saved view that holds all requests in any status, ten per page in older versions. */
function details(request: Request): unknown {
  const { core, params, newer } = request;
  const sort = params.text('sort_by') === 'last_update' ? 'last_update' : 'id';
  const rows = viewRequests(request, sort, params.text('order_by') === 'desc' ? 'desc' : 'asc');
  const page = keyPage(request, rows, newer ? core.behaviour.viewPageSize : 10);
  const metadata = { columns: [{ key: 'last_update', label: 'Last update' }] };
  return { metadata, data: page.rows.map((row) => viewRow(request, row)), next_page_key: page.next };
}

function viewRequests(request: Request, sort: 'id' | 'last_update', order: 'asc' | 'desc'): InvgateRequest[] {
  if (request.params.requiredInt('view_id') !== invgateIds.view) notDone('The view does not exist');
  const by = (row: InvgateRequest): number => (sort === 'id' ? row.id : row.lastUpdate);
  const sign = order === 'desc' ? -1 : 1;
  const rows = [...request.core.state.requests.values()];
  return rows.sort((one, other) => sign * (by(one) - by(other) || one.id - other.id));
}

/** `page_key` is opaque to clients; null ends the walk. */
function keyPage<T>(
  request: Request,
  rows: readonly T[],
  size: number,
): { rows: readonly T[]; next: string | null } {
  const key = request.params.text('page_key') || undefined;
  const start = key === undefined ? 0 : Number(Buffer.from(key, 'base64url').toString('utf8').split(':')[1]);
  if (Number.isNaN(start)) refuse(428, 'Parameter page_key is invalid');
  const end = start + size;
  const next = end < rows.length ? Buffer.from(`${request.call.name}:${end}`).toString('base64url') : null;
  return { rows: rows.slice(start, end), next };
}

/** Open requests of a person named by id, e-mail or user name; no rows is `[]`, else keyed by id [O]. */
function byPerson(request: Request, matches: (row: InvgateRequest, id: number) => boolean): unknown {
  const { params, core } = request;
  const user = [...core.state.users.values()].find(
    (one) =>
      one.id === params.int('id') ||
      one.email === params.text('email') ||
      one.username === params.text('username'),
  );
  if (user === undefined) return notDone('The user does not exist');
  const shape = shapeOf(request, { iso: false, decoded: false });
  const rows = listed(request).filter((row) => matches(row, user.id));
  const keyed = Object.fromEntries(rows.map((row) => [String(row.id), full(request, row, shape)]));
  return { status: 'OK', info: '', requests: rows.length === 0 ? [] : keyed, next_page_key: null };
}
