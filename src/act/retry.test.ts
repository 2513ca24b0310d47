import { describe, expect, test } from 'vitest';
import { backoff, MAX_ATTEMPTS, nextAttempt, type AttemptState, type FailureReason } from './retry.ts';

const NOW = 1_000_000_000;
const HOUR = 3_600_000;
const state = (more: Partial<AttemptState> = {}): AttemptState => ({
  attempts: 1,
  wantedAt: NOW,
  escalation: false,
  now: NOW,
  random: 0.5,
  ...more,
});
const failure = (
  reason: FailureReason,
  retryAt: number | null = null,
): Parameters<typeof nextAttempt>[0] => ({
  reason,
  message: 'said so',
  retryAt,
});

describe('after a call that changed nothing', () => {
  test.each<[FailureReason, string]>([
    ['auth', 'postpone'],
    ['rate_limited', 'postpone'],
    ['unreachable', 'postpone'],
    ['busy', 'postpone'],
    ['conflict', 'retry'],
    ['vendor_fault', 'retry'],
    ['timeout', 'retry'],
    ['unreadable', 'retry'],
    ['refused', 'dead'],
    ['not_found', 'dead'],
  ])('%s: %s, with what was said', (reason, decision) => {
    expect(nextAttempt(failure(reason), state())).toMatchObject({ decision, because: `${reason}: said so` });
  });

  test('the twelfth attempt is the last', () => {
    expect(nextAttempt(failure('vendor_fault'), state({ attempts: MAX_ATTEMPTS - 1 })).decision).toBe(
      'retry',
    );
    expect(nextAttempt(failure('vendor_fault'), state({ attempts: MAX_ATTEMPTS }))).toEqual({
      decision: 'dead',
      because: '12 attempts used; last: vendor_fault: said so',
    });
  });

  test('a postponement waits until the moment that was named', () => {
    expect(nextAttempt(failure('rate_limited', NOW + 90_000), state())).toMatchObject({ inMs: 90_000 });
  });

  test('a postponement is given up after a day, whatever the attempts', () => {
    expect(nextAttempt(failure('unreachable'), state({ wantedAt: NOW - 24 * HOUR })).decision).toBe(
      'postpone',
    );
    expect(nextAttempt(failure('unreachable'), state({ wantedAt: NOW - 24 * HOUR - 1 }))).toMatchObject({
      decision: 'dead',
      because: 'gave up after 24 h of waiting; last: unreachable: said so',
    });
  });

  test('a postponement of an escalation is never given up', () => {
    const weeks = state({ wantedAt: NOW - 500 * HOUR, escalation: true });

    expect(nextAttempt(failure('unreachable'), weeks).decision).toBe('postpone');
  });
});

describe('back-off', () => {
  test.each([
    [1, 2_000],
    [2, 4_000],
    [8, 256_000],
    [9, 512_000],
    [10, 600_000],
    [1_000, 600_000],
  ])('after attempt %i is anything up to %i ms', (attempts, ceiling) => {
    expect(backoff(attempts, 0.999_999_9)).toBe(ceiling);
    expect(backoff(attempts, 0.5)).toBe(ceiling / 2);
    expect(backoff(attempts, 0)).toBe(50);
  });
});
