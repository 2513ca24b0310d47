import type { KnownNames } from '../params.ts';

/** A configuration for tests of the loader. */
export const KNOWN: KnownNames = {
  connections: {
    'acme-jitbit': {
      vendor: 'jitbit',
      vendorName: 'Jitbit',
      actions: {
        reassign: ['queue', 'agent'],
        comment: ['text', 'public'],
        set: ['priority', 'custom'],
        tag: ['add', 'remove'],
        close: ['text'],
      },
    },
    'acme-goto': {
      vendor: 'gotoassist',
      vendorName: 'GoToAssist',
      actions: { reassign: ['agent'], comment: ['text'] },
    },
    monitoring: { vendor: 'webhook', vendorName: 'Webhook', actions: {} },
  },
  lists: ['vips'],
  calendars: ['office'],
  environment: ['HOOK_KEY'],
  oncall: ['network'],
};
