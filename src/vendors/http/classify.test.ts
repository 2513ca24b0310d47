import { expect, test } from 'vitest';
import { classifyStatus, parseRetryAfter, RateLimitBackoff } from './classify.ts';
import { SlowDetector } from './slow.ts';

const NOW = Date.parse('2026-11-23T09:00:00Z');

test.each([
  ['17', NOW + 17_000],
  [' 0 ', NOW],
  ['Mon, 23 Nov 2026 09:01:00 GMT', NOW + 60_000],
  ['Mon, 23 Nov 2026 08:00:00 GMT', NOW],
  ['99999999', NOW + 24 * 3_600_000],
  ['', null],
  [undefined, null],
  ['soon', null],
  ['-5', null],
])('Retry-After %j', (value, expected) => {
  expect(parseRetryAfter(value, NOW, null)).toBe(expected);
});

test("a date in Retry-After counts from the vendor's own clock", () => {
  const serverNow = NOW - 3_600_000;

  expect(parseRetryAfter('Mon, 23 Nov 2026 08:01:00 GMT', NOW, serverNow)).toBe(NOW + 60_000);
});

test('a vendor can mean something else by a status', () => {
  const overrides = { 428: { reason: 'conflict', notApplied: false } } as const;

  expect(classifyStatus(428, overrides)).toEqual({ reason: 'conflict', notApplied: false });
  expect(classifyStatus(428)).toEqual({ reason: 'refused', notApplied: true });
});

test('several 429 in one silence are one strike', () => {
  const backoff = new RateLimitBackoff();

  expect(backoff.strike(0)).toBe(60_000);
  expect(backoff.strike(1_000)).toBe(60_000);
  expect(backoff.strike(60_000)).toBe(180_000);
  backoff.reset();
  expect(backoff.strike(200_000)).toBe(260_000);
});

test('answers that are five times as slow as a whole are noticed once, single slow ones are not', () => {
  const detector = new SlowDetector();
  const note = (tookMs: number, times: number): unknown[] =>
    Array.from({ length: times }, () => detector.note(tookMs)).filter((found) => found !== null);

  expect(note(300, 20)).toEqual([]);
  expect(note(300, 8)).toEqual([]);
  expect(note(9_000, 4)).toEqual([]);
  expect(note(2_000, 3)).toEqual([{ baselineMs: 300, recentMs: 2_000 }]);
  expect(note(2_000, 7)).toEqual([]);
});

test('a desk that answers in a few milliseconds is not slow at fifty', () => {
  const detector = new SlowDetector();

  expect(Array.from({ length: 60 }, (_, index) => detector.note(index < 20 ? 5 : 50))).not.toContainEqual(
    expect.anything(),
  );
});
