import type { z } from 'zod';
import { VendorError } from '../../errors.ts';
import { createVendorHttp, type Params, type VendorAnswer, type VendorHttp } from '../http/client.ts';
import { readCa } from '../http/settings.ts';
import { readList, readShape } from '../http/shape.ts';
import type { CallContext, Json, VendorIo } from '../vendor.ts';
import type { BossdeskSettings } from './settings.ts';

/** Calls to one BOSSDesk: JSON both ways, errors as HTTP statuses. */
export interface BossdeskClient {
  /** A list, with the vendor's clock (epoch ms; null: it sent none). @throws VendorError `unreadable` when it is none */
  list<T>(path: string, query: Params, row: z.ZodType<T>, context: CallContext): Promise<BossdeskList<T>>;
  /** One object, or null when the desk has no such thing (404). */
  find<T>(path: string, schema: z.ZodType<T>, context: CallContext): Promise<Found<T> | null>;
  /** Changes something. @returns the parsed answer; null for 204 and other empty bodies */
  write(method: 'POST' | 'PATCH', path: string, body: Json, context: CallContext): Promise<unknown>;
  refused(message: string): VendorError;
  close(): Promise<void>;
}

export interface BossdeskList<T> {
  readonly rows: readonly T[];
  /** The same rows as they came. */
  readonly raw: readonly unknown[];
  readonly serverNow: number | null;
}

export interface Found<T> {
  readonly value: T;
  readonly raw: unknown;
}

export function createBossdeskClient(settings: BossdeskSettings, io: VendorIo): BossdeskClient {
  return new Client(settings, io);
}

class Client implements BossdeskClient {
  readonly #http: VendorHttp;

  constructor(settings: BossdeskSettings, io: VendorIo) {
    this.#http = createVendorHttp({
      vendor: { id: 'bossdesk', name: 'BOSSDesk' },
      baseUrl: settings.url,
      // Manual, "Request headers": both "with every request", so also with GET.
      headers: { authorization: `Token token="${settings.key}"`, 'content-type': 'application/json' },
      secrets: [settings.key],
      io,
      ca: readCa(settings.ca),
    });
  }

  async list<T>(
    path: string,
    query: Params,
    row: z.ZodType<T>,
    context: CallContext,
  ): Promise<BossdeskList<T>> {
    const answer = await this.#call({ method: 'GET', path, query }, context);
    const raw = readList(this.#http, `GET ${path}`, answer.json());
    const rows = raw.map((item) => readShape(this.#http, `GET ${path}`, row, item));
    return { rows, raw, serverNow: answer.serverNow };
  }

  async find<T>(path: string, schema: z.ZodType<T>, context: CallContext): Promise<Found<T> | null> {
    try {
      const raw = (await this.#call({ method: 'GET', path }, context)).json();
      return { value: readShape(this.#http, `GET ${path}`, schema, raw), raw };
    } catch (error) {
      if (error instanceof VendorError && error.reason === 'not_found') return null;
      throw error;
    }
  }

  async write(method: 'POST' | 'PATCH', path: string, body: Json, context: CallContext): Promise<unknown> {
    const answer = await this.#call({ method, path, json: body }, context);
    // Manual, "Response codes": 204 has no content.
    return answer.text.trim() === '' ? null : answer.json();
  }

  refused(message: string): VendorError {
    return this.#http.error(message, 'refused', { notApplied: true });
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async #call(call: Parameters<VendorHttp['call']>[0], context: CallContext): Promise<VendorAnswer> {
    try {
      return await this.#http.call(call, context);
    } catch (error) {
      throw error instanceof VendorError && error.status === 402 ? lapsed(error) : error;
    }
  }
}

/** Manual, "Response codes": 402 is "account expiration or subscription plan limits": only an operator can help. */
function lapsed(error: VendorError): VendorError {
  const { reason, vendor, connection, retryAt, notApplied, status } = error;
  const message = `${error.message} (the account has expired, or its plan has no API access)`;
  return new VendorError(message, { reason, vendor, connection, retryAt, notApplied, status, cause: error });
}
