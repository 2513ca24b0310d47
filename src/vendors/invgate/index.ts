import type { Vendor } from '../vendor.ts';
import { createInvgateAdapter } from './adapter.ts';
import { ticketIdsIn } from './nudge.ts';
import { InvgateSettings } from './settings.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * InvGate Service Desk (now Service Management). Comes in: requests of the last hour, rows of a saved view or sweeps of
 * open requests, executions of the desk's triggers, breaking news, approvals, and automations' web calls as nudges.
 * Goes out: the calls of the manual's `incident.*`. Facts are from the vendor's developer manual ("manual", with the
 * call) and the integration reference, section 2.
 */
export const invgate: Vendor<InvgateSettings> = {
  id: 'invgate',
  name: 'InvGate',
  settings: InvgateSettings,
  capabilities: {
    feeds: [
      // Manual: "created within the last hour". Both must be read every 20 min at least (integration reference 2.3).
      { name: 'created', cursor: 'window', pollEveryMs: 2 * MINUTE_MS, windowMs: HOUR_MS, healsGaps: true },
      { name: 'triggers', cursor: 'window', pollEveryMs: 5 * MINUTE_MS, windowMs: HOUR_MS },
      {
        name: 'updated',
        cursor: 'timestamp',
        pollEveryMs: 3 * MINUTE_MS,
        windowMs: null,
        wantsUnfinished: true,
      },
      { name: 'news', cursor: 'window', pollEveryMs: 15 * MINUTE_MS, windowMs: null },
      {
        name: 'approvals',
        cursor: 'window',
        pollEveryMs: 5 * MINUTE_MS,
        windowMs: null,
        wantsUnfinished: true,
      },
    ],
    actions: {
      reassign: ['queue', 'agent'],
      comment: ['text', 'public'],
      set: ['priority', 'category', 'type', 'status', 'title', 'custom'],
      watch: ['add'],
      close: ['text'],
      resolve: ['text'],
      reopen: ['text'],
      wait_for: ['who'],
      create_ticket: ['connection', 'title', 'text', 'category', 'priority', 'type', 'requester'],
      time_entry: ['minutes', 'note'],
      link: ['to'],
      approve: ['approval', 'vote', 'text'],
      breaking_news: ['title', 'text', 'severity', 'queues'],
    },
    // Manual, POST `incident.comment`: only status and error come back.
    commentIdReturned: false,
    // Whether a desk shows markup is not documented; what could be a tag is defused (text.ts).
    textFormat: 'plain',
    // No limit is documented; 120 calls a minute are taken for one (integration reference 2.1), and r + 2b <= 0.95 N
    // (engine.md 6) gives 90 + 12.
    budgets: { default: { rate: 90, burst: 12, perMs: MINUTE_MS } },
  },
  inbound: {
    kind: 'nudge',
    ticketIds: ticketIdsIn,
    // A hook may outrun the desk's own visibility, as Jitbit's do (integration reference 3.3).
    readAfterMs: 2_000,
  },
  connect: createInvgateAdapter,
};
