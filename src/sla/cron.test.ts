import { describe, expect, test } from 'vitest';
import { nextRun } from './cron.ts';

const next = (cron: string, zone: string, after: string): string | null => {
  const at = nextRun(cron, zone, Date.parse(after));
  return at === null ? null : new Date(at).toISOString();
};
/** All runs in a span. */
function runs(cron: string, zone: string, from: string, to: string): readonly string[] {
  const found: string[] = [];
  for (let at = Date.parse(from); ;) {
    const run = nextRun(cron, zone, at);
    if (run === null || run >= Date.parse(to)) return found;
    found.push(new Date(run).toISOString().slice(0, 16));
    at = run;
  }
}

describe('the next run', () => {
  test.each([
    ['0 9 * * mon-fri', 'Europe/Istanbul', '2026-11-20T06:00Z', '2026-11-23T06:00:00.000Z'],
    ['*/15 8-9 * * *', 'UTC', '2026-11-20T08:45Z', '2026-11-20T09:00:00.000Z'],
    ['30 17 1,15 * *', 'UTC', '2026-11-15T17:30Z', '2026-12-01T17:30:00.000Z'],
    ['0 0 29 feb *', 'UTC', '2026-11-15T00:00Z', '2028-02-29T00:00:00.000Z'],
    ['0 12 13 * fri', 'UTC', '2026-11-12T12:00Z', '2026-11-13T12:00:00.000Z'],
    ['0 12 14 * 7', 'UTC', '2026-11-14T12:00Z', '2026-11-15T12:00:00.000Z'],
  ])('%s in %s after %s', (cron, zone, after, expected) => {
    expect(next(cron, zone, after)).toBe(expected);
  });

  test('at a time that Berlin and New York skip: at the change, once', () => {
    expect(runs('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', '2026-03-30T12:00Z')).toEqual([
      '2026-03-29T01:00',
      '2026-03-30T00:30',
    ]);
    expect(runs('30 2 * * *', 'America/New_York', '2026-03-07T12:00Z', '2026-03-09T12:00Z')).toEqual([
      '2026-03-08T07:00',
      '2026-03-09T06:30',
    ]);
  });

  test('at a time that comes twice: once', () => {
    expect(runs('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', '2026-10-26T12:00Z')).toEqual([
      '2026-10-25T00:30',
      '2026-10-26T01:30',
    ]);
    expect(runs('30 1 * * *', 'America/New_York', '2026-10-31T12:00Z', '2026-11-02T12:00Z')).toEqual([
      '2026-11-01T05:30',
      '2026-11-02T06:30',
    ]);
  });

  test('in any hour: in every hour that there is', () => {
    expect(runs('30 * * * *', 'Europe/Berlin', '2026-03-29T00:00Z', '2026-03-29T02:00Z')).toEqual([
      '2026-03-29T00:30',
      '2026-03-29T01:30',
    ]);
    expect(runs('*/30 * * * *', 'America/New_York', '2026-11-01T04:59Z', '2026-11-01T07:30Z')).toEqual([
      '2026-11-01T05:00',
      '2026-11-01T05:30',
      '2026-11-01T06:00',
      '2026-11-01T06:30',
      '2026-11-01T07:00',
    ]);
  });
});

describe('against the wall clock, minute by minute', () => {
  const EXPRESSIONS = [
    '*/7 * * * *',
    '15 */3 * * *',
    '0,45 1-4 * * *',
    '30 2 * * sun',
    '5 0 29 3 *',
    '10 1 1,25 * sun',
  ];

  test.each([
    ['Europe/Berlin', '2026-03-28T00:00Z'],
    ['Europe/Berlin', '2026-10-24T00:00Z'],
    ['America/New_York', '2026-03-07T00:00Z'],
    ['America/New_York', '2026-10-31T00:00Z'],
    ['Asia/Kathmandu', '2026-03-28T00:00Z'],
    ['Australia/Lord_Howe', '2026-04-04T00:00Z'],
  ])('%s from %s on', (zone, from) => {
    const [start, end] = [Date.parse(from), Date.parse(from) + 3 * 86_400_000];
    // From some hours before, to know what a repeated hour has had.
    const firstMs = start - 6 * 3_600_000;
    const format = new Intl.DateTimeFormat('sv-SE', {
      timeZone: zone,
      dateStyle: 'short',
      timeStyle: 'short',
    });
    const shown = Array.from({ length: (end - firstMs) / 60_000 }, (_, minute) =>
      Date.parse(`${format.format(firstMs + minute * 60_000).replace(' ', 'T')}Z`),
    );
    for (const cron of EXPRESSIONS) {
      const found: number[] = [];
      for (let at = start - 1; ;) {
        at = nextRun(cron, zone, at) ?? end;
        if (at >= end) break;
        found.push(at);
      }

      expect({ cron, runs: found }).toEqual({
        cron,
        runs: walk(cron, shown, firstMs).filter((at) => at >= start),
      });
    }
  });

  /** What a cron that looks at the wall clock every minute would do. @param wall what it shows, minute by minute */
  function walk(cron: string, wall: readonly number[], firstMs: number): readonly number[] {
    const anyHour = cron.split(' ')[1]?.startsWith('*') === true;
    const done = new Set<number>();
    return wall.flatMap((now, minute) => {
      // A clock that jumped ahead makes up for what it skipped.
      const since = Math.max(1, (now - (wall[minute - 1] ?? now)) / 60_000);
      const passed = Array.from({ length: anyHour ? 1 : since }, (_, n) => now - n * 60_000);
      const due = passed.filter((local) => isDue(cron, local));
      const fresh = due.filter((local) => anyHour || !done.has(local));
      for (const local of due) done.add(local);
      return fresh.length === 0 ? [] : [firstMs + minute * 60_000];
    });
  }

  function isDue(cron: string, local: number): boolean {
    const date = new Date(local);
    const [minute = '', hour = '', day = '', month = '', weekday = ''] = cron.split(' ');
    const fits = (field: string, value: number): boolean =>
      field.split(',').some((item) => {
        const [range = '', step = '1'] = item.split('/');
        const [low = '', high = low] = range.replace('sun', '0').split('-');
        const [from, to] = range === '*' ? [0, 99] : [Number(low), Number(high)];
        return value >= from && value <= to && (value - from) % Number(step) === 0;
      });
    const byDay = fits(day, date.getUTCDate());
    const byWeekday = fits(weekday, date.getUTCDay());
    const either = day !== '*' && weekday !== '*';
    return (
      fits(minute, date.getUTCMinutes()) &&
      fits(hour, date.getUTCHours()) &&
      fits(month, date.getUTCMonth() + 1) &&
      (either ? byDay || byWeekday : byDay && byWeekday)
    );
  }
});
