import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createLimiter, type Limiter } from './limiter.ts';

type Entry = Awaited<ReturnType<Limiter['enter']>>;

let now = 0;
const limiter = (): Limiter =>
  createLimiter(
    () => now,
    () => 0,
  );
const enter = (limits: Limiter, target: string, times: number): Promise<readonly Entry[]> =>
  Promise.all(Array.from({ length: times }, () => limits.enter(target)));
const inMs = (entry: Entry): number | null => ('inMs' in entry ? entry.inMs : null);
const leave = (entry: Entry | undefined): void => {
  if (entry !== undefined && 'leave' in entry) entry.leave();
};
/** Makes the limiter know calls to this target as so long. */
async function learn(limits: Limiter, target: string, callMs: number): Promise<void> {
  for (let call = 0; call < 200; call++) {
    const entry = await limits.enter(target);
    now += callMs;
    leave(entry);
  }
}

test('a target takes so many calls at once, and others are not concerned', async () => {
  const limits = limiter();
  const inside = await enter(limits, 'slack', 16);

  const refused = await limits.enter('slack');
  const other = await limits.enter('connection 1');
  for (const entry of inside) leave(entry);

  expect(inside.every((entry) => 'leave' in entry)).toBe(true);
  expect('inMs' in refused).toBe(true);
  expect('leave' in other).toBe(true);
  expect('leave' in (await limits.enter('slack'))).toBe(true);
});

test.each([
  ['connection 7', 4],
  ['slack', 16],
  ['http hooks.example.com', 64],
])('%s takes %i', async (target, room) => {
  const entries = await enter(limiter(), target, room + 1);

  expect(entries.map((entry) => 'leave' in entry)).toEqual([...Array<boolean>(room).fill(true), false]);
});

test('a long queue is told to come back one after the other, a minute later at most', async () => {
  const limits = limiter();
  await enter(limits, 'slack', 16);

  const waits = (await enter(limits, 'slack', 10_000)).map((entry) => inMs(entry) ?? 0);

  // 500 ms a call over 16 places.
  expect(waits.slice(0, 3)).toEqual([31.25, 62.5, 93.75]);
  expect(waits.at(-1)).toBe(60_000);
});

test('how long depends on how long calls last', async () => {
  const limits = limiter();
  await learn(limits, 'slack', 160);
  await enter(limits, 'slack', 16);

  expect(inMs(await limits.enter('slack'))).toBeCloseTo(10);
});

test('where calls are quick one waits for a place, in turn, while the line is short', async () => {
  const limits = limiter();
  await learn(limits, 'slack', 10);
  const inside = await enter(limits, 'slack', 16);
  const admitted: number[] = [];
  for (let n = 0; n < 16; n++) void limits.enter('slack').then(() => admitted.push(n));

  const tooMany = await limits.enter('slack');
  leave(inside[0]);
  leave(inside[1]);
  await setImmediate();

  expect('inMs' in tooMany).toBe(true);
  expect(admitted).toEqual([0, 1]);
});
