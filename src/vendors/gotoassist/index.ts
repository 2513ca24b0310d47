import type { Vendor } from '../vendor.ts';
import { createGotoassistAdapter } from './adapter.ts';
import { GotoassistSettings } from './settings.ts';

/**
 * GoToAssist Service Desk, once Beetil: an old API with few calls an hour and failures inside a 200. Facts and numbers
 * are from the vendor's API guide of 2017 ("guide", with its section) and the integration reference, section 5.
 */
export const gotoassist: Vendor<GotoassistSettings> = {
  id: 'gotoassist',
  name: 'GoToAssist',
  settings: GotoassistSettings,
  capabilities: {
    feeds: [
      // Integration reference 5.2: every 10 min; the list goes back to the beginning.
      { name: 'incidents', cursor: 'timestamp', pollEveryMs: 10 * 60_000, windowMs: null },
      {
        name: 'reconcile',
        cursor: 'window',
        pollEveryMs: 2 * 3_600_000,
        windowMs: null,
        wantsUnfinished: true,
      },
      // Problems, changes and releases: "slow sweep" (integration reference 5.2); nothing without `also`.
      {
        name: 'others',
        cursor: 'window',
        pollEveryMs: 2 * 3_600_000,
        windowMs: null,
        startsOverWith: ['also'],
      },
    ],
    actions: {
      reassign: ['queue', 'agent'],
      // Guide, "Create Note": nothing says who may see one, so `public` cannot be promised either way.
      comment: ['text'],
      set: ['priority', 'category', 'type', 'status', 'title', 'due_at'],
      watch: ['add', 'remove'],
      close: ['text'],
      resolve: ['text'],
      reopen: ['text'],
      create_ticket: ['title', 'text', 'category', 'priority', 'type', 'queue', 'requester'],
      time_entry: ['minutes', 'note'],
      link: ['to'],
    },
    // Guide, "Create Note": the answer is the note.
    commentIdReturned: true,
    textFormat: 'plain',
    // E902 is hourly, its size is not documented; integration reference 5.1: start with 60, r + 2b <= 0.95 N. It may
    // grow to 240 an hour, which is enough for a desk where every ticket of a busy day is changed twice.
    budgets: { default: { rate: 45, burst: 6, perMs: 3_600_000, adapts: { mostPercent: 400 } } },
  },
  // No webhooks are documented.
  inbound: null,
  connect: createGotoassistAdapter,
};
