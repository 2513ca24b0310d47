import { createHmac, hash, timingSafeEqual } from 'node:crypto';

/**
 * Who may post to a hook: every scheme checks the exact bytes that came, compares in constant time, and answers
 * nothing but yes or no. The first secret that fits wins, so that [new, old] rotates without a rejected delivery.
 */

export type VerifyScheme =
  | {
      readonly scheme: 'standard-webhooks' | 'github' | 'slack' | 'bearer' | 'url-secret';
      readonly secrets: readonly string[];
    }
  | {
      readonly scheme: 'hmac';
      readonly header: string;
      readonly algorithm: 'sha256' | 'sha1' | 'sha512';
      readonly encoding: 'hex' | 'base64';
      readonly prefix: string;
      readonly secrets: readonly string[];
    }
  | { readonly scheme: 'basic'; readonly user: string; readonly secrets: readonly string[] };

export interface Inbound {
  readonly bytes: Uint8Array;
  header(name: string): string | undefined;
  /** Last path segment, where the sender put its secret. */
  readonly urlSecret: string | undefined;
  /** Wall clock, epoch ms. */
  readonly now: number;
}

/** Clocks may differ by this much; older signatures are replays (Standard Webhooks, Slack: 5 minutes). */
const TOLERANCE_S = 300;
/** Digits only, at most 12: `1e9`, `-1` and 400 digits are no time stamps. */
const TIMESTAMP = /^\d{1,12}$/;
/** More signatures than any rotation needs are an attempt to make us work. */
const MAX_SIGNATURES = 16;

/** True if the request proves that its sender knows one of the secrets. Never throws. */
export function verify(scheme: VerifyScheme, inbound: Inbound): boolean {
  const secrets = scheme.secrets.filter((secret) => secret !== '');
  switch (scheme.scheme) {
    case 'standard-webhooks':
      return secrets.some((secret) => standardWebhooks(secret, inbound));
    case 'github':
      return hmacHeader(inbound, secrets, 'x-hub-signature-256', 'sha256', 'hex', 'sha256=');
    case 'slack':
      return slack(secrets, inbound);
    case 'hmac':
      return hmacHeader(inbound, secrets, scheme.header, scheme.algorithm, scheme.encoding, scheme.prefix);
    case 'bearer':
      return matchesOne(after(inbound.header('authorization'), 'bearer '), secrets);
    case 'basic':
      return basic(scheme.user, secrets, inbound);
    case 'url-secret':
      return matchesOne(inbound.urlSecret, secrets);
  }
}

function standardWebhooks(secret: string, inbound: Inbound): boolean {
  const id = inbound.header('webhook-id');
  const timestamp = inbound.header('webhook-timestamp');
  const signatures = (inbound.header('webhook-signature') ?? '').split(' ');
  if (id === undefined || id === '' || !isRecent(timestamp, inbound.now)) return false;
  if (signatures.length > MAX_SIGNATURES) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const wanted = createHmac('sha256', key)
    .update(`${id}.${timestamp}.`)
    .update(inbound.bytes)
    .digest('base64');
  return signatures.some((signature) => same(after(signature, 'v1,'), wanted));
}

function slack(secrets: readonly string[], inbound: Inbound): boolean {
  const timestamp = inbound.header('x-slack-request-timestamp');
  if (!isRecent(timestamp, inbound.now)) return false;
  const signature = inbound.header('x-slack-signature');
  return secrets.some((secret) =>
    same(
      signature,
      `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:`).update(inbound.bytes).digest('hex')}`,
    ),
  );
}

function hmacHeader(
  inbound: Inbound,
  secrets: readonly string[],
  header: string,
  algorithm: string,
  encoding: 'hex' | 'base64',
  prefix: string,
): boolean {
  const given = inbound.header(header);
  if (given === undefined || !given.startsWith(prefix)) return false;
  return secrets.some((secret) =>
    same(given.slice(prefix.length), createHmac(algorithm, secret).update(inbound.bytes).digest(encoding)),
  );
}

function basic(user: string, secrets: readonly string[], inbound: Inbound): boolean {
  const encoded = after(inbound.header('authorization'), 'basic ');
  if (encoded === undefined) return false;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) return false;
  const userFits = same(text.slice(0, colon), user);
  return matchesOne(text.slice(colon + 1), secrets) && userFits;
}

function isRecent(timestamp: string | undefined, now: number): timestamp is string {
  if (timestamp === undefined || !TIMESTAMP.test(timestamp)) return false;
  return Math.abs(now / 1000 - Number(timestamp)) <= TOLERANCE_S;
}

/** What follows a prefix, whose letter case does not matter. */
function after(text: string | undefined, prefix: string): string | undefined {
  if (text === undefined || text.slice(0, prefix.length).toLowerCase() !== prefix) return undefined;
  return text.slice(prefix.length);
}

function matchesOne(given: string | undefined, secrets: readonly string[]): boolean {
  let found = false;
  for (const secret of secrets) found = same(given, secret) || found;
  return found;
}

/** Constant time whatever the lengths: digests of both are compared. */
function same(given: string | undefined, wanted: string): boolean {
  const digest = (text: string): Buffer => Buffer.from(hash('sha256', text, 'hex'));
  return timingSafeEqual(digest(given ?? ''), digest(wanted)) && given !== undefined && given !== '';
}

/** True if an Authorization header carries this bearer token; always false without a configured token. */
export function matchesBearer(authorization: string | undefined, token: string | null): boolean {
  return token !== null && token !== '' && matchesOne(after(authorization, 'bearer '), [token]);
}
