import { z } from 'zod';
import { VendorError } from '../../errors.ts';
import { createVendorHttp, type Params, type VendorAnswer, type VendorHttp } from '../http/client.ts';
import { readCa } from '../http/settings.ts';
import { readShape, unexpected } from '../http/shape.ts';
import type { CallContext, Json, VendorIo } from '../vendor.ts';
import { failureIn, resultIn } from './envelope.ts';
import type { GotoassistSettings } from './settings.ts';

/** Calls to one GoToAssist Service Desk: JSON inside an envelope, failures inside a 200. */
export interface GotoassistClient {
  /** What a call's `result` holds, unwrapped. @throws VendorError */
  get<T>(path: string, query: Params, schema: z.ZodType<T>, context: CallContext): Promise<Result<T>>;
  /** As {@link get}, or null when the desk has no such thing (E400, 404). */
  find<T>(path: string, schema: z.ZodType<T>, context: CallContext): Promise<Result<T> | null>;
  /** Changes something. @returns the unwrapped `result` */
  write(
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    body: Json,
    context: CallContext,
    query?: Params,
  ): Promise<unknown>;
  /** Reads a part of an answer. @throws VendorError `unreadable` */
  part<T>(call: string, schema: z.ZodType<T>, value: unknown): T;
  refused(message: string): VendorError;
  close(): Promise<void>;
}

export interface Result<T> {
  readonly value: T;
  readonly raw: unknown;
  /** The vendor's clock, epoch ms; null: it sent none. */
  readonly serverNow: number | null;
}

/** A budget by the hour (45 calls to begin with) must be there when the desk is back: asking takes a part of it. */
const AWAY_SILENCE_MS = 120_000;

export function createGotoassistClient(settings: GotoassistSettings, io: VendorIo): GotoassistClient {
  return new Client(settings, io);
}

class Client implements GotoassistClient {
  readonly #http: VendorHttp;
  /** When the first of an unbroken row of E902 came. Lost on a restart, which costs one call. */
  #firstE902: number | null = null;

  constructor(settings: GotoassistSettings, io: VendorIo) {
    // Guide, "Basic Usage": the user name is ignored, the password is the token; Content-Type with every request.
    const pair = `x:${settings.token}`;
    const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
    this.#http = createVendorHttp({
      vendor: { id: 'gotoassist', name: 'GoToAssist' },
      baseUrl: settings.url,
      headers: { authorization, 'content-type': 'application/json' },
      secrets: [settings.token, pair],
      io,
      ca: readCa(settings.ca),
      awaySilenceMs: AWAY_SILENCE_MS,
      failureIn: (call, text) =>
        failureIn(call, text, () => {
          const now = io.clock.now();
          const firstAt = this.#firstE902;
          this.#firstE902 ??= now;
          return { now, firstAt, seed: io.connection };
        }),
    });
  }

  async get<T>(path: string, query: Params, schema: z.ZodType<T>, context: CallContext): Promise<Result<T>> {
    const answer = await this.#http.call({ method: 'GET', path: `${path}.json`, query }, context);
    return this.#result(`GET ${path}`, answer, schema);
  }

  async find<T>(path: string, schema: z.ZodType<T>, context: CallContext): Promise<Result<T> | null> {
    try {
      return await this.get(path, {}, schema, context);
    } catch (error) {
      if (error instanceof VendorError && error.reason === 'not_found') return null;
      throw error;
    }
  }

  async write(
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    body: Json,
    context: CallContext,
    query: Params = {},
  ): Promise<unknown> {
    const call = { method, path: `${path}.json`, query, ...(method === 'DELETE' ? {} : { json: body }) };
    const answer = await this.#http.call(call, context);
    return this.#result(`${method} ${path}`, answer, z.unknown()).value;
  }

  part<T>(call: string, schema: z.ZodType<T>, value: unknown): T {
    return readShape(this.#http, call, schema, value);
  }

  refused(message: string): VendorError {
    return this.#http.error(message, 'refused', { notApplied: true });
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  #result<T>(call: string, answer: VendorAnswer, schema: z.ZodType<T>): Result<T> {
    const body = answer.json();
    const raw = resultIn(body);
    if (raw === undefined) {
      throw this.#http.error(unexpected(call, 'a result with its status', body), 'unreadable');
    }
    this.#firstE902 = null;
    return { value: readShape(this.#http, call, schema, raw), raw, serverNow: answer.serverNow };
  }
}
