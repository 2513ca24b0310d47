/**
 * Holidays from an iCalendar file (RFC 5545): whole-day events, of one or several days, once or every year. What it
 * cannot understand it refuses with the line, because a holiday that is silently left out is a wrong deadline.
 */

export type IcsResult =
  { readonly dates: readonly string[] } | { readonly line: number; readonly message: string };

interface IcsLine {
  readonly line: number;
  readonly name: string;
  readonly params: string;
  readonly value: string;
}

/** Yearly holidays are written out for these years. */
const FIRST_YEAR = 2000;
const LAST_YEAR = 2060;
const DAY_MS = 86_400_000;
/** One event longer than a year is a slip in its end. */
const MAX_EVENT_DAYS = 366;
const MAX_EVENTS = 20_000;

class IcsError extends Error {
  override readonly name = 'IcsError';
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** Reads the dates of all holidays in a file, or says on which line it is broken. */
export function parseIcs(text: string): IcsResult {
  try {
    return { dates: readDates(unfold(text)) };
  } catch (error) {
    if (error instanceof IcsError) return { line: error.line, message: error.message };
    throw error;
  }
}

/** Long lines go on in the next one, behind a space or tab (RFC 5545, 3.1). */
function unfold(text: string): readonly IcsLine[] {
  const lines: IcsLine[] = [];
  const joined: { line: number; text: string }[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const last = joined.at(-1);
    if (/^[ \t]/.test(raw) && last !== undefined) last.text += raw.slice(1);
    else if (raw.trim() !== '') joined.push({ line: index + 1, text: raw });
  }
  for (const { line, text: content } of joined) {
    const found = /^([A-Za-z0-9-]+)((?:;(?:"[^"]*"|[^":])*)?):(.*)$/.exec(content);
    if (found === null) throw new IcsError(line, 'expected a line such as DTSTART;VALUE=DATE:20261029');
    const [, name = '', params = '', value = ''] = found;
    lines.push({ line, name: name.toUpperCase(), params: params.toUpperCase(), value: value.trim() });
  }
  return lines;
}

function readDates(lines: readonly IcsLine[]): readonly string[] {
  const first = lines[0];
  if (first === undefined || first.name !== 'BEGIN' || first.value.toUpperCase() !== 'VCALENDAR') {
    throw new IcsError(first?.line ?? 1, 'expected an iCalendar file that begins with BEGIN:VCALENDAR');
  }
  const open: IcsLine[] = [];
  const dates = new Set<string>();
  let event: Map<string, IcsLine[]> | null = null;
  let events = 0;
  for (const line of lines) {
    if (line.name === 'BEGIN') {
      open.push(line);
      if (line.value.toUpperCase() === 'VEVENT') event = new Map();
    } else if (line.name === 'END') {
      const begun = open.pop();
      if (begun === undefined || begun.value.toUpperCase() !== line.value.toUpperCase()) {
        throw new IcsError(line.line, `END:${line.value} without its BEGIN`);
      }
      if (line.value.toUpperCase() !== 'VEVENT' || event === null) continue;
      events += 1;
      if (events > MAX_EVENTS) throw new IcsError(line.line, `more than ${MAX_EVENTS} events`);
      for (const date of datesOf(event, begun.line)) dates.add(date);
      event = null;
    } else if (event !== null && open.at(-1)?.value.toUpperCase() === 'VEVENT') {
      event.set(line.name, [...(event.get(line.name) ?? []), line]);
    }
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined) throw new IcsError(unclosed.line, `BEGIN:${unclosed.value} is never ended`);
  if (dates.size === 0) throw new IcsError(1, 'there is no whole-day event in it');
  return [...dates].sort();
}

function datesOf(event: ReadonlyMap<string, readonly IcsLine[]>, beginLine: number): readonly string[] {
  if (event.get('STATUS')?.[0]?.value.toUpperCase() === 'CANCELLED') return [];
  const start = event.get('DTSTART')?.[0];
  if (start === undefined) throw new IcsError(beginLine, 'the event has no DTSTART');
  const from = dayOf(start);
  const days = lengthOf(event, from);
  const rule = event.get('RRULE')?.[0];
  const starts = rule === undefined ? [from] : yearly(rule, from);
  const except = new Set((event.get('EXDATE') ?? []).flatMap(allDays));
  const extra = (event.get('RDATE') ?? []).flatMap(allDays);
  return [...starts.filter((day) => !except.has(day)), ...extra].flatMap((day) =>
    Array.from({ length: days }, (_, index) => new Date((day + index) * DAY_MS).toISOString().slice(0, 10)),
  );
}

function allDays(line: IcsLine): readonly number[] {
  return line.value.split(',').map((value) => dayOf({ ...line, value }));
}

/** Days from DTSTART to DTEND (exclusive) or for DURATION; one day without either. */
function lengthOf(event: ReadonlyMap<string, readonly IcsLine[]>, from: number): number {
  const end = event.get('DTEND')?.[0];
  const duration = event.get('DURATION')?.[0];
  if (end !== undefined) {
    const days = dayOf(end) - from;
    if (days < 0) throw new IcsError(end.line, 'the event ends before it starts');
    if (days > MAX_EVENT_DAYS) throw new IcsError(end.line, `the event is ${days} days long`);
    // Some calendars write a one-day event with an end equal to its start.
    return Math.max(1, days);
  }
  if (duration === undefined) return 1;
  const [, count, unit] = /^P(\d{1,3})([DW])$/.exec(duration.value.toUpperCase()) ?? [];
  const days = Number(count) * (unit === 'W' ? 7 : 1);
  if (!(days >= 1 && days <= MAX_EVENT_DAYS)) {
    throw new IcsError(duration.line, `expected a duration in days such as P1D, got "${duration.value}"`);
  }
  return days;
}

/** Days since 1970 of a whole-day value; a midnight without time zone counts as one. */
function dayOf({ line, name, value }: IcsLine): number {
  const [, year, month, day, time] = /^(\d{4})(\d{2})(\d{2})(?:T(\d{6})Z?)?$/.exec(value) ?? [];
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const isReal = year !== undefined && new Date(ms).toISOString().startsWith(`${year}-${month}-${day}`);
  if (!isReal) throw new IcsError(line, `${name}: "${value}" is no date`);
  if (time !== undefined && time !== '000000') {
    throw new IcsError(line, `${name}: a holiday is a whole day (VALUE=DATE), this event has a time`);
  }
  return ms / DAY_MS;
}

const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];

/** `FREQ=YEARLY`, on the same date or, with BYMONTH and BYDAY, on the n-th weekday of a month. */
function yearly({ line, value }: IcsLine, from: number): readonly number[] {
  const parts = new Map(
    value
      .toUpperCase()
      .split(';')
      .filter((part) => part !== '')
      .map((part) => part.split('=') as [string, string]),
  );
  const known = ['FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'BYMONTH', 'BYMONTHDAY', 'BYDAY', 'WKST'];
  const strange = [...parts.keys()].find((key) => !known.includes(key));
  if (parts.get('FREQ') !== 'YEARLY' || strange !== undefined) {
    throw new IcsError(line, `RRULE: only yearly holidays are understood, not "${value.slice(0, 60)}"`);
  }
  const start = new Date(from * DAY_MS);
  const until = parts.has('UNTIL')
    ? dayOf({ line, name: 'UNTIL', params: '', value: (parts.get('UNTIL') ?? '').slice(0, 8) })
    : Infinity;
  const interval = wholeNumber(parts.get('INTERVAL') ?? '1', line);
  const count = parts.has('COUNT') ? wholeNumber(parts.get('COUNT') ?? '', line) : Infinity;
  const days: number[] = [];
  for (let year = start.getUTCFullYear(), n = 0; year <= LAST_YEAR && n < count; year += interval) {
    const day = dayInYear(parts, year, start, line);
    if (day === null || day < from) continue;
    if (day > until) break;
    n += 1;
    if (year >= FIRST_YEAR) days.push(day);
  }
  return days;
}

function dayInYear(
  parts: ReadonlyMap<string, string>,
  year: number,
  start: Date,
  line: number,
): number | null {
  const month = parts.has('BYMONTH')
    ? wholeNumber(parts.get('BYMONTH') ?? '', line) - 1
    : start.getUTCMonth();
  const nth = parts.get('BYDAY');
  if (nth !== undefined) return nthWeekday(year, month, nth, line);
  const date = parts.has('BYMONTHDAY')
    ? wholeNumber(parts.get('BYMONTHDAY') ?? '', line)
    : start.getUTCDate();
  const day = new Date(Date.UTC(year, month, date));
  // 29 February does not come every year.
  return day.getUTCMonth() === month ? day.getTime() / DAY_MS : null;
}

function nthWeekday(year: number, month: number, text: string, line: number): number | null {
  const [, nth, name = ''] = /^([+-]?[1-5])(SU|MO|TU|WE|TH|FR|SA)$/.exec(text) ?? [];
  if (nth === undefined) throw new IcsError(line, `RRULE: expected BYDAY such as 4TH or -1MO, got "${text}"`);
  const wanted = WEEKDAYS.indexOf(name);
  const matching: number[] = [];
  for (let day = new Date(Date.UTC(year, month, 1)); day.getUTCMonth() === month % 12;) {
    if (day.getUTCDay() === wanted) matching.push(day.getTime() / DAY_MS);
    day = new Date(day.getTime() + DAY_MS);
  }
  return matching.at(Number(nth) > 0 ? Number(nth) - 1 : Number(nth)) ?? null;
}

function wholeNumber(text: string, line: number): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new IcsError(line, `RRULE: "${text}" is no whole number above 0`);
  return Number(text);
}
