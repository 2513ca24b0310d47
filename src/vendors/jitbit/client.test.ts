import { afterEach, beforeEach, expect, test } from 'vitest';
import { startJitbitDesk, type JitbitDesk } from '../../demo/simulators/jitbit/jitbit-desk.ts';
import { jitbitIds } from '../../demo/simulators/jitbit/seed.ts';
import {
  ContractClock,
  contractContext,
  ContractIo,
  NO_NEEDS,
  vendorFailure,
} from '../../../test/vendor-contract.ts';
import type { Adapter } from '../vendor.ts';
import { jitbit } from './index.ts';

const MINUTE = 60_000;

let desk: JitbitDesk;
let io: ContractIo;
const adapters: Adapter[] = [];

beforeEach(async () => {
  const clock = new ContractClock();
  desk = await startJitbitDesk({ clock, oldTickets: false });
  io = new ContractIo(clock);
});
afterEach(async () => {
  await Promise.all(adapters.splice(0).map((adapter) => adapter.close()));
  await desk.close();
});

function connectAs(credentials: Record<string, string>): Adapter {
  const { connect } = jitbit;
  if (connect === null) throw new Error('jitbit has an API');
  const adapter = connect(jitbit.settings.parse({ url: desk.url, ...credentials }), io);
  adapters.push(adapter);
  return adapter;
}

test('the first wrong token silences the connection for six minutes, long before the desk locks us out', async () => {
  const error = await vendorFailure(connectAs({ token: 'wrong' }).selfTest(contractContext()));

  expect(error).toMatchObject({ reason: 'auth', status: 401, retryAt: io.clock.now() + 6 * MINUTE });
  expect(io.silences).toEqual([{ inMs: 6 * MINUTE, reason: 'credentials refused (401)', overLimit: false }]);
  expect(desk.calls.all).toHaveLength(1);
});

test('user and password sign in with Basic', async () => {
  const bot = desk.state.users.get(jitbitIds.deskbot);
  if (bot !== undefined) bot.password = 'pässword';

  const result = await connectAs({ user: 'deskbot', password: 'pässword' }).selfTest(contractContext());

  expect(result.botUserId).toBe(String(jitbitIds.deskbot));
});

test('an address that is blocked is an authentication failure also where a permission could be missing', async () => {
  const adapter = connectAs({ token: desk.token });
  const id = String(desk.human.create({ subject: 'VPN' }));
  const ticket = await adapter.readTicket(id, NO_NEEDS, contractContext());
  if (ticket.gone) throw new Error('gone');
  const action = { action: 'comment', text: 'hello', public: false } as const;
  const write = await adapter.nextWrite(action, ticket, new Set(), contractContext());
  if (write === null) throw new Error('nothing planned');
  for (let login = 0; login < 3; login += 1) {
    await fetch(`${desk.url}/api/Tickets`, { headers: { authorization: 'Bearer wrong' } });
  }

  const error = await vendorFailure(adapter.send(write, contractContext()));

  expect(error).toMatchObject({ reason: 'auth', status: 403, notApplied: true });
  expect(io.silences).toHaveLength(1);
});

test('a ticket that this account may not edit is a refusal of that one write', async () => {
  const bot = desk.state.users.get(jitbitIds.deskbot);
  if (bot !== undefined) desk.state.users.set(bot.id, { ...bot, isAdmin: false });
  desk.state.categories.set(101, {
    ...(desk.state.categories.get(101) as never as object),
    techIds: [],
  } as never);
  const id = desk.human.create({ subject: 'VPN' });
  desk.human.subscribe(id, 'deskbot@acme.com');
  const adapter = connectAs({ token: desk.token });
  const ticket = await adapter.readTicket(String(id), NO_NEEDS, contractContext());
  if (ticket.gone) throw new Error('gone');
  const action = { action: 'set', title: 'other' } as const;
  const write = await adapter.nextWrite(action, ticket, new Set(), contractContext());
  if (write === null) throw new Error('nothing planned');

  const error = await vendorFailure(adapter.send(write, contractContext()));

  expect(error).toMatchObject({ reason: 'refused', status: 403, notApplied: true });
  expect(error.message).toContain('You can edit your own tickets only');
  expect(io.silences).toEqual([]);
});

test('findings name an account that sees too little and a filter that is ignored', async () => {
  const lena = desk.state.users.get(jitbitIds.lena);
  if (lena !== undefined) lena.token = 'lena-token';
  desk.faults.next('tickets', {
    kind: 'status',
    status: 200,
    body: '[{"IssueID":1}]',
    type: 'application/json',
  });

  const result = await connectAs({ token: 'lena-token' }).selfTest(contractContext());

  expect(result.findings).toEqual([
    'the account is neither administrator nor technician: it sees only its own tickets',
    'the desk ignores updatedFrom: every poll walks all tickets',
  ]);
});

test('search calls spend from their own budget', async () => {
  const adapter = connectAs({ token: desk.token });
  const id = String(desk.human.create({ subject: 'VPN' }));
  const ticket = await adapter.readTicket(id, NO_NEEDS, contractContext());
  if (ticket.gone) throw new Error('gone');

  await adapter.nextWrite(
    { action: 'watch', add: ['ceo@acme.com'], remove: [] },
    ticket,
    new Set(),
    contractContext(),
  );

  const searches = desk.calls.named('userbyemail').length;
  expect(searches).toBe(1);
  expect(io.spent.filter((budget) => budget === 'search')).toHaveLength(searches);
  expect(io.spent).toHaveLength(desk.calls.all.length);
});

test.each([
  [{ url: 'https://acme.jitbit.com/helpdesk/', token: 'x' }, 'https://acme.jitbit.com/helpdesk'],
  [{ url: 'https://acme.jitbit.com/helpdesk/api', token: 'x' }, 'https://acme.jitbit.com/helpdesk'],
])('the address %j is read as %s', (settings, expected) => {
  expect(jitbit.settings.parse(settings)).toMatchObject({ url: expected });
});

test.each([
  [{ url: 'acme.jitbit.com', token: 'x' }, 'expected an http(s) URL'],
  [{ url: 'ftp://acme.jitbit.com', token: 'x' }, 'expected an http(s) URL'],
  [{ url: 'https://user:pw@acme.jitbit.com', token: 'x' }, 'credentials have keys of their own'],
  [{ url: 'https://acme.jitbit.com/?a=1', token: 'x' }, 'without user, query'],
  [{ url: 'https://acme.jitbit.com' }, 'either token, or user and password'],
  [{ url: 'https://acme.jitbit.com', user: 'a' }, 'either token, or user and password'],
  [{ url: 'https://acme.jitbit.com', user: 'a', password: 'b', token: 'c' }, 'not both'],
  [{ url: 'https://acme.jitbit.com', token: '' }, 'is empty'],
  [{ url: 'https://acme.jitbit.com', token: 'x', tokn: 'y' }, 'tokn'],
  [{ url: 'https://acme.jitbit.com', token: 'x', time_zone: 'Istanbul' }, 'IANA time zone'],
  [{ url: 'https://acme.jitbit.com', token: 'x', phases: { 'On hold': 'paused' } }, 'waiting'],
  [{ url: 'https://acme.jitbit.com', token: 'x', ticket_url: 'https://a.test/1' }, '{id}'],
])('the settings %j are refused', (settings, expected) => {
  const result = jitbit.settings.safeParse(settings);

  expect(JSON.stringify(result.error?.issues)).toContain(expected);
});
