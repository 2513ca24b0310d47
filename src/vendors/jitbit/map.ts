import { createHash } from 'node:crypto';
import {
  PRIORITY_LEVELS,
  type Category,
  type Named,
  type ObservedTicket,
  type Phase,
  type Priority,
  type PriorityLevel,
  type TicketFields,
} from '../../ticket.ts';
import type { DateParser } from '../http/dates.ts';
import { foldName } from '../names.ts';
import type { Known, KnownCategory } from './known.ts';
import { bodyText } from './map-comments.ts';
import { mapCustom } from './map-custom.ts';
import { assigneeOf, lastUpdatedBy, requesterOf, toPerson } from './map-people.ts';
import type { TicketDetail, TicketListRow } from './schema.ts';
import type { JitbitSettings } from './settings.ts';

/**
 * Jitbit's words to ours (integration reference 7). Pure: what lookups know comes in as {@link Known}.
 */

/** Ids of the built-in statuses (document, "UpdateTicket"): "Closed" 3, "New" 1, "In process" 2. */
export const STATUS_IN_PROCESS = '2';
export const STATUS_CLOSED = '3';
const BUILT_IN_PHASES: Readonly<Record<string, Phase>> = { '1': 'new', '2': 'open', '3': 'closed' };

/** Document, "Ticket (POST)": -1 Low, 0 Normal, 1 High, 2 Critical. There is no fifth. */
export const PRIORITIES = [
  { id: '-1', name: 'Low', level: 'low' },
  { id: '0', name: 'Normal', level: 'normal' },
  { id: '1', name: 'High', level: 'high' },
  { id: '2', name: 'Critical', level: 'critical' },
] as const satisfies readonly (Priority & { level: PriorityLevel })[];

/** Document, "Ticket (POST)", `origin`: lists print the name, SubTickets the number. */
const ORIGINS = [
  ['WebApp', 'web'],
  ['Email', 'email'],
  ['Widget', 'widget'],
  ['API', 'api'],
  ['Scheduler', 'scheduler'],
  ['MobileApp', 'mobile'],
  ['Phone', 'phone'],
  ['LiveChat', 'chat'],
  ['InPerson', 'in_person'],
] as const;

/** The parts of the settings that decide how things are called. */
export interface Mapping {
  readonly settings: JitbitSettings;
  readonly toInstant: DateParser;
}

/** A list row. `description`, `tags` are not in it; `custom` only when it was asked for. */
export function mapRow(row: TicketListRow, raw: unknown, known: Known, mapping: Mapping): ObservedTicket {
  const custom = row.CustomFields ?? row.TicketCustomFields ?? null;
  const requester = requesterOf(row);
  const assignee = assigneeOf(row, known);
  return {
    ...mapCommon(row.IssueID, row, mapping),
    ...categoryOf(row, known),
    assignee,
    requester,
    company: row.CompanyID === null ? null : { id: row.CompanyID, name: row.CompanyName },
    channel: mapOrigin(row.Origin),
    updated_at: mapping.toInstant(row.LastUpdated) ?? mapping.toInstant(row.IssueDate),
    last_updated_by: lastUpdatedBy(row, requester, assignee, known),
    ...(custom === null ? {} : { custom: mapCustom(custom, mapping.toInstant) }),
    raw,
  };
}

/** The detail. `channel`, `last_updated_by` and the queue of an unknown category are not in it. */
export function mapDetail(
  detail: TicketDetail,
  raw: unknown,
  known: Known,
  mapping: Mapping,
): ObservedTicket {
  const submitter = detail.SubmitterUserInfo ?? null;
  const assigneeId = detail.AssignedToUserID;
  const updatedAt = mapping.toInstant(detail.LastUpdated);
  const category = known.categories.get(detail.CategoryID ?? '');
  return {
    ...mapCommon(detail.TicketID, detail, mapping),
    description: detail.Body === null ? '' : bodyText(detail.Body),
    tags: (detail.Tags ?? []).flatMap((tag) => (tag.Name === null ? [] : [tag.Name])),
    category: category === undefined ? bareCategory(detail.CategoryID, detail.CategoryName) : plain(category),
    ...(category === undefined ? {} : { queue: queueOf(category) }),
    assignee:
      assigneeId === null
        ? null
        : toPerson(assigneeId, detail.AssigneeUserInfo ?? null, 'agent', known.agents),
    requester: detail.UserID === null ? null : toPerson(detail.UserID, submitter, 'requester', null),
    ...(submitter?.CompanyId == null
      ? {}
      : { company: { id: submitter.CompanyId, name: submitter.CompanyName } }),
    ...(updatedAt === null ? {} : { updated_at: updatedAt }),
    raw,
  };
}

type CommonRow = Pick<
  TicketListRow,
  | 'Subject'
  | 'StatusID'
  | 'Status'
  | 'Priority'
  | 'IssueDate'
  | 'ResolvedDate'
  | 'DueDate'
  | 'UpdatedByUser'
  | 'UpdatedByPerformer'
>;

/** What rows and details share, and what Jitbit has no word for (null: no value, not "never fetched"). */
function mapCommon(id: string, row: CommonRow, { settings, toInstant }: Mapping): ObservedTicket {
  const resolvedAt = toInstant(row.ResolvedDate);
  const status = mapStatus(row.StatusID, row.Status, settings);
  return {
    id,
    internal_id: null,
    display_id: `#${id}`,
    url: (settings.ticket_url ?? `${settings.url}/Ticket/{id}`).replaceAll('{id}', id),
    title: row.Subject,
    status,
    phase: phaseOf(status, resolvedAt !== null, settings),
    sub_status: null,
    priority: mapPriority(row.Priority, settings),
    type: null,
    creator: null,
    location: null,
    created_at: toInstant(row.IssueDate),
    occurred_at: null,
    resolved_at: resolvedAt,
    closed_at: resolvedAt,
    due_at: toInstant(row.DueDate),
    escalate_at: null,
    sla: { response_due_at: null, resolution_due_at: null, state: null },
    awaiting: awaitingOf(row),
  };
}

function mapStatus(id: string | null, name: string | null, settings: JitbitSettings): Named | null {
  if (id === null) return null;
  return { id, name: settings.names?.status?.[id] ?? name };
}

/** Configured phases first, by status name or id; then Jitbit's three; a custom status is open (reference 7). */
export function phaseOf(status: Named | null, resolved: boolean, settings: JitbitSettings): Phase {
  const configured = configuredPhase(status, settings);
  if (configured !== null) return configured;
  if (resolved) return 'closed';
  return BUILT_IN_PHASES[status?.id ?? ''] ?? 'open';
}

function configuredPhase(status: Named | null, settings: JitbitSettings): Phase | null {
  if (status === null || settings.phases === undefined) return null;
  const wanted = [status.id, status.name].filter((text) => text !== null).map(foldName);
  const found = Object.entries(settings.phases).find(([name]) => wanted.includes(foldName(name)));
  return found?.[1] ?? null;
}

export function mapPriority(value: number | null, settings: JitbitSettings): Priority | null {
  if (value === null) return null;
  const id = String(value);
  const known = PRIORITIES.find((priority) => priority.id === id) ?? { id, name: id, level: null };
  const configured = settings.names?.priority?.[id] ?? settings.names?.priority?.[known.name];
  if (configured === undefined) return { ...known };
  const level = levelOf(configured);
  return level === null ? { ...known, name: String(configured) } : { ...known, level };
}

function levelOf(configured: string | number): PriorityLevel | null {
  if (typeof configured === 'number') return PRIORITY_LEVELS[configured - 1] ?? null;
  const folded = foldName(configured);
  return PRIORITY_LEVELS.find((level) => level === folded) ?? null;
}

/** Who spoke last: the customer ("UpdatedByUser") leaves it to the agent, and the other way round. */
function awaitingOf(row: CommonRow): TicketFields['awaiting'] {
  if (row.UpdatedByUser) return 'agent';
  return row.UpdatedByPerformer ? 'customer' : null;
}

function mapOrigin(origin: string | number | null | undefined): Named | null {
  if (origin === null || origin === undefined) return null;
  const known = ORIGINS.find(
    ([name], index) => origin === index || origin === String(index) || origin === name,
  );
  return known === undefined ? { id: null, name: String(origin) } : { id: known[1], name: known[0] };
}

function categoryOf(row: TicketListRow, known: Known): Pick<ObservedTicket, 'category' | 'queue'> {
  const category = known.categories.get(row.CategoryID ?? '');
  if (category !== undefined) return { category: plain(category), queue: queueOf(category) };
  const bare = bareCategory(row.CategoryID, row.Category);
  const queue =
    row.SectionID === null ? bare && { id: bare.id, name: bare.name } : { id: row.SectionID, name: null };
  return { category: bare, queue };
}

function bareCategory(id: string | null, name: string | null): Category | null {
  return id === null ? null : { id, name, path: null };
}

function plain({ id, name, path }: KnownCategory): Category {
  return { id, name, path };
}

/** Sections are the nearest thing to queues; a category outside of any is its own. */
export function queueOf(category: KnownCategory): Named {
  return category.section ?? { id: category.id, name: category.name };
}

/**
 * Change token of a row: whether an edit of custom fields, due date or a merge moves LastUpdated is not documented,
 * so the row's own content is part of it (integration reference 3.2).
 */
export function rowVersion(row: TicketListRow): string {
  const content = [
    row.StatusID,
    row.Priority,
    row.CategoryID,
    row.AssignedToUserID,
    row.DueDate,
    row.Subject,
    row.ResolvedDate,
    row.UserID,
    row.CompanyID,
    row.SectionID,
    row.UpdatedByUser,
    row.UpdatedByPerformer,
    (row.CustomFields ?? row.TicketCustomFields ?? []).map((field) => [field.FieldID, field.Value ?? null]),
  ];
  const hash = createHash('sha1').update(JSON.stringify(content)).digest('base64url').slice(0, 12);
  return `${row.LastUpdated ?? ''}#${hash}`;
}
