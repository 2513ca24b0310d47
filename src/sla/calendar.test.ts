import { describe, expect, test } from 'vitest';
import { createCalendar, type CalendarSpec, type DaySpan } from './calendar.ts';
import { createZone } from './zone.ts';

const at = (text: string): number => Date.parse(text);
const hours = (count: number): number => count * 3_600_000;

const NINE_TO_SIX: readonly DaySpan[] = [{ from: 540, to: 1080 }];
const OFFICE: CalendarSpec = {
  name: 'office',
  timeZone: 'Europe/Istanbul',
  week: [[], NINE_TO_SIX, NINE_TO_SIX, NINE_TO_SIX, NINE_TO_SIX, NINE_TO_SIX, []],
  holidays: new Set(['2026-10-29']),
};
const ROUND_THE_CLOCK = Array.from({ length: 7 }, () => [{ from: 0, to: 1440 }]);

describe('working time', () => {
  test('a night, a week-end and a holiday do not count', () => {
    const office = createCalendar(OFFICE);

    // Wednesday 17:00 in Istanbul to Friday 10:00, over the Republic Day.
    expect(office.workingMs(at('2026-10-28T14:00Z'), at('2026-10-30T07:00Z'))).toBe(hours(2));
    expect(office.addWorkingMs(at('2026-10-28T14:00Z'), hours(2))).toBe(at('2026-10-30T07:00Z'));
    expect(office.holidaysBetween(at('2026-10-28T14:00Z'), at('2026-10-30T07:00Z'))).toEqual(['2026-10-29']);
  });

  test('a deadline that fills the day falls on its end, not on the next morning', () => {
    const office = createCalendar(OFFICE);

    expect(office.addWorkingMs(at('2026-11-20T06:00Z'), hours(9))).toBe(at('2026-11-20T15:00Z'));
    expect(office.addWorkingMs(at('2026-11-20T06:00Z'), hours(9) + 1)).toBe(at('2026-11-23T06:00Z') + 1);
  });

  test('backwards it gives the last moment from which the time still remains', () => {
    const office = createCalendar(OFFICE);

    expect(office.addWorkingMs(at('2026-11-23T06:30Z'), -hours(1))).toBe(at('2026-11-20T14:30Z'));
  });

  test('the hour that Berlin skips is not worked, the one that comes twice counts twice', () => {
    const night = createCalendar({
      ...OFFICE,
      timeZone: 'Europe/Berlin',
      week: ROUND_THE_CLOCK,
      holidays: new Set(),
    });
    const twoToThree = createCalendar({
      ...OFFICE,
      timeZone: 'Europe/Berlin',
      week: Array.from({ length: 7 }, () => [{ from: 120, to: 180 }]),
    });

    expect(night.workingMs(at('2026-03-28T23:00Z'), at('2026-03-29T22:00Z'))).toBe(hours(23));
    expect(twoToThree.workingMs(at('2026-03-28T23:00Z'), at('2026-03-29T22:00Z'))).toBe(0);
    expect(twoToThree.workingMs(at('2026-10-24T22:00Z'), at('2026-10-25T23:00Z'))).toBe(hours(2));
  });

  test('New York changes its clocks a week later than Berlin', () => {
    const zone = createZone('America/New_York');

    expect(zone.offsetAt(at('2026-10-31T12:00Z'))).toBe(-hours(4));
    expect(zone.offsetAt(at('2026-11-01T06:00Z'))).toBe(-hours(5));
    // 02:30 does not exist on 8 March: the moment of the change stands for it.
    expect(zone.toInstant(at('2026-03-08T02:30Z'))).toBe(at('2026-03-08T07:00Z'));
    // 01:30 comes twice on 1 November: the first one.
    expect(zone.toInstant(at('2026-11-01T01:30Z'))).toBe(at('2026-11-01T05:30Z'));
  });

  test('a week without work never comes to an end', () => {
    const never = createCalendar({ ...OFFICE, week: [[], [], [], [], [], [], []] });

    expect(never.addWorkingMs(at('2026-11-23T00:00Z'), 1)).toBeNull();
  });
});

/** The slow way: what the wall clock shows, asked minute by minute, over some months around the clock changes. */
class MinuteTable {
  readonly startMin: number;
  readonly #local: readonly { readonly date: string; readonly day: number; readonly minute: number }[];

  constructor(timeZone: string, from: string, days: number) {
    this.startMin = at(from) / 60_000;
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
    this.#local = Array.from({ length: days * 1440 }, (_, index) => {
      const [date = '', time = ''] = format.format((this.startMin + index) * 60_000).split(' ');
      const [hour = 0, minute = 0] = time.split(':').map(Number);
      return { date, day: new Date(`${date}T00:00Z`).getUTCDay(), minute: hour * 60 + minute };
    });
  }

  /** Per minute: is it worked. */
  worked(spec: CalendarSpec): Uint8Array {
    return Uint8Array.from(this.#local, ({ date, day, minute }) => {
      const inside = (spec.week[day] ?? []).some((span) => minute >= span.from && minute < span.to);
      return inside && !spec.holidays.has(date) ? 1 : 0;
    });
  }
}

/** Random but the same every time (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function randomSpec(random: (below: number) => number, timeZone: string, firstDay: number): CalendarSpec {
  const week = Array.from({ length: 7 }, (): DaySpan[] => {
    const cuts = Array.from({ length: 2 * random(4) }, () => random(1441));
    const edges = [...new Set(cuts)].sort((a, b) => a - b);
    const pairs = edges.length - (edges.length % 2);
    return Array.from({ length: pairs / 2 }, (_, index) => ({
      from: edges[2 * index] ?? 0,
      to: edges[2 * index + 1] ?? 0,
    }));
  });
  const holidays = Array.from({ length: random(6) }, () =>
    new Date((firstDay + random(50)) * 86_400_000).toISOString().slice(0, 10),
  );
  return { name: 'random', timeZone, week, holidays: new Set(holidays) };
}

const ZONES: readonly [zone: string, from: string][] = [
  ['Europe/Berlin', '2026-10-01T00:00Z'],
  ['America/New_York', '2026-02-20T00:00Z'],
  ['Europe/Istanbul', '2026-10-01T00:00Z'],
  ['Australia/Lord_Howe', '2026-03-15T00:00Z'],
  ['America/St_Johns', '2026-10-15T00:00Z'],
  ['Asia/Kathmandu', '2026-05-01T00:00Z'],
  ['Africa/Casablanca', '2026-02-05T00:00Z'],
  ['Pacific/Apia', '2011-12-10T00:00Z'],
];

describe('against counting minute by minute', () => {
  test.each(ZONES)('%s: 1,300 random calendars and instants agree', (timeZone, from) => {
    const table = new MinuteTable(timeZone, from, 50);
    const random = randomFrom(timeZone.length * 7919);
    const total = 50 * 1440;
    let checked = 0;
    while (checked < 1300) {
      const spec = randomSpec(random, timeZone, table.startMin / 1440);
      const worked = table.worked(spec);
      const calendar = createCalendar(spec);
      for (let pair = 0; pair < 26; pair += 1, checked += 1) {
        const [a, b] = [random(total), random(total)].sort((x, y) => x - y) as [number, number];
        let minutes = 0;
        for (let minute = a; minute < b; minute += 1) minutes += worked[minute] ?? 0;
        const [fromMs, toMs] = [(table.startMin + a) * 60_000, (table.startMin + b) * 60_000];

        expect(calendar.workingMs(fromMs, toMs)).toBe(minutes * 60_000);
        if (minutes === 0) continue;
        // The minute in which the last worked one before `b` ends, and the one in which the first begins.
        let end = b;
        while (worked[end - 1] === 0) end -= 1;
        let begin = a;
        while (worked[begin] === 0) begin += 1;
        expect(calendar.addWorkingMs(fromMs, minutes * 60_000)).toBe((table.startMin + end) * 60_000);
        expect(calendar.addWorkingMs(toMs, -minutes * 60_000)).toBe((table.startMin + begin) * 60_000);
      }
    }
  });
});
