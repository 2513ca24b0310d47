import { VendorError } from '../../errors.ts';
import { createVendorHttp, type VendorHttp } from '../http/client.ts';
import { readCa } from '../http/settings.ts';
import type { CallContext, VendorIo } from '../vendor.ts';
import { scopesFor } from './calls.ts';
import { isRecord } from './envelope.ts';
import type { InvgateSettings } from './settings.ts';

/** How calls prove who we are: HTTP Basic with an API key, or OAuth2 client credentials (integration reference 2.1). */
export interface Access {
  /** The way to the desk, with valid credentials. @throws VendorError `auth` when they are refused */
  open(context: CallContext): Promise<VendorHttp>;
  /**
   * The desk refused these credentials (401, 403).
   *
   * @param refused what {@link open} gave
   * @returns true if there are other ones now and the call may be made once more
   */
  renew(refused: VendorHttp, context: CallContext): Promise<boolean>;
  /** For errors that need no call; its messages are redacted. */
  readonly errors: Pick<VendorHttp, 'error'>;
  close(): Promise<void>;
}

const VENDOR = { id: 'invgate', name: 'InvGate' };

export function createAccess(settings: InvgateSettings, io: VendorIo): Access {
  return settings.oauth === undefined
    ? basicAccess(settings, settings.key ?? '', io)
    : new OauthAccess(settings, settings.oauth, io);
}

function basicAccess(settings: InvgateSettings, key: string, io: VendorIo): Access {
  const pair = `${settings.user}:${key}`;
  const http = openHttp(settings, io, `Basic ${Buffer.from(pair).toString('base64')}`, [key, pair]);
  return {
    open: () => Promise.resolve(http),
    renew: () => Promise.resolve(false),
    errors: http,
    close: () => http.close(),
  };
}

function openHttp(
  settings: InvgateSettings,
  io: VendorIo,
  authorization: string,
  secrets: readonly string[],
): VendorHttp {
  return createVendorHttp({
    vendor: VENDOR,
    baseUrl: settings.url,
    headers: { authorization },
    secrets,
    io,
    ca: readCa(settings.ca),
  });
}

interface Session {
  readonly http: VendorHttp;
  /** By the monotonic clock, ms. */
  readonly until: number;
}

/** A token that says no lifetime is believed for this long. */
const DEFAULT_LIFETIME_S = 600;
/** A token is renewed before its end: calls take time. */
const EARLY_MS = 60_000;

class OauthAccess implements Access {
  readonly #settings: InvgateSettings;
  readonly #oauth: NonNullable<InvgateSettings['oauth']>;
  readonly #io: VendorIo;
  readonly #giver: VendorHttp;
  readonly #path: string;
  #session: Session | null = null;
  #opening: Promise<Session> | null = null;
  /** Sessions that calls may still be using; closed with the adapter, or when the next but one begins. */
  readonly #old: VendorHttp[] = [];

  constructor(settings: InvgateSettings, oauth: NonNullable<InvgateSettings['oauth']>, io: VendorIo) {
    this.#settings = settings;
    this.#oauth = oauth;
    this.#io = io;
    // The path of the tokens is documented for newer tenants only, so it can be configured.
    const url = new URL(oauth.url ?? `${new URL(settings.url).origin}/oauth/v2.0/access_token`);
    this.#path = url.pathname.replace(/^\/+/, '');
    this.#giver = createVendorHttp({
      vendor: VENDOR,
      baseUrl: url.origin,
      headers: {},
      secrets: [oauth.client_secret],
      io,
      ca: readCa(settings.ca),
      // RFC 6749, 5.2: a client that is not known gets 400 or 401.
      statuses: { 400: { reason: 'auth', notApplied: true } },
    });
  }

  get errors(): VendorHttp {
    return this.#giver;
  }

  async open(context: CallContext): Promise<VendorHttp> {
    const { clock } = this.#io;
    if (this.#session !== null && clock.monotonic() < this.#session.until) return this.#session.http;
    this.#opening ??= this.#begin(context).finally(() => {
      this.#opening = null;
    });
    return (await this.#opening).http;
  }

  async renew(refused: VendorHttp, context: CallContext): Promise<boolean> {
    // Somebody else has renewed it meanwhile: then the new one deserves a try.
    if (this.#session?.http === refused) {
      this.#old.push(refused);
      this.#session = null;
    }
    await this.open(context);
    return true;
  }

  async close(): Promise<void> {
    const open = [this.#giver, ...this.#old, ...(this.#session === null ? [] : [this.#session.http])];
    await Promise.all(open.map((http) => http.close()));
  }

  async #begin(context: CallContext): Promise<Session> {
    const { token, seconds } = await this.#askToken(context);
    const { clock } = this.#io;
    if (this.#session !== null) this.#old.push(this.#session.http);
    if (this.#old.length > 1) await this.#old.shift()?.close();
    const secrets = [this.#oauth.client_secret, token];
    const http = openHttp(this.#settings, this.#io, `Bearer ${token}`, secrets);
    this.#session = { http, until: clock.monotonic() + Math.max(EARLY_MS, seconds * 1000 - EARLY_MS) };
    return this.#session;
  }

  async #askToken(context: CallContext): Promise<{ readonly token: string; readonly seconds: number }> {
    const form = {
      grant_type: 'client_credentials',
      client_id: this.#oauth.client_id,
      client_secret: this.#oauth.client_secret,
      scope: scopesFor(this.#settings.url),
    };
    const call = { method: 'POST', path: this.#path, form, write: false } as const;
    const answer = (await this.#giver.call(call, context)).json();
    const token = isRecord(answer) ? answer['access_token'] : undefined;
    if (!isRecord(answer) || typeof token !== 'string' || token === '') {
      throw this.#giver.error(`POST ${this.#path}: no access_token in the answer`, 'unreadable');
    }
    if (answer['scope'] === '') {
      this.#io.warn(
        'the desk gives out tokens without scopes, which may do nothing: use key instead of oauth',
      );
    }
    const seconds = Number(answer['expires_in']);
    return { token, seconds: seconds > 0 ? seconds : DEFAULT_LIFETIME_S };
  }
}

/** True for an answer that refuses the credentials. */
export function isRefusedAccess(error: unknown): boolean {
  return error instanceof VendorError && (error.status === 401 || error.status === 403);
}
