import { isIP } from 'node:net';
import { z } from 'zod';
import { parseRate, parseSpan } from '../match/span.ts';
import { budgetFor } from '../vendors/budget.ts';
import type { BudgetSpec } from '../vendors/vendor.ts';

/** Values as people write them in `deskhand.yaml`, with what was expected where they are something else. */

/**
 * Milliseconds of a duration: `90s`, `15m`, `4h`, `2d`, `1w`, `1h30m`.
 *
 * @returns null for anything else
 */
export const parseDuration: (text: string) => number | null = parseSpan;

/** A parser that says what it wants when the value has the wrong type or does not parse. */
function parsed<T>(expected: string, parse: (text: string) => T | null): z.ZodType<T> {
  return z.unknown().transform((value, context) => {
    const result = typeof value === 'string' ? parse(value) : null;
    if (result !== null) return result;
    context.issues.push({ code: 'custom', message: `expected ${expected}`, input: value });
    return z.NEVER;
  });
}

/** A duration in milliseconds. */
export const duration = parsed('a duration such as 90s, 15m, 4h, 2d, 1w or 1h30m', parseDuration);

/** `90/m`: never more calls than that in any such span, as the bucket that keeps it. */
export const rate: z.ZodType<BudgetSpec> = parsed('a rate such as 90/m or 60/h', (text) => {
  const found = parseRate(text);
  return found === null ? null : budgetFor(found.runs, found.perMs);
});

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 * 1024 };
/** A delivery is held in memory whole while its group commits. */
const MAX_BODY = 25 * 1024 * 1024;

/** Bytes: `1048576`, `512KiB`, `1MiB` (KB and MB mean the same). */
export const byteSize: z.ZodType<number> = z.unknown().transform((value, context) => {
  const [, count, unit] = /^(\d{1,9}) ?(?:([km])i?b)?$/i.exec(String(value)) ?? [];
  const bytes = Number(count) * (UNITS[(unit ?? '').toLowerCase()] ?? NaN);
  if (bytes >= 1024 && bytes <= MAX_BODY) return bytes;
  context.issues.push({
    code: 'custom',
    message: 'expected a size from 1KiB to 25MiB, such as 512KiB, 1MiB or 1048576',
    input: value,
  });
  return z.NEVER;
});

/** Text that is not empty. A number is taken as the text it was written as: ids are often bare numbers. */
export const text: z.ZodType<string> = z
  .union([z.string(), z.number()], { error: 'expected text' })
  .transform(String)
  .refine((value) => value.trim() !== '', { error: 'is empty' });

/** One secret; white space at its ends is a slip of copying that would be refused far away from here. */
export const secret = z
  .string({ error: 'expected text' })
  .min(1, { error: 'is empty' })
  .refine((value) => value === value.trim(), { error: 'begins or ends with white space' });

/** One secret, or `[new, old]` while it rotates. */
export const secrets: z.ZodType<readonly string[]> = z.union(
  [secret.transform((value) => [value]), z.array(secret).min(1, { error: 'is empty' })],
  { error: 'expected a secret, or [new, old]' },
);

/** An http(s) URL without credentials. */
export const httpUrl = z
  .string({ error: 'expected an http(s) URL' })
  .refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), {
    error: 'expected an http(s) URL',
  })
  .refine((value) => !URL.canParse(value) || new URL(value).username === '', {
    error: 'expected a URL without user and password',
  });

/** A language tag, for comparing text: `tr`, `de-CH`. */
export const locale = parsed('a language tag such as tr or de-CH', (value) => {
  try {
    return Intl.getCanonicalLocales(value)[0] ?? null;
  } catch {
    return null;
  }
});

const HOST = /^(?=.{1,253}(?::|$))[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i;

/** Where `http.post` may go: `hooks.example.com`, `10.1.2.3:8080`, `[fd00::1]:8080` or `10.0.0.0/8`. */
export const destination = parsed(
  'a host, host:port or address range, such as hooks.example.com, 10.1.2.3:8080 or 10.0.0.0/8 (no scheme, path or *)',
  (value) => (isDestination(value) ? value.toLowerCase() : null),
);

function isDestination(value: string): boolean {
  const [, address = '', prefix] = /^([^/]+)\/(\d{1,3})$/.exec(value) ?? [];
  if (prefix !== undefined) {
    const family = isIP(address);
    return family !== 0 && Number(prefix) <= (family === 4 ? 32 : 128);
  }
  if (isIP(value) !== 0) return true;
  const [, host = value, port] = /^(.+):(\d{1,5})$/.exec(value) ?? [];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return false;
  const bare = /^\[(.+)\]$/.exec(host)?.[1];
  if (bare !== undefined) return isIP(bare) === 6;
  return HOST.test(host);
}
