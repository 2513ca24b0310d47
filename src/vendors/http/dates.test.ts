import { expect, test } from 'vitest';
import { createDateParser, createZone, toWallTime } from './dates.ts';

const istanbul = createDateParser({ timeZone: 'Europe/Istanbul' });
const berlin = createDateParser({ timeZone: 'Europe/Berlin' });

test.each([
  [1_700_000_000, '2023-11-14T22:13:20.000Z'],
  ['1700000000', '2023-11-14T22:13:20.000Z'],
  [1_700_000_000_123, '2023-11-14T22:13:20.123Z'],
  ['2024-05-05T17:25:31.127Z', '2024-05-05T17:25:31.127Z'],
  ['2020-05-12T11:59:50.91Z', '2020-05-12T11:59:50.910Z'],
  ['2020-02-28T04:48:00Z', '2020-02-28T04:48:00.000Z'],
  ['2020-02-28T04:48:00.1234567Z', '2020-02-28T04:48:00.123Z'],
  ['2020-02-28T04:48:00+03:00', '2020-02-28T01:48:00.000Z'],
  ['2020-02-28T04:48:00-0530', '2020-02-28T10:18:00.000Z'],
  ['2016-10-09T05:04:40.89', '2016-10-09T02:04:40.890Z'],
  ['2016-10-09 05:04', '2016-10-09T02:04:00.000Z'],
  ['2018-12-01', '2018-11-30T21:00:00.000Z'],
])('%j is %s in Istanbul', (value, expected) => {
  expect(istanbul(value)).toBe(expected);
});

test.each([null, undefined, '', ' ', 0, '0', '0000-00-00', '0000-00-00T00:00:00Z'])(
  '%j is no date and no complaint',
  (value) => {
    const invalid: unknown[] = [];

    expect(createDateParser({ onInvalid: (bad) => invalid.push(bad) })(value)).toBeNull();
    expect(invalid).toEqual([]);
  },
);

// The first is printed in a vendor's own manual.
test.each([
  '2011-02-10T12:45:74.234Z',
  '2023-02-30',
  '2023-13-01',
  'yesterday',
  '10 Feb 2011',
  {},
  [],
  true,
  -5,
  1e300,
])('%j is null and reported', (value) => {
  const invalid: unknown[] = [];

  expect(createDateParser({ onInvalid: (bad) => invalid.push(bad) })(value)).toBeNull();
  expect(invalid).toEqual([value]);
});

test.each([
  ['before the clocks go back', '2026-10-25T00:30:00', '2026-10-24T22:30:00.000Z'],
  ['the hour that occurs twice is the first', '2026-10-25T02:30:00', '2026-10-25T00:30:00.000Z'],
  ['after the clocks went back', '2026-10-25T03:30:00', '2026-10-25T02:30:00.000Z'],
  ['in the gap, the time after it', '2026-03-29T02:30:00', '2026-03-29T01:30:00.000Z'],
  ['after the gap', '2026-03-29T03:30:00', '2026-03-29T01:30:00.000Z'],
])('wall time in Berlin, %s', (_, wall, expected) => {
  expect(berlin(wall)).toBe(expected);
});

test('a time is written as the wall time of a zone', () => {
  expect(toWallTime('2026-07-01T22:30:00.000Z', createZone('Europe/Istanbul'))).toBe('2026-07-02T01:30:00');
});
