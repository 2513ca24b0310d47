import { createZone, type Zone } from './zone.ts';

/**
 * Working time. In comes what a calendar's hours and holidays are, out come milliseconds of working time between two
 * instants and the instant that lies so much working time ahead. Pure: no clock, no files.
 *
 * A moment is worked if the wall clock of the zone then shows a time inside a span of that weekday and the date is no
 * holiday. So an hour that a clock change skips is not worked, and one that comes twice counts twice.
 */

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Beyond that many days a sum stops: longer than any duration that a rule may name (ten years). */
const MAX_DAYS = 7_400;
const DAYS_KEPT = 8_000;

/** Minutes of the local day: `from` inclusive, `to` exclusive, at most 1440. */
export interface DaySpan {
  readonly from: number;
  readonly to: number;
}

export interface CalendarSpec {
  readonly name: string;
  readonly timeZone: string;
  /** Spans of Sunday, Monday, … Saturday; ascending, without overlap. */
  readonly week: readonly (readonly DaySpan[])[];
  /** Dates without work, `2026-10-29`. */
  readonly holidays: ReadonlySet<string>;
}

/** A stretch of working time, as instants. */
export interface WorkingSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Calendar {
  readonly name: string;
  readonly timeZone: string;
  /** Working milliseconds in [fromMs, toMs); 0 if the second is not after the first. */
  workingMs(fromMs: number, toMs: number): number;
  /**
   * The first instant by which `ms` of working time have passed since `fromMs`; for a negative `ms` the last instant
   * from which that much has passed until `fromMs`. Null if that never happens (within 20 years).
   */
  addWorkingMs(fromMs: number, ms: number): number | null;
  /** Working stretches in [fromMs, toMs), ascending. */
  spans(fromMs: number, toMs: number): Iterable<WorkingSpan>;
  /** Holidays whose local date lies in [fromMs, toMs): why a deadline is later than one would think. */
  holidaysBetween(fromMs: number, toMs: number): readonly string[];
}

/** @throws RangeError for an unknown zone */
export function createCalendar(spec: CalendarSpec): Calendar {
  const zone = createZone(spec.timeZone);
  const days = new Map<number, readonly WorkingSpan[]>();

  /** Stretches of one local day (counted in days since 1970), in the order in which they come. */
  function spansOfDay(day: number): readonly WorkingSpan[] {
    const known = days.get(day);
    if (known !== undefined) return known;
    if (days.size >= DAYS_KEPT) days.clear();
    const made = computeDay(spec, zone, day);
    days.set(day, made);
    return made;
  }

  const localDay = (ms: number): number => Math.floor((ms + zone.offsetAt(ms)) / DAY_MS);
  /** A day more on both sides: around a change of date line a local day is not where one looks for it. */
  const daysBetween = (fromMs: number, toMs: number): [number, number] => [
    localDay(fromMs) - 1,
    Math.min(localDay(toMs) + 1, localDay(fromMs) + MAX_DAYS),
  ];

  function* spans(fromMs: number, toMs: number): Generator<WorkingSpan> {
    if (!(fromMs < toMs)) return;
    const [first, last] = daysBetween(fromMs, toMs);
    for (let day = first; day <= last; day += 1) {
      for (const span of spansOfDay(day)) {
        const from = Math.max(span.fromMs, fromMs);
        const to = Math.min(span.toMs, toMs);
        if (from < to) yield { fromMs: from, toMs: to };
      }
    }
  }

  function workingMs(fromMs: number, toMs: number): number {
    let sum = 0;
    for (const span of spans(fromMs, toMs)) sum += span.toMs - span.fromMs;
    return sum;
  }

  function forward(fromMs: number, ms: number): number | null {
    let left = ms;
    for (const span of spans(fromMs, fromMs + MAX_DAYS * DAY_MS)) {
      const length = span.toMs - span.fromMs;
      if (left <= length) return span.fromMs + left;
      left -= length;
    }
    return null;
  }

  function backward(fromMs: number, ms: number): number | null {
    let left = ms;
    const last = localDay(fromMs) + 1;
    for (let day = last; day > last - MAX_DAYS; day -= 1) {
      for (const span of spansOfDay(day).toReversed()) {
        const to = Math.min(span.toMs, fromMs);
        if (to <= span.fromMs) continue;
        if (left <= to - span.fromMs) return to - left;
        left -= to - span.fromMs;
      }
    }
    return null;
  }

  return {
    name: spec.name,
    timeZone: spec.timeZone,
    workingMs,
    spans,
    addWorkingMs(fromMs, ms) {
      if (ms === 0) return fromMs;
      return ms > 0 ? forward(fromMs, ms) : backward(fromMs, -ms);
    },
    holidaysBetween(fromMs, toMs) {
      const found: string[] = [];
      if (!(fromMs < toMs)) return found;
      const last = Math.min(localDay(toMs - 1), localDay(fromMs) + MAX_DAYS);
      for (let day = localDay(fromMs); day <= last; day += 1) {
        const date = dateOf(day);
        const wouldWork = (spec.week[weekday(day)] ?? []).length > 0;
        if (wouldWork && spec.holidays.has(date)) found.push(date);
      }
      return found;
    },
  };
}

function computeDay(spec: CalendarSpec, zone: Zone, day: number): readonly WorkingSpan[] {
  const hours = spec.week[weekday(day)] ?? [];
  if (hours.length === 0 || spec.holidays.has(dateOf(day))) return [];
  const start = day * DAY_MS;
  // Local midnight lies within 15 h of the same UTC midnight, whatever the zone.
  const pieces = zone.pieces(start - 15 * 3_600_000, start + DAY_MS + 15 * 3_600_000);
  const found = pieces.flatMap((piece) =>
    hours.flatMap((span) => {
      const fromMs = Math.max(piece.fromMs, start + span.from * MINUTE_MS - piece.offsetMs);
      const toMs = Math.min(piece.toMs, start + span.to * MINUTE_MS - piece.offsetMs);
      return fromMs < toMs ? [{ fromMs, toMs }] : [];
    }),
  );
  return found.sort((a, b) => a.fromMs - b.fromMs);
}

/** 0 is Sunday; day 0 was a Thursday. */
function weekday(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}

function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
