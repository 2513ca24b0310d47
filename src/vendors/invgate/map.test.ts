import { describe, expect, test } from 'vitest';
import { createDateParser } from '../http/dates.ts';
import { chunksOf, compareIds, greatestId, idsFrom } from './ids.ts';
import { NOTHING_KNOWN, type Known } from './known.ts';
import { mapComments } from './map-comments.ts';
import { customValue, mapCustom } from './map-custom.ts';
import { mapIncident, mapPriority, phaseOf } from './map.ts';
import { toTree } from './lookups.ts';
import { DeskComment, Incident } from './schema.ts';
import { InvgateSettings } from './settings.ts';
import { deskLine, deskText, defuse } from './text.ts';

const settings = InvgateSettings.parse({ url: 'https://acme.test/api/v1', key: 'k', author: 1 });
const toInstant = createDateParser();

/** The sample of the manual's `incident`, with what newer versions add. */
const raw = {
  id: '309',
  pretty_id: '#309',
  title: 'Printer &lt;A&gt; &amp; co',
  description: '&lt;p&gt;It &amp;amp; hangs&lt;/p&gt;&lt;p&gt;since noon&lt;/p&gt;',
  category_id: '24',
  type_id: 1,
  priority_id: 4,
  status_id: 4,
  source_id: 2,
  user_id: 13,
  creator_id: 11,
  assigned_id: 2,
  assigned_group_id: 1,
  location_id: null,
  created_at: '1795424400',
  date_ocurred: 1_795_424_000,
  last_update: 1_795_425_000,
  solved_at: '',
  closed_at: null,
  sla_incident_resolution: 'On time',
  sla_incident_first_reply: null,
  custom_fields: [],
  attachments: [],
};

const known: Known = {
  ...NOTHING_KNOWN,
  categories: new Map([['24', { id: '24', name: 'Printer', path: 'Hardware > Printer' }]]),
  helpdesks: new Map([['1', { id: '1', name: 'Service desk', path: 'Service desk' }]]),
  people: new Map([
    ['2', { id: '2', name: 'Nora Yilmaz', email: 'nora@acme.com', kind: 'agent' }],
    ['13', { id: '13', name: 'Mert', email: 'mert@acme.com', kind: 'requester' }],
  ]),
};

test('a request as the manual shows it', () => {
  const observed = mapIncident(Incident.parse(raw), raw, known, { settings, toInstant });

  expect({ ...observed, raw: null }).toEqual({
    id: '309',
    internal_id: null,
    display_id: '#309',
    url: 'https://acme.test/requests/show/index/id/309',
    title: 'Printer <A> & co',
    description: 'It & hangs\nsince noon',
    status: { id: '4', name: 'Waiting' },
    phase: 'waiting',
    priority: { id: '4', name: 'Urgent', level: 'urgent' },
    type: { id: '1', name: 'Incident' },
    category: { id: '24', name: 'Printer', path: 'Hardware > Printer' },
    queue: { id: '1', name: 'Service desk' },
    assignee: { id: '2', name: 'Nora Yilmaz', email: 'nora@acme.com', kind: 'agent' },
    requester: { id: '13', name: 'Mert', email: 'mert@acme.com', kind: 'requester' },
    creator: { id: '11', name: null, email: null, kind: 'unknown' },
    location: null,
    tags: [],
    custom: {},
    channel: { id: '2', name: null },
    created_at: '2026-11-23T09:00:00.000Z',
    occurred_at: '2026-11-23T08:53:20.000Z',
    updated_at: '2026-11-23T09:10:00.000Z',
    resolved_at: null,
    closed_at: null,
    due_at: null,
    escalate_at: null,
    sla: { response_due_at: null, resolution_due_at: null, state: 'On time' },
    last_updated_by: null,
    awaiting: null,
    raw: null,
  });
});

test('an invalid date is none, and a row without a status is no request', () => {
  const odd = { ...raw, last_update: '12:45:74', created_at: { value: 5 } };

  const observed = mapIncident(Incident.parse(odd), odd, known, { settings, toInstant });

  expect([observed.updated_at, observed.created_at]).toEqual([null, null]);
  expect(Incident.safeParse({ id: 5, request: { subject: 'a view row' } }).success).toBe(false);
});

test('an id beyond 2^53 stays exact', () => {
  const long = { ...raw, id: '9007199254740993' };

  expect(mapIncident(Incident.parse(long), long, known, { settings, toInstant }).id).toBe('9007199254740993');
  expect(idsFrom('9007199254740993', 2)).toEqual(['9007199254740993', '9007199254740994']);
  expect(greatestId(['99', '9007199254740993', '100'], '0')).toBe('9007199254740993');
  expect(['10', '9', '100'].toSorted(compareIds)).toEqual(['9', '10', '100']);
  expect(chunksOf([1, 2, 3], 2)).toEqual([[1, 2], [3]]);
});

describe('phases', () => {
  test.each([
    ['1', 'new'],
    ['2', 'open'],
    ['3', 'open'],
    ['4', 'waiting'],
    ['5', 'resolved'],
    ['6', 'closed'],
    ['7', 'rejected'],
    ['8', 'cancelled'],
    ['99', 'unknown'],
  ])('status %s is %s', (id, phase) => {
    expect(phaseOf({ id, name: null }, settings)).toBe(phase);
  });

  test("configured ones come first, by the desk's name, the English one or the id", () => {
    const phases = { 'Beklemede ': 'waiting', pending: 'waiting', 5: 'closed' } as const;
    const configured = { ...settings, phases };

    expect(phaseOf({ id: '2', name: 'Beklemede' }, configured)).toBe('waiting');
    expect(phaseOf({ id: '3', name: 'Bekliyor' }, configured)).toBe('waiting');
    expect(phaseOf({ id: '5', name: 'Çözüldü' }, configured)).toBe('closed');
  });
});

test('priorities have levels by id, unless configured otherwise', () => {
  const levels = ['1', '2', '3', '4', '5', '9'].map((id) => mapPriority(id, known, settings).level);
  const configured = { ...settings, names: { priority: { Urgent: 'critical', 2: 'Orta' } } };

  expect(levels).toEqual(['low', 'normal', 'high', 'urgent', 'critical', null]);
  expect(mapPriority('4', known, configured)).toEqual({ id: '4', name: 'Urgent', level: 'critical' });
  expect(mapPriority('2', known, configured)).toEqual({ id: '2', name: 'Orta', level: 'normal' });
});

test.each([
  ['', null],
  ['a &amp; b', 'a & b'],
  [7, 7],
  [{ a1f3: 'gold' }, 'gold'],
  [{ a1f3: 'gold', b2e4: 'silver' }, ['gold', 'silver']],
  [['x'], 'x'],
  [[], null],
  [{ a: { deep: 1 } }, '{"deep":1}'],
])('the custom value %j is %j', (value, result) => {
  expect(customValue(value)).toEqual(result);
});

test('custom fields are keyed by name where there is one', () => {
  expect(mapCustom({ 901: { a1f3: 'gold' }, 902: '3' }, new Map([['901', 'Tier']]))).toEqual({
    Tier: { id: '901', name: 'Tier', value: 'gold' },
    902: { id: '902', name: null, value: '3' },
  });
});

test('comments come oldest first, with flags in either spelling', () => {
  const rows = [
    { id: 9, author_id: 13, message: 'b &lt;x&gt;', created_at: 1_795_425_000, customer_visible: 1 },
    {
      id: 10,
      author_id: 2,
      message: 'a',
      created_at: '1795424400',
      customer_visible: false,
      is_solution: true,
    },
    { id: 8, author_id: 2, message: 'c', created_at: 1_795_425_000, customer_visible: 0 },
  ].map((row) => DeskComment.parse(row));

  const comments = mapComments(rows, '13', known, toInstant);

  expect(comments.map((one) => [one.id, one.text, one.public, one.solution, one.author?.kind])).toEqual([
    ['10', 'a', false, true, 'agent'],
    ['8', 'c', false, false, 'agent'],
    ['9', 'b <x>', true, false, 'requester'],
  ]);
});

test('text is decoded once; only what was HTML is stripped', () => {
  expect(deskText('if a &lt; b &amp;&amp; c')).toBe('if a < b && c');
  expect(deskText('&lt;div&gt;one&lt;br&gt;two&lt;/div&gt;')).toBe('one\ntwo');
  expect(deskLine('Keyboard &lt;Ctrl&gt; &#039;stuck&#039;')).toBe("Keyboard <Ctrl> 'stuck'");
  expect(defuse('<b>x</b> 1 < 2')).toBe('&lt;b>x&lt;/b> 1 < 2');
});

test('paths end where a parent is missing or comes twice', () => {
  const row = (id: string, name: string, parent: string | null): Parameters<typeof toTree>[0][number] => ({
    id,
    name,
    parent_id: null,
    parent_category_id: parent,
  });
  const tree = toTree([
    row('1', 'A', null),
    row('2', 'B', '1'),
    row('3', 'C', '99'),
    row('4', 'D', '5'),
    row('5', 'E', '4'),
  ]);

  expect([...tree.values()].map(({ path }) => path)).toEqual(['A', 'A > B', 'C', 'E > D', 'D > E']);
});
