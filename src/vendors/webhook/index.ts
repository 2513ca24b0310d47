import type { Vendor } from '../vendor.ts';
import { WebhookSettings } from './settings.ts';
import { toId, toText } from './values.ts';

/**
 * Any sender of JSON. Comes in: an authenticated, parsed body. Goes out: an event, with a ticket where the
 * configuration says where to find one. It has no API to read or write.
 */

const EVENT_TYPE = /^[a-z0-9._-]{1,64}$/;
const DEFAULT_TYPE = 'webhook.received';

export const webhook: Vendor<WebhookSettings> = {
  id: 'webhook',
  name: 'Webhook',
  settings: WebhookSettings,
  capabilities: {
    feeds: [],
    actions: {},
    commentIdReturned: false,
    textFormat: 'plain',
    // Nothing is ever called; the numbers only satisfy the shape.
    budgets: { default: { rate: 0, burst: 0, perMs: 60_000 } },
  },
  inbound: {
    kind: 'event',
    map(body, settings) {
      const type = settings.type === null ? null : toText(settings.type(body));
      return {
        type: type !== null && EVENT_TYPE.test(type) ? type : DEFAULT_TYPE,
        key: settings.key === null ? null : toId(settings.key(body)),
        ticket: settings.ticket === null ? null : settings.ticket(body),
      };
    },
  },
  connect: null,
};
