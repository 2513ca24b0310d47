import { decodeEntities, htmlToText } from '../http/text.ts';

/** Ends at the tag's name: looking for its `>` would take quadratic time on hostile text. */
const LOOKS_LIKE_HTML =
  /<\/?(?:p|div|br|span|b|i|u|a|ul|ol|li|table|tr|td|html|body|font|strong|em|img|blockquote|h[1-6]|pre)[\s/>]/i;

/**
 * A description or comment as plain text. InvGate returns text escaped for HTML, and only some calls can be told not
 * to (`decoded_special_characters`), so it is never asked for and always decoded here, once: two calls then give the
 * same text. What was written as HTML is stripped after that.
 */
export function deskText(text: string): string {
  const decoded = decodeEntities(text);
  return LOOKS_LIKE_HTML.test(decoded) ? htmlToText(decoded) : decoded.replace(/\r\n?/g, '\n').trim();
}

/** A title or a name: decoded, never stripped (`<Ctrl> key is stuck`). */
export function deskLine(text: string): string {
  return decodeEntities(text).trim();
}

/** What could be read as a tag is defused: a ticket's title must never become markup in an agent's browser. */
export function defuse(text: string): string {
  return text.replace(/<(?=[A-Za-z/!?])/g, '&lt;');
}
