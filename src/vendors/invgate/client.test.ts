import { afterEach, describe, expect, test } from 'vitest';
import {
  startInvgateDesk,
  type InvgateDesk,
  type InvgateOptions,
} from '../../demo/simulators/invgate/invgate-desk.ts';
import {
  ContractClock,
  contractContext,
  ContractIo,
  NO_NEEDS,
  vendorFailure,
} from '../../../test/vendor-contract.ts';
import type { Adapter } from '../vendor.ts';
import { CALLS } from './calls.ts';
import { openEnvelope } from './envelope.ts';
import { invgate } from './index.ts';
import { ticketIdsIn } from './nudge.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

async function setUp(
  options: InvgateOptions = {},
  access: 'key' | 'oauth' = 'key',
): Promise<{ desk: InvgateDesk; io: ContractIo; clock: ContractClock; adapter: Adapter; id: string }> {
  const clock = new ContractClock();
  const desk = await startInvgateDesk({ clock, oldRequests: false, ...options });
  const io = new ContractIo(clock);
  const { clientId, clientSecret, url } = desk.oauth;
  const oauth = { client_id: clientId, client_secret: clientSecret, url };
  const credentials = access === 'key' ? { key: desk.key } : { oauth };
  const settings = invgate.settings.parse({ url: desk.url, author: 'deskbot', ...credentials });
  const adapter = invgate.connect?.(settings, io);
  if (adapter === undefined) throw new Error('invgate has an API');
  opened.push(adapter, desk);
  return { desk, io, clock, adapter, id: String(desk.human.create({ title: 'VPN down' })) };
}

async function comment(adapter: Adapter, id: string): Promise<void> {
  const ticket = await adapter.readTicket(id, NO_NEEDS, contractContext());
  if (ticket.gone) throw new Error('gone');
  const action = { action: 'comment', text: 'hello', public: false } as const;
  const write = await adapter.nextWrite(action, ticket, new Set(), contractContext());
  if (write !== null) await adapter.send(write, contractContext());
}

describe('OAuth2', () => {
  test('one token with a scope for every call, renewed when it ends', async () => {
    const { desk, clock, adapter, id } = await setUp({}, 'oauth');

    await comment(adapter, id);
    clock.ms += 3_600_000;
    await comment(adapter, id);

    const asked = desk.calls.all.filter((call) => call.path.endsWith('access_token'));
    expect(asked).toHaveLength(2);
    expect(asked[0]?.params.get('scope')?.split(' ')).toHaveLength(CALLS.length);
    expect(asked[0]?.params.get('scope')).toContain('api.v1.incident.comment:post');
    expect(desk.comments(Number(id))).toHaveLength(2);
  });

  test('a token that was taken back is replaced once', async () => {
    const { desk, adapter, id } = await setUp({}, 'oauth');
    await comment(adapter, id);
    desk.expireTokens();

    await comment(adapter, id);

    expect(desk.comments(Number(id))).toHaveLength(2);
  });

  test('tokens without scopes stop the connection after one more try, and say what to do', async () => {
    const { desk, io, adapter } = await setUp({ emptyScopes: true }, 'oauth');

    const error = await vendorFailure(adapter.selfTest(contractContext()));

    expect(error).toMatchObject({ reason: 'auth', status: 403 });
    expect(io.warnings[0]).toMatch(/without scopes.*use key/);
    expect(desk.calls.named('GET sd.version')).toHaveLength(2);
  });

  test('neither secret nor token is seen in an error', async () => {
    const { desk, adapter } = await setUp({}, 'oauth');
    await adapter.selfTest(contractContext());
    desk.faults.next('sd.version', { kind: 'status', status: 500, body: 'oauth-1 invgate-client-secret' });

    const error = await vendorFailure(adapter.selfTest(contractContext()));

    expect(error.message).not.toMatch(/oauth-1|invgate-client-secret/);
  });
});

test('a desk that reads writes from the query only is found out, once', async () => {
  const { desk, io, adapter, id } = await setUp({ writesIn: 'query' });

  await comment(adapter, id);
  await comment(adapter, id);

  expect(desk.comments(Number(id)).map((one) => one.customerVisible)).toEqual([false, false]);
  expect(desk.calls.named('POST incident.comment')).toHaveLength(3);
  expect(io.warnings).toHaveLength(1);
});

test('ERROR with status 200 is a refusal with its reason', async () => {
  const { desk, adapter, id } = await setUp();
  desk.faults.next('POST incident.comment', {
    kind: 'status',
    status: 200,
    body: '{"status":"ERROR","info":"The agent is on leave"}',
    type: 'application/json',
  });

  const error = await vendorFailure(comment(adapter, id));

  expect(error).toMatchObject({ reason: 'refused', notApplied: true });
  expect(error.message).toContain('The agent is on leave');
});

describe('envelopes', () => {
  test.each([
    ['a bare list', [{ id: 1 }], 1, null],
    ['an empty list', [], 0, null],
    ['rows with a key', { data: [{ id: 1 }, { id: 2 }], next_page_key: 'k' }, 2, 'k'],
    ['no next page', { data: [], next_page_key: '' }, 0, null],
    ['keyed by id', { 309: { id: 309 }, 360: { id: 360 } }, 2, null],
    [
      'keyed in requests',
      { status: 'OK', info: '', requests: { 7: { id: 7 } }, next_page_key: null },
      1,
      null,
    ],
    ['empty requests', { status: 'OK', requests: [], next_page_key: null }, 0, null],
    ['articles', { status: 'OK', data: [{ id: 1 }] }, 1, null],
  ])('%s', (_, value, count, nextKey) => {
    const result = openEnvelope(value);

    expect(result.kind).toBe('rows');
    expect(result.kind === 'rows' ? [result.rows.length, result.nextKey] : null).toEqual([count, nextKey]);
  });

  test.each([
    [
      { status: 'ERROR', info: 'no' },
      { kind: 'error', message: 'no', status: null },
    ],
    [
      { Status: 'error', error: 'bad' },
      { kind: 'error', message: 'bad', status: null },
    ],
    [
      { error: 'Not found', status: 404 },
      { kind: 'error', message: 'Not found', status: 404 },
    ],
    [
      { status: 'OK', requestIds: ['143', 5], limit: '10', total: 2, offset: 0 },
      { kind: 'ids', ids: ['143', 5], limit: 10, total: 2 },
    ],
    [{ status: 'OK' }, { kind: 'object', object: { status: 'OK' } }],
    [{ data: 5 }, { kind: 'object', object: { data: 5 } }],
    ['text', { kind: 'other' }],
    [null, { kind: 'other' }],
  ])('%j', (value, result) => {
    expect(openEnvelope(value)).toEqual(result);
  });
});

describe('webhooks', () => {
  const bodyOf = (text: string): Parameters<typeof ticketIdsIn>[0] => ({
    contentType: 'text/plain',
    bytes: Buffer.from(text),
    text,
  });

  test.each([
    ['JSON', '{"request_id":"301","x":5}', ['301']],
    ['JSON with a number', '{"request_id": 301}', ['301']],
    ['a form', 'event=updated&request_id=301', ['301']],
    ['an encoded form', 'body=%7B%22request_id%22%3A%22301%22%7D', ['301']],
    ['broken JSON', '{"title":"a "quoted" one","request_id":"#301"}', ['301']],
    ['several', 'request_id=1&request_id=2&request_id=1', ['1', '2']],
    ['none', '{"id":301}', []],
    ['too many digits', `request_id=${'9'.repeat(30)}`, []],
  ])('%s', (_, text, ids) => {
    expect(ticketIdsIn(bodyOf(text))).toEqual(ids);
  });
});

describe('settings', () => {
  const minimal = { url: 'https://acme.test/api/v1', key: 'k', author: 7 };

  test.each([
    ['https://acme.test', 'https://acme.test/api/v1'],
    ['https://acme.test/api/', 'https://acme.test/api/v1'],
    ['https://acme.test/desk/api/v1/', 'https://acme.test/desk/api/v1'],
  ])('%s is %s', (url, result) => {
    expect(invgate.settings.parse({ ...minimal, url })).toMatchObject({
      url: result,
      author: '7',
      user: 'api',
    });
  });

  test.each([
    [{ ...minimal, key: undefined }, /either key/],
    [{ ...minimal, oauth: { client_id: 'a', client_secret: 'b' } }, /either key/],
    [{ ...minimal, author: undefined }, /author/],
    [{ ...minimal, url: 'https://u:p@acme.test' }, /without user/],
    [{ ...minimal, viewid: 3 }, /viewid/],
  ])('%j is refused', (settings, message) => {
    expect(JSON.stringify(invgate.settings.safeParse(settings).error?.issues)).toMatch(message);
  });
});
