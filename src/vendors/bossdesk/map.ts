import { createHash } from 'node:crypto';
import {
  PRIORITY_LEVELS,
  type Comment,
  type Named,
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
import { mapCustom } from './map-custom.ts';
import type { CustomField, DeskUser, TicketComment, TicketDetail, TicketListRow } from './schema.ts';
import type { BossdeskSettings } from './settings.ts';

/** BOSSDesk's words to ours (integration reference 7). Pure: what lookups know comes in as {@link Known}. */

/** What the lookups know at this moment. */
export interface Known {
  /** Custom fields of tickets by id. */
  readonly fields: ReadonlyMap<string, CustomField>;
  /** E-mail addresses of agents by user id, which tickets do not show. */
  readonly emails: ReadonlyMap<string, string>;
}

export const NOTHING_KNOWN: Known = { fields: new Map(), emails: new Map() };

/** The parts of the settings that decide how things are called. */
export interface Mapping {
  readonly settings: BossdeskSettings;
  readonly toInstant: DateParser;
}

/** A list row: team, tags, description, custom fields and most dates are not in it. */
export function mapRow(row: TicketListRow, raw: unknown, mapping: Mapping): ObservedTicket {
  return { ...mapCommon(row, NOTHING_KNOWN, mapping), ...statusOf(row, null, mapping), raw };
}

/** The detail, which has everything that BOSSDesk knows. */
export function mapDetail(
  detail: TicketDetail,
  raw: unknown,
  known: Known,
  mapping: Mapping,
): ObservedTicket {
  const { toInstant } = mapping;
  const closedAt = toInstant(detail.closed_at);
  return {
    ...mapCommon(detail, known, mapping),
    ...statusOf(detail, closedAt, mapping),
    description: htmlToText(detail.description ?? ''),
    queue: detail.team,
    company: detail.requester?.group ?? null,
    tags: (detail.tags ?? []).flatMap(({ name }) => (name === null ? [] : [name])),
    custom: mapCustom(detail.custom_fields ?? {}, known.fields, toInstant),
    channel: detail.source === null ? null : { id: detail.source, name: detail.source },
    created_at: toInstant(detail.created_at),
    updated_at: toInstant(detail.updated_at),
    resolved_at: closedAt,
    closed_at: closedAt,
    raw: withoutLinks(raw),
  };
}

/** What rows and details share, and what BOSSDesk has no word for (null: no value, not "never fetched"). */
function mapCommon(row: TicketListRow, known: Known, { settings, toInstant }: Mapping): ObservedTicket {
  const id = row.friendly_id;
  return {
    id,
    internal_id: row.id,
    display_id: row.type?.shortcut == null ? id : `${row.type.shortcut}-${id}`,
    url: settings.ticket_url?.replaceAll('{id}', id) ?? null,
    title: row.title,
    sub_status: row.extended_status,
    priority: mapPriority(row.priority, settings),
    type: row.type === null ? null : { id: row.type.id, name: row.type.name },
    category: row.category === null ? null : { ...row.category, path: null },
    assignee: row.agent === null ? null : toPerson(row.agent, 'agent', known.emails),
    requester: row.requester === null ? null : toPerson(row.requester, 'requester'),
    creator: null,
    location: null,
    occurred_at: null,
    due_at: toInstant(row.due_at),
    escalate_at: null,
    sla: { response_due_at: null, resolution_due_at: null, state: null },
    last_updated_by: null,
  };
}

const BUILT_IN_PHASES: Readonly<Record<string, Phase>> = {
  incoming: 'new',
  assigned: 'open',
  closed: 'closed',
};

/**
 * `status` follows from agent and closing (`incoming`, `assigned`, `closed`, perhaps others); an extended status
 * ("On hold") stands beside it and has the phase that `phases` gives it.
 */
function statusOf(
  row: TicketListRow,
  closedAt: string | null,
  { settings }: Mapping,
): Pick<TicketFields, 'status' | 'phase' | 'awaiting'> {
  const status = row.status === null ? null : { id: row.status, name: statusName(row.status, settings) };
  const closed = closedAt !== null || row.status === 'closed';
  const phase = closed
    ? (phaseByName(status, settings) ?? 'closed')
    : (phaseByName(row.extended_status, settings) ??
      phaseByName(status, settings) ??
      BUILT_IN_PHASES[row.status ?? ''] ??
      'open');
  return { status, phase, awaiting: phase === 'waiting' ? waitsFor(row.extended_status) : null };
}

function statusName(status: string, settings: BossdeskSettings): string {
  return settings.names?.status?.[status] ?? status.charAt(0).toUpperCase() + status.slice(1);
}

/** The phase that the configuration gives to a status, by name or id. */
export function phaseByName(status: Named | null, settings: BossdeskSettings): Phase | null {
  if (status === null || settings.phases === undefined) return null;
  const wanted = [status.id, status.name].filter((text) => text !== null).map(foldName);
  return Object.entries(settings.phases).find(([name]) => wanted.includes(foldName(name)))?.[1] ?? null;
}

/** The manual's own example is "Waiting on Customer". */
function waitsFor(extended: Named | null): TicketFields['awaiting'] {
  return /customer|requester|user|client/i.test(extended?.name ?? '') ? 'customer' : 'other';
}

/** Names that desks use besides ours. */
const OTHER_LEVELS: Readonly<Record<string, PriorityLevel>> = { medium: 'normal', emergency: 'critical' };

/**
 * A priority with its level. The direction of the lookup's `level` is not documented (its example is High = 2), so
 * the name decides: `names.priority`, then `priority_order`, then a name equal to a level.
 */
export function mapPriority(priority: Named | null, settings: BossdeskSettings): Priority | null {
  if (priority === null) return null;
  const name = foldName(priority.name ?? '');
  const configured =
    settings.names?.priority?.[priority.name ?? ''] ?? settings.names?.priority?.[priority.id ?? ''];
  const level =
    typeof configured === 'number'
      ? (PRIORITY_LEVELS[configured - 1] ?? null)
      : levelNamed(foldName(configured ?? ''));
  return {
    id: priority.id,
    name: priority.name,
    level: level ?? levelNamed(name) ?? byPosition(name, settings),
  };
}

function levelNamed(name: string): PriorityLevel | null {
  return PRIORITY_LEVELS.find((level) => level === name) ?? OTHER_LEVELS[name] ?? null;
}

function byPosition(name: string, { priority_order: order = [] }: BossdeskSettings): PriorityLevel | null {
  const position = order.findIndex((one) => foldName(one) === name);
  return PRIORITY_LEVELS[position] ?? null;
}

/** A user as a person; `emails` completes what the object leaves out. */
export function toPerson(
  user: DeskUser,
  kind: PersonKind,
  emails: ReadonlyMap<string, string> = NOTHING_KNOWN.emails,
): Person & { readonly id: string } {
  const full = `${user.first_name ?? ''} ${user.last_name ?? ''}`.trim();
  const email = user.email ?? emails.get(user.id) ?? null;
  return { id: user.id, name: full === '' ? user.username : full, email: email === '' ? null : email, kind };
}

/** Oldest first: the manual does not say in which order they come. */
export function mapComments(
  comments: readonly TicketComment[],
  requesterId: string | null,
  toInstant: DateParser,
): readonly Comment[] {
  const mapped = comments.map((comment): Comment => {
    const { created_by: author } = comment;
    const kind = comment.from_agent ? 'agent' : author?.id === requesterId ? 'requester' : 'unknown';
    return {
      id: comment.id,
      at: toInstant(comment.created_at),
      author: author === null ? null : toPerson(author, kind),
      text: comment.body === null ? null : htmlToText(comment.body),
      public: comment.is_public,
      system: false,
      solution: false,
    };
  });
  return mapped.toSorted(byTimeThenId);
}

/** Ids are numbers in text; equal times are ordered by them. */
export function byTimeThenId(
  a: { readonly id: string; readonly at: string | null },
  b: { readonly id: string; readonly at: string | null },
): number {
  const time = (a.at ?? '').localeCompare(b.at ?? '');
  return time === 0 ? a.id.length - b.id.length || a.id.localeCompare(b.id) : time;
}

/** Links to attachments are good for minutes and open without a password: never stored. */
function withoutLinks(raw: unknown): unknown {
  return JSON.parse(
    JSON.stringify(raw, (key, value: unknown) => (key === 'secure_url' ? undefined : value)),
  ) as unknown;
}

/** True if a stored row is a whole ticket and not only a list row. */
export function isDetail(raw: unknown): boolean {
  return typeof raw === 'object' && raw !== null && 'lock_version' in raw;
}

/** Change token of a list row: its content, for there is nothing else in it that moves. */
export function rowVersion(raw: unknown): string {
  return `row#${hash(raw)}`;
}

/**
 * Change token of a detail: whether comments, tasks and time entries move `updated_at` is not documented, so the
 * content counts too.
 */
export function detailVersion(detail: TicketDetail, raw: unknown): string {
  return `${detail.lock_version ?? ''}/${String(detail.updated_at ?? '')}#${hash(raw)}`;
}

function hash(value: unknown): string {
  return createHash('sha1').update(JSON.stringify(value)).digest('base64url').slice(0, 12);
}
