import { closeRequest, newRequest } from './core.ts';
import type { InvgateHelpdesk, InvgateState, InvgateUser } from './state.ts';

/** Ids of the seed that configuration, rules and tests refer to. */
export const invgateIds = {
  deskbot: 1,
  nora: 2,
  ali: 3,
  ceo: 11,
  mert: 13,
  serviceDesk: 1,
  networkL2: 2,
  majorIncidents: 3,
  network: 21,
  vpn: 22,
  hardware: 23,
  printer: 24,
  accounts: 25,
  tier: 901,
  floor: 902,
  slaTrigger: 11,
  vipTrigger: 12,
  view: 12,
} as const;

const day = 86_400;

/** A desk that has been in use, relative to `now` (epoch seconds). */
export function seedInvgate(now: number, oldRequests: boolean): InvgateState {
  const state: InvgateState = {
    users: keyed(people()),
    helpdesks: keyed(helpdesks()),
    categories: categories(),
    locations: [{ id: 61, name: 'Istanbul' }],
    groups: [{ id: 71, name: 'Management' }],
    companies: [{ id: 81, name: 'Acme' }],
    fields: new Map([
      [
        invgateIds.tier,
        {
          uid: invgateIds.tier,
          label: 'Tier',
          type: 3,
          options: new Map([
            ['a1f3', 'gold'],
            ['b2e4', 'silver'],
          ]),
        },
      ],
      [invgateIds.floor, { uid: invgateIds.floor, label: 'Floor', type: 1, options: new Map() }],
    ]),
    triggers: new Map([
      [invgateIds.slaTrigger, 'Resolution SLA at 80%'],
      [invgateIds.vipTrigger, 'VIP request created'],
    ]),
    executions: [],
    requests: new Map(),
    comments: [],
    approvals: [],
    news: [],
    articles: [
      {
        id: 1,
        title: 'How to reset a password',
        content: 'Press the button.',
        categoryId: 1,
        authorId: 2,
        updatedAt: now - day,
      },
    ],
    times: [],
    nextIds: { request: 301, comment: 9001, execution: 901, other: 1001 },
  };
  if (oldRequests)
    titles.forEach((title, index) => addOld(state, title, index, now - (titles.length - index) * day));
  return state;
}

const titles = [
  'Cannot print from the finance share',
  'New badge for a visitor',
  'VPN client wants an update',
  'Wi-Fi is weak in the canteen',
  'Mailbox is full',
  'Keyboard <Ctrl> key is stuck',
  'Request for a second screen',
  'Account locked & password forgotten',
  'Router in building C restarts',
  'Projector shows no picture',
  'Phone has no ringtone',
  'Access to "Quarterly" folder',
];

function addOld(state: InvgateState, title: string, index: number, at: number): void {
  const category = [invgateIds.printer, invgateIds.accounts, invgateIds.vpn, invgateIds.network][index % 4];
  const request = newRequest(state.nextIds.request++, at, {
    title,
    description: `${title}. Please help.`,
    userId: index % 2 === 0 ? invgateIds.mert : invgateIds.ceo,
    creatorId: invgateIds.mert,
    priorityId: (index % 3) + 1,
    typeId: 1,
    categoryId: category ?? invgateIds.network,
    assignedGroupId: invgateIds.serviceDesk,
  });
  request.statusId = index % 3 === 2 ? 1 : 2;
  request.assignedId = index % 3 === 2 ? null : invgateIds.nora;
  if (index % 3 === 0) closeRequest(request, at + 3600);
  state.requests.set(request.id, request);
}

function keyed<T extends { readonly id: number }>(rows: readonly T[]): Map<number, T> {
  return new Map(rows.map((row) => [row.id, row]));
}

function people(): InvgateUser[] {
  const person = (
    id: number,
    username: string,
    name: string,
    lastname: string,
    userType: 1 | 2,
  ): InvgateUser => ({
    id,
    username,
    name,
    lastname,
    email: `${username}@acme.com`,
    userType,
    isDisabled: false,
  });
  const customers = Array.from({ length: 12 }, (_, index) =>
    person(14 + index, `customer${index}`, 'Customer', `${index}`, 2),
  );
  return [
    person(invgateIds.deskbot, 'deskbot', 'Desk', 'Bot', 1),
    person(invgateIds.nora, 'nora', 'Nora', 'Yilmaz', 1),
    person(invgateIds.ali, 'ali', 'Ali', 'Demir', 1),
    person(invgateIds.ceo, 'ceo', 'Ceren', 'Oz', 2),
    person(invgateIds.mert, 'mert', 'Mert', 'Şahin', 2),
    ...customers,
  ];
}

function helpdesks(): InvgateHelpdesk[] {
  const { deskbot, nora, ali, serviceDesk } = invgateIds;
  return [
    { id: serviceDesk, name: 'Service desk', parentId: null, memberIds: [deskbot, nora, ali] },
    { id: invgateIds.networkL2, name: 'Network L2', parentId: serviceDesk, memberIds: [nora, ali] },
    { id: invgateIds.majorIncidents, name: 'Major incidents', parentId: null, memberIds: [nora] },
  ];
}

/** More than one page of twenty; "Other" exists under two parents, so only a path tells them apart. */
function categories(): InvgateState['categories'] {
  const filler = Array.from({ length: 20 }, (_, index) => ({
    id: index + 1,
    name: `Service ${index + 1}`,
    parentId: null,
  }));
  return [
    ...filler,
    { id: invgateIds.network, name: 'Network', parentId: null },
    { id: invgateIds.vpn, name: 'VPN', parentId: invgateIds.network },
    { id: invgateIds.hardware, name: 'Hardware', parentId: null },
    { id: invgateIds.printer, name: 'Printer', parentId: invgateIds.hardware },
    { id: invgateIds.accounts, name: 'Accounts', parentId: null },
    { id: 26, name: 'Other', parentId: invgateIds.network },
    { id: 27, name: 'Other', parentId: invgateIds.hardware },
  ];
}
