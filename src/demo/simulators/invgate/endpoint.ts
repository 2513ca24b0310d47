import type { Call } from '../support/calls.ts';
import { json, Refusal } from '../support/reply.ts';
import type { InvgateCore } from './core.ts';
import type { InvgateRequest } from './state.ts';

export interface Request {
  readonly core: InvgateCore;
  readonly call: Call;
  readonly params: Params;
  /** Whether this call speaks the newer envelope. */
  readonly newer: boolean;
}

/** Returns the JSON of a 200 answer; throws a refusal for everything else. */
export type Endpoint = (request: Request) => unknown;
export type Endpoints = Readonly<Record<string, Endpoint>>;

/** Parameters the PHP way: arrays need brackets, comma lists are refused, a missing one is 428 [O]. */
export interface Params {
  text(name: string): string | undefined;
  requiredText(name: string): string;
  int(name: string): number | undefined;
  requiredInt(name: string): number;
  flag(name: string): boolean | undefined;
  texts(name: string): string[];
  ints(name: string): number[];
  requiredInts(name: string): number[];
}

export function paramsOf(values: URLSearchParams): Params {
  const text = (name: string): string | undefined => values.getAll(name).at(-1);
  const filled = (name: string): string | undefined => text(name) || undefined;
  const int = (name: string): number | undefined => toInt(name, filled(name));
  const texts = (name: string): string[] => {
    if (text(name) !== undefined) invalid(name, 'must be an array');
    const indexed = new RegExp(`^${name.replace('.', '\\.')}\\[\\d*\\]$`);
    return [...values].filter(([key]) => indexed.test(key)).map(([, value]) => value);
  };
  const ints = (name: string): number[] => texts(name).map((value) => toInt(name, value) ?? missing(name));
  return {
    text,
    requiredText: (name) => filled(name) ?? missing(name),
    int,
    requiredInt: (name) => int(name) ?? missing(name),
    flag: (name) => {
      const value = filled(name);
      return value === undefined ? undefined : value === '1' || value === 'true';
    },
    texts,
    ints,
    requiredInts: (name) => (texts(name).length === 0 ? missing(name) : ints(name)),
  };
}

function toInt(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  return /^-?\d+$/.test(value) ? Number(value) : invalid(name, 'must be an integer');
}

function missing(name: string): never {
  throw new Refusal(problem(428, `Parameter ${name} is required`));
}

function invalid(name: string, why: string): never {
  throw new Refusal(problem(428, `Parameter ${name} ${why}`));
}

/** An HTTP error: here `status` is a number. */
export function problem(status: number, error: string): ReturnType<typeof json> {
  return json({ error, status }, status);
}

export function refuse(status: number, error: string): never {
  throw new Refusal(problem(status, error));
}

/** A refusal that looks like a success: HTTP 200 with `status: "ERROR"`. */
export function notDone(info: string): never {
  throw new Refusal(json({ status: 'ERROR', info }));
}

export function done(info: string): Record<string, unknown> {
  return { status: 'OK', info };
}

/** The request a parameter names, for reading: 404 when there is none. */
export function readRequest({ core, params }: Request, name = 'request_id'): InvgateRequest {
  return core.state.requests.get(params.requiredInt(name)) ?? refuse(404, 'The request does not exist');
}

/** The same for writing, where the desk answers 200 with ERROR. */
export function writeRequest({ core, params }: Request, name = 'request_id'): InvgateRequest {
  return core.state.requests.get(params.requiredInt(name)) ?? notDone('The request does not exist');
}

export function knownUser({ core, params }: Request, name: string): number {
  const id = params.requiredInt(name);
  return core.state.users.has(id) ? id : notDone(`The user ${id} does not exist`);
}
