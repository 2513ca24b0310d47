import { expect, test } from 'vitest';
import { coveredBy, gapOf } from './gap.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const NOW = Date.parse('2026-11-23T12:00:00.000Z');

function walked(minutesAgo: number | null, baselineDone = true): Parameters<typeof gapOf>[0] {
  const at = minutesAgo === null ? null : new Date(NOW - minutesAgo * MINUTE);
  return {
    now: NOW,
    lastCompleteAt: at,
    baselineAt: new Date(NOW - 24 * HOUR),
    baselineDoneAt: baselineDone ? new Date(NOW - 24 * HOUR) : null,
  };
}

test.each([
  ['a walk two minutes ago', walked(2), HOUR, null],
  ['55 minutes, the margin of an hour', walked(55), HOUR, null],
  ['56 minutes', walked(56), HOUR, { from: '2026-11-23T11:04:00.000Z', to: '2026-11-23T11:05:00.000Z' }],
  ['three hours', walked(180), HOUR, { from: '2026-11-23T09:00:00.000Z', to: '2026-11-23T11:05:00.000Z' }],
  ['a feed that looks back any time', walked(10_000), null, null],
  ['a feed never walked', walked(null), HOUR, null],
  ['a baseline still going on', walked(180, false), HOUR, null],
])('%s', (_, feed, windowMs, gap) => {
  expect(gapOf(feed, { windowMs })).toEqual(gap);
});

test('coverage goes on from the last walk, and after a gap from its end unless it was healed', () => {
  const feed = walked(180);
  const gap = gapOf(feed, { windowMs: HOUR });

  expect(coveredBy(feed, gap, true).from).toEqual(feed.lastCompleteAt);
  expect(coveredBy(feed, gap, false).from.toISOString()).toBe(gap?.to);
  expect(coveredBy(walked(null), null, false).from).toEqual(feed.baselineAt);
});
