import { expect, test } from 'vitest';
import type { Phase } from '../../ticket.ts';
import { createDateParser } from '../http/dates.ts';
import { isDetail, mapDetail, mapPriority, mapRow, NOTHING_KNOWN } from './map.ts';
import { customValue } from './map-custom.ts';
import { CustomField, TicketDetail, TicketListRow } from './schema.ts';
import { BossdeskSettings } from './settings.ts';

const given = { url: 'https://acme.bossdesk.io/api/v1/', key: 'k' };
const toInstant = createDateParser();

/** Trimmed from the manual, "Retrieving one ticket", with its invalid time. */
const detail = {
  id: 100,
  friendly_id: 75,
  title: 'My harddrive email socket is not responding :(',
  description: '<p>First paragraph</p><p>Second &amp; last</p>',
  status: 'assigned',
  source: 'user_portal',
  custom_fields: { '20': '2016-10-20', '29': 12 },
  created_at: '2016-10-12T08:50:29.274Z',
  updated_at: '2016-10-18T09:29:04.178Z',
  due_at: '2016-10-25T16:15:56.382Z',
  closed_at: null,
  lock_version: 2,
  type: { id: 21, name: 'Bug Reports', shortcut: 'BUG' },
  priority: { id: 1, name: 'Low', color: 'rgb(133, 211, 132)' },
  category: { id: 13, name: 'Email' },
  agent: { id: 11905, friendly_id: 1, first_name: 'Jack', last_name: 'Pot', username: 'jackpot' },
  team: { id: 13, name: 'Email' },
  extended_status: { id: 3, name: 'Waiting on Customer' },
  requester: {
    id: 2153,
    username: 'aldente',
    is_agent: false,
    email: 'a@b.c',
    group: { id: 6, name: 'Purchasing' },
  },
  comments: [],
  tags: [{ id: 54, name: 'email' }],
  attachments: [{ id: 21, secure_url: 'https://secret.example' }],
  tasks: [{ id: 15, title: 'An action', created_at: '2016-10-23T12:45:74.234Z' }],
};

function map(more: object = {}, settings: object = {}) {
  const raw = { ...detail, ...more };
  const mapping = { settings: BossdeskSettings.parse({ ...given, ...settings }), toInstant };
  return mapDetail(TicketDetail.parse(raw), raw, NOTHING_KNOWN, mapping);
}

test("the manual's ticket", () => {
  const ticket = map({}, { ticket_url: 'https://acme.bossdesk.io/tickets/{id}' });

  expect(ticket).toMatchObject({
    id: '75',
    internal_id: '100',
    display_id: 'BUG-75',
    url: 'https://acme.bossdesk.io/tickets/75',
    description: 'First paragraph\nSecond & last',
    status: { id: 'assigned', name: 'Assigned' },
    phase: 'open',
    sub_status: { id: '3', name: 'Waiting on Customer' },
    priority: { id: '1', name: 'Low', level: 'low' },
    queue: { id: '13', name: 'Email' },
    assignee: { id: '11905', name: 'Jack Pot', email: null, kind: 'agent' },
    requester: { id: '2153', name: 'aldente', email: 'a@b.c', kind: 'requester' },
    company: { id: '6', name: 'Purchasing' },
    tags: ['email'],
    custom: { '20': { id: '20', value: '2016-10-20' }, '29': { id: '29', value: 12 } },
    channel: { id: 'user_portal', name: 'user_portal' },
    updated_at: '2016-10-18T09:29:04.178Z',
    due_at: '2016-10-25T16:15:56.382Z',
    closed_at: null,
  });
  expect(JSON.stringify(ticket.raw)).not.toContain('secret.example');
});

test('a row leaves out what it does not show', () => {
  const mapping = { settings: BossdeskSettings.parse(given), toInstant };
  const { team: _team, lock_version: _lock, ...raw } = detail;

  const ticket = mapRow(TicketListRow.parse(raw), raw, mapping);

  for (const field of ['queue', 'tags', 'description', 'custom', 'created_at', 'updated_at', 'closed_at']) {
    expect(ticket).not.toHaveProperty(field);
  }
  expect([isDetail(detail), isDetail(raw)]).toEqual([true, false]);
});

test.each<[object, object, Phase]>([
  [{ status: 'incoming' }, {}, 'new'],
  [{ status: 'assigned' }, {}, 'open'],
  [{ status: 'something new' }, {}, 'open'],
  [{ status: 'closed' }, {}, 'closed'],
  [{ closed_at: '2016-10-20T00:00:00Z' }, {}, 'closed'],
  [{}, { phases: { 'waiting on customer': 'waiting' } }, 'waiting'],
  [{}, { phases: { '3': 'resolved' } }, 'resolved'],
  [{ status: 'closed' }, { phases: { 'waiting on customer': 'waiting' } }, 'closed'],
])('%j with %j is %s', (more, settings, phase) => {
  expect(map(more, settings).phase).toBe(phase);
});

test.each([
  ['High', {}, 'high'],
  ['MEDIUM', {}, 'normal'],
  ['P2', {}, null],
  ['P2', { priority_order: ['P4', 'P3', 'P2', 'P1'] }, 'high'],
  ['Critical', { priority_order: ['Low', 'Critical'] }, 'critical'],
  ['P2', { names: { priority: { P2: 4 } } }, 'urgent'],
  ['P2', { names: { priority: { '7': 'critical' } } }, 'critical'],
] as const)('priority %s with %j has the level %s', (name, settings, level) => {
  const priority = mapPriority({ id: '7', name }, BossdeskSettings.parse({ ...given, ...settings }));

  expect(priority).toEqual({ id: '7', name, level });
});

test.each([
  [8, 3933, 'Broken cable'],
  [8, 1, '1'],
  [7, 'true', true],
  [6, '2016-10-20', '2016-10-20'],
  [6, '2016-10-20T08:00:00Z', '2016-10-20T08:00:00.000Z'],
  [4, 12, 12],
  [1, '', null],
  [11, ['a', 'b'], ['a', 'b']],
])('a custom field of kind %i reads %j as %j', (typeId, value, expected) => {
  const options = [{ id: 3933, name: 'Broken cable' }];
  const field = CustomField.parse({ id: 1, name: 'x', owner_class: 'ticket', type_id: typeId, options });

  expect(customValue(value, field, toInstant)).toEqual(expected);
});

test('settings say what is wrong', () => {
  const messages = (settings: object): readonly string[] =>
    BossdeskSettings.safeParse(settings).error?.issues.map((issue) => issue.message) ?? [];

  expect(messages({ ...given, url: 'acme' })).toEqual([expect.stringContaining('expected an http(s) URL')]);
  expect(messages({ ...given, url: 'https://u:p@a.b/api/v1' })).toEqual([
    expect.stringContaining('keys of their own'),
  ]);
  expect(messages({ ...given, key: '' })).toEqual(['is empty']);
  expect(BossdeskSettings.parse({ ...given, search_id: 12 })).toMatchObject({
    url: 'https://acme.bossdesk.io/api/v1',
    search_id: '12',
  });
});
