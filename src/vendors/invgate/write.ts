import { z } from 'zod';
import type { Planning } from '../create-adapter.ts';
import type { Json, PlannedWrite } from '../vendor.ts';
import { CALLS, type WriteCall } from './calls.ts';
import type { Reader } from './reader.ts';

export type { OpenTicket } from '../create-adapter.ts';

export interface Planner extends Planning<Reader> {
  /** Id of the user we write as. @throws VendorError `refused` when the configured author is not a user of the desk */
  readonly author: () => Promise<string>;
}

const writeCalls = CALLS.filter((call): call is WriteCall => !call.startsWith('GET '));

/** All that `send` and `listChildren` need, in any process. */
export const WriteRequest = z.object({
  call: z.enum(writeCalls),
  /** Fields as they are sent; lists have `[]` in their name (integration reference 2.1). */
  form: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
});
export type WriteRequest = z.infer<typeof WriteRequest>;

type Form = WriteRequest['form'];
export type Sets = Record<string, { readonly from: Json; readonly to: Json }>;

/** Notes that a write moves a field of the snapshot. Never fetched is null. */
export function setField(sets: Sets, field: string, from: unknown, to: unknown): void {
  sets[field] = { from: toJson(from), to: toJson(to) };
}

/** Snapshot values are JSON by construction. */
export function toJson(value: unknown): Json {
  return (value ?? null) as Json;
}

/** A write that sets fields or moves the ticket through its life. */
export function stateWrite(
  part: string,
  kind: 'state' | 'transition',
  call: WriteCall,
  form: Form,
  moves: { readonly sets?: Sets; readonly alsoChanges?: readonly string[] } = {},
): PlannedWrite {
  return {
    part,
    kind,
    sets: moves.sets ?? {},
    alsoChanges: moves.alsoChanges ?? [],
    append: null,
    request: toJson({ call, form } satisfies WriteRequest),
  };
}

/**
 * A write that adds something.
 *
 * @param append where it can be found again, and the text that will be found there
 * @param moves for what also moves the request, so that the next part is planned on a fresh one
 */
export function appendWrite(
  part: string,
  call: WriteCall,
  form: Form,
  append: { readonly children: string; readonly text: string },
  moves: { readonly sets?: Sets; readonly alsoChanges?: readonly string[] } = {},
): PlannedWrite {
  return {
    part,
    kind: moves.sets === undefined ? 'append' : 'transition',
    sets: moves.sets ?? {},
    alsoChanges: moves.alsoChanges ?? [],
    append,
    request: toJson({ call, form } satisfies WriteRequest),
  };
}
