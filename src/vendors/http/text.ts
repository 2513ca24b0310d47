/**
 * Text as desks return it: HTML or plain, entities or not, white space rewritten. Pure.
 */

/** HTML 4 names of the characters 160 to 255, in order; servers that escape use these. */
const LATIN1 =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest ' +
  'Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig ' +
  'agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml';

const NAMED: ReadonlyMap<string, string> = new Map([
  ...LATIN1.split(' ').map((name, index): [string, string] => [name, String.fromCharCode(160 + index)]),
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['ndash', '–'],
  ['mdash', '—'],
  ['lsquo', '‘'],
  ['rsquo', '’'],
  ['sbquo', '‚'],
  ['ldquo', '“'],
  ['rdquo', '”'],
  ['bdquo', '„'],
  ['bull', '•'],
  ['hellip', '…'],
  ['euro', '€'],
  ['trade', '™'],
  ['scaron', 'š'],
  ['Scaron', 'Š'],
]);

const ENTITY = /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,9}));/g;

function fromCodePoint(code: number): string {
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '�';
}

/** Decodes HTML entities once; unknown ones stay as they are. */
export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(ENTITY, (whole, decimal?: string, hex?: string, name?: string) => {
    if (decimal !== undefined) return fromCodePoint(Number(decimal));
    if (hex !== undefined) return fromCodePoint(Number.parseInt(hex, 16));
    return NAMED.get(name ?? '') ?? whole;
  });
}

/** Escapes the five characters that mean something in HTML. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Elements after which a new line begins. */
const BREAKS = /^<(?:br|\/p|\/div|\/li|\/tr|\/h[1-6]|\/ul|\/ol|\/table|\/blockquote|hr)\b/i;
/** Elements whose content is never shown. */
const HIDING = /^<(script|style|head)\b/i;

/**
 * Takes the markup out of a text, in one pass: a requester may send a megabyte of `<a <a <a`, on which a regular
 * expression for tags takes minutes. A `<` that no letter, `/` or `!` follows is text ("a < b").
 */
function stripMarkup(html: string): string {
  const parts: string[] = [];
  let at = 0;
  for (let open = html.indexOf('<'); open !== -1; open = html.indexOf('<', at)) {
    if (!/[A-Za-z/!]/.test(html[open + 1] ?? '')) {
      parts.push(html.slice(at, open + 1));
      at = open + 1;
      continue;
    }
    const end = endOfMarkup(html, open);
    if (end === -1) break;
    const tag = html.slice(open, Math.min(end, open + 20));
    parts.push(html.slice(at, open), BREAKS.test(tag) ? '\n' : '');
    at = end;
  }
  parts.push(html.slice(at));
  return parts.join('');
}

/** Index after a comment, a tag, or an element that hides its content; -1: it is not closed, so it is text. */
function endOfMarkup(html: string, open: number): number {
  if (html.startsWith('<!--', open)) {
    const end = html.indexOf('-->', open + 4);
    return end === -1 ? html.length : end + 3;
  }
  const close = html.indexOf('>', open);
  if (close === -1) return -1;
  const hiding = HIDING.exec(html.slice(open, open + 8))?.[1];
  if (hiding === undefined) return close + 1;
  const closing = new RegExp(`</${hiding}`, 'gi');
  closing.lastIndex = close + 1;
  const found = closing.exec(html);
  const end = found === null ? -1 : html.indexOf('>', found.index);
  return end === -1 ? html.length : end + 1;
}

/** Plain text of an HTML fragment, line breaks kept. Text without markup comes back as it is, apart from entities. */
export function htmlToText(html: string): string {
  return decodeEntities(stripMarkup(html))
    .replace(/\r\n?/g, '\n')
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

/**
 * The form in which two texts are compared when Deskhand looks for a comment that it may have written: tags
 * stripped, entities decoded once, white space (and zero-width space) collapsed, NFC.
 */
export function normaliseText(text: string): string {
  return htmlToText(text)
    .normalize('NFC')
    .replace(/\u200b/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/**
 * True if `found` is what a desk makes of `sent`: stored as it was, or escaped and wrapped in markup. A desk
 * that takes plain text and answers HTML turns `<b>` into `&lt;b&gt;`; that is the same text.
 */
export function sameText(sent: string, found: string): boolean {
  const normalised = normaliseText(found);
  return normalised === normaliseText(sent) || normalised === normaliseText(escapeHtml(sent));
}
