import { createZone, type Zone } from './zone.ts';

/**
 * The next run of a five-field cron expression in a time zone. Around clock changes as Vixie cron has it: what names its
 * hours happens once a day, at the moment of the change where its time is skipped, the first time where it comes twice;
 * what runs in any hour (`*`, or every so many) goes by the clock on the wall, in every hour that there is.
 */

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** 29 February comes every four years, but not in 2100. */
const MAX_DAYS = 8 * 366 + 1;

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

interface Expression {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly anyHour: boolean;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  /** As cron has it: where both day fields are restricted, either is enough. */
  readonly eitherDay: boolean;
}

/** @returns epoch ms of the first run after an instant; null if there is none within eight years */
export function nextRun(cron: string, timeZone: string, afterMs: number): number | null {
  const expression = parse(cron);
  const zone = createZone(timeZone);
  const first = Math.floor((afterMs + zone.offsetAt(afterMs)) / DAY_MS) - 1;
  for (let day = first; day < first + MAX_DAYS; day += 1) {
    if (!isRunDay(expression, day)) continue;
    const next = runsOfDay(expression, zone, day).find((at) => at > afterMs);
    if (next !== undefined) return next;
  }
  return null;
}

/** The runs of a local day, ascending. */
function runsOfDay(expression: Expression, zone: Zone, day: number): readonly number[] {
  const { hours, minutes, anyHour } = expression;
  const runs = hours.flatMap((hour) =>
    minutes.flatMap((minute) => {
      const local = day * DAY_MS + (hour * 60 + minute) * MINUTE_MS;
      return anyHour ? zone.instantsOf(local) : [zone.toInstant(local)];
    }),
  );
  return runs.sort((a, b) => a - b);
}

function isRunDay(expression: Expression, day: number): boolean {
  const date = new Date(day * DAY_MS);
  if (!expression.months.has(date.getUTCMonth() + 1)) return false;
  const byDate = expression.days.has(date.getUTCDate());
  const byWeekday = expression.weekdays.has(date.getUTCDay());
  return expression.eitherDay ? byDate || byWeekday : byDate && byWeekday;
}

/** The loader has checked the expression; what it would refuse gives empty sets here. */
function parse(cron: string): Expression {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = cron.trim().toLowerCase().split(/\s+/);
  return {
    minutes: values(minute, 0, 59),
    hours: values(hour, 0, 23),
    anyHour: hour.startsWith('*'),
    days: new Set(values(day, 1, 31)),
    months: new Set(values(month, 1, 12, MONTHS, 1)),
    weekdays: new Set(values(weekday, 0, 7, WEEKDAYS).map((number) => number % 7)),
    eitherDay: !day.startsWith('*') && !weekday.startsWith('*'),
  };
}

function values(
  field: string,
  least: number,
  most: number,
  words: readonly string[] = [],
  first = 0,
): readonly number[] {
  const number = (text: string): number =>
    words.includes(text) ? words.indexOf(text) + first : Number(text);
  const found = new Set<number>();
  for (const item of field.split(',')) {
    const [range = '', step] = item.split('/');
    const [low = '', high] = range.split('-');
    const from = range === '*' ? least : number(low);
    // `5/15` means from 5 on, every 15.
    const open = range === '*' || (high === undefined && step !== undefined);
    const to = open ? most : number(high ?? low);
    for (let value = from; value <= to; value += Number(step ?? 1)) found.add(value);
  }
  return [...found].sort((a, b) => a - b);
}
