import type { InboundBody } from '../vendor.ts';

/**
 * Automation rules substitute masks as text, so a quote in a subject breaks their JSON (integration reference 3.3).
 * Therefore nothing is parsed: JSON, form fields and `key: value` lines all show `ticketid` and then the digits, and
 * nothing else in the body is trusted.
 */

const TICKET_ID = /ticket[_-]?id["']?\s*(?:[:=]|%3A|%3D)\s*["']?(?:%22|%27)?\s*#?(\d{1,19})(?!\d)/gi;

/** More than this in one body is no nudge; each costs calls. */
const MAX_TICKETS = 20;

export function ticketIdsIn(body: InboundBody): readonly string[] {
  const ids = new Set<string>();
  for (const match of body.text.matchAll(TICKET_ID)) {
    const id = (match[1] ?? '').replace(/^0+/, '');
    if (id !== '') ids.add(id);
    if (ids.size >= MAX_TICKETS) break;
  }
  return [...ids];
}
