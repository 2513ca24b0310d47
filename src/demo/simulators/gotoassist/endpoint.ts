import type { Call } from '../support/calls.ts';
import { parseIn } from '../support/zone.ts';
import type { GotoCore } from './core.ts';
import type { GotoIncident, GotoUser } from './state.ts';

/** `none`: `order` is ignored, the oldest incident comes first. */
export type GotoDirection = 'asc' | 'desc' | 'none';

/** How lists are ordered and filtered, where the guide is silent. */
export interface GotoListing {
  readonly direction: GotoDirection;
  readonly closedInLists: boolean;
  readonly maxLimit: number;
}

export interface Request {
  readonly core: GotoCore;
  readonly call: Call;
  /** The numbers in the path, in order. */
  readonly path: readonly number[];
  /** Whose token it is. */
  readonly user: GotoUser;
  readonly listing: GotoListing;
}

/** Returns the `result` of a success; throws a {@link CallFailed} otherwise. */
export type Endpoint = (request: Request) => Body;
/** By `METHOD path`, with `:n` for a number and without the extension. */
export type Endpoints = Readonly<Record<string, Endpoint>>;
export type Body = Record<string, unknown>;

/** A call that ends with `status: "Failed"`. */
export class CallFailed extends Error {
  readonly code: 'E400' | 'E902' | 'E906';

  constructor(code: 'E400' | 'E902' | 'E906', message: string) {
    super(message);
    this.name = 'CallFailed';
    this.code = code;
  }
}

export function fail(message: string): never {
  throw new CallFailed('E400', message);
}

export function incidentOf({ core, path }: Request): GotoIncident {
  return core.state.incidents.get(path[0] ?? 0) ?? fail('no incident found');
}

/** The object inside the wrapper, `{"incident":{…}}`. */
export function wrapped({ call }: Request, name: string): Body {
  const outer = call.json;
  const inner = isObject(outer) ? outer[name] : undefined;
  return isObject(inner) ? inner : fail(`The ${name} parameter must be specified for this call`);
}

export function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A date as the guide writes it (`10 Feb 2011, 15:38`, in the account's zone) or ISO; null and "" mean none. */
export function dateIn(core: GotoCore, body: Body, name: string): number | null | undefined {
  const value = body[name];
  if (value === undefined) return undefined;
  if (value === null || value === '') return null;
  if (typeof value !== 'string') return fail(`${name} is not a date`);
  const written = /^(\d{1,2}) (\w{3}) (\d{4}), (\d{1,2}:\d{2})$/.exec(value);
  const at = parseIn(core.timeZone, written === null ? value : isoOf(written));
  return Number.isNaN(at) ? fail(`${name} is not a date`) : at;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function isoOf([, day = '', month = '', year = '', time = '']: RegExpExecArray): string {
  const number = String(months.indexOf(month) + 1).padStart(2, '0');
  return `${year}-${number}-${day.padStart(2, '0')}T${time.padStart(5, '0')}`;
}

export function intIn(body: Body, name: string): number | null | undefined {
  const value = body[name];
  if (value === undefined || value === null) return value;
  const number = Number(value === '' ? Number.NaN : value);
  return Number.isInteger(number) ? number : fail(`${name} is not a number`);
}

/** Pages of a list: `limit` (or `per_page`) 10 by default, `page` from 1. */
export function paged<T>(
  { call, listing }: Request,
  rows: readonly T[],
  otherwise = 10,
): { rows: T[]; pages: number } {
  const asked = Number(call.params.get('limit') ?? call.params.get('per_page') ?? otherwise);
  const limit = Math.min(Math.max(asked || otherwise, 1), listing.maxLimit);
  const page = Math.max(Number(call.params.get('page') ?? 1) || 1, 1);
  return {
    rows: rows.slice((page - 1) * limit, page * limit),
    pages: Math.max(Math.ceil(rows.length / limit), 1),
  };
}
