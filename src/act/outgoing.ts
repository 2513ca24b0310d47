import { lookup as dnsLookup } from 'node:dns';
import { isIP } from 'node:net';
import { Agent, type Dispatcher } from 'undici';
import type { Clock } from '../clock.ts';
import { exchange, ExchangeError, type ExchangeAnswer } from '../vendors/http/exchange.ts';
import { parseRetryAfter } from '../vendors/http/classify.ts';
import { parseAllowList, type AllowList } from './outgoing-allow.ts';
import type { FailureReason } from './retry.ts';
import { ActionError } from './task.ts';

/**
 * The only way from a rule to an address that an operator did not configure as a connection. Comes in: a URL made
 * by a template. Goes out: one POST, if its host, port and every address behind its name are allowed. Redirects are
 * never followed; the address check happens where the socket is opened, so a name cannot change its mind in between.
 */

export interface OutgoingPost {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** Aborts the post; once it was written its outcome is unknown. */
  readonly signal?: AbortSignal;
}

export interface OutgoingAnswer {
  readonly status: number;
  /** The first 1 MiB of the answer. */
  readonly body: string;
  /** How long the receiver asked to be left alone (`Retry-After`); null: it did not. */
  readonly retryAfterMs: number | null;
}

export interface Outgoing {
  /**
   * Posts once. Any answer but a redirect is a value, whatever its status.
   *
   * @throws ActionError `refused` for what is not allowed (nothing was sent) and for redirects, `unreachable` when
   *   nothing could be sent, `timeout` when no complete answer came; `notApplied` is exact
   */
  post(url: string, post: OutgoingPost): Promise<OutgoingAnswer>;
  close(): Promise<void>;
}

/** Resolves a name to all its addresses, as `dns.lookup(name, { all: true })`. */
export type Resolve = (
  hostname: string,
  callback: (error: Error | null, addresses: readonly { address: string; family: number }[]) => void,
) => void;

export interface OutgoingOptions {
  /** `http.allow`: hosts, `host:port`, addresses, `address:port`, CIDR. Nothing else is reachable. */
  readonly allow: readonly string[];
  readonly clock: Clock;
  /** For everything together. Default 20 s (engine.md 5). */
  readonly timeoutMs?: number;
  /** Open sockets per origin; more posts wait. Default 32. */
  readonly connectionsPerHost?: number;
  /** Default: the system's resolver. */
  readonly resolve?: Resolve;
}

const MAX_ANSWER_BYTES = 1024 * 1024;
const CONNECT_TIMEOUT_MS = 5_000;

/** Set by the connection itself; a template that names another host must not. */
const RESERVED_HEADERS: readonly string[] = [
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'expect',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
];

/** @throws TypeError when an entry of the allow-list is none; `checkAllowEntry` says so beforehand */
export function createOutgoing(options: OutgoingOptions): Outgoing {
  const allow = parseAllowList(options.allow);
  const agent = new Agent({
    connections: options.connectionsPerHost ?? 32,
    pipelining: 1,
    // The exchange has one total deadline.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      lookup: checkedLookup(allow, options.resolve ?? resolveAll),
    },
  });
  const timeoutMs = options.timeoutMs ?? 20_000;
  return {
    post: (url, post) => send({ agent, allow, timeoutMs, clock: options.clock }, url, post),
    close: () => agent.destroy(),
  };
}

interface Sender {
  readonly agent: Dispatcher;
  readonly allow: AllowList;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

async function send(sender: Sender, url: string, post: OutgoingPost): Promise<OutgoingAnswer> {
  const { agent, allow, timeoutMs, clock } = sender;
  const target = checkUrl(url, allow);
  checkHeaders(post.headers);
  const where = `${target.protocol}//${target.host}`;
  const answer = await attempt(where, () =>
    exchange(agent, {
      origin: target.origin,
      path: `${target.pathname}${target.search}`,
      method: 'POST',
      headers: { 'user-agent': 'deskhand', ...post.headers },
      body: post.body,
      signal: post.signal ?? null,
      timeoutMs,
      maxBytes: MAX_ANSWER_BYTES,
      whenTooLarge: 'cut',
    }),
  );
  if (answer.status >= 300 && answer.status < 400) {
    // The receiver may have acted and then pointed to the result.
    const message = `${where} answered ${answer.status}: redirects are not followed`;
    throw new ActionError(message, { reason: 'refused', notApplied: false });
  }
  const asked = answer.headers['retry-after'];
  const now = clock.now();
  const retryAt = asked === undefined ? null : parseRetryAfter(asked, now, null);
  return {
    status: answer.status,
    body: answer.body.toString('utf8'),
    retryAfterMs: retryAt === null ? null : retryAt - now,
  };
}

async function attempt(where: string, run: () => Promise<ExchangeAnswer>): Promise<ExchangeAnswer> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error;
    // The address check runs inside the connect; its refusal comes back as the cause.
    if (error.cause instanceof ActionError) throw error.cause;
    const reason = reasonOf(error);
    throw new ActionError(`${where}: ${error.message}`, { reason, notApplied: !error.sent, cause: error });
  }
}

function reasonOf(error: ExchangeError): FailureReason {
  return error.failure === 'unreachable' ? 'unreachable' : 'timeout';
}

/**
 * Checks a URL as far as it can be without resolving its name.
 *
 * @returns the parsed URL, its host in the one spelling that `new URL` gives: `127.1`, `0x7f.1`, `2130706433` and
 *   full-width digits all are `127.0.0.1` from here on
 * @throws ActionError `refused`
 */
export function checkUrl(text: string, allow: AllowList): URL {
  // `new URL` silently drops line breaks and tabs: they are refused before it can.
  if (hasControl(text) || text !== text.trim())
    throw forbidden('the URL contains control characters or spaces');
  if (!URL.canParse(text)) throw forbidden('not a URL');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw forbidden(`${url.protocol} is not http or https`);
  if (url.username !== '' || url.password !== '') throw forbidden('the URL contains a user or password');
  const hostname = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const port = Number(url.port === '' ? defaultPort(url.protocol) : url.port);
  const refusal =
    isIP(hostname) === 0 ? allow.refuseName(hostname, port) : allow.refuseAddress(hostname, port);
  if (refusal !== null) throw forbidden(refusal);
  return url;
}

function defaultPort(protocol: string): number {
  return protocol === 'https:' ? 443 : 80;
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (hasControl(name) || hasControl(value)) throw forbidden('a header contains control characters');
    if (RESERVED_HEADERS.includes(name.toLowerCase())) throw forbidden(`the header ${name} may not be set`);
  }
}

function hasControl(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return /[\u0000-\u001f\u007f]/.test(text);
}

function forbidden(message: string): ActionError {
  return new ActionError(message, { reason: 'refused', notApplied: true });
}

const resolveAll: Resolve = (hostname, callback) => {
  dnsLookup(hostname, { all: true, verbatim: true }, callback);
};

type LookupCallback = (
  error: Error | null,
  address: string | { address: string; family: number }[],
  family?: number,
) => void;

/**
 * The lookup that opens sockets: what it answers is what is connected to, so a name cannot resolve to another
 * address after the check. One forbidden address among several refuses the name.
 */
function checkedLookup(allow: AllowList, resolve: Resolve) {
  return (hostname: string, options: { all?: boolean | undefined }, callback: LookupCallback): void => {
    resolve(hostname, (error, addresses) => {
      const failure = error ?? refusalOf(allow, hostname, addresses);
      if (failure !== null) return callback(failure, []);
      if (options.all === true) return callback(null, [...addresses]);
      const [first] = addresses;
      callback(null, first?.address ?? '', first?.family ?? 4);
    });
  };
}

function refusalOf(
  allow: AllowList,
  hostname: string,
  addresses: readonly { address: string }[],
): ActionError | null {
  if (addresses.length === 0) return forbidden(`${hostname} resolves to no address`);
  const refused = addresses.find(({ address }) => !allow.mayResolveTo(address));
  if (refused === undefined) return null;
  return forbidden(
    `${hostname} resolves to ${refused.address}, which is not public and not in http.allow: list both the name and the address`,
  );
}
