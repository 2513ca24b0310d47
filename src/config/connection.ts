import type { z } from 'zod';
import type { ConnectionOptions } from '../connections.ts';
import { didYouMean } from '../did-you-mean.ts';
import type { VerifyScheme } from '../http/verify.ts';
import type { Vendor } from '../vendors/vendor.ts';
import type { Complain, Path } from './expand.ts';
import { explainIssues } from './issues.ts';
import { connectionSchema } from './schema.ts';
import { duration } from './values.ts';

/** One connection of the configuration: what opens it, and what its hook needs. */
export interface ConnectionConfig extends ConnectionOptions {
  /** How senders prove themselves at `/hooks/<name>`; null: they cannot, every delivery is refused. */
  readonly verify: VerifyScheme | null;
  /** Bytes that a delivery may have. */
  readonly maxBody: number;
  /** Language in which texts are compared; null: all at once (rule-matching: folding). */
  readonly locale: string | null;
}

/** What reads one part of the configuration. */
export interface PartContext {
  readonly complain: Complain;
  readonly isHidden: (path: Path) => boolean;
}

/** Names stand in addresses (`/hooks/<name>`), rules and metrics. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** @returns undefined if anything is wrong with it, all of which is then said */
export function readConnection(
  name: string,
  written: unknown,
  vendors: Readonly<Record<string, Vendor>>,
  context: PartContext,
): ConnectionConfig | undefined {
  const base = ['connections', name];
  let isRight = true;
  const complain: Complain = (path, message, what) => {
    isRight = false;
    context.complain(path, message, what);
  };
  if (!NAME.test(name)) {
    complain(
      base,
      'a connection’s name is made of letters, digits, ".", "_" and "-", at most 63 of them',
      'key',
    );
  }
  if (!isMap(written)) {
    complain(base, `"${name}": expected the keys of a connection, at least vendor`, 'key');
    return undefined;
  }
  const vendor = chooseVendor(written['vendor'], vendors, base, complain);
  const parts = readParts(written, vendor, base, { ...context, complain });
  if (!isRight || vendor === undefined || parts === undefined) return undefined;
  const { common, settings, poll } = parts;
  return {
    name,
    vendor,
    settings,
    poll,
    budget: common.rate ?? null,
    settleMs: common.settle,
    reference: common.reference,
    lateAfterMs: common.late_after,
    maxBody: common.max_body,
    locale: common.locale ?? null,
    verify: common.verify ?? urlSecret(common.webhook_secret),
  };
}

function urlSecret(secrets: readonly string[] | undefined): VerifyScheme | null {
  return secrets === undefined ? null : { scheme: 'url-secret', secrets };
}

function chooseVendor(
  written: unknown,
  vendors: Readonly<Record<string, Vendor>>,
  base: Path,
  complain: Complain,
): Vendor | undefined {
  const known = Object.keys(vendors);
  const path = [...base, 'vendor'];
  if (typeof written !== 'string') {
    complain(path, `"vendor" is missing; expected one of ${known.join(', ')}`, 'key');
    return undefined;
  }
  if (Object.hasOwn(vendors, written)) return vendors[written];
  complain(
    path,
    `unknown vendor "${written}"; expected one of ${known.join(', ')}.${didYouMean(written, known)}`,
  );
  return undefined;
}

interface Parts {
  readonly common: z.infer<typeof connectionSchema>;
  readonly settings: unknown;
  readonly poll: ConnectionOptions['poll'];
}

const COMMON_KEYS = Object.keys(connectionSchema.shape);

function readParts(
  written: Readonly<Record<string, unknown>>,
  vendor: Vendor | undefined,
  base: Path,
  context: PartContext,
): Parts | undefined {
  const entries = Object.entries(written).filter(([key]) => key !== 'vendor');
  const isCommon = ([key]: [string, unknown]): boolean => COMMON_KEYS.includes(key);
  const commonWritten = Object.fromEntries(entries.filter(isCommon));
  const common = connectionSchema.safeParse(commonWritten);
  if (!common.success) {
    explainIssues(common.error.issues, { ...context, value: commonWritten, schema: connectionSchema, base });
  }
  if (vendor === undefined) return undefined;
  const poll = readPoll(written['poll'], vendor, [...base, 'poll'], context.complain);
  checkHook(written, vendor, base, context.complain);

  const own = Object.fromEntries(entries.filter((entry) => !isCommon(entry)));
  const settings = vendor.settings.safeParse(own);
  if (!settings.success) {
    const explained = { ...context, value: own, schema: vendor.settings, base, moreKeys: COMMON_KEYS };
    explainIssues(settings.error.issues, explained);
  }
  if (!common.success || !settings.success) return undefined;
  return { common: common.data, settings: settings.data, poll };
}

function readPoll(
  written: unknown,
  vendor: Vendor,
  path: Path,
  complain: Complain,
): number | Record<string, number> | null {
  if (written === undefined) return null;
  const feeds = vendor.connect === null ? [] : vendor.capabilities.feeds.map(({ name }) => name);
  if (feeds.length === 0) {
    complain(path, `a ${vendor.name} connection only receives; there is nothing to poll`, 'key');
    return null;
  }
  const read = (value: unknown, at: Path): number => {
    const result = duration.safeParse(value);
    if (!result.success) complain(at, `"${String(at.at(-1))}": ${result.error.issues[0]?.message ?? ''}`);
    return result.data ?? 0;
  };
  if (!isMap(written)) return read(written, path);
  const known = `${vendor.name} has the feed${feeds.length === 1 ? '' : 's'} ${feeds.join(', ')}`;
  for (const feed of Object.keys(written).filter((key) => !feeds.includes(key))) {
    complain([...path, feed], `unknown feed "${feed}"; ${known}.${didYouMean(feed, feeds)}`, 'key');
  }
  return Object.fromEntries(
    Object.entries(written).map(([feed, value]) => [feed, read(value, [...path, feed])]),
  );
}

function checkHook(
  written: Readonly<Record<string, unknown>>,
  vendor: Vendor,
  base: Path,
  complain: Complain,
): void {
  const { verify, webhook_secret: secret } = written;
  if (verify !== undefined && secret !== undefined) {
    complain([...base, 'webhook_secret'], 'expected either verify or webhook_secret, not both', 'key');
  }
  if (vendor.inbound === null && (verify !== undefined || secret !== undefined)) {
    const key = verify === undefined ? 'webhook_secret' : 'verify';
    complain([...base, key], `${vendor.name} sends no webhooks; remove "${key}"`, 'key');
  }
  if (vendor.inbound?.kind === 'event' && verify === undefined && secret === undefined) {
    complain(
      base,
      `a ${vendor.name} connection takes deliveries from outside and needs "verify" (or "webhook_secret") to tell who sent them`,
      'key',
    );
  }
}

/** True for keys and values. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
