import { expect, test } from 'vitest';
import { createLimiter, type Limiter } from './limiter.ts';

let now = 0;
const limiter = (): Limiter =>
  createLimiter(
    () => now,
    () => 0,
  );
const inMs = (entry: ReturnType<Limiter['enter']>): number | null => ('inMs' in entry ? entry.inMs : null);

test('a target takes so many calls at once, and others are not concerned', () => {
  const limits = limiter();
  const inside = Array.from({ length: 16 }, () => limits.enter('connection 1'));

  const refused = limits.enter('connection 1');
  const other = limits.enter('connection 2');
  for (const entry of inside) if ('leave' in entry) entry.leave();

  expect(inside.every((entry) => 'leave' in entry)).toBe(true);
  expect('inMs' in refused).toBe(true);
  expect('leave' in other).toBe(true);
  expect('leave' in limits.enter('connection 1')).toBe(true);
});

test('a long queue is told to come back one after the other, a minute later at most', () => {
  const limits = limiter();
  for (let call = 0; call < 16; call++) limits.enter('connection 1');

  const waits = Array.from({ length: 10_000 }, () => inMs(limits.enter('connection 1')) ?? 0);

  // 500 ms a call over 16 places.
  expect(waits.slice(0, 3)).toEqual([31.25, 62.5, 93.75]);
  expect(waits.at(-1)).toBe(60_000);
});

test('how long depends on how long calls last', () => {
  const limits = limiter();
  for (let call = 0; call < 200; call++) {
    const entry = limits.enter('http a');
    now += 10;
    if ('leave' in entry) entry.leave();
  }
  for (let call = 0; call < 64; call++) limits.enter('http a');

  expect(inMs(limits.enter('http a'))).toBeLessThan(1);
});
