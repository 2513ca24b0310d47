import { escapeFor } from '../match/template.ts';

/**
 * Text of tickets and people on its way to Slack: literal whatever it says, within Slack's limits, cut where a reader
 * would cut. Pure.
 */

/** Block Kit: text of a section, of a header, of a field; the fallback is cut like a section. */
export const MAX_SECTION = 3_000;
export const MAX_HEADER = 150;
export const MAX_FIELD = 2_000;

/** Escapes text of others: `& < >` are written out, control, bidi and zero-width characters are dropped. */
export function literal(text: string): string {
  return escapeFor(text, 'slack');
}

/** Literal text for inside bold or a link: the characters that would end it are replaced by their look-alikes. */
export function literalInline(text: string): string {
  const oneLine = text.replaceAll(/\s+/g, ' ').trim();
  return literal(oneLine).replaceAll('*', '∗').replaceAll('`', 'ˋ').replaceAll('~', '∼').replaceAll('|', '∣');
}

/** Cuts to at most `max` UTF-16 units between two characters as people see them; `…` says that it was cut. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  let end = 0;
  // Only the beginning is looked at: 50,000 characters cost no more than 3,000.
  for (const { index, segment } of new Intl.Segmenter().segment(text.slice(0, max + 64))) {
    if (index + segment.length > max - 1) break;
    end = index + segment.length;
  }
  return `${text.slice(0, end).trimEnd()}…`;
}

/** Cuts text that is mrkdwn already: never inside `&amp;` or `<https://…|label>`. */
export function cutMrkdwn(text: string, max: number): string {
  if (text.length <= max) return text;
  const short = cut(text, max).slice(0, -1);
  return `${short.replace(/&[a-z]{0,4}$/, '').replace(/<[^<>]*$/, '')}…`;
}

/** A link, or only its label where the address is none that a browser opens. */
export function link(url: string | null, label: string): string {
  if (url === null || !/^https?:\/\/[^\s<>|]+$/i.test(url)) return label;
  return `<${url.replaceAll('&', '&amp;')}|${label}>`;
}

/** A moment in the reader's own time zone. @param how Slack's date tokens */
export function moment(instant: string, how: string): string {
  const seconds = Math.floor(Date.parse(instant) / 1000);
  if (!Number.isFinite(seconds)) return literal(instant);
  return `<!date^${seconds}^${how}|${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC>`;
}
