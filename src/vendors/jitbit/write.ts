import { z } from 'zod';
import type { ObservedTicket } from '../../ticket.ts';
import type { Planning } from '../create-adapter.ts';
import type { Json, PlannedWrite } from '../vendor.ts';
import type { FeedReader } from './feeds.ts';

export type { OpenTicket } from '../create-adapter.ts';

export interface Planner extends Planning<FeedReader> {
  /** Zone-aware text of an instant for `dueDate`. */
  readonly writeTime: (instant: string) => string;
}

/** All that `send` and `listChildren` need, in any process. */
export const WriteRequest = z.object({
  /** The call's name below `/api`. */
  call: z.string(),
  form: z.record(z.string(), z.string()),
  /** Time entries are absolute: the total that the new one was computed from. */
  expectSeconds: z.number().optional(),
  /** After setting a due date it is read back: the zone of written times is not documented. */
  dueAt: z.string().optional(),
});
export type WriteRequest = z.infer<typeof WriteRequest>;

type Sets = Record<string, { readonly from: Json; readonly to: Json }>;

/** Several fields of one ticket that go out in one UpdateTicket call. */
export interface Update {
  readonly form: Record<string, string>;
  readonly sets: Sets;
  readonly alsoChanges: Set<string>;
  dueAt?: string;
}

export function newUpdate(): Update {
  return { form: {}, sets: {}, alsoChanges: new Set() };
}

/** Notes that the write moves a field of the snapshot. */
export function setField(update: Update, field: string, from: unknown, to: unknown): void {
  update.sets[field] = { from: toJson(from), to: toJson(to) };
}

/** Snapshot values are JSON by construction; undefined (never fetched) becomes null. */
export function toJson(value: unknown): Json {
  return (value ?? null) as Json;
}

/** The update as a write, or null when nothing is left to do. */
export function updateWrite(
  part: string,
  kind: 'state' | 'transition',
  ticketId: string,
  update: Update,
  call = 'UpdateTicket',
): PlannedWrite | null {
  if (Object.keys(update.form).length === 0 && call === 'UpdateTicket') return null;
  return {
    part,
    kind,
    sets: update.sets,
    alsoChanges: [...update.alsoChanges],
    append: null,
    request: requestJson({
      call,
      form: { id: ticketId, ...update.form },
      ...(update.dueAt === undefined ? {} : { dueAt: update.dueAt }),
    }),
  };
}

export function requestJson(request: WriteRequest): Json {
  return toJson(request);
}

/** The id of a named thing in the snapshot. */
export function idOf(value: ObservedTicket['category'] | ObservedTicket['assignee']): string | null {
  return value?.id ?? null;
}
