import { createCalendar, type Calendar, type CalendarSpec } from './calendar.ts';

/** All configured calendars by name. */
export type Calendars = ReadonlyMap<string, Calendar>;

/** Makes every configured calendar once; each remembers the days that it worked out. */
export function createCalendars(specs: readonly CalendarSpec[]): Calendars {
  return new Map(specs.map((spec) => [spec.name, createCalendar(spec)]));
}

/** What conditions need of calendars. */
export interface CalendarSettings {
  readonly workingMs: (calendar: string, fromMs: number, toMs: number) => number;
  readonly addWorkingMs: (calendar: string, fromMs: number, ms: number) => number | null;
}

/** `MatchSettings` takes these; a calendar that is not configured any more gives NaN and null: never true. */
export function calendarSettings(calendars: Calendars): CalendarSettings {
  return {
    workingMs: (calendar, fromMs, toMs) => calendars.get(calendar)?.workingMs(fromMs, toMs) ?? NaN,
    addWorkingMs: (calendar, fromMs, ms) => calendars.get(calendar)?.addWorkingMs(fromMs, ms) ?? null,
  };
}
