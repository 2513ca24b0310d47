import { z } from 'zod';
import { toInstant } from '../../clock.ts';
import { createZone, type Zone } from '../http/dates.ts';
import type { Planning } from '../create-adapter.ts';
import type { Json, PlannedWrite } from '../vendor.ts';
import type { GotoassistReader } from './tickets.ts';

export type { OpenTicket } from '../create-adapter.ts';

export interface Planner extends Planning<GotoassistReader> {
  /** The user it writes as. */
  readonly authorId: string;
}

/** All that `send` and `listChildren` need, in any process. */
export const WriteRequest = z.object({
  method: z.enum(['POST', 'PUT', 'DELETE']),
  /** Below `/v1`, without its extension. */
  path: z.string(),
  query: z.record(z.string(), z.string()).optional(),
  body: z.json() as z.ZodType<Json>,
  /** What the answered incident must show: paths in it, with ids as text; null: nothing. */
  expect: z.record(z.string(), z.string().nullable()).optional(),
  /** The due date that the answered incident must show; null: none. */
  dueAt: z.string().nullable().optional(),
  /** Which note was made, for its id. */
  noteKind: z.enum(['comments', 'resolutions']).optional(),
});
export type WriteRequest = z.infer<typeof WriteRequest>;

/** Fields of one incident that go out in one PUT. */
export interface Update {
  readonly body: Record<string, Json>;
  readonly expect: Record<string, string | null>;
  readonly sets: Record<string, { readonly from: Json; readonly to: Json }>;
  readonly alsoChanges: Set<string>;
}

export function newUpdate(): Update {
  return { body: {}, expect: {}, sets: {}, alsoChanges: new Set() };
}

/** Notes that the write moves a field of the snapshot. */
export function setField(update: Update, field: string, from: unknown, to: unknown): void {
  update.sets[field] = { from: toJson(from), to: toJson(to) };
}

/** Snapshot values are JSON by construction; undefined (never fetched) becomes null. */
export function toJson(value: unknown): Json {
  return (value ?? null) as Json;
}

/** An id as request bodies want it: a number where it fits into one. */
export function toId(id: string): Json {
  const number = Number(id);
  return Number.isSafeInteger(number) ? number : id;
}

/** The update as one PUT, or null when nothing is left to do. */
export function updateWrite(
  part: string,
  kind: 'state' | 'transition',
  ticketId: string,
  update: Update,
): PlannedWrite | null {
  if (Object.keys(update.body).length === 0) return null;
  return {
    part,
    kind,
    sets: update.sets,
    alsoChanges: [...update.alsoChanges],
    append: null,
    request: {
      method: 'PUT',
      path: `incidents/${ticketId}`,
      body: { incident: update.body },
      expect: update.expect,
    },
  };
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * A time as it is written: ISO with `Z`, as a client sends it (integration reference 5.3), or, with
 * `write_time_zone`, the guide's own `10 Feb 2011, 15:38`, whose zone the guide does not say.
 */
export function writtenTime(instant: string, timeZone: string | undefined): string {
  if (timeZone === undefined) return instant.replace(/\.\d+Z$/, 'Z');
  const zone: Zone = createZone(timeZone);
  const wall = new Date(zone.toWall(Date.parse(instant)));
  const time = wall.toISOString().slice(11, 16);
  return `${wall.getUTCDate()} ${MONTHS[wall.getUTCMonth()]} ${wall.getUTCFullYear()}, ${time}`;
}

/** The instant that is left of one when it was written: whole seconds, or whole minutes in the guide's own form. */
export function asWritten(instant: string, timeZone: string | undefined): string {
  const unitMs = timeZone === undefined ? 1_000 : 60_000;
  return toInstant(Math.floor(Date.parse(instant) / unitMs) * unitMs);
}
