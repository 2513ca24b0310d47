import { describe, expect, test } from 'vitest';
import { parseJson } from '../../json.ts';
import type { InboundEvent } from '../vendor.ts';
import { webhook } from './index.ts';

function map(settings: unknown, body: unknown): InboundEvent {
  const { inbound } = webhook;
  if (inbound?.kind !== 'event') throw new Error('a webhook is an event');
  return inbound.map(body as Record<string, unknown>, webhook.settings.parse(settings));
}

/** The example of the configuration page. */
const EXAMPLE = {
  ticket: {
    id: '$.alert.id',
    title: '$.alert.title',
    priority: '$.alert.severity',
    category: '$.alert.group',
  },
  event: { type: '$.kind', key: '$.delivery' },
};

test('the mapping of the documentation makes an event with a ticket', () => {
  const body = {
    kind: 'alert.fired',
    delivery: 'd-1',
    alert: { id: 17, title: 'Disk full', severity: 'critical', group: 'Hardware > Disk', host: 'db1' },
  };

  expect(map(EXAMPLE, body)).toEqual({
    type: 'alert.fired',
    key: 'd-1',
    ticket: {
      id: '17',
      title: 'Disk full',
      priority: { id: null, name: 'critical', level: 'critical' },
      category: { id: null, name: 'Disk', path: 'Hardware > Disk' },
    },
  });
});

test('without a mapping an event is a webhook.received without ticket', () => {
  expect(map({}, { id: 1 })).toEqual({ type: 'webhook.received', key: null, ticket: null });
});

test.each([
  ['alert.fired', 'alert.fired'],
  ['a'.repeat(64), 'a'.repeat(64)],
  ['a'.repeat(65), 'webhook.received'],
  ['Alert Fired', 'webhook.received'],
  ['a\n', 'webhook.received'],
  ['', 'webhook.received'],
  [7, '7'],
  [null, 'webhook.received'],
  [['x'], 'webhook.received'],
  [{}, 'webhook.received'],
])('the type %j is %s', (kind, expected) => {
  expect(map({ event: { type: '$.kind' } }, { kind }).type).toBe(expected);
});

describe('ids', () => {
  test.each([
    ['{"alert":{"id":9007199254740993}}', '9007199254740993'],
    ['{"alert":{"id":"007"}}', '007'],
    ['{"alert":{"id":0}}', '0'],
    ['{"alert":{"id":-5}}', '-5'],
  ])('of %s is %s', (text, expected) => {
    expect(map(EXAMPLE, parseJson(text)).ticket?.id).toBe(expected);
  });

  test.each([
    {},
    { alert: null },
    { alert: { id: null } },
    { alert: { id: '' } },
    { alert: { id: {} } },
    { alert: { id: Infinity } },
    { alert: [] },
  ])('%j has none, so there is no ticket', (body) => {
    expect(map(EXAMPLE, body).ticket).toBeNull();
  });
});

test.each([
  ['critical', 'critical'],
  ['HIGH', 'high'],
  [5, 'critical'],
  ['1', 'low'],
  ['P1', 'urgent'],
  ['p1', 'urgent'],
  ['Sev-2', 'high'],
  ['whatever', null],
  [6, null],
])('the priority %j has the level %s and keeps its name', (severity, level) => {
  const settings = { ...EXAMPLE, names: { priority: { P1: 'urgent', 'SEV-2': 3 } } };

  expect(map(settings, { alert: { id: 1, severity } }).ticket?.priority).toEqual({
    id: null,
    name: String(severity),
    level,
  });
});

test('every kind of field has the shape that rules know', () => {
  const settings = {
    ticket: {
      id: '$.id',
      status: '$.state',
      assignee: '$.owner',
      requester: '$.from',
      company: '$.org',
      tags: '$.labels',
      created_at: '$.at',
      due_at: '$.due',
      'custom.host': '$.hosts[0].name',
      'custom.count': '$.count',
      'custom.list': '$.labels',
    },
    phases: { Beklemede: 'waiting' },
    names: { status: { 9: 'Beklemede' } },
    time_zone: 'Europe/Istanbul',
    ticket_url: 'https://mon.test/a?id={id}',
  };
  const body = {
    id: 'a/1',
    state: 9,
    owner: { id: 5, name: 'Nora', email: 'nora@acme.com' },
    from: 'ceo@acme.com',
    org: { id: 51, name: 'Acme' },
    labels: ['vip', null, 3, { a: 1 }],
    at: 1_700_000_000,
    due: '2026-11-23T12:00',
    hosts: [{ name: 'db1' }],
    count: 7,
  };

  expect(map(settings, body).ticket).toEqual({
    id: 'a/1',
    status: { id: '9', name: 'Beklemede' },
    phase: 'waiting',
    assignee: { id: '5', name: 'Nora', email: 'nora@acme.com', kind: 'agent' },
    requester: { id: null, name: null, email: 'ceo@acme.com', kind: 'requester' },
    company: { id: '51', name: 'Acme' },
    tags: ['vip', '3'],
    created_at: '2023-11-14T22:13:20.000Z',
    due_at: '2026-11-23T09:00:00.000Z',
    url: 'https://mon.test/a?id=a%2F1',
    custom: {
      host: { id: 'host', name: 'host', value: 'db1' },
      count: { id: 'count', name: 'count', value: 7 },
      list: { id: 'list', name: 'list', value: ['vip', '3'] },
    },
  });
});

test('mapped fields that a body lacks have no value, unmapped ones were never fetched', () => {
  const ticket = map(EXAMPLE, { alert: { id: 1 } }).ticket;

  expect(ticket).toEqual({ id: '1', title: null, priority: null, category: null });
});

test('prototypes are not read and not written', () => {
  const settings = {
    ticket: { id: '$.id', title: '$.__proto__.x', status: '$.constructor.name', 'custom.__proto__': '$.v' },
  };
  const body = parseJson('{"id":1,"__proto__":{"polluted":true},"v":"x"}');

  const ticket = map(settings, body).ticket;

  expect(ticket).toMatchObject({ title: null, status: null });
  expect(Object.hasOwn(ticket?.custom ?? {}, '__proto__')).toBe(true);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test.each([
  [{ ticket: { title: '$.t' } }, 'expected `id`'],
  [{ ticket: { id: 'alert.id' } }, 'expected a path'],
  [{ ticket: { id: '$..id' } }, 'expected a path'],
  [{ ticket: { id: '$.a[*]' } }, 'expected a path'],
  [{ ticket: { id: '$' } }, 'expected a path'],
  [{ ticket: { id: '$.id', titel: '$.t' } }, 'unknown ticket field titel'],
  [{ event: { typ: '$.t' } }, 'typ'],
  [{ names: { priority: { P1: 'burning' } } }, 'expected a level'],
  [{ names: { priority: { P1: 6 } } }, 'expected a level'],
  [{ url: 'https://x.test' }, 'url'],
])('the settings %j are refused', (settings, expected) => {
  expect(JSON.stringify(webhook.settings.safeParse(settings).error?.issues)).toContain(expected);
});
