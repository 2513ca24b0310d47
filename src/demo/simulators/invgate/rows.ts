import type { Request } from './endpoint.ts';
import {
  invgatePriorities,
  invgateStatuses,
  invgateTypes,
  type InvgateComment,
  type InvgateRequest,
  type InvgateUser,
} from './state.ts';

export type Row = Record<string, unknown>;

/** Text as the API gives it: escaped for HTML unless `decoded_special_characters` is asked for and known. */
function escaped(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#039;');
}

/** How one call shows its rows. */
export interface Shape {
  readonly iso: boolean;
  readonly decoded: boolean;
  readonly newer: boolean;
}

/** `date_format` and `decoded_special_characters` exist on some calls only; elsewhere they do nothing. */
export function shapeOf(
  request: Request,
  knows: { readonly iso: boolean; readonly decoded: boolean },
): Shape {
  return {
    iso: knows.iso && request.params.text('date_format') === 'iso8601',
    decoded: knows.decoded && request.params.flag('decoded_special_characters') === true,
    newer: request.newer,
  };
}

/** Epoch seconds, as text in older versions (the manual's type is STRING). No value is null there and `""` in older ones. */
export function time(at: number | null, shape: Shape): unknown {
  if (at === null) return shape.newer ? null : '';
  if (shape.iso) return new Date(at * 1000).toISOString().replace('.000Z', '+00:00');
  return shape.newer ? at : String(at);
}

/** The manual's `/incident` GET; `rating` is absent without one, `custom_fields` is `[]` when empty [O]. */
export function requestRow(request: InvgateRequest, shape: Shape, fields: Row | []): Row {
  const text = (value: string): string => (shape.decoded ? value : escaped(value));
  return {
    ...(request.rating === null ? {} : { rating: request.rating }),
    id: request.id,
    pretty_id: `#${request.id}`,
    title: text(request.title),
    description: text(request.description),
    category_id: request.categoryId,
    type_id: request.typeId,
    priority_id: request.priorityId,
    status_id: request.statusId,
    source_id: request.sourceId,
    user_id: request.userId,
    creator_id: request.creatorId,
    assigned_id: request.assignedId,
    assigned_group_id: request.assignedGroupId,
    process_id: null,
    ...(shape.newer ? { location_id: request.locationId, data_cleaned: null } : {}),
    created_at: time(request.createdAt, shape),
    date_ocurred: time(request.occurredAt, shape),
    last_update: time(request.lastUpdate, shape),
    solved_at: time(request.solvedAt, shape),
    closed_at: time(request.closedAt, shape),
    closed_reason: request.closedReason,
    sla_incident_resolution: request.slaResolution,
    sla_incident_first_reply: request.slaFirstReply,
    custom_fields: fields,
    attachments: [],
  };
}

/** Values by field uid; those of a list look like `{ hash: label }` [O]. */
export function fieldValues({ core }: Request, request: InvgateRequest): Row | [] {
  if (request.customFields.size === 0) return [];
  const entries = [...request.customFields].map(([uid, values]): [string, unknown] => {
    const options = core.state.fields.get(uid)?.options;
    if (options === undefined || options.size === 0) return [String(uid), values[0] ?? ''];
    return [String(uid), Object.fromEntries(values.map((hash) => [hash, options.get(hash) ?? hash]))];
  });
  return Object.fromEntries(entries);
}

/** A row of `incident.comment`: attachments are called `attached_files` [O]. */
export function commentRow(comment: InvgateComment, number: number, shape: Shape): Row {
  return {
    ...bulkCommentRow(comment, number, shape),
    customer_visible: comment.customerVisible,
    is_solution: comment.isSolution,
  };
}

/** The same inside `incidents?comments=1`: flags are 0 and 1, `is_solution` is missing [O]. */
export function bulkCommentRow(comment: InvgateComment, number: number, shape: Shape): Row {
  return {
    id: comment.id,
    incident_id: comment.requestId,
    author_id: comment.authorId,
    message: shape.decoded ? comment.message : escaped(comment.message),
    created_at: time(comment.createdAt, shape),
    customer_visible: comment.customerVisible ? 1 : 0,
    msg_num: number,
    reference: null,
    attached_files: [],
  };
}

/** A row of a view, not of a request (integration reference 2.4). */
export function viewRow(request: Request, row: InvgateRequest): Row {
  const { categories } = request.core.state;
  const labelled = (id: number, label: string | undefined): Row => ({ id, label: label ?? '' });
  const shown = (at: number | null): Row | null =>
    at === null
      ? null
      : { value: at, formatted: new Date(at * 1000).toISOString().slice(0, 16).replace('T', ' ') };
  const category = categories.find((one) => one.id === row.categoryId)?.name;
  const waiting = row.waitingFor;
  return {
    id: row.id,
    request: {
      subject: row.title,
      category: labelled(row.categoryId, category),
      type: labelled(row.typeId, invgateTypes.get(row.typeId)),
    },
    status: labelled(row.statusId, invgateStatuses.get(row.statusId)),
    priority: labelled(row.priorityId, invgatePriorities.get(row.priorityId)),
    source: { id: row.sourceId },
    waiting_for:
      waiting === null
        ? null
        : { type: { id: 1, label: waiting.kind }, label: waiting.kind, value: waiting.value },
    creation_date: shown(row.createdAt),
    last_update: shown(row.lastUpdate),
    closing_date: shown(row.closedAt),
    rejection_date: null,
    customer: row.userId,
    creator: row.creatorId,
    agent: row.assignedId,
    helpdesk: row.assignedGroupId,
    rating: row.rating,
    resolution_sla_status: row.slaResolution,
    first_response_sla_status: row.slaFirstReply,
  };
}

/** The manual's `/user.by`. */
export function userRow(user: InvgateUser): Row {
  return {
    id: user.id,
    username: user.username,
    name: user.name,
    lastname: user.lastname,
    email: user.email,
    other_email: null,
    user_type: user.userType,
    type: 1,
    role_name: user.userType === 1 ? 'Agent' : 'End user',
    is_deleted: false,
    is_disabled: user.isDisabled,
    is_external: false,
    phone: null,
    mobile: null,
    position: null,
    department: null,
    location: null,
    manager_id: null,
    employee_number: null,
  };
}
