import { describe, expect, test } from 'vitest';
import { parseIcs } from './icalendar.ts';

const file = (...lines: string[]): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', ...lines, 'END:VCALENDAR', ''].join('\r\n');
const event = (...lines: string[]): string => file('BEGIN:VEVENT', ...lines, 'END:VEVENT');
const datesOf = (text: string): readonly string[] => {
  const read = parseIcs(text);
  if (!('dates' in read)) throw new Error(`line ${read.line}: ${read.message}`);
  return read.dates;
};

describe('an iCalendar file', () => {
  test('whole days, several days in a row, folded lines, cancelled events', () => {
    const text = file(
      'BEGIN:VTIMEZONE',
      'TZID:Europe/Istanbul',
      'END:VTIMEZONE',
      'BEGIN:VEVENT',
      'SUMMARY:Republic Day\\, a long',
      '  name: with a colon',
      'DTSTART;VALUE=DATE:20261029',
      'DTEND;VALUE=DATE:20261030',
      'END:VEVENT',
      'BEGIN:VEVENT',
      'DTSTART;VALUE=DATE:20260527',
      'DTEND;VALUE=DATE:20260530',
      'END:VEVENT',
      'BEGIN:VEVENT',
      'STATUS:CANCELLED',
      'DTSTART;VALUE=DATE:20260101',
      'END:VEVENT',
    );

    expect(datesOf(text)).toEqual(['2026-05-27', '2026-05-28', '2026-05-29', '2026-10-29']);
  });

  test('the same date every year, until or so many times, with exceptions', () => {
    const yearly = datesOf(
      event('DTSTART;VALUE=DATE:20250423', 'RRULE:FREQ=YEARLY;COUNT=3', 'EXDATE;VALUE=DATE:20260423'),
    );
    const until = datesOf(event('DTSTART;VALUE=DATE:20250101', 'RRULE:FREQ=YEARLY;UNTIL=20270101'));

    expect(yearly).toEqual(['2025-04-23', '2027-04-23']);
    expect(until).toEqual(['2025-01-01', '2026-01-01', '2027-01-01']);
  });

  test('the fourth Thursday of November and the last Monday of May', () => {
    const thanks = datesOf(
      event('DTSTART;VALUE=DATE:20251127', 'RRULE:FREQ=YEARLY;COUNT=2;BYMONTH=11;BYDAY=4TH'),
    );
    const memorial = datesOf(
      event('DTSTART;VALUE=DATE:20260525', 'RRULE:FREQ=YEARLY;COUNT=2;BYMONTH=5;BYDAY=-1MO'),
    );

    expect(thanks).toEqual(['2025-11-27', '2026-11-26']);
    expect(memorial).toEqual(['2026-05-25', '2027-05-31']);
  });

  test.each([
    ['', 1, 'BEGIN:VCALENDAR'],
    ['<html>', 1, 'expected a line such as'],
    ['BEGIN:VCALENDAR\nBEGIN:VEVENT\n', 2, 'BEGIN:VEVENT is never ended'],
    ['BEGIN:VCALENDAR\nEND:VEVENT\n', 2, 'END:VEVENT without its BEGIN'],
    [event('SUMMARY:x'), 3, 'no DTSTART'],
    [event('DTSTART;VALUE=DATE:20260230'), 4, 'is no date'],
    [event('DTSTART:20260203T090000Z'), 4, 'a whole day'],
    [event('DTSTART;VALUE=DATE:20260203', 'DTEND;VALUE=DATE:20260201'), 5, 'ends before it starts'],
    [event('DTSTART;VALUE=DATE:20260203', 'DTEND;VALUE=DATE:20360201'), 5, 'days long'],
    [event('DTSTART;VALUE=DATE:20260203', 'RRULE:FREQ=DAILY'), 5, 'only yearly'],
    [file(), 1, 'no whole-day event'],
  ])('a broken one names the line: %#', (text, line, message) => {
    const read = parseIcs(text);

    expect(read).toMatchObject({ line, message: expect.stringContaining(message) as string });
  });
});
