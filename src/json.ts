/**
 * JSON of strangers: nesting is capped before `JSON.parse` sees it, and ids beyond 2^53 stay exact. Pure.
 */

/** Deeper JSON is refused; no desk's answer comes near (engine.md 2). */
export const MAX_JSON_DEPTH = 64;

/** Integers of this many digits may be beyond 2^53 (9,007,199,254,740,992 has 16) and are kept as text. */
const LONG_INTEGER = /\d{16,}/;

export class JsonError extends Error {
  override readonly name = 'JsonError';
}

/**
 * Parses JSON; integers of 16 or more digits come back as strings, exactly as written.
 *
 * @throws JsonError when the text is no JSON, or nested deeper than 64
 */
export function parseJson(text: string): unknown {
  const { depth, quoted } = scan(text, LONG_INTEGER.test(text));
  if (depth > MAX_JSON_DEPTH) throw new JsonError(`nested deeper than ${MAX_JSON_DEPTH}`);
  try {
    return JSON.parse(quoted);
  } catch (cause) {
    throw new JsonError('not valid JSON', { cause });
  }
}

const QUOTE = 34;
const BACKSLASH = 92;

/** One pass over everything outside strings: the deepest nesting, and the text with long integers quoted. */
function scan(text: string, quoteLong: boolean): { depth: number; quoted: string } {
  let depth = 0;
  let deepest = 0;
  let copied = 0;
  const parts: string[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
    } else if (code === 123 || code === 91) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (code === 125 || code === 93) {
      depth -= 1;
    } else if (quoteLong && (code === 45 || isDigit(code))) {
      const end = endOfNumber(text, at);
      const number = text.slice(at, end);
      if (/^-?\d{16,}$/.test(number)) {
        parts.push(text.slice(copied, at), `"${number}"`);
        copied = end;
      }
      at = end - 1;
    }
  }
  if (parts.length === 0) return { depth: deepest, quoted: text };
  return { depth: deepest, quoted: parts.join('') + text.slice(copied) };
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Index of the closing quote, or of the text's end. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return at;
  }
  return text.length;
}

/** Index after the last character that can stand in a number. */
function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    // digits . + - e E
    if (!isDigit(code) && code !== 46 && code !== 43 && code !== 45 && code !== 101 && code !== 69) break;
    at += 1;
  }
  return at;
}
