import { describe, expect, test } from 'vitest';
import type { DeskEvent } from '../event.ts';
import { compileCondition, compileRules } from './compile.ts';
import { readEventInput } from './input.ts';
import type { MatchSettings } from './matcher.ts';
import { rule } from './testing/generate.ts';

/** What each operator means, as rows: condition, ticket, expected. The odd cases of docs/rules.md stand here. */

const NOW = Date.parse('2026-11-23T10:00:00.000Z');
const SETTINGS: MatchSettings = {
  lists: { vips: ['ceo@acme.com', 'CFO'] },
  locales: { tr: 'tr-TR' },
  workingMs: (_calendar, fromMs, toMs) => (toMs - fromMs) / 2,
};

function event(ticket: unknown, more: object = {}): DeskEvent {
  const read = readEventInput({ type: 'ticket.updated', connection: 'acme', ticket, ...more });
  expect(read.problems).toEqual([]);
  return read.event;
}

type Row = readonly [when: Record<string, unknown>, ticket: unknown, expected: boolean];

const ROWS: Readonly<Record<string, readonly Row[]>> = {
  'is and its negations': [
    [{ title: 'VPN' }, { title: 'vpn' }, true],
    [{ title: ['a', 'b'] }, { title: 'B' }, true],
    [{ title: 'a' }, {}, false],
    [{ title: { not: 'a' } }, {}, true],
    [{ title: { not_in: ['a', 'b'] } }, { title: null }, true],
    [{ title: { not: 'a' } }, { title: 'A' }, false],
    [{ tags: 'vip' }, { tags: ['x', 'VIP'] }, true],
    [{ tags: { not: 'vip' } }, { tags: ['x', 'vip'] }, false],
    [{ tags: { not: 'vip' } }, { tags: [] }, true],
    [{ title: { exact: 'VPN' } }, { title: 'vpn' }, false],
    [{ title: { exact: 'VPN' } }, { title: 'VPN' }, true],
  ],
  'named things and persons': [
    [{ category: 'printer' }, { category: { id: '22', name: 'Printer', path: 'Hardware > Printer' } }, true],
    [
      { category: 'Hardware > Printer' },
      { category: { id: '22', name: 'Printer', path: 'Hardware > Printer' } },
      true,
    ],
    [{ category: 22 }, { category: { id: '22', name: 'Printer', path: null } }, true],
    [{ category: { only: ['22'] } }, { category: { id: '22', name: 'Printer', path: null } }, true],
    [
      { assignee: 'nora@acme.com' },
      { assignee: { id: '7', name: 'Nora', email: 'nora@acme.com', kind: 'agent' } },
      true,
    ],
    [{ assignee: 7 }, { assignee: { id: '7', name: 'Nora', email: null, kind: 'agent' } }, true],
    [{ 'assignee.email': 'nora' }, { assignee: 'nora' }, false],
    [{ 'assignee.name': 'nora' }, { assignee: 'nora' }, true],
    [{ 'requester.email': { domain: 'acme.com' } }, { requester: 'x@mail.ACME.com' }, true],
    [{ 'requester.email': { domain: 'acme.com' } }, { requester: 'x@notacme.com' }, false],
    [{ requester: { in_list: 'vips' } }, { requester: 'CEO@acme.com' }, true],
    [{ requester: { in_list: 'vips' } }, {}, false],
  ],
  'priority: level or name; ordered operators levels only': [
    [{ priority: 'high' }, { priority: 'high' }, true],
    [{ priority: 'P1' }, { priority: { id: '1', name: 'P1', level: null } }, true],
    [{ priority: 'critical' }, { priority: { id: '1', name: 'P1', level: 'critical' } }, true],
    [{ priority: { at_least: 'high' } }, { priority: 'urgent' }, true],
    [{ priority: { above: 'high' } }, { priority: 'high' }, false],
    [{ priority: { between: ['normal', 'high'] } }, { priority: 'high' }, true],
    [{ priority: { at_least: 'low' } }, { priority: { id: '1', name: 'high', level: null } }, false],
    [{ priority: { at_most: 'critical' } }, {}, false],
  ],
  text: [
    [{ title: { contains: ['vpn', 'wi-fi'] } }, { title: 'My Wi-Fi' }, true],
    [{ title: { contains_all: ['vpn', 'down'] } }, { title: 'VPN is down' }, true],
    [{ tags: { contains_all: ['vpn', 'down'] } }, { tags: ['vpn', 'down'] }, false],
    [{ title: { not_contains: 'vpn' } }, {}, true],
    [{ title: { words: 'print' } }, { title: 'printer' }, false],
    [{ title: { words: 'print' } }, { title: 'please print, now' }, true],
    [{ title: { words: 'c++' } }, { title: 'learn C++.' }, true],
    [{ title: { starts_with: 'RE:' } }, { title: 're: vpn' }, true],
    [{ title: { ends_with: 'urgent' } }, { title: 'vpn URGENT' }, true],
    [{ title: { like: 'disk*full' } }, { title: 'Disk C: is full' }, true],
    [{ title: { like: 'disk?full' } }, { title: 'disk full!' }, false],
    [{ title: { like: 'a?c' } }, { title: 'a😀c' }, true],
    [{ title: { matches: '^disk .*(full|90 ?%)' } }, { title: 'Disk at 90%' }, true],
    [{ description: { contains: 'x' } }, { description: 5 as unknown }, false],
    [{ 'custom.ip': { cidr: ['10.0.0.0/8', '2001:db8::/32'] } }, { custom: { ip: '2001:db8::1' } }, true],
    [{ 'custom.ip': { cidr: '10.0.0.0/8' } }, { custom: { ip: '11.0.0.1' } }, false],
    [{ 'custom.ip': { cidr: '10.0.0.0/8' } }, { custom: { ip: '::ffff:10.0.0.1' } }, true],
  ],
  'folding of case, width and Turkish letters': [
    [{ title: 'şikayet' }, { title: 'ŞİKAYET' }, true],
    [{ title: { contains: 'ISI' } }, { title: 'ısıtma' }, true],
    [{ title: 'ＶＰＮ' }, { title: 'vpn' }, true],
    [{ title: 'strasse' }, { title: 'Straße' }, true],
    [{ title: 'ΟΔΟΣ' }, { title: 'οδος' }, true],
    [{ title: { matches: 'ŞİKAYET$' } }, { title: 'bir şikayet' }, true],
    [{ title: { matches: '[Ş]ikayet' } }, { title: 'ŞİKAYET' }, true],
    [{ title: { matches: '\\bI\\S' } }, { title: 'ıs' }, true],
  ],
  lists: [
    [{ tags: { has: ['a', 'b'] } }, { tags: ['b'] }, true],
    [{ tags: { has_all: ['a', 'b'] } }, { tags: ['b', 'A', 'c'] }, true],
    [{ tags: { has_all: ['a', 'b'] } }, { tags: ['b'] }, false],
    [{ tags: { has_none: ['a'] } }, {}, true],
    [{ tags: { only: ['a', 'b'] } }, { tags: ['a'] }, true],
    [{ tags: { only: ['a'] } }, { tags: ['a', 'b'] }, false],
    [{ tags: { only: ['a'] } }, { tags: [] }, false],
    [{ 'custom.tier': { has: 'gold' } }, { custom: { tier: 'gold' } }, true],
  ],
  'empty and present': [
    [{ assignee: { empty: true } }, { assignee: null }, true],
    [{ assignee: { empty: true } }, {}, true],
    [{ tags: { empty: true } }, { tags: [] }, true],
    [{ title: { empty: true } }, { title: '' }, true],
    [{ title: { present: true } }, { title: ' ' }, true],
    [{ 'custom.n': { present: true } }, { custom: { n: 0 } }, true],
    [{ 'custom.n': { present: true } }, { custom: { n: false } }, true],
    [{ 'custom.n': { empty: false } }, { custom: {} }, false],
  ],
  'numbers keep their type': [
    [{ 'custom.n': 5 }, { custom: { n: 5 } }, true],
    [{ 'custom.n': 5 }, { custom: { n: '5' } }, false],
    [{ 'custom.n': '5' }, { custom: { n: 5 } }, false],
    [{ 'custom.n': { at_least: 5 } }, { custom: { n: '9' } }, false],
    [{ 'custom.n': { between: [1, 5] } }, { custom: { n: [0, 9] } }, false],
    [{ 'custom.n': { below: 0 } }, { custom: { n: -1 } }, true],
    [{ 'custom.vip': true }, { custom: { vip: 'true' } }, false],
    [{ id: 1042 }, { id: '1042' }, true],
  ],
  'custom fields by key, name or id, in any case': [
    [{ 'custom.Tier': 'gold' }, { custom: { tier: { id: '2903', name: 'tier', value: 'gold' } } }, true],
    [{ 'custom.2903': 'gold' }, { custom: { tier: { id: '2903', name: 'tier', value: 'gold' } } }, true],
    [{ 'custom.toString': { present: true } }, { custom: {} }, false],
  ],
  times: [
    [{ created_at: { older_than: '4h' } }, { created_at: '2026-11-23T06:00:00Z' }, true],
    [{ created_at: { older_than: '4h' } }, { created_at: '2026-11-23T06:00:01Z' }, false],
    [
      { created_at: { older_than: { for: '2h', calendar: 'office' } } },
      { created_at: '2026-11-23T06:00:00Z' },
      true,
    ],
    [{ due_at: { within: '30m' } }, { due_at: '2026-11-23T10:30:00Z' }, true],
    [{ due_at: { within: '30m' } }, { due_at: '2026-11-23T09:59:59Z' }, false],
    [{ due_at: { overdue: true } }, { due_at: '2026-11-23T09:59:59Z' }, true],
    [{ due_at: { overdue: true } }, {}, false],
    [{ due_at: { below: '2026-12-01' } }, { due_at: '2026-11-30T23:59:59Z' }, true],
    [{ due_at: { overdue: true } }, { due_at: 'yesterday' }, false],
    [{ 'custom.until': { overdue: true } }, { custom: { until: '2026-11-01' } }, true],
  ],
  groups: [
    [{ any: [{ title: 'a' }, { tags: 'b' }] }, { tags: ['b'] }, true],
    [{ none: [{ title: 'a', tags: 'b' }] }, { title: 'a' }, true],
    [{ none: [{ title: 'a' }, { tags: 'b' }] }, { tags: ['b'] }, false],
    [{ all: [{ title: { contains: 'a' } }, { title: { contains: 'b' } }] }, { title: 'ab' }, true],
    // Constraints on one field inside and outside of a group are all required, never merged into an "or".
    [{ title: { contains: 'a' }, any: [{ title: { contains: 'b' } }, { tags: 'x' }] }, { title: 'b' }, false],
    [{}, {}, true],
  ],
};

describe.each(Object.entries(ROWS))('%s', (_, rows) => {
  test.each(rows)('%j on %j is %s', (when, ticket, expected) => {
    const condition = compileCondition(when, SETTINGS);
    const indexed = compileRules([rule('r', when), ...fillers()], SETTINGS);
    const desk = event(
      typeof ticket === 'object' && ticket !== null && 'description' in ticket ? {} : ticket,
    );
    const real =
      typeof ticket === 'object' && ticket !== null && 'description' in ticket
        ? { ...desk, ticket: ticket as never }
        : desk;

    expect(condition.test(real, NOW)).toBe(expected);
    expect(indexed.match(real, NOW).some(({ rule: { id } }) => id === 'r')).toBe(expected);
  });
});

/** Enough rules for the index to be used. */
function fillers(): ReturnType<typeof rule>[] {
  return Array.from({ length: 25 }, (_, index) => rule(`filler-${index}`, { title: `filler ${index}` }));
}

test('a Turkish connection tells dotted from dotless i', () => {
  const condition = compileCondition({ title: 'ısı' }, SETTINGS);

  const inTurkish = (title: string): boolean => condition.test(event({ title }, { connection: 'tr' }), NOW);

  expect(inTurkish('ISI')).toBe(true);
  expect(inTurkish('isi')).toBe(false);
  expect(inTurkish('İSİ')).toBe(false);
  expect(condition.test(event({ title: 'isi' }), NOW)).toBe(true);
});

describe('changed', () => {
  const change = (changes: unknown, when: Record<string, unknown>): boolean =>
    compileCondition(when, SETTINGS).test(event({ title: 'x', tags: [] }, { changes }), NOW);

  test.each([
    [{ priority: { changed: true } }, { priority: { from: 'normal', to: 'high' } }, true],
    [{ priority: { changed: true } }, { status: { from: 'a', to: 'b' } }, false],
    [{ priority: { changed: true } }, {}, false],
    [{ priority: { unchanged: true } }, {}, true],
    [
      { priority: { changed: { to: ['high', 'urgent'] } } },
      { priority: { from: 'normal', to: 'high' } },
      true,
    ],
    [{ priority: { changed: { from: 'high' } } }, { priority: { from: 'normal', to: 'high' } }, false],
    [{ assignee: { changed: { from: { empty: true } } } }, { assignee: { from: null, to: 'nora' } }, true],
    [{ assignee: { changed: { from: { empty: true } } } }, { assignee: { from: 'ali', to: 'nora' } }, false],
    [{ assignee: { changed: { to: { empty: true } } } }, { assignee: { from: 'ali', to: null } }, true],
    [
      { assignee: { changed: { to: 'nora@acme.com' } } },
      { assignee: { from: null, to: { id: '7', name: 'Nora', email: 'nora@acme.com' } } },
      true,
    ],
    [
      { priority: { changed: { by: 'requester' } } },
      { priority: { from: 'low', to: 'high', by: 'requester' } },
      true,
    ],
    [
      { priority: { changed: { by: ['agent', 'self'] } } },
      { priority: { from: 'low', to: 'high', by: 'requester' } },
      false,
    ],
    [{ tags: { changed: { to: 'vip' } } }, { tags: { from: ['a'], to: ['a', 'vip'] } }, true],
    [{ tags: { changed: { to: 'a' } } }, { tags: { from: ['a'], to: ['a', 'vip'] } }, false],
    [{ tags: { changed: { from: 'a' } } }, { tags: { from: ['a'], to: [] } }, true],
    [{ 'custom.tier': { changed: { from: '' } } }, { 'custom.tier': { from: null, to: 'gold' } }, false],
    [
      { 'custom.tier': { changed: { from: { empty: true } } } },
      { 'custom.tier': { from: '', to: 'gold' } },
      true,
    ],
  ] as const)('%j on %j is %s', (when, changes, expected) => {
    const desk = event({ title: 'x', tags: [] }, { changes });
    const indexed = compileRules([rule('r', when), ...fillers()], SETTINGS).match(desk, NOW);

    expect(change(changes, when)).toBe(expected);
    expect(indexed.length === 1).toBe(expected);
  });

  test('on a created ticket the first state counts only for "to", and only where on lists ticket.created', () => {
    const created = event({ priority: 'urgent' }, { type: 'ticket.created' });
    const matches = (changed: unknown, written: boolean): boolean =>
      compileRules([rule('r', { priority: { changed } }, { onWritten: written })], SETTINGS).match(
        created,
        NOW,
      ).length === 1;

    expect(matches({ to: 'urgent' }, true)).toBe(true);
    expect(matches({ to: 'urgent' }, false)).toBe(false);
    expect(matches({ to: 'high' }, true)).toBe(false);
    expect(matches({ to: 'urgent', by: 'agent' }, true)).toBe(false);
    expect(matches(true, true)).toBe(false);
  });
});

describe('which rules see an event', () => {
  const ids = (rules: ReturnType<typeof rule>[], more: object = {}): string[] =>
    compileRules(rules, SETTINGS)
      .match(event({ title: 'x' }, more), NOW)
      .map(({ rule: { id } }) => id);

  test('they come by order, then id; stop hides the event from later ones', () => {
    const rules = [
      rule('c', {}),
      rule('b', {}, { order: 1, stop: true }),
      rule('a', {}),
      rule('d', {}, { order: 0 }),
    ];

    expect(ids(rules)).toEqual(['d', 'b']);
    expect(ids(rules.map((one) => ({ ...one, stop: false })))).toEqual(['d', 'b', 'a', 'c']);
  });

  test('off never matches, shadow matches but does not stop', () => {
    expect(
      ids([rule('a', {}, { mode: 'shadow', stop: true }), rule('b', {}, { mode: 'off' }), rule('c', {})]),
    ).toEqual(['a', 'c']);
  });

  test('own changes only with own', () => {
    expect(ids([rule('a', {}), rule('b', {}, { own: true })], { own: true })).toEqual(['b']);
  });

  test('a clock event reaches the rule that its key names, whatever its on says', () => {
    const late = { due_at: { overdue: true } };
    const rules = [rule('a', late), rule('b', late), rule('c', {})];
    const tick = (key: string): string[] =>
      ids(rules, { type: 'ticket.time', key, ticket: { due_at: '2026-11-01' } });

    expect(tick('time:b:1042:2026-11-23T10:00:00.000Z')).toEqual(['b']);
    expect(tick('time:c:1042:2026-11-23T10:00:00.000Z')).toEqual([]);
    expect(tick('')).toEqual(['a', 'b']);
  });

  test('a schedule reaches its own rule and rules that listen to schedule.fired', () => {
    const schedule = { cron: '0 9 * * *', timeZone: 'UTC' };
    const rules = [
      rule('a', {}, { on: [], schedule }),
      rule('b', {}, { on: [], schedule }),
      rule('c', {}, { on: ['schedule.fired'], onWritten: true }),
    ];

    expect(ids(rules, { type: 'schedule.fired', key: 'schedule:b:2026-11-23T09:00' })).toEqual(['b', 'c']);
    expect(ids(rules)).toEqual([]);
  });
});
