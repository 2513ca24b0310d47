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
});
