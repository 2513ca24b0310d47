import type { InboundBody } from '../vendor.ts';

/**
 * Automation rules and workflows call a web service with fields that an administrator chose, as JSON or as a form
 * (integration reference 2.7). Only the request's id is taken, wherever and however it is written; nothing is parsed.
 */

const QUOTE = `(?:["']|%22|%27)?`;
const REQUEST_ID = new RegExp(
  `(?:request|incident)[_-]?id${QUOTE}\\s*(?:[:=]|%3A|%3D)\\s*${QUOTE}#?(\\d{1,19})(?!\\d)`,
  'gi',
);

/** More than this in one body is no nudge; each costs calls. */
const MAX_TICKETS = 20;

export function ticketIdsIn(body: InboundBody): readonly string[] {
  const ids = new Set<string>();
  for (const match of body.text.matchAll(REQUEST_ID)) {
    const id = (match[1] ?? '').replace(/^0+/, '');
    if (id !== '') ids.add(id);
    if (ids.size >= MAX_TICKETS) break;
  }
  return [...ids];
}
