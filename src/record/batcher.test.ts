import { expect, test } from 'vitest';
import { createBatcher } from './batcher.ts';

test('what arrives together leaves together, and each gets its own result', async () => {
  const groups: (readonly number[])[] = [];
  const batcher = createBatcher(
    (items: readonly number[]) => {
      groups.push(items);
      return Promise.resolve(items.map((item) => item * 10));
    },
    { maxItems: 3, inFlight: 2 },
  );

  const results = await Promise.all([1, 2, 3, 4].map((item) => batcher.add(item)));

  expect(results).toEqual([10, 20, 30, 40]);
  expect(groups).toEqual([[1, 2, 3], [4]]);
});

test('while groups are under way the rest gathers, and no more than allowed are under way', async () => {
  const open: (() => void)[] = [];
  let most = 0;
  const batcher = createBatcher(
    async (items: readonly number[]) => {
      most = Math.max(most, open.length + 1);
      await new Promise<void>((resolve) => open.push(resolve));
      return items;
    },
    { maxItems: 100, inFlight: 2 },
  );
  const added = Array.from({ length: 500 }, (_, number) => batcher.add(number));
  expect(batcher.size).toBe(500);

  while (batcher.size > 0) {
    await new Promise((resolve) => setImmediate(resolve));
    open.shift()?.();
  }

  expect(await Promise.all(added)).toEqual(Array.from({ length: 500 }, (_, number) => number));
  expect(most).toBeLessThanOrEqual(2);
});

test('a group that fails tells all of its own items, and the next one goes on', async () => {
  let first = true;
  const batcher = createBatcher(
    (items: readonly string[]) => {
      if (!first) return Promise.resolve(items);
      first = false;
      return Promise.reject(new Error('away'));
    },
    { maxItems: 10, inFlight: 1 },
  );

  const failed = await Promise.allSettled([batcher.add('a'), batcher.add('b')]);
  const next = await batcher.add('c');
  await batcher.drain();

  expect(failed.map((one) => one.status)).toEqual(['rejected', 'rejected']);
  expect(next).toBe('c');
  expect(batcher.size).toBe(0);
});

test('the first of a group waits a moment for others when it is told to', async () => {
  const groups: (readonly number[])[] = [];
  const batcher = createBatcher(
    (items: readonly number[]) => {
      groups.push(items);
      return Promise.resolve(items);
    },
    { maxItems: 10, inFlight: 1, gatherMs: () => 5 },
  );

  const first = batcher.add(1);
  await new Promise((resolve) => setImmediate(resolve));
  const second = batcher.add(2);
  await Promise.all([first, second]);

  expect(groups).toEqual([[1, 2]]);
});

test('after a large group the next one waits for those who come again, a full one does not', async () => {
  const groups: (readonly number[])[] = [];
  const batcher = createBatcher(
    (items: readonly number[]) => {
      groups.push(items);
      return Promise.resolve(items);
    },
    { maxItems: 3, inFlight: 1, gatherMs: (before) => (before >= 3 ? 60_000 : 0) },
  );
  await Promise.all([1, 2].map((item) => batcher.add(item)));
  const full = [3, 4, 5, 6].map((item) => batcher.add(item));
  await Promise.all(full.slice(0, 3));

  await new Promise((resolve) => setImmediate(resolve));

  expect(groups).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
  expect(batcher.size).toBe(1);
});
