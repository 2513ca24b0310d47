/**
 * What may stand in an error, a log line or a record of a call. Pure.
 */

/** Shorter secrets are not searched for: they would blank out innocent words. */
const MIN_SECRET = 4;

/** Longest piece of a vendor's own text that is kept in an error. */
const MAX_EXCERPT = 300;

const URL_TAIL = /\b(https?:\/\/[^\s?#"'<>]+)[?#][^\s"'<>]*/gi;
/** A digit, or more letters than a word has: "Basic questions" are none. */
const CREDENTIALS = /\b(Basic|Bearer)\s+(?=\S*\d|\S{16})[\w+/=.~-]+/gi;
const URL_USER = /\b(https?:\/\/)[^\s/@"'<>]+@/gi;

export type Redact = (text: string) => string;

/** All spellings in which a secret can come back: as it is, URL-encoded, in base64, escaped for JSON. */
function spellings(secret: string): readonly string[] {
  const base64 = Buffer.from(secret).toString('base64');
  return [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ s: secret }).toString().slice(2),
    base64,
    base64.replace(/=+$/, ''),
    JSON.stringify(secret).slice(1, -1),
  ];
}

/**
 * Makes the redactor of one connection.
 *
 * @param secrets every secret of the connection, and what is derived from several (`user:password`)
 * @returns a function that replaces them, and what follows `Basic` or `Bearer`, by `***` and cuts the query, fragment
 *   and user part off URLs
 */
export function createRedact(secrets: readonly string[]): Redact {
  const needles = [...new Set(secrets.filter((secret) => secret.length >= MIN_SECRET).flatMap(spellings))];
  needles.sort((a, b) => b.length - a.length);
  return (text) => {
    const clean = needles.reduce((result, needle) => result.replaceAll(needle, '***'), text);
    return clean.replace(CREDENTIALS, '$1 ***').replace(URL_USER, '$1').replace(URL_TAIL, '$1');
  };
}

/** A short, one-line, printable piece of foreign text. Redact before cutting: half a secret is not found. */
export function excerpt(text: string, redact: Redact): string {
  // oxlint-disable-next-line no-control-regex -- they are what is removed
  const line = redact(text).replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e]+/g, ' ');
  const collapsed = line.replace(/\s+/g, ' ').trim();
  return collapsed.length > MAX_EXCERPT ? `${collapsed.slice(0, MAX_EXCERPT)}…` : collapsed;
}
