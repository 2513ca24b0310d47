import { createHash } from 'node:crypto';
import {
  PRIORITY_LEVELS,
  type Comment,
  type CustomValue,
  type ObservedTicket,
  type Person,
  type PersonKind,
  type Phase,
  type Priority,
  type PriorityLevel,
  type TicketFields,
} from '../../ticket.ts';
import type { DateParser } from '../http/dates.ts';
import { htmlToText } from '../http/text.ts';
import { foldName } from '../names.ts';
import type { Customer, DeskUser, Incident, IncidentRow, Note, Priority as DeskPriority } from './schema.ts';
import type { GotoassistSettings } from './settings.ts';

/** GoToAssist's words to ours (integration reference 7). Pure. */

/** The parts of the settings that decide how things are called. */
export interface Mapping {
  readonly settings: GotoassistSettings;
  readonly toInstant: DateParser;
}

/** What other calls told, by id. */
export interface Known {
  readonly customer: Customer | null;
  readonly emails: ReadonlyMap<string, string>;
}

export const NOTHING_KNOWN: Known = { customer: null, emails: new Map() };

/** A list row: status, type, category, customer, notes and some dates are not in it. */
export function mapRow(row: IncidentRow, raw: unknown, mapping: Mapping): ObservedTicket {
  const closed = mapping.toInstant(row.closed_at) !== null;
  return {
    ...mapCommon(row, NOTHING_KNOWN, mapping),
    phase: phaseOf(null, closed, row.resolved_by_user !== null, mapping),
    raw,
  };
}

/** The detail, which has everything that GoToAssist knows but e-mail addresses. */
export function mapIncident(
  incident: Incident,
  raw: unknown,
  known: Known,
  mapping: Mapping,
): ObservedTicket {
  const { toInstant } = mapping;
  const [symptom] = incident.symptoms ?? [];
  const resolvedAt = toInstant(incident.resolved_at);
  const closed = toInstant(incident.closed_at) !== null;
  return {
    ...mapCommon(incident, known, mapping),
    description: noteText(symptom?.note ?? ''),
    status: incident.status === null ? null : { id: incident.status, name: incident.status },
    phase: phaseOf(incident.status, closed, resolvedAt !== null, mapping),
    type: incident.service_activity_type,
    category: incident.category === null ? null : { ...incident.category, path: null },
    requester: incident.customer === null ? null : toCustomer(incident.customer, known.customer),
    ...(known.customer === null ? {} : { company: known.customer.Company }),
    custom: mapCustom(incident.additional_values ?? {}),
    occurred_at: toInstant(incident.opened_at),
    resolved_at: resolvedAt,
    raw,
  };
}

/** What rows and details share, and what GoToAssist has no word for (null or none: no value). */
function mapCommon(row: IncidentRow, known: Known, { settings, toInstant }: Mapping): ObservedTicket {
  const id = row.reference_num;
  const closedAt = toInstant(row.closed_at);
  return {
    id,
    internal_id: row.id,
    display_id: `B#${id}`,
    url: settings.ticket_url?.replaceAll('{id}', id) ?? null,
    title: row.title,
    sub_status: null,
    priority: mapPriority(row.priority, settings),
    queue: row.service,
    assignee: toPerson(row.assigned_user, 'agent', known.emails),
    creator: toPerson(row.owner, 'agent', known.emails),
    location: null,
    tags: [],
    channel: null,
    created_at: toInstant(row.created_at),
    updated_at: toInstant(row.last_active_at),
    closed_at: closedAt,
    due_at: toInstant(row.due_date),
    escalate_at: toInstant(row.due_to_escalate_at),
    sla: { response_due_at: null, resolution_due_at: null, state: null },
    last_updated_by: toPerson(row.updated_by_user, 'agent', known.emails),
    awaiting: null,
  };
}

/** `phases` may name a status; else the dates decide (integration reference 7). */
function phaseOf(status: string | null, closed: boolean, resolved: boolean, { settings }: Mapping): Phase {
  const configured = Object.entries(settings.phases ?? {}).find(
    ([name]) => status !== null && foldName(name) === foldName(status),
  );
  if (configured !== undefined) return configured[1];
  if (closed) return 'closed';
  return resolved ? 'resolved' : 'open';
}

/** By `level`, 1 the most urgent (guide, "Show Service"); more than five are all low. */
const LEVELS: readonly PriorityLevel[] = ['critical', 'urgent', 'high', 'normal', 'low'];

export function mapPriority(priority: DeskPriority | null, settings: GotoassistSettings): Priority | null {
  if (priority === null) return null;
  const { id, description: name, level } = priority;
  const configured = settings.names?.priority?.[name ?? ''] ?? settings.names?.priority?.[id];
  return { id, name, level: configuredLevel(configured) ?? levelOf(level) };
}

function levelOf(level: number | null): PriorityLevel | null {
  if (level === null || level < 1) return null;
  return LEVELS[Math.round(level) - 1] ?? 'low';
}

function configuredLevel(configured: string | number | undefined): PriorityLevel | null {
  if (typeof configured === 'number') return PRIORITY_LEVELS[configured - 1] ?? null;
  return PRIORITY_LEVELS.find((level) => level === foldName(configured ?? '')) ?? null;
}

/** A user as a person; groups are users too. */
export function toPerson(
  user: DeskUser | null,
  kind: PersonKind,
  emails: ReadonlyMap<string, string> = NOTHING_KNOWN.emails,
): Person | null {
  if (user === null) return null;
  const email = user.email ?? emails.get(user.id) ?? null;
  return {
    id: user.id,
    name: nameOf(user),
    email: email === '' ? null : email,
    kind: user.group_link === null ? kind : 'group',
  };
}

export function nameOf(user: Pick<DeskUser, 'full_name' | 'first_name' | 'last_name'>): string | null {
  const full = user.full_name ?? `${user.first_name ?? ''} ${user.last_name ?? ''}`.trim();
  return full === '' ? null : full;
}

function toCustomer(customer: DeskUser, detail: Customer | null): Person {
  const email = detail?.email ?? null;
  return {
    id: customer.id,
    name: nameOf(customer),
    email: email === '' ? null : email,
    kind: 'requester',
  };
}

function mapCustom(values: Readonly<Record<string, unknown>>): TicketFields['custom'] {
  const entries = Object.entries(values).map(([name, value]): [string, CustomValue] => {
    return [name, { id: name, name, value: plainValue(value) }];
  });
  return Object.fromEntries(entries);
}

function plainValue(value: unknown): CustomValue['value'] {
  if (value === null || value === undefined || value === '') return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return JSON.stringify(value);
}

const LOOKS_LIKE_HTML = /<\/?(?:p|div|br|span|b|i|a|ul|ol|li|table|html|strong|em)[\s/>]/i;

/** Whether notes are HTML is not documented: what plainly is, is read as such. */
export function noteText(note: string): string {
  return LOOKS_LIKE_HTML.test(note) ? htmlToText(note) : note.replace(/\r\n?/g, '\n').trim();
}

/** The ids of notes of different kinds are not said to differ, so those that are no comments carry their kind. */
const KINDS = ['comments', 'symptoms', 'resolutions'] as const;
export const PREFIX = { comments: '', symptoms: 'symptom:', resolutions: 'resolution:' } as const;

/** A note with the id it has among all notes of its ticket. */
export interface KnownNote {
  readonly id: string;
  readonly note: Note;
  readonly solution: boolean;
}

/** All notes but the first symptom, which is the description. */
export function notesOf(incident: Incident): readonly KnownNote[] {
  return KINDS.flatMap((kind) => {
    const notes = incident[kind] ?? [];
    const told = kind === 'symptoms' ? notes.slice(1) : notes;
    return told.map((note) => ({ id: `${PREFIX[kind]}${note.id}`, note, solution: kind === 'resolutions' }));
  });
}

/** Oldest first. Who may see a note is not told: `public` is null. */
export function mapComments(incident: Incident, toInstant: DateParser): readonly Comment[] {
  return mapNotes(notesOf(incident), toInstant);
}

export function mapNotes(notes: readonly KnownNote[], toInstant: DateParser): readonly Comment[] {
  const mapped = notes.map(({ id, note, solution }): Comment => {
    return {
      id,
      at: toInstant(note.created_at),
      author: noteAuthor(note),
      text: note.note === null ? null : noteText(note.note),
      public: null,
      system: false,
      solution,
    };
  });
  return mapped.toSorted(byTimeThenId);
}

/** Guide, "Create Note": either a user or an external address writes one. */
function noteAuthor(note: Note): Person | null {
  if (note.user !== null) return toPerson(note.user, 'agent');
  const email = note.external_email;
  return email === null || email === '' ? null : { id: null, name: null, email, kind: 'requester' };
}

/** Ids are numbers in text, some with a kind before; equal times are ordered by the number. */
export function byTimeThenId(
  a: { readonly id: string; readonly at: string | null },
  b: { readonly id: string; readonly at: string | null },
): number {
  const time = (a.at ?? '').localeCompare(b.at ?? '');
  return time === 0 ? numberIn(a.id) - numberIn(b.id) : time;
}

function numberIn(id: string): number {
  return Number(/\d+$/.exec(id)?.[0] ?? 0);
}

/** True if a stored row is a whole incident and not only a list row. */
export function isWhole(raw: unknown): boolean {
  return typeof raw === 'object' && raw !== null && 'symptoms' in raw;
}

/** Change token: the content, for stamps are whole seconds and some edits may not move them. */
export function contentHash(raw: unknown): string {
  return createHash('sha1').update(JSON.stringify(raw)).digest('base64url').slice(0, 12);
}
