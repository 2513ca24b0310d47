import { PHASES, type ObservedTicket, type Phase, type TicketFields } from '../../ticket.ts';
import type { CommonVendorSettings } from '../common-settings.ts';
import { createDateParser } from '../http/dates.ts';
import { foldName } from '../names.ts';
import { compilePath, type Read } from './paths.ts';
import { createToPriority, toCategory, toId, toNamed, toPerson, toTags, toText } from './values.ts';

/**
 * The compiled form of a `ticket` mapping: for each mapped field where to read and what to make of it. Runs for
 * every delivery, so all decisions are taken here, once.
 */

/** Ticket fields that a mapping may name; `custom.<name>` besides. */
export const TICKET_KEYS = [
  'id',
  'internal_id',
  'display_id',
  'url',
  'title',
  'description',
  'status',
  'phase',
  'sub_status',
  'priority',
  'type',
  'category',
  'queue',
  'assignee',
  'requester',
  'creator',
  'company',
  'location',
  'tags',
  'channel',
  'created_at',
  'occurred_at',
  'updated_at',
  'resolved_at',
  'closed_at',
  'due_at',
  'escalate_at',
] as const satisfies readonly ('id' | keyof TicketFields)[];
type TicketKey = (typeof TICKET_KEYS)[number];

/** Reads a ticket out of a body; null when the body has no id at the mapped place. */
export type TicketPlan = (body: unknown) => ObservedTicket | null;

type Convert = (value: unknown) => unknown;
type PlanSettings = Pick<CommonVendorSettings, 'names' | 'phases' | 'time_zone' | 'ticket_url'>;

/** @param mapping valid: known keys, valid paths, `id` among them */
export function compileTicketPlan(
  mapping: Readonly<Record<string, string>>,
  settings: PlanSettings,
): TicketPlan {
  const readId = compilePath(mapping['id'] ?? '');
  const convert = converters(settings);
  const fields = Object.entries(mapping)
    .filter(([key]) => key !== 'id' && !key.startsWith('custom.'))
    .map(([key, path]) => ({ key, read: compilePath(path), convert: convert[key as TicketKey] }));
  const custom = Object.entries(mapping)
    .filter(([key]) => key.startsWith('custom.'))
    .map(([key, path]) => ({ name: key.slice('custom.'.length), read: compilePath(path) }));
  const finish = finisher(mapping, settings);
  return (body) => {
    const id = toId(readId(body));
    if (id === null) return null;
    const ticket: Record<string, unknown> = { id };
    for (const field of fields) ticket[field.key] = field.convert(field.read(body));
    if (custom.length > 0) ticket['custom'] = readCustom(custom, body);
    finish(ticket, id);
    return ticket as unknown as ObservedTicket;
  };
}

function converters(settings: PlanSettings): Readonly<Record<TicketKey, Convert>> {
  const toDate = createDateParser({ timeZone: settings.time_zone });
  const text: Convert = (value) => toText(value);
  const named: Convert = (value) => toNamed(value);
  const agent: Convert = (value) => toPerson(value, 'agent');
  return {
    id: toId,
    internal_id: toId,
    display_id: text,
    url: text,
    title: text,
    description: text,
    status: createToStatus(settings.names?.status ?? {}),
    phase: toPhase,
    sub_status: named,
    priority: createToPriority(settings.names?.priority ?? {}),
    type: named,
    category: toCategory,
    queue: named,
    assignee: agent,
    requester: (value) => toPerson(value, 'requester'),
    creator: (value) => toPerson(value, 'unknown'),
    company: named,
    location: named,
    tags: toTags,
    channel: named,
    created_at: toDate,
    occurred_at: toDate,
    updated_at: toDate,
    resolved_at: toDate,
    closed_at: toDate,
    due_at: toDate,
    escalate_at: toDate,
  };
}

/** A status that the sender only numbers gets its configured name. */
function createToStatus(names: Readonly<Record<string, string>>): Convert {
  const known = new Map(Object.entries(names).map(([id, name]) => [foldName(id), { id, name }]));
  return (value) => {
    const named = toNamed(value);
    return named === null ? null : (known.get(foldName(named.id ?? named.name ?? '')) ?? named);
  };
}

function toPhase(value: unknown): Phase {
  const name = foldName(toText(value) ?? '');
  return PHASES.find((phase) => phase === name) ?? 'unknown';
}

/** What follows from other fields: the phase from the configured status names, the link from the template. */
function finisher(
  mapping: Readonly<Record<string, string>>,
  settings: PlanSettings,
): (ticket: Record<string, unknown>, id: string) => void {
  const phases = new Map(
    Object.entries(settings.phases ?? {}).map(([name, phase]) => [foldName(name), phase]),
  );
  const phaseFromStatus =
    mapping['phase'] === undefined && mapping['status'] !== undefined && phases.size > 0;
  const url = mapping['url'] === undefined ? settings.ticket_url : undefined;
  return (ticket, id) => {
    if (phaseFromStatus) {
      const status = ticket['status'] as TicketFields['status'];
      ticket['phase'] = phases.get(foldName(status?.name ?? '')) ?? 'unknown';
    }
    if (url !== undefined) ticket['url'] = url.replaceAll('{id}', encodeURIComponent(id));
  };
}

function readCustom(
  custom: readonly { readonly name: string; readonly read: Read }[],
  body: unknown,
): TicketFields['custom'] {
  const entries = custom.map(({ name, read }): [string, TicketFields['custom'][string]] => {
    const value = read(body);
    const scalar = typeof value === 'number' || typeof value === 'boolean' ? value : toText(value);
    return [name, { id: name, name, value: Array.isArray(value) ? toTags(value) : scalar }];
  });
  return Object.fromEntries(entries);
}
