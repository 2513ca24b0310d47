import type { JitbitCategory, JitbitField, JitbitState, JitbitTicket, JitbitUser } from './state.ts';

/** Ids of the seed that rules, configuration and tests refer to. */
export const jitbitIds = {
  deskbot: 1,
  nora: 2,
  ali: 3,
  ceo: 11,
  cfo: 12,
  mert: 13,
  lena: 14,
  sam: 15,
  network: 101,
  vpn: 102,
  printer: 103,
  laptop: 104,
  accounts: 105,
  networkL2: 106,
  majorIncidents: 107,
  onHold: 9,
  device: 501,
  asset: 502,
  outage: 503,
} as const;

const minute = 60_000;
const day = 24 * 60 * minute;

/** A desk that has been in use: people, categories, custom fields and some twenty old tickets, relative to `now`. */
export function seedJitbit(now: number): JitbitState {
  const state: JitbitState = {
    users: keyed(people()),
    companies: keyed([
      { id: 51, name: 'Acme', emailDomain: 'acme.com' },
      { id: 52, name: 'Globex', emailDomain: 'globex.test' },
    ]),
    categories: keyed(categories()),
    statuses: new Map([
      [1, 'New'],
      [2, 'In process'],
      [3, 'Closed'],
      [jitbitIds.onHold, 'On hold'],
    ]),
    fields: keyed(fields()),
    tickets: new Map(),
    comments: [],
    templates: [
      { id: 362, name: 'Which app?', body: 'Could you please tell us which application this is about?' },
      {
        id: 1420,
        name: 'Restart the router',
        body: 'Please unplug the router for a minute and plug it in again.',
      },
    ],
    nextTicketId: 1001,
    nextCommentId: 5001,
  };
  oldTickets.forEach((old, index) => addOldTicket(state, old, now - (oldTickets.length - index) * day));
  return state;
}

function keyed<T extends { readonly id: number }>(rows: readonly T[]): Map<number, T> {
  return new Map(rows.map((row) => [row.id, row]));
}

function people(): JitbitUser[] {
  const person = (
    id: number,
    email: string,
    name: string,
    role: 'admin' | 'tech' | 'user',
    companyId: number,
  ) => {
    const [firstName = '', lastName = ''] = name.split(' ');
    const username = email.slice(0, email.indexOf('@'));
    const known = { id, username, email, firstName, lastName, companyId, disabled: false };
    return {
      ...known,
      isAdmin: role === 'admin',
      isTech: role !== 'user',
      password: `${username}-password`,
      token: `${username}-token`,
    };
  };
  return [
    person(jitbitIds.deskbot, 'deskbot@acme.com', 'Desk Bot', 'admin', 51),
    person(jitbitIds.nora, 'nora@acme.com', 'Nora Yilmaz', 'tech', 51),
    person(jitbitIds.ali, 'ali@acme.com', 'Ali Demir', 'tech', 51),
    person(jitbitIds.ceo, 'ceo@acme.com', 'Ceren Oz', 'user', 51),
    person(jitbitIds.cfo, 'cfo@acme.com', 'Carl Fox', 'user', 51),
    person(jitbitIds.mert, 'mert@acme.com', 'Mert Şahin', 'user', 51),
    person(jitbitIds.lena, 'lena@acme.com', 'Lena Weiß', 'user', 51),
    person(jitbitIds.sam, 'sam@globex.test', "Sam O'Neil", 'user', 52),
  ];
}

function categories(): JitbitCategory[] {
  const { deskbot, nora, ali } = jitbitIds;
  const everyone = [deskbot, nora, ali];
  const category = (
    id: number,
    name: string,
    techIds: number[],
    section: [number, string] | null = null,
  ) => ({
    id,
    name,
    sectionId: section?.[0] ?? null,
    section: section?.[1] ?? null,
    forTechsOnly: id === jitbitIds.majorIncidents,
    techIds,
  });
  return [
    category(jitbitIds.network, 'Network', everyone),
    category(jitbitIds.vpn, 'VPN', everyone),
    category(jitbitIds.printer, 'Printer', [deskbot, ali], [201, 'Hardware']),
    category(jitbitIds.laptop, 'Laptop', [deskbot, ali], [201, 'Hardware']),
    category(jitbitIds.accounts, 'Accounts', everyone),
    category(jitbitIds.networkL2, 'Network L2', everyone),
    category(jitbitIds.majorIncidents, 'Major incidents', everyone),
  ];
}

function fields(): JitbitField[] {
  const models = new Map([
    [7001, 'Laptop'],
    [7002, 'Phone'],
    [7003, 'Printer'],
  ]);
  return [
    { id: jitbitIds.device, name: 'Device', type: 3, options: models, categoryIds: null },
    { id: jitbitIds.asset, name: 'Asset number', type: 1, options: new Map(), categoryIds: null },
    { id: jitbitIds.outage, name: 'Outage', type: 4, options: new Map(), categoryIds: [jitbitIds.network] },
  ];
}

type OldTicket = readonly [
  subject: string,
  categoryId: number,
  userId: number,
  priority: number,
  statusId: number,
];

const oldTickets: readonly OldTicket[] = [
  ['Cannot log in to the payroll portal', jitbitIds.accounts, jitbitIds.mert, 0, 3],
  ['New starter: accounts for Monday', jitbitIds.accounts, jitbitIds.lena, 0, 3],
  ['Wi-Fi drops in meeting room 4', jitbitIds.network, jitbitIds.sam, 0, 3],
  ['Printer on floor 2 prints grey stripes', jitbitIds.printer, jitbitIds.lena, -1, 2],
  ['VPN asks for the code twice', jitbitIds.vpn, jitbitIds.mert, 0, 3],
  ['Laptop fan is very loud', jitbitIds.laptop, jitbitIds.cfo, 0, 2],
  ['Shared mailbox for the sales team', jitbitIds.accounts, jitbitIds.sam, -1, 3],
  ['No network at desk 3-117', jitbitIds.network, jitbitIds.lena, 1, 3],
  ['Password expired while on leave', jitbitIds.accounts, jitbitIds.ceo, 1, 3],
  ['VPN drops every hour', jitbitIds.vpn, jitbitIds.cfo, 1, 2],
  ['Toner is empty', jitbitIds.printer, jitbitIds.mert, -1, 3],
  ['Second monitor is not detected', jitbitIds.laptop, jitbitIds.sam, 0, 1],
  ['Access to the finance folder', jitbitIds.accounts, jitbitIds.cfo, 0, jitbitIds.onHold],
  ['Switch in rack B reports errors', jitbitIds.networkL2, jitbitIds.mert, 1, 2],
  ['Slow network in the warehouse', jitbitIds.network, jitbitIds.sam, 0, 2],
  ['Docking station does not charge', jitbitIds.laptop, jitbitIds.lena, 0, 1],
  ['Guest Wi-Fi voucher for visitors', jitbitIds.network, jitbitIds.mert, -1, 1],
  ['Scanner sends empty mails', jitbitIds.printer, jitbitIds.cfo, 0, 1],
  ['VPN on a new phone', jitbitIds.vpn, jitbitIds.lena, 0, 1],
  ['Rename the account after a wedding', jitbitIds.accounts, jitbitIds.sam, -1, 1],
];

function addOldTicket(state: JitbitState, old: OldTicket, at: number): void {
  const [subject, categoryId, userId, priority, statusId] = old;
  const id = state.nextTicketId++;
  const lastUpdated = statusId === 1 ? at : at + 90 * minute + 120;
  const assignedToUserId = statusId === 1 ? null : id % 2 === 0 ? jitbitIds.nora : jitbitIds.ali;
  const ticket: JitbitTicket = {
    ...newTicket(id, at),
    subject,
    categoryId,
    userId,
    priority,
    statusId,
    lastUpdated,
    assignedToUserId,
    body: `${subject}. Since this morning, please have a look.`,
    resolvedDate: statusId === 3 ? lastUpdated : null,
    lastUpdatedByUserId: assignedToUserId,
    updatedByPerformer: assignedToUserId !== null,
  };
  state.tickets.set(id, ticket);
  if (assignedToUserId === null) return;
  state.comments.push({
    id: state.nextCommentId++,
    ticketId: id,
    userId: assignedToUserId,
    body: statusId === 3 ? 'Done, please tell us if it comes back.' : 'We are looking into it.',
    forTechsOnly: false,
    isSystem: false,
    date: lastUpdated,
    recipientIds: [],
  });
}

/** A ticket as the desk makes it before anybody filled anything in. */
export function newTicket(id: number, at: number): JitbitTicket {
  return {
    id,
    subject: '',
    body: '',
    priority: 0,
    statusId: 1,
    categoryId: 0,
    userId: 0,
    assignedToUserId: null,
    issueDate: at,
    startDate: at,
    dueDate: null,
    resolvedDate: null,
    lastUpdated: at,
    lastUpdatedByUserId: null,
    updatedByUser: false,
    updatedByPerformer: false,
    updatedForTechView: false,
    origin: 0,
    timeSpentInSeconds: 0,
    tags: [],
    attachments: [],
    customFields: new Map(),
    subscriberIds: new Set(),
    linkedIds: new Set(),
    parentId: null,
  };
}
