import { createHash } from 'node:crypto';
import type {
  Category,
  Comment,
  CustomValue,
  Named,
  ObservedTicket,
  Person,
  PersonKind,
  Phase,
  Priority,
  PriorityLevel,
  TicketFields,
} from '../../ticket.ts';
import { PRIORITY_LEVELS } from '../../ticket.ts';
import type { DateParser } from '../http/dates.ts';
import { htmlToText } from '../http/text.ts';
import { foldName } from '../names.ts';
import type { DeskUser, FieldValue, TicketComment, TicketDetail, TicketListRow } from './schema.ts';
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

/** A category with the section it stands in, which is our queue. */
export interface KnownCategory extends Category {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly section: Named | null;
}

/** What the lookups know at this moment. */
export interface Known {
  readonly categories: ReadonlyMap<string, KnownCategory>;
  /** Technicians by user id; null when the list cannot be read or was not needed yet. */
  readonly agents: ReadonlyMap<string, Person> | null;
}

export const NOTHING_KNOWN: Known = { categories: new Map(), agents: null };

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

function fullName(first: string | null, last: string | null): string | null {
  const name = `${first ?? ''} ${last ?? ''}`.trim();
  return name === '' ? null : name;
}

function requesterOf(row: TicketListRow): Person | null {
  if (row.UserID === null) return null;
  const name = fullName(row.FirstName, row.LastName) ?? row.UserName;
  return { id: row.UserID, name, email: row.Email === '' ? null : row.Email, kind: 'requester' };
}

function assigneeOf(row: TicketListRow, known: Known): Person | null {
  const id = row.AssignedToUserID;
  if (id === null) return null;
  const agent = known.agents?.get(id);
  const name = fullName(row.TechFirstName, row.TechLastName) ?? agent?.name ?? row.Technician;
  return { id, name, email: agent?.email ?? emailIn(row.Technician), kind: 'agent' };
}

/** User names often are e-mail addresses. */
function emailIn(username: string | null): string | null {
  return username?.includes('@') === true ? username : null;
}

function lastUpdatedBy(
  row: TicketListRow,
  requester: Person | null,
  assignee: Person | null,
  known: Known,
): Person | null {
  const id = row.LastUpdatedByUserID;
  if (id === null) return null;
  if (id === requester?.id) return requester;
  if (id === assignee?.id) return assignee;
  const name = row.LastUpdatedUsername === '' ? null : row.LastUpdatedUsername;
  return known.agents?.get(id) ?? { id, name, email: emailIn(name), kind: kindOf(id, known, false) };
}

/** A user who is no technician is on the customer's side; where the technicians are not known, nobody can say. */
function kindOf(id: string, known: Known, techOnly: boolean): PersonKind {
  if (techOnly || known.agents?.has(id) === true) return 'agent';
  return known.agents === null ? 'unknown' : 'requester';
}

/** A user object as a person; `directory` completes what the object leaves out. */
export function toPerson(
  id: string,
  user: DeskUser | null,
  kind: PersonKind,
  directory: ReadonlyMap<string, Person> | null,
): Person {
  const listed = directory?.get(id);
  const username = user?.Username ?? user?.UserName ?? null;
  const name = fullName(user?.FirstName ?? null, user?.LastName ?? null) ?? user?.FullName ?? username;
  const email = user?.Email ?? listed?.email ?? emailIn(username);
  return { id, name: name ?? listed?.name ?? null, email: email === '' ? null : email, kind };
}

const HTML_MARK = '<!--html-->';
// Ends at the tag's name: looking for its `>` would take quadratic time on hostile text.
const LOOKS_LIKE_HTML =
  /<\/?(?:p|div|br|span|b|i|u|a|ul|ol|li|table|tr|td|html|body|font|strong|em|img|blockquote|h[1-6]|pre)[\s/>]/i;

/** Bodies are plain text unless they carry Jitbit's mark or plainly are HTML (reference 7). */
export function bodyText(body: string): string {
  if (body.startsWith(HTML_MARK) || LOOKS_LIKE_HTML.test(body)) return htmlToText(body);
  return body.replace(/\r\n?/g, '\n').trim();
}

/** Oldest first: the document does not say in which order they come. */
export function mapComments(
  rows: readonly TicketComment[],
  requesterId: string | null,
  known: Known,
  toInstant: DateParser,
): readonly Comment[] {
  const comments = rows.map((row): Comment => {
    const at = toInstant(row.CommentDate);
    return {
      id: row.CommentID,
      at,
      author: row.UserID === null ? null : commentAuthor(row, row.UserID, requesterId, known),
      text: row.Body === null ? null : bodyText(row.Body),
      public: !row.ForTechsOnly,
      system: row.IsSystem,
      solution: false,
    };
  });
  return comments.toSorted((a, b) => byTimeThenId(a, b));
}

function commentAuthor(row: TicketComment, id: string, requesterId: string | null, known: Known): Person {
  const name = fullName(row.FirstName, row.LastName) ?? row.UserName;
  const kind = id === requesterId ? 'requester' : kindOf(id, known, row.ForTechsOnly && !row.IsSystem);
  return { id, name, email: row.Email === '' ? null : row.Email, kind };
}

/** Ids are numbers in text; equal times are ordered by them. */
export function byTimeThenId(
  a: { readonly id: string; readonly at: string | null },
  b: { readonly id: string; readonly at: string | null },
): number {
  const time = (a.at ?? '').localeCompare(b.at ?? '');
  return time === 0 ? a.id.length - b.id.length || a.id.localeCompare(b.id) : time;
}

/** Document, "Custom field types": Text 1, Date 2, SelectionCombo 3, Checkbox 4, MultilineText 5. */
export const FIELD_DATE = 2;
export const FIELD_OPTION = 3;
export const FIELD_CHECKBOX = 4;

export function mapCustom(values: readonly FieldValue[], toInstant: DateParser): TicketFields['custom'] {
  const entries = values.map((field): [string, CustomValue] => {
    const name = field.FieldName === '' ? null : field.FieldName;
    return [name ?? field.FieldID, { id: field.FieldID, name, value: customValue(field, toInstant) }];
  });
  return Object.fromEntries(entries);
}

/** A drop-down reads as its option's text, a checkbox as true or false, a date without time as `YYYY-MM-DD`. */
export function customValue(field: FieldValue, toInstant: DateParser): CustomValue['value'] {
  const raw = field.Type === FIELD_OPTION ? (field.ValueWithOption ?? field.Value) : field.Value;
  if (raw === null || raw === undefined || raw === '') return null;
  if (field.Type === FIELD_CHECKBOX) return raw === true || /^(?:true|1|on|yes)$/i.test(String(raw));
  if (field.Type === FIELD_DATE) return dateValue(String(raw), toInstant);
  return raw;
}

/** One spelling for a date, whichever format the desk or a rule used; other text stays as it is. */
export function dateValue(text: string, toInstant: DateParser): string {
  const at = /^\d{4}-/.test(text) ? toInstant(text) : null;
  if (at === null) return text;
  return at.endsWith('T00:00:00.000Z') ? at.slice(0, 10) : at;
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
