import { expect, test } from 'vitest';
import { createCalendar } from './calendar.ts';
import { explainDeadlines } from './explain.ts';
import type { SlaPlan } from './clock.ts';

const at = (text: string): number => Date.parse(text);
const PLAN: SlaPlan = {
  calendar: createCalendar({
    name: 'office',
    timeZone: 'Europe/Istanbul',
    week: [[], ...Array.from({ length: 5 }, () => [{ from: 540, to: 1080 }]), []],
    holidays: new Set(['2026-10-29']),
  }),
  pauseIn: ['waiting'],
  response: {},
  resolution: { default: 9 * 3_600_000 },
};

test('a deadline shows its working days, the holidays between, and what was paused', () => {
  const clock = {
    startedAt: at('2026-10-28T13:00Z'),
    pausedMs: 3_600_000,
    pausedSince: null,
    respondedAt: null,
    resolvedAt: null,
  };

  expect(explainDeadlines(clock, null, PLAN)).toEqual([
    {
      what: 'resolution',
      due_at: '2026-10-30T14:00:00.000Z',
      reason: null,
      calendar: 'office',
      time_zone: 'Europe/Istanbul',
      started_at: '2026-10-28T13:00:00.000Z',
      target_minutes: 540,
      paused_minutes: 60,
      counted: [
        { date: '2026-10-28', minutes: 120 },
        { date: '2026-10-30', minutes: 480 },
      ],
      holidays: ['2026-10-29'],
    },
  ]);
  expect(explainDeadlines({ ...clock, pausedSince: at('2026-10-28T14:00Z') }, null, PLAN)[0]).toMatchObject({
    due_at: null,
    reason: 'paused',
  });
});
