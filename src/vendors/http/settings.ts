import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** What the settings of every vendor with an API have in common. */

/**
 * The schema of a base URL: http(s), without user, query or fragment; slashes at its end are cut off.
 *
 * @param example shown when something else was written
 * @param without what people copy along and what is ours to add, such as `/api`; default nothing
 */
export function baseUrl(example: string, without: RegExp = /$^/): z.ZodType<string> {
  return z
    .url({ protocol: /^https?$/, error: `expected an http(s) URL such as ${example}` })
    .refine((text) => isBare(text), {
      error: 'expected a URL without user, query or fragment; credentials have keys of their own',
    })
    .transform((text) => text.replace(/\/+$/, '').replace(without, ''));
}

function isBare(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const url = new URL(text);
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}

/** True where credentials would travel unencrypted; loopback is the place of a reverse proxy, or of a test. */
export function isPlainHttp(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !/^(?:localhost|127\..*|\[::1\])$/.test(hostname);
}

/** The PEM text of a `ca` setting, which is that text or a path. */
export function readCa(ca: string | undefined): string | undefined {
  if (ca === undefined) return undefined;
  return ca.includes('-----BEGIN') ? ca : readFileSync(ca, 'utf8');
}
