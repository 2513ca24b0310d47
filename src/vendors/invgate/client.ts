import type { z } from 'zod';
import { VendorError } from '../../errors.ts';
import type { Params, VendorAnswer, VendorCall } from '../http/client.ts';
import { readShape, unexpected } from '../http/shape.ts';
import type { CallContext, VendorIo } from '../vendor.ts';
import { createAccess, isRefusedAccess, type Access } from './access.ts';
import { splitCall, type CallName, type ReadCall, type WriteCall } from './calls.ts';
import { openEnvelope, type Opened } from './envelope.ts';
import type { InvgateSettings } from './settings.ts';

/**
 * Calls to one InvGate desk: flat dotted names, query for reads, form fields for writes, arrays with brackets
 * (`ids[]=1&ids[]=2`: comma lists fail with 428; integration reference 2.1). An answer of an unknown shape is an
 * error that names the call and the keys seen, never "no rows".
 */
export interface InvgateClient {
  /** A list, in any of its wrappings. @throws VendorError */
  rows<T>(call: ReadCall, query: Params, row: z.ZodType<T>, context: CallContext): Promise<Rows<T>>;
  /** A page of bare request ids. */
  ids(call: ReadCall, query: Params, context: CallContext): Promise<Ids>;
  /** One thing, or an array of one; null when the desk has no such thing. */
  find<T>(
    call: ReadCall,
    query: Params,
    schema: z.ZodType<T>,
    context: CallContext,
  ): Promise<{ readonly value: T; readonly raw: unknown } | null>;
  /** Whatever it is that the call answers. */
  raw(call: ReadCall, query: Params, context: CallContext): Promise<unknown>;
  /** Changes something. @returns the answer's fields; @throws VendorError `refused` for `status: "ERROR"` */
  write(call: WriteCall, form: Params, context: CallContext): Promise<Readonly<Record<string, unknown>>>;
  /** True when this desk's version turned out not to have the call. */
  lacks(call: CallName): boolean;
  refused(message: string): VendorError;
  unexpected(call: string, expected: string, got: unknown): VendorError;
  close(): Promise<void>;
}

export interface Rows<T> {
  readonly rows: readonly T[];
  /** The same rows as they came. */
  readonly raw: readonly unknown[];
  readonly nextKey: string | null;
  /** The desk's clock, epoch ms; null when it does not say. */
  readonly serverNow: number | null;
}

export interface Ids {
  readonly ids: readonly string[];
  /** Page size and number of all, where the desk says. */
  readonly limit: number | null;
  readonly total: number | null;
  readonly serverNow: number | null;
}

/**
 * Calls that older versions or narrower credentials lack (marked "newer" in the integration reference, or for a
 * module that need not be licensed): 403, 404 and 405 switch off the call, not the connection.
 */
const OPTIONAL: readonly CallName[] = [
  'GET breakingnews.all',
  'GET incident.approval',
  'GET incident.approval.possible_voters',
  'GET locations',
  'GET timetracking',
  'POST breakingnews',
  'POST incident.cancel',
  'POST timetracking',
];
const OFF: readonly number[] = [403, 404, 405];
/** After this long it is asked again: desks are upgraded. */
const OFF_FOR_MS = 6 * 3_600_000;

export function createInvgateClient(settings: InvgateSettings, io: VendorIo): InvgateClient {
  return new Client(settings, io);
}

class Client implements InvgateClient {
  readonly #access: Access;
  readonly #io: VendorIo;
  /** Until when a call is off, by the monotonic clock. */
  readonly #off = new Map<CallName, number>();
  /** Found out: this desk reads a write's parameters from the query only. */
  #writesInQuery = false;

  constructor(settings: InvgateSettings, io: VendorIo) {
    this.#access = createAccess(settings, io);
    this.#io = io;
  }

  async rows<T>(call: ReadCall, query: Params, row: z.ZodType<T>, context: CallContext): Promise<Rows<T>> {
    const { opened, value, serverNow } = await this.#read(call, query, context);
    if (opened.kind !== 'rows') throw this.unexpected(call, 'a list', value);
    const rows = opened.rows.map((item) => readShape(this.#access.errors, call, row, item));
    return { rows, raw: opened.rows, nextKey: opened.nextKey, serverNow };
  }

  async ids(call: ReadCall, query: Params, context: CallContext): Promise<Ids> {
    const { opened, value, serverNow } = await this.#read(call, query, context);
    const list = opened.kind === 'ids' ? opened.ids : opened.kind === 'rows' ? opened.rows : null;
    if (list === null) throw this.unexpected(call, 'requestIds', value);
    const ids = list.map((item) => {
      if (typeof item === 'string' || typeof item === 'number') return String(item);
      throw this.unexpected(call, 'bare ids', item);
    });
    const { limit, total } = opened.kind === 'ids' ? opened : { limit: null, total: null };
    return { ids, limit, total, serverNow };
  }

  async find<T>(
    call: ReadCall,
    query: Params,
    schema: z.ZodType<T>,
    context: CallContext,
  ): Promise<{ readonly value: T; readonly raw: unknown } | null> {
    const found = await this.#read(call, query, context).catch((error: unknown) => {
      if (error instanceof VendorError && error.reason === 'not_found') return null;
      throw error;
    });
    if (found === null) return null;
    const { opened, value } = found;
    if (opened.kind === 'rows' && opened.rows.length === 0) return null;
    const raw = opened.kind === 'rows' ? opened.rows[0] : value;
    return { value: readShape(this.#access.errors, call, schema, raw), raw };
  }

  async raw(call: ReadCall, query: Params, context: CallContext): Promise<unknown> {
    return (await this.#read(call, query, context)).value;
  }

  async write(
    call: WriteCall,
    form: Params,
    context: CallContext,
  ): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.#change(call, form, context);
    const value = answer.json();
    const opened = this.#open(call, value);
    if (opened.kind === 'object') return opened.object;
    const only = opened.kind === 'rows' ? opened.rows[0] : undefined;
    if (typeof only === 'object' && only !== null) return only as Readonly<Record<string, unknown>>;
    throw this.unexpected(call, 'a result', value);
  }

  lacks(call: CallName): boolean {
    return this.#io.clock.monotonic() < (this.#off.get(call) ?? -Infinity);
  }

  refused(message: string): VendorError {
    return this.#access.errors.error(message, 'refused', { notApplied: true });
  }

  unexpected(call: string, expected: string, got: unknown): VendorError {
    return this.#access.errors.error(unexpected(call, expected, got), 'unreadable');
  }

  close(): Promise<void> {
    return this.#access.close();
  }

  async #read(
    call: ReadCall,
    query: Params,
    context: CallContext,
  ): Promise<{ readonly opened: Opened; readonly value: unknown; readonly serverNow: number | null }> {
    const answer = await this.#call(call, { query }, context);
    const value = answer.json();
    return { opened: this.#open(call, value), value, serverNow: answer.serverNow };
  }

  /** Some failures come with HTTP 200 (integration reference 2.2); the number in them is a status all the same. */
  #open(call: CallName, value: unknown): Opened {
    const opened = openEnvelope(value);
    if (opened.kind !== 'error') return opened;
    const reason = opened.status === 404 ? 'not_found' : 'refused';
    throw this.#access.errors.error(`${call}: ${opened.message.slice(0, 300)}`, reason, { notApplied: true });
  }

  /**
   * Forms, as the manual's examples have it. Public clients differ (integration reference 2.1): when the desk misses
   * a parameter that was sent, it has read nothing and done nothing, so that one call goes again as a query.
   */
  async #change(call: WriteCall, form: Params, context: CallContext): Promise<VendorAnswer> {
    if (this.#writesInQuery) return this.#call(call, { query: form }, context);
    try {
      return await this.#call(call, { form }, context);
    } catch (error) {
      if (!missesSentParameter(error, form)) throw error;
      this.#writesInQuery = true;
      this.#io.warn('the desk does not read forms: writes go as a query from now on', { call });
      return this.#call(call, { query: form }, context);
    }
  }

  async #call(
    name: CallName,
    params: Pick<VendorCall, 'query' | 'form'>,
    context: CallContext,
  ): Promise<VendorAnswer> {
    if (this.lacks(name)) throw this.refused(`${name}: this desk's version does not have it`);
    const [method, path] = splitCall(name);
    const call = { method, path, ...params };
    try {
      return await this.#callOnce(call, context);
    } catch (error) {
      if (!isOff(name, error)) throw error;
      this.#off.set(name, this.#io.clock.monotonic() + OFF_FOR_MS);
      this.#io.warn('a call is not offered to us: switched off for six hours', { call: name });
      throw this.refused(`${name}: not offered by this desk (${error.status})`);
    }
  }

  /** A refusal may only mean that the token has ended or lacks a scope: another one is tried once. */
  async #callOnce(call: VendorCall, context: CallContext): Promise<VendorAnswer> {
    const http = await this.#access.open(context);
    try {
      return await http.call(call, context);
    } catch (error) {
      if (!isRefusedAccess(error) || !(await this.#access.renew(http, context))) throw error;
      return await (await this.#access.open(context)).call(call, context);
    }
  }
}

function isOff(call: CallName, error: unknown): error is VendorError {
  return (
    OPTIONAL.includes(call) &&
    error instanceof VendorError &&
    error.status !== undefined &&
    OFF.includes(error.status)
  );
}

/** 428 with the name of a parameter that we did send. The manual has no code for it, so its text must do. */
function missesSentParameter(error: unknown, form: Params): boolean {
  if (!(error instanceof VendorError) || error.status !== 428) return false;
  const said = error.message.slice(error.message.indexOf('428') + 3).toLowerCase();
  return Object.keys(form).some((name) => new RegExp(`\\b${name.replace('[]', '')}\\b`).test(said));
}
