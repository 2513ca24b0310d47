import { describe, expect, test } from 'vitest';
import type { Phase } from '../ticket.ts';
import { createCalendar } from './calendar.ts';
import { advanceClock, deadlinesOf, slaFields, type SlaClock, type SlaPlan } from './clock.ts';

const at = (text: string): number => Date.parse(text);
const hours = (count: number): number => count * 3_600_000;
const NINE_TO_SIX = [{ from: 540, to: 1080 }];
const PLAN: SlaPlan = {
  calendar: createCalendar({
    name: 'office',
    timeZone: 'Europe/Istanbul',
    week: [[], NINE_TO_SIX, NINE_TO_SIX, NINE_TO_SIX, NINE_TO_SIX, NINE_TO_SIX, []],
    holidays: new Set(),
  }),
  pauseIn: ['waiting'],
  response: { urgent: hours(0.5), default: hours(4) },
  resolution: { default: hours(10) },
};

/** A ticket of Monday 09:00 Istanbul, looked at in these phases at these moments. */
function clockOf(...looks: [when: string, phase: Phase, responded?: boolean][]): SlaClock {
  let clock: SlaClock | null = null;
  for (const [when, phase, responded = false] of looks) {
    clock = advanceClock(clock, { at: at(when), createdAt: at('2026-11-23T06:00Z'), phase, responded }, PLAN);
  }
  if (clock === null) throw new Error('no look');
  return clock;
}

describe('the SLA clock', () => {
  test('targets follow the priority and the calendar', () => {
    const clock = clockOf(['2026-11-23T06:05Z', 'new']);

    expect(deadlinesOf(clock, 'urgent', PLAN).responseDueAt).toBe(at('2026-11-23T06:30Z'));
    expect(deadlinesOf(clock, 'low', PLAN).responseDueAt).toBe(at('2026-11-23T10:00Z'));
    expect(deadlinesOf(clock, null, PLAN).resolutionDueAt).toBe(at('2026-11-24T07:00Z'));
  });

  test('waiting moves the deadline by its working time, not by its nights', () => {
    const paused = clockOf(['2026-11-23T06:05Z', 'open'], ['2026-11-23T14:00Z', 'waiting']);
    const on = advanceClock(
      paused,
      { at: at('2026-11-24T07:00Z'), createdAt: null, phase: 'open', responded: false },
      PLAN,
    );

    expect(deadlinesOf(paused, null, PLAN).resolutionDueAt).toBeNull();
    expect(slaFields(paused, null, PLAN, at('2026-11-26T12:00Z')).state).toBe('paused');
    // One hour on Monday evening and one on Tuesday morning.
    expect(on.pausedMs).toBe(hours(2));
    expect(deadlinesOf(on, null, PLAN).resolutionDueAt).toBe(at('2026-11-24T09:00Z'));
  });

  test('an answer meets the response, a resolution both', () => {
    const answered = clockOf(['2026-11-23T06:05Z', 'new'], ['2026-11-23T06:20Z', 'open', true]);
    const resolved = clockOf(['2026-11-23T06:05Z', 'new'], ['2026-11-23T08:00Z', 'resolved']);

    expect(deadlinesOf(answered, 'urgent', PLAN).responseDueAt).toBeNull();
    expect(slaFields(answered, 'urgent', PLAN, at('2026-11-23T07:00Z')).state).toBe('running');
    expect(slaFields(resolved, 'urgent', PLAN, at('2027-01-01T00:00Z'))).toEqual({
      response_due_at: null,
      resolution_due_at: null,
      state: 'met',
    });
  });

  test('after the deadline it is breached, also when resolved later', () => {
    const late = clockOf(['2026-11-23T06:05Z', 'open', true], ['2026-11-24T12:00Z', 'resolved']);

    expect(
      slaFields(clockOf(['2026-11-23T06:05Z', 'open', true]), null, PLAN, at('2026-11-24T08:00Z')).state,
    ).toBe('breached');
    expect(slaFields(late, null, PLAN, at('2026-11-25T08:00Z')).state).toBe('breached');
  });

  test('reopened, the time between does not count', () => {
    const clock = clockOf(
      ['2026-11-23T06:05Z', 'open', true],
      ['2026-11-23T07:00Z', 'resolved'],
      ['2026-11-23T09:00Z', 'open'],
    );

    expect(deadlinesOf(clock, null, PLAN).resolutionDueAt).toBe(at('2026-11-24T09:00Z'));
  });

  test('a clock that runs backwards takes nothing back', () => {
    const clock = clockOf(
      ['2026-11-23T08:00Z', 'waiting'],
      ['2026-11-23T07:00Z', 'open'],
      ['2026-11-23T09:00Z', 'open'],
    );

    expect(clock.pausedMs).toBe(0);
  });
});
