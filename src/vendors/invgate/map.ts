import { createHash } from 'node:crypto';
import {
  PRIORITY_LEVELS,
  type Category,
  type Named,
  type ObservedTicket,
  type Person,
  type Phase,
  type Priority,
  type PriorityLevel,
} from '../../ticket.ts';
import type { DateParser } from '../http/dates.ts';
import { foldName } from '../names.ts';
import { BUILT_IN, type Known, type Placed } from './known.ts';
import { mapCustom } from './map-custom.ts';
import type { Incident } from './schema.ts';
import type { InvgateSettings } from './settings.ts';
import { deskLine, deskText } from './text.ts';

/** InvGate's words to ours (integration reference 7). Pure: what lookups know comes in as {@link Known}. */

/** Status ids (integration reference 2.6); names are localised. */
export const STATUS = {
  new: '1',
  open: '2',
  pending: '3',
  waiting: '4',
  solved: '5',
  closed: '6',
  rejected: '7',
  cancelled: '8',
} as const;

/** "Pending" is InvGate's "agent action pending": somebody has to act, so it is open. */
const PHASE_OF: Readonly<Record<string, Phase>> = {
  [STATUS.new]: 'new',
  [STATUS.open]: 'open',
  [STATUS.pending]: 'open',
  [STATUS.waiting]: 'waiting',
  [STATUS.solved]: 'resolved',
  [STATUS.closed]: 'closed',
  [STATUS.rejected]: 'rejected',
  [STATUS.cancelled]: 'cancelled',
};

export interface Mapping {
  readonly settings: InvgateSettings;
  readonly toInstant: DateParser;
}

/**
 * A request, from any of the calls that give whole ones. Missing from it: `company` and `sub_status`, which no such
 * call tells; `location` in older versions.
 */
export function mapIncident(row: Incident, raw: unknown, known: Known, mapping: Mapping): ObservedTicket {
  const { settings, toInstant } = mapping;
  const status = mapStatus(row.status_id, known, settings);
  return {
    id: row.id,
    internal_id: null,
    display_id: row.pretty_id ?? `#${row.id}`,
    url: ticketUrl(row.id, settings),
    title: row.title === null ? null : deskLine(row.title),
    description: row.description === null ? '' : deskText(row.description),
    status,
    phase: phaseOf(status, settings),
    priority: row.priority_id === null ? null : mapPriority(row.priority_id, known, settings),
    type: named(row.type_id, known.attributes.type, BUILT_IN.type),
    category: categoryOf(row.category_id, known),
    queue: queueOf(row.assigned_group_id, known),
    assignee: personOf(row.assigned_id, known, 'agent'),
    requester: personOf(row.user_id, known, 'requester'),
    creator: personOf(row.creator_id, known, 'unknown'),
    ...(hasKey(raw, 'location_id') ? { location: named(row.location_id, known.locations) } : {}),
    tags: [],
    custom: mapCustom(row.custom_fields, known.fields),
    channel: named(row.source_id, known.attributes.source),
    created_at: toInstant(row.created_at),
    occurred_at: toInstant(row.date_ocurred),
    updated_at: toInstant(row.last_update),
    resolved_at: toInstant(row.solved_at),
    closed_at: toInstant(row.closed_at),
    // There is no due date in the API; SLA texts describe a state.
    due_at: null,
    escalate_at: null,
    sla: { response_due_at: null, resolution_due_at: null, state: stateText(row.sla_incident_resolution) },
    last_updated_by: null,
    awaiting: status.id === STATUS.pending ? 'agent' : null,
    raw: withoutComments(raw),
  };
}

/** Integration reference 1.1: `https://<host>/requests/show/index/id/<id>`. */
function ticketUrl(id: string, settings: InvgateSettings): string {
  const template = settings.ticket_url ?? `${new URL(settings.url).origin}/requests/show/index/id/{id}`;
  return template.replaceAll('{id}', id);
}

export function mapStatus(
  id: string,
  known: Known,
  settings: InvgateSettings,
): { readonly id: string; readonly name: string | null } {
  const name = settings.names?.status?.[id] ?? known.attributes.status.get(id) ?? BUILT_IN.status.get(id);
  return { id, name: name ?? null };
}

/** Configured phases first, by status name (configured, the desk's, or English) or id. */
export function phaseOf(status: Named, settings: InvgateSettings): Phase {
  const names = [status.id, status.name, BUILT_IN.status.get(status.id ?? '') ?? null];
  const wanted = names.filter((name) => name !== null).map(foldName);
  const configured = Object.entries(settings.phases ?? {}).find(([name]) => wanted.includes(foldName(name)));
  return configured?.[1] ?? PHASE_OF[status.id ?? ''] ?? 'unknown';
}

/** Ids 1 to 5 are the levels, lowest first (manual, `incident.attributes.priority`; integration reference 2.6). */
export function mapPriority(id: string, known: Known, settings: InvgateSettings): Priority {
  const name = known.attributes.priority.get(id) ?? BUILT_IN.priority.get(id) ?? id;
  const level = PRIORITY_LEVELS[Number(id) - 1] ?? null;
  const configured = settings.names?.priority?.[id] ?? settings.names?.priority?.[name];
  if (configured === undefined) return { id, name, level };
  const mapped = levelOf(configured);
  return mapped === null ? { id, name: String(configured), level } : { id, name, level: mapped };
}

function levelOf(configured: string | number): PriorityLevel | null {
  if (typeof configured === 'number') return PRIORITY_LEVELS[configured - 1] ?? null;
  return PRIORITY_LEVELS.find((level) => level === foldName(configured)) ?? null;
}

function named(
  id: string | null,
  names: ReadonlyMap<string, string>,
  builtIn: ReadonlyMap<string, string> = new Map(),
): Named | null {
  return id === null ? null : { id, name: names.get(id) ?? builtIn.get(id) ?? null };
}

function categoryOf(id: string | null, known: Known): Category | null {
  if (id === null) return null;
  const category = known.categories.get(id);
  return category === undefined ? { id, name: null, path: null } : plainCategory(category);
}

export function plainCategory({ id, name, path }: Placed): Category {
  return { id, name, path };
}

/** `assigned_group_id` is a help desk; what InvGate calls groups are groups of users (integration reference 2.6). */
function queueOf(id: string | null, known: Known): Named | null {
  return id === null ? null : { id, name: known.helpdesks.get(id)?.name ?? null };
}

export function personOf(id: string | null, known: Known, kind: Person['kind']): Person | null {
  if (id === null) return null;
  const person = known.people.get(id);
  if (person === undefined) return { id, name: null, email: null, kind };
  return kind === 'unknown' ? person : { ...person, kind };
}

function stateText(text: string | null): string | null {
  return text === null || text === '' ? null : deskLine(text);
}

function hasKey(raw: unknown, key: string): boolean {
  return typeof raw === 'object' && raw !== null && key in raw;
}

/** Comments are rows of their own; twice is too often. */
function withoutComments(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null || !('comments' in raw)) return raw;
  const { comments: _, ...rest } = raw;
  return rest;
}

/**
 * Change token: `last_update` counts seconds, so two changes in one second share it, and comments and custom fields
 * need not move it (integration reference 2.3 B). Hence the content and the comments' ids are part of it; they are
 * taken after mapping, so that the same state in an older and a newer wrapping has one token.
 */
export function versionOf(observed: ObservedTicket, row: Incident): string {
  const ids = (row.comments ?? []).map((comment) => comment.id).toSorted();
  const content = Object.entries(withoutNames(observed)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([content, row.sla_incident_first_reply, ids]);
  const hash = createHash('sha1').update(text).digest('base64url').slice(0, 16);
  return `${observed.updated_at ?? ''}#${hash}`;
}

/** Names come from lookups, which may be loaded or not: only ids count. */
function withoutNames(observed: ObservedTicket): Readonly<Record<string, unknown>> {
  const { status, priority, type, category, queue, assignee, requester, creator, location, channel } =
    observed;
  const named = { status, priority, type, category, queue, assignee, requester, creator, location, channel };
  const ids = Object.entries(named).map(([name, value]) => [name, value?.id ?? null]);
  const custom = Object.values(observed.custom ?? {}).map((field) => [field.id, field.value]);
  return { ...observed, ...Object.fromEntries(ids), custom, raw: null };
}
