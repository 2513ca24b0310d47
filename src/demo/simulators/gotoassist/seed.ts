import { newIncident } from './core.ts';
import type { GotoService, GotoState, GotoUser } from './state.ts';

/** Ids of the seed that configuration, rules and tests refer to. */
export const gotoIds = {
  deskbot: 7,
  nora: 17,
  ali: 18,
  group: 168,
  ceo: 117,
  mert: 118,
  network: 20,
  workplace: 33,
  /** Priorities of the service Network; those of Workplace are 100 higher. */
  urgent: 58,
  important: 59,
  normal: 60,
  low: 61,
  bug: 16,
  query: 28,
  vpn: 18,
  wifi: 21,
  /** The report "all incidents, all states". */
  report: 77,
} as const;

const day = 86_400_000;

/** A desk that has been in use, relative to `now`. */
export function seedGoto(now: number, oldIncidents: boolean): GotoState {
  const state: GotoState = {
    users: keyed([
      user(gotoIds.deskbot, 'Desk', 'Bot'),
      user(gotoIds.nora, 'Nora', 'Yilmaz'),
      user(gotoIds.ali, 'Ali', 'Demir'),
      { ...user(gotoIds.group, 'Support Group', 'groups dont have last names'), isGroup: true },
    ]),
    customers: keyed([
      { id: gotoIds.ceo, firstName: 'Ceren', lastName: 'Oz', email: 'ceo@acme.com' },
      { id: gotoIds.mert, firstName: 'Mert', lastName: 'Şahin', email: 'mert@acme.com' },
    ]),
    companies: [{ id: 33, name: 'Acme' }],
    services: keyed([service(gotoIds.network, 'Network', 0), service(gotoIds.workplace, 'Workplace', 100)]),
    incidents: new Map(),
    others: new Map(),
    timeEntries: [],
    nextId: 23_534,
  };
  if (oldIncidents)
    titles.forEach((title, index) => addOld(state, title, index, now - (titles.length - index) * day));
  return state;
}

const titles = [
  'Potential issues with QA',
  'Printer queue is stuck',
  'VPN drops on mobile data',
  'Badge reader is offline',
  'Slow login in the morning',
  'Shared drive is read-only',
  'Conference phone echoes',
  'Wi-Fi roaming fails',
  'Mail rules vanish',
  'Laptop asks for recovery key',
  'Scanner profile missing',
  'Clock drifts on a kiosk',
];

function addOld(state: GotoState, title: string, index: number, at: number): void {
  const serviceId = index % 2 === 0 ? gotoIds.network : gotoIds.workplace;
  const offset = serviceId === gotoIds.network ? 0 : 100;
  const closed = index % 4 === 0;
  newIncident(state, at, {
    title,
    serviceId,
    priorityId: (index % 3 === 0 ? gotoIds.important : gotoIds.normal) + offset,
    typeId: gotoIds.bug + offset,
    ownerId: gotoIds.nora,
    openedAt: at,
    lastActiveAt: at + 7_200_000,
    assignedUserId: index % 3 === 2 ? null : gotoIds.nora,
    customerId: index % 2 === 0 ? gotoIds.mert : gotoIds.ceo,
    closedAt: closed ? at + 7_200_000 : null,
    closedById: closed ? gotoIds.nora : null,
    closureCode: closed ? 0 : null,
  });
}

function keyed<T extends { readonly id: number }>(rows: readonly T[]): Map<number, T> {
  return new Map(rows.map((row) => [row.id, row]));
}

function user(id: number, firstName: string, lastName: string): GotoUser {
  return { id, firstName, lastName, email: `${firstName.toLowerCase()}@acme.com`, isGroup: false };
}

function service(id: number, name: string, offset: number): GotoService {
  return {
    id,
    name,
    priorities: [
      { id: gotoIds.urgent + offset, description: 'Urgent', level: 1 },
      { id: gotoIds.important + offset, description: 'V. Important', level: 2 },
      { id: gotoIds.normal + offset, description: 'Important', level: 3 },
      { id: gotoIds.low + offset, description: 'Low', level: 4 },
    ],
    types: [
      { id: gotoIds.bug + offset, name: 'Bug' },
      { id: gotoIds.query + offset, name: 'Query' },
    ],
    categories: [
      { id: gotoIds.vpn + offset, name: 'VPN' },
      { id: gotoIds.wifi + offset, name: 'Wi-Fi' },
    ],
  };
}
