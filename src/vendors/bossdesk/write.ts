import { z } from 'zod';
import type { ObservedTicket } from '../../ticket.ts';
import type { OpenTicket, Planning } from '../create-adapter.ts';
import type { Json, PlannedWrite } from '../vendor.ts';
import type { BossdeskReader } from './tickets.ts';

export type { OpenTicket } from '../create-adapter.ts';

export type Planner = Planning<BossdeskReader>;

/** All that `send` and `listChildren` need, in any process. */
export const WriteRequest = z.object({
  method: z.enum(['POST', 'PATCH']),
  /** Below `/api/v1`. */
  path: z.string(),
  body: z.json() as z.ZodType<Json>,
  /** Created tickets go by their friendly id, all else by its own. */
  idIn: z.enum(['id', 'friendly_id']).optional(),
  /** The date of a time entry as it must come back: the manual's request has another format than its answer. */
  date: z.string().optional(),
});
export type WriteRequest = z.infer<typeof WriteRequest>;

/** Fields of one ticket that go out in one PATCH. */
export interface Update {
  readonly body: Record<string, Json>;
  readonly sets: Record<string, { readonly from: Json; readonly to: Json }>;
  readonly alsoChanges: Set<string>;
}

export function newUpdate(): Update {
  return { body: {}, sets: {}, alsoChanges: new Set() };
}

/** Notes that the write moves a field of the snapshot. */
export function setField(update: Update, field: string, from: unknown, to: unknown): void {
  update.sets[field] = { from: toJson(from), to: toJson(to) };
}

/** Snapshot values are JSON by construction; undefined (never fetched) becomes null. */
export function toJson(value: unknown): Json {
  return (value ?? null) as Json;
}

/** An id as request bodies want it (manual: numbers); one beyond 2^53 stays text, which Rails takes too. */
export function toId(id: string | null): Json {
  if (id === null) return null;
  const number = Number(id);
  return Number.isSafeInteger(number) ? number : id;
}

/**
 * The update as one PATCH, or null when nothing is left to do. It always carries the `lock_version` of the ticket that
 * it was planned on: without it another person's edit in the same moment would be overwritten.
 */
export function updateWrite(
  part: string,
  kind: 'state' | 'transition',
  ticket: OpenTicket,
  update: Update,
  planner: Planner,
): PlannedWrite | null {
  if (Object.keys(update.body).length === 0) return null;
  const lock = lockOf(ticket.observed);
  if (lock === null) throw planner.reader.client.refused('the ticket was read without its lock_version');
  return {
    part,
    kind,
    sets: update.sets,
    alsoChanges: [...update.alsoChanges],
    append: null,
    request: {
      method: 'PATCH',
      path: `tickets/${ticket.id}`,
      body: { ticket: { ...update.body, lock_version: lock } },
    },
  };
}

function lockOf(observed: ObservedTicket): number | null {
  const raw = observed.raw;
  if (typeof raw !== 'object' || raw === null || !('lock_version' in raw)) return null;
  return typeof raw.lock_version === 'number' ? raw.lock_version : null;
}
