import { expect, test } from 'vitest';
import { createDateParser } from '../http/dates.ts';
import { failureIn, resultIn, unwrap } from './envelope.ts';
import { mapComments, mapIncident, mapPriority, mapRow, NOTHING_KNOWN } from './map.ts';
import { Incident, IncidentRow } from './schema.ts';
import { GotoassistSettings } from './settings.ts';
import { writtenTime } from './write.ts';

const settings = GotoassistSettings.parse({ url: 'https://d.test/v1', token: 't', report_id: 1 });
const mapping = { settings, toInstant: createDateParser() };

/** Trimmed from the guide, "Show Incident", as it is after unwrapping. */
const luke = {
  user_link: '/external_api/v1/users/17',
  id: 17,
  full_name: 'Luke G',
  first_name: 'Luke',
  last_name: 'G',
};
const incident = {
  id: 23534,
  reference_num: 13534,
  title: 'Potential issues with QA',
  status: 'Open',
  created_at: '2010-02-14T11:00:00Z',
  opened_at: '2010-02-14T10:30:00Z',
  last_active_at: '2010-02-15T01:51:47Z',
  due_date: '2010-02-16T01:51:47Z',
  due_to_escalate_at: '',
  resolved_at: '',
  closed_at: '',
  service: { id: 20, name: 'My Service' },
  priority: { id: 59, level: 2, description: 'V. Important' },
  assigned_user: { group_link: '/external_api/v1/users/168', id: 168, full_name: 'Support Group' },
  owner: luke,
  updated_by_user: luke,
  resolved_by_user: '',
  service_activity_type: { id: 16, name: 'Bug' },
  category: null,
  customer: { id: 118, first_name: 'Mert', last_name: 'Şahin' },
  additional_values: { Serial: 'A-1', Nested: { One: { two: 3 } }, None: '' },
  symptoms: [{ id: 1, note: '<p>It breaks</p>', created_at: '2010-02-14T11:00:00Z', user: luke }],
  comments: [
    { id: 4, note: 'Looking', created_at: '2010-02-14T12:00:00Z', user: null, external_email: 'a@b.c' },
  ],
  resolutions: [{ id: 4, note: 'Rebooted', created_at: '2010-02-14T12:00:00Z', user: luke }],
};

test("the guide's incident", () => {
  expect(mapIncident(Incident.parse(incident), incident, NOTHING_KNOWN, mapping)).toMatchObject({
    id: '13534',
    internal_id: '23534',
    display_id: 'B#13534',
    url: null,
    description: 'It breaks',
    status: { id: 'Open', name: 'Open' },
    phase: 'open',
    priority: { id: '59', name: 'V. Important', level: 'urgent' },
    type: { id: '16', name: 'Bug' },
    category: null,
    queue: { id: '20', name: 'My Service' },
    assignee: { id: '168', name: 'Support Group', email: null, kind: 'group' },
    requester: { id: '118', name: 'Mert Şahin', email: null, kind: 'requester' },
    creator: { id: '17', name: 'Luke G', kind: 'agent' },
    custom: { Serial: { value: 'A-1' }, Nested: { value: '{"One":{"two":3}}' }, None: { value: null } },
    occurred_at: '2010-02-14T10:30:00.000Z',
    due_at: '2010-02-16T01:51:47.000Z',
    escalate_at: null,
    resolved_at: null,
  });
});

test('notes of two kinds with one id are two comments', () => {
  const comments = mapComments(Incident.parse(incident), mapping.toInstant);

  expect(comments).toMatchObject([
    { id: '4', public: null, author: { id: null, email: 'a@b.c', kind: 'requester' }, solution: false },
    { id: 'resolution:4', public: null, author: { id: '17', kind: 'agent' }, solution: true },
  ]);
});

test('a row leaves out what it does not show', () => {
  const row = mapRow(IncidentRow.parse(incident), incident, mapping);

  for (const field of ['status', 'type', 'category', 'requester', 'description', 'custom', 'resolved_at']) {
    expect(row).not.toHaveProperty(field);
  }
});

test.each([
  [1, 'critical'],
  [2, 'urgent'],
  [3, 'high'],
  [4, 'normal'],
  [5, 'low'],
  [9, 'low'],
  [null, null],
] as const)('priority level %s is %s', (level, expected) => {
  expect(mapPriority({ id: '1', description: 'x', level }, settings)?.level).toBe(expected);
});

test.each([
  [{ watches: [{ watch: { id: 1 } }] }, { watches: [{ id: 1 }] }],
  [{ incident: { id: 1, service: { service: { id: 2 } } } }, { id: 1, service: { id: 2 } }],
  [{ incidents: [] }, { incidents: [] }],
  [
    { a: 1, additional_values: { x: { y: 1 } } },
    { a: 1, additional_values: { x: { y: 1 } } },
  ],
])('%j is unwrapped', (wrapped, expected) => {
  expect(unwrap(wrapped)).toEqual(expected);
  expect(resultIn({ result: wrapped, version: '1.0', status: 'Success' })).toEqual(expected);
  expect(resultIn({ result: wrapped, version: '1.0' })).toBeUndefined();
  expect(resultIn({ problem: { id: 20 }, version: '1.0', status: 'Success' })).toEqual({ id: 20 });
  expect(resultIn({ version: '1.0', status: 'Success' })).toBeUndefined();
});

const clock = (now: string, firstAt: string | null) => () => ({
  now: Date.parse(now),
  firstAt: firstAt === null ? null : Date.parse(firstAt),
  seed: 'acme',
});

test.each([
  ['GET', 'incidents/1.json', '[E400] no incident found', 'not_found', true],
  ['GET', 'incidents.json', '[E400] no report found', 'refused', true],
  ['POST', 'incidents/1/comments.json', '[E400] no incident found', 'refused', true],
  ['GET', 'incidents.json', '[E906] Invalid verifier', 'auth', true],
  ['GET', 'incidents.json', '[E902] over', 'rate_limited', true],
  ['PUT', 'incidents/1.json', '[E999] what', 'vendor_fault', false],
  ['PUT', 'incidents/1.json', 'no code', 'vendor_fault', false],
] as const)('%s %s with "%s" is %s', (method, path, error, reason, notApplied) => {
  const text = JSON.stringify({ errors: [{ error }], version: '1.0', status: 'Failed' });

  const failure = failureIn({ method, path }, text, clock('2026-11-23T09:10:00Z', null));

  expect(failure).toMatchObject({ reason, notApplied, message: error });
});

test.each([
  ['the hour turns', '2026-11-23T09:10:00Z', null, '2026-11-23T10:00'],
  ['it comes again within the hour', '2026-11-23T09:50:00Z', '2026-11-23T09:10:00Z', '2026-11-23T10:00'],
  ['it outlasts the hour', '2026-11-23T10:02:00Z', '2026-11-23T09:40:00Z', '2026-11-23T10:40'],
  ['it outlasts that too', '2026-11-23T10:41:30Z', '2026-11-23T09:40:00Z', '2026-11-23T11:00'],
])('after E902 all are silent: %s', (_, now, firstAt, until) => {
  const text = '{"errors":[{"error":"[E902] x"}],"status":"Failed"}';

  const failure = failureIn({ method: 'GET', path: 'x.json' }, text, clock(now, firstAt));

  const late = (failure?.silentUntil ?? 0) - Date.parse(`${until}:00Z`);
  expect(late).toBeGreaterThanOrEqual(5_000);
  expect(late).toBeLessThan(66_000);
});

test('what only looks like a failure is none', () => {
  const call = { method: 'GET', path: 'incidents/1.json' } as const;
  const text = JSON.stringify({ result: { title: 'print "errors": Failed' }, status: 'Success' });

  expect(failureIn(call, text, clock('2026-11-23T09:10:00Z', null))).toBeNull();
  expect(failureIn(call, '<html>"errors"', clock('2026-11-23T09:10:00Z', null))).toBeNull();
});

test('times are written as ISO, or as the guide does in a zone', () => {
  expect(writtenTime('2026-11-23T09:05:00.000Z', undefined)).toBe('2026-11-23T09:05:00Z');
  expect(writtenTime('2026-11-23T09:05:00.000Z', 'Europe/Istanbul')).toBe('23 Nov 2026, 12:05');
});
