import { describe, expect, test } from 'vitest';
import { parseConfig, type Config } from '../config.ts';
import { ConfigError, formatProblem } from '../errors.ts';
import { vendors } from '../vendors/registry.ts';

const HEAD = 'connections:\n  mon:\n    vendor: webhook\n    webhook_secret: s3cret-s3cret\n';
const ICS = 'BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20261029\nEND:VEVENT\nEND:VCALENDAR\n';
const ALWAYS = ICS.replace('20261029\n', '20250101\nDTEND;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY\n');

function read(text: string): Config {
  const readFile = (path: string): string => {
    if (path === 'tr.ics') return ICS;
    if (path === 'always.ics') return ALWAYS;
    if (path === 'broken.ics') return 'BEGIN:VCALENDAR\nBEGIN:VEVENT\n';
    throw Object.assign(new Error('no file'), { code: 'ENOENT' });
  };
  return parseConfig({ file: 'deskhand.yaml', text: HEAD + text, env: {}, vendors, readFile });
}

function mistakes(text: string): string {
  try {
    read(text);
    return '';
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(formatProblem).join('\n');
  }
}

const office = (...lines: string[]): string =>
  `calendars:\n  office:\n${lines.map((line) => `    ${line}\n`).join('')}`;
const HOURS = 'hours: { mon-fri: [09:00-12:00, 13:00-18:00] }';

describe('calendars, targets, rotas and silences', () => {
  test('are read', () => {
    const config = read(
      office('time_zone: Europe/Istanbul', HOURS, 'holidays: [2026-01-01, tr.ics]') +
        'sla: { mon: { calendar: office, pause_in: [waiting], response: { urgent: 30m, default: 4h } } }\n' +
        'oncall: { network: { people: [nora@acme.com], from: 2026-11-23T09:00, time_zone: Europe/Istanbul } }\n' +
        'silences: [{ when: { queue: Network L2 }, from: 2026-12-01T22:00, until: 2026-12-02T06:00, time_zone: Europe/Istanbul, reason: switch change }]\n',
    );

    expect(config.calendars[0]?.week.map((day) => day.length)).toEqual([0, 2, 2, 2, 2, 2, 0]);
    expect([...(config.calendars[0]?.holidays ?? [])]).toEqual(['2026-01-01', '2026-10-29']);
    expect(config.sla['mon']).toEqual({
      calendar: 'office',
      pauseIn: ['waiting'],
      response: { urgent: 1_800_000, default: 14_400_000 },
      resolution: {},
    });
    expect(config.oncall[0]).toMatchObject({ name: 'network', rotate: 'weekly' });
    expect(config.silences[0]?.fromMs).toBe(Date.parse('2026-12-01T19:00Z'));
  });

  test.each([
    [
      'an unknown zone',
      office('time_zone: Mars/Base', HOURS),
      /7:16: "time_zone": expected a time zone .*"Mars/,
    ],
    ['no zone', office(HOURS), /6:3: "time_zone" is missing/],
    ['end before start', office('time_zone: UTC', 'hours: { mon: 18:00-09:00 }'), /8:19: .*ends before/],
    [
      'overlapping spans',
      office('time_zone: UTC', 'hours: { mon: [09:00-12:00, 11:00-13:00] }'),
      /8:33: .*overlaps "09:00-12:00" on mon/,
    ],
    ['an empty week', office('time_zone: UTC', 'hours: {}'), /8:12: "hours": the week is empty/],
    [
      'an empty span',
      office('time_zone: UTC', 'hours: { mon: 09:00-09:00 }'),
      /8:19: .*has no working minute/,
    ],
    [
      'no working minute in twenty years',
      office('time_zone: UTC', 'hours: { tue: 09:00-10:00 }', 'holidays: always.ics'),
      /6:3: .*"office" has no working minute in twenty years/,
    ],
    ['no such day', office('time_zone: UTC', HOURS, 'holidays: [2026-02-30]'), /9:16: .*expected a date/],
    [
      'a broken .ics file',
      office('time_zone: UTC', HOURS, 'holidays: broken.ics'),
      /9:15: broken.ics:2: BEGIN:VEVENT is never ended/,
    ],
    [
      'a missing .ics file',
      office('time_zone: UTC', HOURS, 'holidays: no.ics'),
      /9:15: there is no file no.ics/,
    ],
    ['a negative target', 'sla: { mon: { response: { default: -4h } } }', /5:36: "default": expected a dur/],
    ['a target of 11 years', 'sla: { mon: { response: { default: 4015d } } }', /5:36: .*at most ten years/],
    ['an unknown connection', 'sla: { mom: {} }', /5:8: no connection "mom" .*"mon"/],
    ['an unknown calendar', 'sla: { mon: { calendar: office } }', /5:25: no calendar "office"/],
    [
      'days on a calendar',
      office('time_zone: UTC', HOURS) + 'sla: { mon: { calendar: office, resolution: { default: 2d } } }',
      /9:56: "2d": on a calendar only hours and minutes/,
    ],
    ['an unknown priority', 'sla: { mon: { response: { huge: 4h } } }', /huge/],
    ['a rota of nobody', 'oncall: { net: { people: [], from: 2026-11-23, time_zone: UTC } }', /at least one/],
    [
      'a silence that ends before it starts',
      'silences: [{ from: 2026-12-02, until: 2026-12-01, reason: x }]',
      /5:39: "until": it ends before it starts/,
    ],
    [
      'a silence of an unknown field',
      'silences: [{ when: { quue: x }, from: 2026-12-01, until: 2026-12-02, reason: x }]',
      /5:22: Unknown field "quue".*"queue"/,
    ],
    [
      'a silence without a reason',
      'silences: [{ from: 2026-12-01, until: 2026-12-02 }]',
      /"reason" is missing/,
    ],
  ])('%s is refused with its place', (_, text, message) => {
    expect(mistakes(text)).toMatch(message);
  });
});
