import { describe, expect, test } from 'vitest';
import { parseHours } from './hours.ts';

describe('business hours', () => {
  test('ranges, lists and several spans a day', () => {
    const read = parseHours({ 'mon-thu': ['13:00-18:00', '09:00-12:00'], 'fri, sat': '09:00-24:00' });

    const long = [
      { from: 540, to: 720 },
      { from: 780, to: 1080 },
    ];
    expect(read).toEqual({
      week: [[], long, long, long, long, [{ from: 540, to: 1440 }], [{ from: 540, to: 1440 }]],
    });
  });

  test('a range may go over the week-end', () => {
    const read = parseHours({ 'sat-mon': '10:00-11:00' });

    expect('week' in read && read.week.map((day) => day.length)).toEqual([1, 1, 0, 0, 0, 0, 1]);
  });

  test.each([
    [{}, [], 'the week is empty'],
    [{ mon: [] }, ['mon'], 'at least one span'],
    [{ mon: '18:00-09:00' }, ['mon'], 'ends before it starts'],
    [{ mon: '09:00-09:00' }, ['mon'], 'no working minute'],
    [{ mon: '09:00-25:00' }, ['mon'], 'no time of day'],
    [{ mon: '09:60-18:00' }, ['mon'], 'no time of day'],
    [{ mon: '-09:00-18:00' }, ['mon'], 'expected hours'],
    [{ mon: 9 }, ['mon'], 'expected hours'],
    [{ montag: '09:00-18:00' }, ['montag'], 'no weekday'],
    [{ 'mon-': '09:00-18:00' }, ['mon-'], 'no weekday'],
    [{ mon: ['09:00-12:00', '11:00-18:00'] }, ['mon', 1], 'overlaps "09:00-12:00" on mon'],
    [{ 'mon-fri': '09:00-18:00', wed: '12:00-13:00' }, ['wed'], 'overlaps "09:00-18:00" on wed'],
  ])('%j is refused', (written, path, message) => {
    const read = parseHours(written);

    const problem = 'problems' in read ? read.problems[0] : undefined;
    expect(problem?.path).toEqual(path);
    expect(problem?.message).toContain(message);
  });
});
