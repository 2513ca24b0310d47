import { z } from 'zod';
import type { Comment, ObservedTicket } from '../../ticket.ts';
import { date, id, text } from '../http/scalars.ts';
import type { CallContext, FeedPage, FeedPosition, TicketRead, TicketRow } from '../vendor.ts';
import { isObject } from './envelope.ts';
import { contentHash, mapNotes, mapPriority, noteText, toPerson, type Mapping } from './map.ts';
import { DeskUser, Named, Note, Priority } from './schema.ts';
import type { GotoassistReader } from './tickets.ts';

/**
 * Problems, changes and releases (guide, "Problems/Changes/Releases API Calls"), for those who ask for them with
 * `also`: read only, and slowly. Their lists have no order and hardly any fields, so all rows are read every few
 * hours, and one whose content is another than before is read as a whole. Their numbers are sequences of their own,
 * which is why their ids carry their kind: `problem-20`.
 */

export const OTHERS = ['problems', 'changes', 'releases'] as const;
type Others = (typeof OTHERS)[number];

const KINDS = { problems: 'problem', changes: 'change', releases: 'release' } as const;
type Kind = (typeof KINDS)[Others];

/** What rows and details of the three have in common; the guide's examples name the same thing differently. */
const Other = z.object({
  id,
  title: text,
  created_at: date,
  last_active_at: date,
  updated_at: date,
  closed_at: date,
  due_date: date,
  service: Named.nullish().catch(null),
  /** A number in problems and releases, of which nobody says whether it is an id or a level. */
  priority: z.unknown().optional(),
  assigned_to: DeskUser.nullish().catch(null),
  assigned_user: DeskUser.nullish().catch(null),
  owner: DeskUser.nullish().catch(null),
  updated_by: DeskUser.nullish().catch(null),
  updated_by_user: DeskUser.nullish().catch(null),
  category: Named.nullish().catch(null),
  symptoms: z.array(Note).nullish().catch(null),
  descriptions: z.array(Note).nullish().catch(null),
  comments: z.array(Note).nullish().catch(null),
});
type Other = z.infer<typeof Other>;

/** The parts of an id such as `problem-20`; null: an incident's. */
export function otherIn(ticketId: string): { readonly kind: Kind; readonly number: string } | null {
  const [, kind, number] = /^(problem|change|release)-(\d+)$/.exec(ticketId) ?? [];
  return kind === undefined || number === undefined ? null : { kind: kind as Kind, number };
}

/** Integration reference 5.2: "limit" as for incidents. */
const LIMIT = 50;

/** A page of a list, which has its rows under its own name. */
function listOf(name: Others): z.ZodType<{ readonly rows: readonly unknown[]; readonly pages: number }> {
  const pages = z.coerce.number().catch(1);
  return z
    .looseObject({ [name]: z.array(z.unknown()) })
    .transform((list) => ({ rows: list[name] as unknown[], pages: pages.parse(list['total_pages']) }));
}

const Walk = z.object({ list: z.number(), page: z.number() });

/** One page of one of the lists that were asked for. @throws VendorError */
export async function readOthers(
  reader: GotoassistReader,
  position: FeedPosition,
  context: CallContext,
): Promise<FeedPage> {
  const wanted = OTHERS.filter((one) => reader.mapping.settings.also?.includes(one));
  const { list, page } = position.next === null ? { list: 0, page: 1 } : Walk.parse(position.next);
  const name = wanted[list];
  const nothing = { occurrences: [], next: null, cursor: {} };
  if (name === undefined) return { ...nothing, rows: [] };

  // Guide: without services these lists show the authenticated user's own; a report is one of incidents.
  const services = reader.mapping.settings.service_ids ?? (await reader.lookups.serviceIds(context));
  const query = { limit: LIMIT, page, 'service_ids[]': services };
  const { value } = await reader.client.get(name, query, listOf(name), context);
  const rows = value.rows.map((raw): TicketRow => {
    const other = reader.client.part(`GET ${name}`, Other, raw);
    const observed = mapOther(KINDS[name], other, raw, reader.mapping);
    return { observed, version: `row#${contentHash(raw)}` };
  });
  if (page < value.pages) return { ...nothing, rows, next: { list, page: page + 1 } };
  return { ...nothing, rows, next: list + 1 < wanted.length ? { list: list + 1, page: 1 } : null };
}

/** Reads one of them as a whole. @throws VendorError */
export async function readOther(
  reader: GotoassistReader,
  ticketId: string,
  { kind, number }: { readonly kind: Kind; readonly number: string },
  context: CallContext,
): Promise<TicketRead> {
  const wrapped = z.object({ [kind]: z.unknown() });
  const found = await reader.client.find(`${kind}s/${number}`, z.unknown(), context);
  if (found === null) return { gone: true, id: ticketId };
  const inner = wrapped.safeParse(found.raw);
  const raw = isObject(found.raw) && inner.success && kind in found.raw ? found.raw[kind] : found.raw;
  const other = reader.client.part(`GET ${kind}s/${number}`, Other, raw);
  const observed = mapOther(kind, other, raw, reader.mapping);
  return { gone: false, id: ticketId, observed, comments: commentsOf(other, reader.mapping) };
}

/** What a row does not show is left out: never fetched. */
export function mapOther(kind: Kind, other: Other, raw: unknown, mapping: Mapping): ObservedTicket {
  const { settings, toInstant } = mapping;
  const word = kind.charAt(0).toUpperCase() + kind.slice(1);
  const ticketId = `${kind}-${other.id}`;
  const shows = (name: keyof Other): boolean => isObject(raw) && name in raw;
  const assignee = other.assigned_to ?? other.assigned_user ?? null;
  const updater = other.updated_by ?? other.updated_by_user ?? null;
  const [told] = (kind === 'problem' ? other.symptoms : other.descriptions) ?? [];
  const priority = Priority.safeParse(other.priority);
  const closedAt = toInstant(other.closed_at);
  return {
    id: ticketId,
    internal_id: other.id,
    display_id: `${word} ${other.id}`,
    url: null,
    title: other.title,
    type: { id: kind, name: word },
    sub_status: null,
    ...(shows('service') ? { queue: other.service ?? null } : {}),
    ...(shows('priority')
      ? { priority: priority.success ? mapPriority(priority.data, settings) : null }
      : {}),
    ...(shows('assigned_to') || shows('assigned_user') ? { assignee: toPerson(assignee, 'agent') } : {}),
    ...(shows('owner') ? { creator: toPerson(other.owner ?? null, 'agent') } : {}),
    ...(shows('category')
      ? { category: other.category == null ? null : { ...other.category, path: null } }
      : {}),
    ...(told === undefined ? {} : { description: noteText(told.note ?? '') }),
    ...(shows('due_date') ? { due_at: toInstant(other.due_date) } : {}),
    ...(shows('created_at') ? { created_at: toInstant(other.created_at) } : {}),
    ...(shows('last_active_at') ? { updated_at: toInstant(other.last_active_at) } : {}),
    ...(shows('closed_at')
      ? {
          closed_at: closedAt,
          phase: closedAt === null ? ('open' as const) : ('closed' as const),
          status: { id: closedAt === null ? 'open' : 'closed', name: closedAt === null ? 'Open' : 'Closed' },
          last_updated_by: toPerson(updater, 'agent'),
        }
      : {}),
    tags: [],
    raw,
  };
}

function commentsOf(other: Other, mapping: Mapping): readonly Comment[] {
  const notes = (other.comments ?? []).map((note) => ({ id: note.id, note, solution: false }));
  return mapNotes(notes, mapping.toInstant);
}
