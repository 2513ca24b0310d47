import type { AppConnection } from '../app.ts';
import { vendors } from '../vendors/registry.ts';
import type { Vendor } from '../vendors/vendor.ts';
import { bossPeople, gotoPeople, invgatePeople, jitbitPeople, type DeskPeople } from './people.ts';
import { startBossDesk } from './simulators/bossdesk/bossdesk-desk.ts';
import { startGotoDesk } from './simulators/gotoassist/gotoassist-desk.ts';
import { gotoIds } from './simulators/gotoassist/seed.ts';
import { startInvgateDesk } from './simulators/invgate/invgate-desk.ts';
import { startJitbitDesk } from './simulators/jitbit/jitbit-desk.ts';

/** The four desks of the demo. One is watched by its webhooks alone, the others by polling alone. */

export interface DemoDesk {
  /** Of its connection. */
  readonly name: string;
  readonly vendorName: string;
  readonly connection: AppConnection;
  /** How Deskhand hears of changes, for the terminal. */
  readonly watched: string;
  readonly people: DeskPeople;
  /** Points the desk's webhooks, where it has some, at Deskhand. */
  connectTo(base: string): void;
  close(): Promise<void>;
}

const POLL_MS = 2_000;
const NEVER_MS = 3_600_000;
const HOOK_SECRET = 'demo-hook-secret';

const COMMON = {
  settleMs: 5_000,
  reference: 'auto',
  lateAfterMs: 15 * 60_000,
  maxBody: 1024 * 1024,
  // Only what the demo shows is limited: real desks keep their vendor's budget.
  budget: { rate: 600, burst: 60, perMs: 60_000 },
  verify: null,
} as const;

/** Starts all four on loopback. */
export function startDesks(): Promise<readonly DemoDesk[]> {
  return Promise.all([startInvgate(), startJitbit(), startBoss(), startGoto()]);
}

async function startInvgate(): Promise<DemoDesk> {
  const desk = await startInvgateDesk();
  const given = { url: desk.url, user: desk.user, key: desk.key, author: 'deskbot' };
  const polls = { created: POLL_MS, updated: POLL_MS };
  const parts = { people: invgatePeople(desk), close: () => desk.close() };
  return polled('acme-invgate', vendors.invgate, given, polls, parts);
}

async function startBoss(): Promise<DemoDesk> {
  const desk = await startBossDesk();
  const given = { url: desk.url, key: desk.key, author: 'deskbot' };
  const parts = { people: bossPeople(desk), close: () => desk.close() };
  return polled('acme-boss', vendors.bossdesk, given, { changes: POLL_MS }, parts);
}

async function startGoto(): Promise<DemoDesk> {
  const desk = await startGotoDesk({ perHour: 100_000 });
  const given = { url: desk.url, token: desk.token, author: gotoIds.deskbot, report_id: gotoIds.report };
  const parts = { people: gotoPeople(desk), close: () => desk.close() };
  return polled('legacy', vendors.gotoassist, given, { incidents: POLL_MS }, parts);
}

async function startJitbit(): Promise<DemoDesk> {
  const desk = await startJitbitDesk({ rateLimit: 'off' });
  const name = 'acme-jitbit';
  return {
    name,
    vendorName: vendors.jitbit.name,
    watched: 'its webhooks',
    connection: {
      ...COMMON,
      name,
      vendor: vendors.jitbit,
      settings: vendors.jitbit.settings.parse({ url: desk.url, token: desk.token }),
      poll: { tickets: NEVER_MS },
      verify: { scheme: 'url-secret', secrets: [HOOK_SECRET] },
    },
    people: jitbitPeople(desk),
    connectTo(base) {
      desk.addWebhook({
        url: `${base}/hooks/${name}/${HOOK_SECRET}`,
        on: ['created', 'new_reply', 'status_changed', 'priority_changed', 'assigned', 'closed'],
      });
    },
    close: () => desk.close(),
  };
}

function polled(
  name: string,
  vendor: Vendor,
  given: Readonly<Record<string, unknown>>,
  poll: Readonly<Record<string, number>>,
  parts: Pick<DemoDesk, 'people' | 'close'>,
): DemoDesk {
  return {
    name,
    vendorName: vendor.name,
    watched: `a poll every ${POLL_MS / 1000} s`,
    connection: { ...COMMON, name, vendor, settings: vendor.settings.parse(given), poll },
    connectTo: () => undefined,
    ...parts,
  };
}
