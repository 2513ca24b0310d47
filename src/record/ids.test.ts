import { describe, expect, test } from 'vitest';
import { createIdSource, hashKey, ticketLane, timeOfId } from './ids.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('ids', () => {
  test('are UUIDs of version 7 that carry their time', () => {
    const id = createIdSource(() => Date.parse('2026-11-23T10:00:00Z'))();

    expect(id).toMatch(UUID_V7);
    expect(timeOfId(id)).toBe(Date.parse('2026-11-23T10:00:00Z'));
  });

  test('grow, also 20,000 within one millisecond and while the clock runs backwards', () => {
    let now = 1_000_000;
    const newId = createIdSource(() => now);

    const ids = Array.from({ length: 20_000 }, newId);
    now -= 7_200_000;
    ids.push(...Array.from({ length: 1_000 }, newId));

    expect(ids.every((id) => UUID_V7.test(id))).toBe(true);
    expect(ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? ''))).toBe(true);
  });

  test('of two sources at the same moment differ', () => {
    const ids = [createIdSource(() => 1), createIdSource(() => 1)].flatMap((newId) =>
      Array.from({ length: 100 }, newId),
    );

    expect(new Set(ids).size).toBe(200);
  });
});

test('a lane is the same on every instance, and another one per ticket and connection', () => {
  expect(ticketLane(1, '12')).toBe(ticketLane(1, '12'));
  expect(
    new Set([ticketLane(1, '12'), ticketLane(11, '2'), ticketLane(2, '12'), ticketLane(1, '13')]).size,
  ).toBe(4);
});

test('a key of any length is sixteen bytes', () => {
  expect([hashKey(''), hashKey('a'.repeat(100_000))].map((hash) => hash.length)).toEqual([16, 16]);
});
