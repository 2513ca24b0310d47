import type { Vendor } from '../vendor.ts';
import { createJitbitAdapter } from './adapter.ts';
import { ticketIdsIn } from './nudge.ts';
import { JitbitSettings } from './settings.ts';

/**
 * Jitbit Helpdesk, in Turkey sold as Destek Sitesi. Comes in: rows of `Tickets`, details, comments, and automation
 * rules' HTTP requests as nudges. Goes out: UpdateTicket and its neighbours. Facts and numbers are from the vendor's
 * API document ("document", with its section) and the integration reference, section 3.
 */
export const jitbit: Vendor<JitbitSettings> = {
  id: 'jitbit',
  name: 'Jitbit',
  settings: JitbitSettings,
  capabilities: {
    feeds: [
      // Integration reference 3.2: every 60 s; no look-back limit is documented.
      { name: 'tickets', cursor: 'date', pollEveryMs: 60_000, windowMs: null },
      // Nightly, for edits that do not move LastUpdated.
      {
        name: 'reconcile',
        cursor: 'window',
        pollEveryMs: 24 * 3_600_000,
        windowMs: null,
        lists: 'open',
        versionsOf: 'tickets',
      },
    ],
    actions: {
      reassign: ['queue', 'agent'],
      comment: ['text', 'public'],
      set: ['priority', 'category', 'status', 'title', 'due_at', 'custom'],
      tag: ['add', 'remove'],
      watch: ['add', 'remove'],
      close: ['text'],
      resolve: ['text'],
      reopen: ['text'],
      wait_for: ['customer', 'agent'],
      create_ticket: ['title', 'text', 'category', 'priority', 'queue', 'requester'],
      time_entry: ['minutes'],
      link: ['to'],
    },
    // What `comment` answers is not documented.
    commentIdReturned: false,
    // Without Jitbit's HTML mark a body is plain text; what could be a tag is defused (plan-append.ts).
    textFormat: 'plain',
    budgets: {
      // Document, "Rate Limiting": 90 calls a minute; r + 2b <= 0.95 N gives 65 + 10 (engine.md 6).
      default: { rate: 65, burst: 10, perMs: 60_000 },
      // Search and UserByEmail: 60 a minute.
      search: { rate: 45, burst: 5, perMs: 60_000 },
    },
  },
  inbound: {
    kind: 'nudge',
    ticketIds: ticketIdsIn,
    // A hook can outrun the desk's own visibility (integration reference 3.3).
    readAfterMs: 2_000,
  },
  connect: createJitbitAdapter,
};
