import { describe, expect, test } from 'vitest';
import { createDateParser } from '../http/dates.ts';
import { NOTHING_KNOWN, type Known } from './known.ts';
import { mapDetail, mapPriority, mapRow, rowVersion } from './map.ts';
import { bodyText, mapComments } from './map-comments.ts';
import { TicketComment, TicketDetail, TicketListRow } from './schema.ts';
import { JitbitSettings } from './settings.ts';

const toInstant = createDateParser();

function mapping(extra: Record<string, unknown> = {}): {
  settings: JitbitSettings;
  toInstant: typeof toInstant;
} {
  const settings = JitbitSettings.parse({ url: 'https://acme.jitbit.com/helpdesk', token: 'x', ...extra });
  return { settings, toInstant };
}

/** The sample of the vendor's document, section "Tickets". */
const ROW = {
  IssueID: 382,
  Priority: 0,
  StatusID: 1,
  IssueDate: '2024-05-05T17:25:31.127Z',
  Subject: 'Test ticket',
  Status: 'In progress',
  UpdatedByUser: false,
  UpdatedByPerformer: false,
  CategoryID: 21,
  UserName: 'admin',
  Technician: null,
  FirstName: '',
  LastName: '',
  DueDate: null,
  TechFirstName: null,
  TechLastName: null,
  LastUpdated: '2024-05-06T10:24:13.873Z',
  UpdatedForTechView: false,
  UserID: 20,
  CompanyID: null,
  CompanyName: null,
  AssignedToUserID: 1,
  ResolvedDate: null,
  SectionID: null,
  Category: 'test',
  Origin: 'WebApp',
  Email: 'admin@admin.lvm',
  HasChildren: false,
  LastUpdatedByUserID: 1,
  LastUpdatedUsername: '',
  StartDate: '2024-05-06T10:24:13.887Z',
};

const KNOWN: Known = {
  categories: new Map([
    ['21', { id: '21', name: 'test', path: 'Hardware > test', section: { id: '3', name: 'Hardware' } }],
  ]),
  agents: new Map([['1', { id: '1', name: 'Nora Öz', email: 'nora@acme.com', kind: 'agent' }]]),
};

const row = (changes: Record<string, unknown> = {}): TicketListRow =>
  TicketListRow.parse({ ...ROW, ...changes });

test("the document's row, with nothing known besides", () => {
  expect(mapRow(row(), ROW, NOTHING_KNOWN, mapping())).toEqual({
    id: '382',
    internal_id: null,
    display_id: '#382',
    url: 'https://acme.jitbit.com/helpdesk/Ticket/382',
    title: 'Test ticket',
    status: { id: '1', name: 'In progress' },
    phase: 'new',
    sub_status: null,
    priority: { id: '0', name: 'Normal', level: 'normal' },
    type: null,
    category: { id: '21', name: 'test', path: null },
    queue: { id: '21', name: 'test' },
    assignee: { id: '1', name: null, email: null, kind: 'agent' },
    requester: { id: '20', name: 'admin', email: 'admin@admin.lvm', kind: 'requester' },
    creator: null,
    company: null,
    location: null,
    channel: { id: 'web', name: 'WebApp' },
    created_at: '2024-05-05T17:25:31.127Z',
    occurred_at: null,
    updated_at: '2024-05-06T10:24:13.873Z',
    resolved_at: null,
    closed_at: null,
    due_at: null,
    escalate_at: null,
    sla: { response_due_at: null, resolution_due_at: null, state: null },
    last_updated_by: { id: '1', name: null, email: null, kind: 'agent' },
    awaiting: null,
    raw: ROW,
  });
});

test('what lookups know completes it', () => {
  expect(mapRow(row(), ROW, KNOWN, mapping())).toMatchObject({
    category: { id: '21', name: 'test', path: 'Hardware > test' },
    queue: { id: '3', name: 'Hardware' },
    assignee: { id: '1', name: 'Nora Öz', email: 'nora@acme.com', kind: 'agent' },
    last_updated_by: { id: '1', email: 'nora@acme.com', kind: 'agent' },
  });
});

describe('phase', () => {
  test.each([
    [{ StatusID: 1 }, {}, 'new'],
    [{ StatusID: 2 }, {}, 'open'],
    [{ StatusID: 3 }, {}, 'closed'],
    [{ StatusID: 9, Status: 'On hold' }, {}, 'open'],
    [{ StatusID: 9, Status: 'On hold' }, { phases: { 'on HOLD': 'waiting' } }, 'waiting'],
    [{ StatusID: 9, Status: 'On hold' }, { phases: { 9: 'waiting' } }, 'waiting'],
    [
      { StatusID: 9, Status: null },
      { names: { status: { 9: 'İade' } }, phases: { iade: 'rejected' } },
      'rejected',
    ],
    [{ StatusID: 9, ResolvedDate: '2024-05-06T10:24:13Z' }, {}, 'closed'],
    [
      { StatusID: 9, Status: 'Solved', ResolvedDate: '2024-05-06T10:24:13Z' },
      { phases: { Solved: 'resolved' } },
      'resolved',
    ],
    [{ StatusID: null }, {}, 'open'],
  ])('%j with %j is %s', (changes, settings, phase) => {
    expect(mapRow(row(changes), null, NOTHING_KNOWN, mapping(settings)).phase).toBe(phase);
  });
});

test.each([
  [-1, {}, { id: '-1', name: 'Low', level: 'low' }],
  [2, {}, { id: '2', name: 'Critical', level: 'critical' }],
  [7, {}, { id: '7', name: '7', level: null }],
  [2, { 2: 'urgent' }, { id: '2', name: 'Critical', level: 'urgent' }],
  [2, { Critical: 4 }, { id: '2', name: 'Critical', level: 'urgent' }],
  [1, { 1: 'Yüksek' }, { id: '1', name: 'Yüksek', level: 'high' }],
])('priority %i with names %j', (value, names, expected) => {
  expect(mapPriority(value, mapping({ names: { priority: names } }).settings)).toEqual(expected);
});

test.each([
  [{ UpdatedByUser: true }, 'agent'],
  [{ UpdatedByPerformer: true }, 'customer'],
  [{ UpdatedByUser: true, UpdatedByPerformer: true }, 'agent'],
  [{}, null],
])('after %j it is the turn of %s', (changes, awaiting) => {
  expect(mapRow(row(changes), null, NOTHING_KNOWN, mapping()).awaiting).toBe(awaiting);
});

test.each([
  ['Email', { id: 'email', name: 'Email' }],
  [6, { id: 'phone', name: 'Phone' }],
  ['0', { id: 'web', name: 'WebApp' }],
  ['Fax', { id: null, name: 'Fax' }],
  [null, null],
])('origin %j', (Origin, expected) => {
  expect(mapRow(row({ Origin }), null, NOTHING_KNOWN, mapping()).channel).toEqual(expected);
});

test.each([
  [20, 'requester'],
  [1, 'agent'],
  [77, 'requester'],
])('user %i, who updated it last, is an %s', (LastUpdatedByUserID, kind) => {
  expect(mapRow(row({ LastUpdatedByUserID }), null, KNOWN, mapping()).last_updated_by?.kind).toBe(kind);
});

test('who is neither requester nor assignee is unknown while the technicians are not', () => {
  const mapped = mapRow(row({ LastUpdatedByUserID: 77 }), null, NOTHING_KNOWN, mapping());

  expect(mapped.last_updated_by?.kind).toBe('unknown');
});

test('the detail has description and tags, and leaves out what only the list has', () => {
  // The document's sample, section "Ticket", shortened.
  const detail = TicketDetail.parse({
    Tags: [{ TagID: 14502, Name: 'tag1', TagCount: 0 }],
    Status: 'In progress',
    SubmitterUserInfo: {
      UserID: 20,
      Username: 'cus',
      Email: 'cus@client.test',
      FirstName: 'Cus',
      LastName: 'Tomer',
    },
    CategoryName: 'test',
    AssigneeUserInfo: {
      UserID: 1,
      Username: 'nora',
      FirstName: 'Nora',
      LastName: 'Öz',
      Email: 'nora@acme.com',
    },
    TicketID: 382,
    UserID: 20,
    AssignedToUserID: 1,
    IssueDate: '2020-02-28T04:48:00Z',
    Subject: 'test',
    Body: '<!--html--><p>one</p><p>two &amp; three</p>',
    Priority: 0,
    StatusID: 2,
    CategoryID: 21,
    DueDate: null,
    ResolvedDate: null,
  });

  const mapped = mapDetail(detail, null, KNOWN, mapping({ ticket_url: 'https://desk.test/t/{id}' }));

  expect(mapped).toMatchObject({
    id: '382',
    url: 'https://desk.test/t/382',
    description: 'one\ntwo & three',
    tags: ['tag1'],
    assignee: { id: '1', name: 'Nora Öz', email: 'nora@acme.com', kind: 'agent' },
    requester: { id: '20', name: 'Cus Tomer', email: 'cus@client.test', kind: 'requester' },
    queue: { id: '3', name: 'Hardware' },
  });
  for (const field of ['channel', 'updated_at', 'last_updated_by', 'company', 'custom'] as const) {
    expect(mapped).not.toHaveProperty(field);
  }
  // An unknown category must not look like a move to another queue.
  expect(mapDetail(detail, null, NOTHING_KNOWN, mapping())).not.toHaveProperty('queue');
});

test.each([
  ['plain text with\r\nlines\r\n\r\n', 'plain text with\nlines'],
  ['a < b and c > d', 'a < b and c > d'],
  ['<p>Hello <b>you</b></p>', 'Hello you'],
  ['<!--html-->a&lt;b', 'a<b'],
  ['R&amp;D', 'R&amp;D'],
  ['', ''],
])('the body %j reads %j', (body, expected) => {
  expect(bodyText(body)).toBe(expected);
});

test('a hostile body is read in no time', () => {
  const before = process.cpuUsage();

  for (const piece of ['<p ', '<!--html--><a ', '<br', '</']) bodyText(piece.repeat(300_000));

  // Of the process, so that a busy machine does not count.
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(2_000);
});

test('comments come oldest first, with who wrote them', () => {
  const comment = (id: number, UserID: number, more: Record<string, unknown> = {}): TicketComment =>
    TicketComment.parse({ CommentID: id, UserID, CommentDate: '2024-05-06T10:00:00Z', Body: 'x', ...more });
  const rows = [
    comment(100, 1, { ForTechsOnly: true }),
    comment(99, 20),
    comment(7, 5, { CommentDate: '2024-05-06T09:00:00Z' }),
    comment(101, 1, { IsSystem: true }),
  ];

  const comments = mapComments(rows, '20', KNOWN, toInstant);

  expect(comments.map(({ id, author, public: open, system }) => [id, author?.kind, open, system])).toEqual([
    ['7', 'requester', true, false],
    ['99', 'requester', true, false],
    ['100', 'agent', false, false],
    ['101', 'agent', true, true],
  ]);
});

describe('the version of a row', () => {
  test.each([
    ['LastUpdated', '2024-05-06T10:24:13.874Z'],
    ['StatusID', 2],
    ['Priority', 1],
    ['CategoryID', 22],
    ['AssignedToUserID', null],
    ['DueDate', '2024-06-01T00:00:00Z'],
    ['Subject', 'Test ticket '],
    ['ResolvedDate', '2024-06-01T00:00:00Z'],
    ['CustomFields', [{ FieldID: 1, Value: 'x' }]],
  ])('changes with %s', (field, value) => {
    expect(rowVersion(row({ [field]: value }))).not.toBe(rowVersion(row()));
  });

  test('does not change with what nobody edits', () => {
    expect(rowVersion(row({ HasChildren: true, StartDate: null, New: 1 }))).toBe(rowVersion(row()));
  });
});
