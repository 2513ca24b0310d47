import type { Call } from '../support/calls.ts';
import { json, Refusal, type Reply } from '../support/reply.ts';
import { parseIn } from '../support/zone.ts';
import type { BossCore, BossSearchMode } from './core.ts';
import type { BossTicket } from './state.ts';

export interface Request {
  readonly core: BossCore;
  readonly call: Call;
  /** The numbers in the path, in order. */
  readonly path: readonly number[];
  readonly mode: BossSearchMode;
}

export type Endpoint = (request: Request) => Reply;
/** By `METHOD path`, with `:n` for a number. */
export type Endpoints = Readonly<Record<string, Endpoint>>;

/** The object inside the wrapper (`{"ticket":{…}}`); 400 without it. */
export function wrapped({ call }: Request, name: string): Body {
  const outer = call.json;
  const inner = isObject(outer) ? outer[name] : undefined;
  if (!isObject(inner))
    throw new Refusal(json({ error: `param is missing or the value is empty: ${name}` }, 400));
  return inner;
}

export type Body = Record<string, unknown>;

export function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** 422 with `{"errors":{field:[…]}}`. */
export function invalid(errors: Readonly<Record<string, readonly string[]>>): never {
  throw new Refusal(json({ errors }, 422));
}

export function notFound(): never {
  throw new Refusal(json({ error: 'Not found' }, 404));
}

export function ticketOf({ core, path }: Request): BossTicket {
  return core.state.tickets.get(path[0] ?? 0) ?? notFound();
}

/** An id that must name a row of `rows`; absent and null are told apart. */
export function reference(
  body: Body,
  name: string,
  rows: ReadonlyMap<number, unknown>,
): number | null | undefined {
  const value = body[name];
  if (value === undefined || value === null) return value;
  const id = Number(value);
  return rows.has(id) ? id : invalid({ [name.replace(/_id$/, '')]: ['must exist'] });
}

export function textIn(body: Body, name: string): string | undefined {
  const value = body[name];
  return typeof value === 'string' ? value : undefined;
}

/** A time written by a client, in microseconds; without an offset it is read in the account's zone. */
export function timeIn({ core }: Request, body: Body, name: string): number | null | undefined {
  const value = body[name];
  if (value === undefined || value === null) return value;
  const at = parseIn(core.behaviour.timeZone, typeof value === 'string' ? value : '');
  return Number.isNaN(at) ? invalid({ [name]: ['is invalid'] }) : at * 1000;
}
