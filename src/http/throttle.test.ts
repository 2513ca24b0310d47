import { expect, test } from 'vitest';
import { createThrottle } from './throttle.ts';

const MINUTE = 60_000;

test('60 wrong tokens a minute are answered, then the address waits for the rest of the minute (input 102)', () => {
  const throttle = createThrottle();

  const waits = Array.from({ length: 100 }, (_, n) => throttle.wrong('198.51.100.7', n * 600));

  expect(waits.slice(0, 60)).toEqual(Array(60).fill(null));
  expect(waits[60]).toEqual({ waitSeconds: 24, first: true });
  expect(waits[99]).toEqual({ waitSeconds: 1, first: false });
  expect(throttle.wrong('198.51.100.7', MINUTE)).toBeNull();
});

test('one address does not speak for another', () => {
  const throttle = createThrottle();
  for (let n = 0; n < 61; n += 1) throttle.wrong('198.51.100.7', 0);

  expect(throttle.wrong('198.51.100.7', 0)?.waitSeconds).toBe(60);
  expect(throttle.wrong('198.51.100.8', 0)).toBeNull();
});

test('a clock that is set back keeps nobody out for longer', () => {
  const throttle = createThrottle();
  for (let n = 0; n < 61; n += 1) throttle.wrong('198.51.100.7', 10 * MINUTE);

  expect(throttle.wrong('198.51.100.7', 0)).toBeNull();
});

test('no more than 10,000 addresses are remembered: the oldest goes first', () => {
  const throttle = createThrottle();
  for (const address of ['old', 'new']) for (let n = 0; n < 61; n += 1) throttle.wrong(address, 0);
  for (let n = 0; n < 9_999; n += 1) throttle.wrong(`address ${n}`, 0);

  expect(throttle.wrong('new', 0)?.waitSeconds).toBe(60);
  expect(throttle.wrong('old', 0)).toBeNull();
});
