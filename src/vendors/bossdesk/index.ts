import type { Vendor } from '../vendor.ts';
import { createBossdeskAdapter } from './adapter.ts';
import { BossdeskSettings } from './settings.ts';

/**
 * BOSSDesk. Comes in: whole tickets, because its list rows show neither stamps nor half of the fields. Goes out: PATCH
 * with `lock_version`, and its neighbours. Facts and numbers are from the vendor's API manual ("manual", with its
 * section) and the integration reference, section 4.
 */
export const bossdesk: Vendor<BossdeskSettings> = {
  id: 'bossdesk',
  name: 'BOSSDesk',
  settings: BossdeskSettings,
  capabilities: {
    feeds: [
      // Integration reference 4.2: every 60-120 s; a stamp of any age can be asked for.
      { name: 'changes', cursor: 'timestamp', pollEveryMs: 60_000, windowMs: null },
      // Every open ticket once in half an hour, a slice per minute (feeds.ts).
      { name: 'open', cursor: 'window', pollEveryMs: 60_000, windowMs: null },
      {
        name: 'reconcile',
        cursor: 'window',
        pollEveryMs: 24 * 3_600_000,
        windowMs: null,
        wantsUnfinished: true,
      },
    ],
    actions: {
      reassign: ['queue', 'agent'],
      comment: ['text', 'public'],
      set: ['priority', 'category', 'type', 'status', 'title', 'custom'],
      tag: ['add', 'remove'],
      close: ['text'],
      resolve: ['text'],
      reopen: ['text'],
      wait_for: ['customer', 'agent'],
      create_ticket: ['title', 'text', 'category', 'priority', 'type', 'queue', 'requester'],
      task: ['title', 'note', 'queue', 'agent', 'due_at'],
      time_entry: ['minutes', 'note'],
    },
    // Manual, "Adding a comment to a ticket": 201 with the comment.
    commentIdReturned: true,
    // Bodies are HTML, made from plain text here (plan-append.ts).
    textFormat: 'plain',
    // No limit is documented; integration reference 4.1: 60 a minute, r + 2b <= 0.95 N (engine.md 6).
    // Halved by a 429, and grows back ("adaptive").
    budgets: { default: { rate: 45, burst: 6, perMs: 60_000, adapts: { mostPercent: 100 } } },
  },
  // No webhooks are documented.
  inbound: null,
  connect: createBossdeskAdapter,
};
