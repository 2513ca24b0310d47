import { newTicket } from './core.ts';
import type { BossState, BossUser, Named } from './state.ts';

/** Ids of the seed that configuration, rules and tests refer to: internal ids, as request bodies want them. */
export const bossIds = {
  deskbot: 8001,
  nora: 8002,
  ali: 8003,
  ceo: 8011,
  mert: 8013,
  serviceDesk: 41,
  networkL2: 42,
  majorIncidents: 43,
  network: 61,
  vpn: 62,
  hardware: 63,
  low: 981,
  normal: 982,
  high: 983,
  critical: 984,
  waiting: 345,
  onHold: 346,
  incident: 18,
  tagVip: 304,
  tagOnsite: 305,
  field: 49,
  note: 934,
  ticketSearch: 2901,
  problemSearch: 2902,
} as const;

const day = 86_400_000_000;

/** A desk that has been in use, relative to `now` (microseconds). */
export function seedBoss(now: number, oldTickets: boolean): BossState {
  const state: BossState = {
    users: keyed(people()),
    teams: keyed([
      named(bossIds.serviceDesk, 'Service desk'),
      named(bossIds.networkL2, 'Network L2'),
      named(bossIds.majorIncidents, 'Major incidents'),
    ]),
    categories: keyed([
      { ...named(bossIds.network, 'Network'), teamIds: [bossIds.networkL2] },
      { ...named(bossIds.vpn, 'VPN'), teamIds: [bossIds.networkL2] },
      { ...named(bossIds.hardware, 'Hardware'), teamIds: [] },
    ]),
    // The manual's only example is High with level 2; which way levels run is not stated.
    priorities: keyed([
      { ...named(bossIds.low, 'Low'), level: 4 },
      { ...named(bossIds.normal, 'Normal'), level: 3 },
      { ...named(bossIds.high, 'High'), level: 2 },
      { ...named(bossIds.critical, 'Critical'), level: 1 },
    ]),
    extendedStatuses: keyed([
      named(bossIds.waiting, 'Waiting on Customer'),
      named(bossIds.onHold, 'On hold'),
    ]),
    types: keyed([
      { ...named(bossIds.incident, 'Incident'), shortcut: 'IN' },
      { ...named(19, 'Service request'), shortcut: 'SR' },
    ]),
    taskTypes: keyed([named(1242, 'Development'), named(1243, 'Communication')]),
    tags: keyed([named(bossIds.tagVip, 'vip'), named(bossIds.tagOnsite, 'onsite'), named(306, 'vendor')]),
    fields: keyed([
      { ...named(bossIds.field, 'Remote'), typeId: 7, options: [] },
      { ...named(bossIds.note, 'Remark'), typeId: 1, options: [] },
    ]),
    tickets: new Map(),
    nextFriendlyId: 71,
    nextId: 185_001,
  };
  if (oldTickets)
    titles.forEach((title, index) => addOld(state, title, index, now - (titles.length - index) * day));
  return state;
}

const titles = [
  'My printer started printing colours',
  'No dial tone',
  'VPN is slow in the morning',
  'Mouse pointer jumps',
  'Switch port is dead',
  'Cannot open the calendar',
  'New monitor arm',
  'Wi-Fi password for guests',
  'Backup reports an error',
  'Laptop battery swells',
];

function addOld(state: BossState, title: string, index: number, at: number): void {
  const ticket = newTicket(state, at + index * 1009, {
    title,
    description: `<p>${title}.</p><p>Please help.</p>`,
    typeId: bossIds.incident,
    priorityId: index % 3 === 0 ? bossIds.high : bossIds.normal,
    categoryId: index % 2 === 0 ? bossIds.hardware : bossIds.network,
    requesterId: index % 2 === 0 ? bossIds.mert : bossIds.ceo,
    teamId: bossIds.serviceDesk,
    agentId: index % 3 === 1 ? null : bossIds.nora,
    closedAt: index % 4 === 0 ? at + day / 2 : null,
  });
  if (index !== 1) return;
  const people = { agentId: null, createdById: bossIds.nora, teamId: bossIds.serviceDesk };
  const times = { createdAt: at, dueAt: null, closedAt: null };
  ticket.tasks.push({ id: brokenTaskId, title: 'An action', note: '', typeId: 1243, ...people, ...times });
}

/** The task whose `created_at` is shown as the manual's impossible `12:45:74`. */
export const brokenTaskId = 15;

function named(id: number, name: string): Named {
  return { id, name };
}

function keyed<T extends { readonly id: number }>(rows: readonly T[]): Map<number, T> {
  return new Map(rows.map((row) => [row.id, row]));
}

function people(): BossUser[] {
  const person = (
    id: number,
    username: string,
    firstName: string,
    lastName: string,
    isAgent: boolean,
  ): BossUser => ({
    id,
    friendlyId: id - 7000,
    username,
    firstName,
    lastName,
    email: `${username}@acme.com`,
    isAgent,
    group: isAgent ? null : { id: 6, name: 'Management' },
  });
  return [
    person(bossIds.deskbot, 'deskbot', 'Desk', 'Bot', true),
    person(bossIds.nora, 'nora', 'Nora', 'Yilmaz', true),
    person(bossIds.ali, 'ali', 'Ali', 'Demir', true),
    person(bossIds.ceo, 'ceo', 'Ceren', 'Oz', false),
    person(bossIds.mert, 'mert', 'Mert', 'Şahin', false),
  ];
}
