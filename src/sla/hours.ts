import type { DaySpan } from './calendar.ts';

/** Business hours as people write them: `{ mon-fri: [09:00-12:00, 13:00-18:00], sat: 10:00-14:00 }`. */

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** What is wrong, and under which key (and item) it stands. */
export interface HoursProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type HoursResult =
  { readonly week: readonly (readonly DaySpan[])[] } | { readonly problems: readonly HoursProblem[] };

/** Reads the hours of a week, or says everything that is wrong with them. */
export function parseHours(written: Readonly<Record<string, unknown>>): HoursResult {
  const problems: HoursProblem[] = [];
  const week: { span: DaySpan; text: string }[][] = DAYS.map(() => []);
  for (const [key, value] of Object.entries(written)) {
    const days = parseDays(key);
    if (typeof days === 'string') problems.push({ path: [key], message: days });
    const spans: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (spans.length === 0) problems.push({ path: [key], message: 'expected at least one span' });
    for (const [index, text] of spans.entries()) {
      const path = Array.isArray(value) ? [key, index] : [key];
      const span = parseDaySpan(text);
      if (typeof span === 'string') problems.push({ path, message: span });
      else if (typeof days !== 'string') {
        const overlap = addSpan(week, days, span, String(text));
        if (overlap !== null) problems.push({ path, message: overlap });
      }
    }
  }
  if (Object.keys(written).length === 0) {
    problems.push({
      path: [],
      message: 'the week is empty; expected hours such as { mon-fri: 09:00-18:00 }',
    });
  }
  if (problems.length > 0) return { problems };
  return { week: week.map((day) => day.map(({ span }) => span).sort((a, b) => a.from - b.from)) };
}

function addSpan(
  week: { span: DaySpan; text: string }[][],
  days: readonly number[],
  span: DaySpan,
  text: string,
): string | null {
  for (const day of days) {
    const other = week[day]?.find((known) => known.span.from < span.to && span.from < known.span.to);
    if (other !== undefined) return `"${text}" overlaps "${other.text}" on ${DAYS[day]}`;
  }
  for (const day of days) week[day]?.push({ span, text });
  return null;
}

/** `mon`, `mon-fri`, `sat-mon`, `mon, wed, fri` → weekdays from 0 (Sunday), or what is wrong. */
function parseDays(text: string): readonly number[] | string {
  const found = new Set<number>();
  for (const part of text.toLowerCase().split(',')) {
    const [first = '', last = first, ...more] = part.trim().split('-');
    const [from, to] = [first, last].map((name) => DAYS.findIndex((day) => day === name.trim()));
    if (from === undefined || to === undefined || from < 0 || to < 0 || more.length > 0) {
      return `"${text}" is no weekday; expected mon, tue, wed, thu, fri, sat, sun or a range such as mon-fri`;
    }
    for (let day = from; ; day = (day + 1) % 7) {
      found.add(day);
      if (day === to) break;
    }
  }
  return [...found];
}

const SPAN = /^(\d{1,2}):(\d{2}) ?[-–] ?(\d{1,2}):(\d{2})$/;

/** `09:00-18:00` → minutes of the day, or what is wrong. */
export function parseDaySpan(text: unknown): DaySpan | string {
  const found = typeof text === 'string' ? SPAN.exec(text.trim()) : null;
  if (found === null) return 'expected hours such as 09:00-18:00';
  const [fromHour = NaN, fromMinute = NaN, toHour = NaN, toMinute = NaN] = found.slice(1).map(Number);
  const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute];
  if (fromMinute > 59 || toMinute > 59 || from >= 1440 || to > 1440) {
    return `"${String(text)}" is no time of day; expected hours from 00:00 to 24:00`;
  }
  if (to === from) return `"${String(text)}" has no working minute`;
  if (to < from) {
    return `"${String(text)}" ends before it starts; write a night as two spans, such as 22:00-24:00 and 00:00-06:00`;
  }
  return { from, to };
}
