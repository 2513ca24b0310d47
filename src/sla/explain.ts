import type { Calendar } from './calendar.ts';
import { deadlinesOf, type SlaClock, type SlaPlan } from './clock.ts';
import type { PriorityLevel } from '../ticket.ts';

/** How a deadline came about: what was counted, and what was not. */
export interface DeadlineExplanation {
  readonly what: 'response' | 'resolution';
  /** Null: met, or the clock stands still. */
  readonly due_at: string | null;
  /** Why there is no due time; null where there is one. */
  readonly reason: 'met' | 'paused' | null;
  readonly calendar: string | null;
  readonly time_zone: string | null;
  readonly started_at: string;
  readonly target_minutes: number;
  /** Working minutes that did not count: pauses, and the time between a resolution and a reopening. */
  readonly paused_minutes: number;
  /** Working minutes per local date, until the due time. */
  readonly counted: readonly { readonly date: string; readonly minutes: number }[];
  /** Dates that would have been worked. */
  readonly holidays: readonly string[];
}

const MINUTE_MS = 60_000;

/** Explains both deadlines of our own clock; targets that are not set are left out. */
export function explainDeadlines(
  clock: SlaClock,
  level: PriorityLevel | null,
  plan: SlaPlan,
): readonly DeadlineExplanation[] {
  const due = deadlinesOf(clock, level, plan);
  return (['response', 'resolution'] as const).flatMap((what) => {
    const target = (level === null ? undefined : plan[what][level]) ?? plan[what].default;
    if (target === undefined) return [];
    const dueAt = what === 'response' ? due.responseDueAt : due.resolutionDueAt;
    const met = what === 'response' ? clock.respondedAt : clock.resolvedAt;
    const { calendar } = plan;
    return [
      {
        what,
        due_at: dueAt === null ? null : new Date(dueAt).toISOString(),
        reason: dueAt !== null ? null : met === null ? ('paused' as const) : ('met' as const),
        calendar: calendar?.name ?? null,
        time_zone: calendar?.timeZone ?? null,
        started_at: new Date(clock.startedAt).toISOString(),
        target_minutes: target / MINUTE_MS,
        paused_minutes: Math.round(clock.pausedMs / MINUTE_MS),
        counted: calendar === null || dueAt === null ? [] : countDays(calendar, clock.startedAt, dueAt),
        holidays: calendar === null || dueAt === null ? [] : calendar.holidaysBetween(clock.startedAt, dueAt),
      },
    ];
  });
}

function countDays(
  calendar: Calendar,
  fromMs: number,
  toMs: number,
): readonly { readonly date: string; readonly minutes: number }[] {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: calendar.timeZone, dateStyle: 'short' });
  const days = new Map<string, number>();
  for (const span of calendar.spans(fromMs, toMs)) {
    const date = format.format(span.fromMs);
    days.set(date, (days.get(date) ?? 0) + (span.toMs - span.fromMs) / MINUTE_MS);
  }
  return [...days].map(([date, minutes]) => ({ date, minutes: Math.round(minutes * 100) / 100 }));
}
