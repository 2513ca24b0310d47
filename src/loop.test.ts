import { expect, test } from 'vitest';
import { until } from '../test/support/until.ts';
import { systemClock } from './clock.ts';
import { startLoop } from './loop.ts';

const logged: string[] = [];
const log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (_: object, message: string) => void logged.push(message),
};

test('rounds follow at once while there is more, and stop ends the one under way', async () => {
  let rounds = 0;
  let aborted = false;
  const loop = startLoop({
    name: 'test',
    idleMs: 3_600_000,
    clock: systemClock,
    log,
    async runOnce(signal) {
      rounds += 1;
      if (rounds < 5) return true;
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      aborted = true;
      return false;
    },
  });
  await until('five rounds', () => rounds === 5);

  await loop.stop();

  expect([rounds, aborted]).toEqual([5, true]);
});

test('a wake during a round is not lost, and one during the pause ends it', async () => {
  let rounds = 0;
  const loop = startLoop({
    name: 'test',
    idleMs: 3_600_000,
    clock: systemClock,
    log,
    async runOnce() {
      await Promise.resolve();
      rounds += 1;
      if (rounds === 1) loop.wake();
      return false;
    },
  });
  await until('the second round', () => rounds === 2);
  loop.wake();
  await until('the third round', () => rounds === 3);

  await loop.stop();

  expect(rounds).toBe(3);
});

test('a round that fails is said and tried again', async () => {
  let rounds = 0;
  const clock = { ...systemClock, sleep: () => Promise.resolve() };
  const loop = startLoop({
    name: 'test',
    idleMs: 1,
    clock,
    log,
    runOnce: () => {
      rounds += 1;
      if (rounds < 3) return Promise.reject(new Error('away'));
      return new Promise((resolve) => setImmediate(() => resolve(false)));
    },
  });
  await until('a third round', () => rounds >= 3);

  await loop.stop();

  expect(logged).toEqual(['round failed', 'round failed']);
});
