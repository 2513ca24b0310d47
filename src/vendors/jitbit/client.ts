import type { z } from 'zod';
import { VendorError } from '../../errors.ts';
import { looksLikePage } from '../http/answer.ts';
import { createVendorHttp, type Params, type VendorAnswer, type VendorHttp } from '../http/client.ts';
import type { StatusOverrides } from '../http/classify.ts';
import { readCa } from '../http/settings.ts';
import { readList, readShape } from '../http/shape.ts';
import type { CallContext, VendorIo } from '../vendor.ts';
import type { JitbitSettings } from './settings.ts';

/**
 * Calls to one Jitbit desk. Parameters go as query or form fields, never JSON (document, "Use Query-string or POST
 * vars, not JSON"); all that changes something is a POST, because proxies repeat GETs.
 */
export interface JitbitClient {
  /** A list. @throws VendorError `unreadable`, naming the call and the keys seen, when it is none */
  list<T>(path: string, query: Params, row: z.ZodType<T>, context: CallContext): Promise<JitbitList<T>>;
  /** One object. */
  one<T>(path: string, query: Params, schema: z.ZodType<T>, context: CallContext): Promise<JitbitOne<T>>;
  /** As {@link one}, or null when the desk has no such thing (404). */
  find<T>(
    path: string,
    query: Params,
    schema: z.ZodType<T>,
    context: CallContext,
  ): Promise<JitbitOne<T> | null>;
  /** `POST Authorization`: the current user; changes nothing. */
  authorize<T>(schema: z.ZodType<T>, context: CallContext): Promise<T>;
  /** Changes something. @returns the answer's text: empty, a bare id, or a message */
  post(path: string, form: Params, context: CallContext): Promise<string>;
  refused(message: string): VendorError;
  conflict(message: string): VendorError;
  close(): Promise<void>;
}

export interface JitbitList<T> {
  readonly rows: readonly T[];
  /** The same rows as they came. */
  readonly raw: readonly unknown[];
  readonly serverNow: number | null;
}

export interface JitbitOne<T> {
  readonly value: T;
  readonly raw: unknown;
}

/** Three wrong logins in a row block the caller's address for five minutes: after the first, wait longer than that. */
const AUTH_SILENCE_MS = 6 * 60_000;

/** 403 is also what a call without the permission for it gets; see {@link Client.#explain403}. */
const FORBIDDEN_IS_REFUSED: StatusOverrides = { 403: { reason: 'refused', notApplied: true } };

/** Limited to 60 a minute instead of 90 (document, "Rate Limiting"). */
const SEARCH_CALLS: readonly string[] = ['Search', 'UserByEmail'];

/** Calls that the document does not mark POST: where POST gives 405, GET is meant. */
const UNMARKED_CALLS: readonly string[] = ['Close', 'LinkTickets'];

export function createJitbitClient(settings: JitbitSettings, io: VendorIo): JitbitClient {
  return new Client(settings, io);
}

class Client implements JitbitClient {
  readonly #http: VendorHttp;

  constructor(settings: JitbitSettings, io: VendorIo) {
    const { authorization, secrets } = credentials(settings);
    this.#http = createVendorHttp({
      vendor: { id: 'jitbit', name: 'Jitbit' },
      baseUrl: `${settings.url}/api`,
      headers: { authorization },
      secrets,
      io,
      ca: readCa(settings.ca),
      authSilenceMs: AUTH_SILENCE_MS,
    });
  }

  async list<T>(
    path: string,
    query: Params,
    row: z.ZodType<T>,
    context: CallContext,
  ): Promise<JitbitList<T>> {
    const answer = await this.#get(path, query, context);
    const raw = readList(this.#http, `GET ${path}`, answer.json());
    const rows = raw.map((item) => readShape(this.#http, `GET ${path}`, row, item));
    return { rows, raw, serverNow: answer.serverNow };
  }

  async one<T>(
    path: string,
    query: Params,
    schema: z.ZodType<T>,
    context: CallContext,
  ): Promise<JitbitOne<T>> {
    const raw = (await this.#get(path, query, context)).json();
    return { value: readShape(this.#http, `GET ${path}`, schema, raw), raw };
  }

  async find<T>(
    path: string,
    query: Params,
    schema: z.ZodType<T>,
    context: CallContext,
  ): Promise<JitbitOne<T> | null> {
    try {
      return await this.one(path, query, schema, context);
    } catch (error) {
      if (error instanceof VendorError && error.reason === 'not_found') return null;
      throw error;
    }
  }

  async authorize<T>(schema: z.ZodType<T>, context: CallContext): Promise<T> {
    const answer = await this.#http.call({ method: 'POST', path: 'Authorization', write: false }, context);
    return readShape(this.#http, 'POST Authorization', schema, answer.json());
  }

  async post(path: string, form: Params, context: CallContext): Promise<string> {
    const answer = await this.#change(path, form, context);
    if (looksLikePage(answer.text)) {
      throw this.#http.error(`POST ${path}: a page instead of an answer: wrong url?`, 'unreadable');
    }
    return answer.text.trim();
  }

  refused(message: string): VendorError {
    return this.#http.error(message, 'refused', { notApplied: true });
  }

  conflict(message: string): VendorError {
    return this.#http.error(message, 'conflict', { notApplied: true });
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async #get(path: string, query: Params, context: CallContext): Promise<VendorAnswer> {
    const budget = SEARCH_CALLS.includes(path) ? 'search' : 'default';
    const statuses = path === 'Tickets' ? {} : FORBIDDEN_IS_REFUSED;
    try {
      return await this.#http.call({ method: 'GET', path, query, budget, statuses }, context);
    } catch (error) {
      throw await this.#explain403(error, context);
    }
  }

  async #change(path: string, form: Params, context: CallContext): Promise<VendorAnswer> {
    try {
      return await this.#http.call({ method: 'POST', path, form, statuses: FORBIDDEN_IS_REFUSED }, context);
    } catch (error) {
      if (error instanceof VendorError && error.status === 405 && UNMARKED_CALLS.includes(path)) {
        return await this.#http.call({ method: 'GET', path, query: form, write: true }, context);
      }
      throw await this.#explain403(error, context);
    }
  }

  /**
   * 403 may mean that this user may not do this, or that this address is blocked. A call that every user may make
   * tells: if it is refused as well, its error (`auth`, with the silence) is the true one.
   */
  async #explain403(error: unknown, context: CallContext): Promise<unknown> {
    if (!(error instanceof VendorError) || error.status !== 403 || error.reason !== 'refused') return error;
    try {
      await this.#http.call({ method: 'POST', path: 'Authorization', write: false }, context);
      return error;
    } catch (second) {
      return second instanceof VendorError && second.reason === 'auth'
        ? withNotApplied(second, error)
        : error;
    }
  }
}

/** The block is the reason; that the first call was refused still proves that nothing was applied. */
function withNotApplied(block: VendorError, refused: VendorError): VendorError {
  const { reason, vendor, connection, retryAt, status } = block;
  return new VendorError(block.message, {
    reason,
    vendor,
    connection,
    retryAt,
    status,
    notApplied: refused.notApplied,
    cause: block,
  });
}

function credentials(settings: JitbitSettings): { authorization: string; secrets: readonly string[] } {
  if (settings.token !== undefined) {
    return { authorization: `Bearer ${settings.token}`, secrets: [settings.token] };
  }
  const pair = `${settings.user}:${settings.password}`;
  const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  return { authorization, secrets: [settings.password ?? '', pair] };
}
