import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { ordinaryHour, type Hour } from './hour.ts';
import { invgateStages } from './invgate.ts';
import { jitbitStage } from './jitbit.ts';

/** Calls of an hour of ordinary polling, 200 touched tickets a day (performance.md, P8). */

/** Names of things, read when somebody asks for one and kept for 10 min: counted apart. */
const LOOKUPS = /^(?:categories|users|helpdesks|triggers|cf\.|incident\.attributes)/;

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

function withoutLookups(calls: Hour['idle']): Hour['idle'] {
  return Object.fromEntries(Object.entries(calls).filter(([name]) => !LOOKUPS.test(name)));
}

test('Jitbit: one call a minute, and at most two per touched ticket', async () => {
  const { idle, busy, touched } = await ordinaryHour(jitbitStage, database.url);

  expect(touched).toBeGreaterThanOrEqual(8);
  expect(withoutLookups(idle)).toEqual({ tickets: 60 - touched });
  expect(busy['tickets']).toBe(touched);
  expect((busy['ticket'] ?? 0) + (busy['comments'] ?? 0)).toBeLessThanOrEqual(2 * touched);
}, 120_000);

test('InvGate with a view: one call per feed and poll, one per fifty touched requests', async () => {
  const [stage] = invgateStages;
  if (stage === undefined) throw new Error('there is no stage with a view');
  const { idle, busy, touched } = await ordinaryHour(stage, database.url);
  const sum = (name: string): number => (idle[name] ?? 0) + (busy[name] ?? 0);

  expect(touched).toBeGreaterThanOrEqual(8);
  // Every 2, 5, 3 and 15 min.
  expect(sum('incidents.last.hour')).toBeLessThanOrEqual(31);
  expect(sum('triggers.executions')).toBeLessThanOrEqual(13);
  expect(sum('incidents.details.by.view')).toBeLessThanOrEqual(21);
  expect(sum('breakingnews.all')).toBeLessThanOrEqual(5);
  // Six sweeps, one call per 50 unfinished requests.
  expect(sum('incidents')).toBeLessThanOrEqual(6 * 2 + touched);
}, 120_000);
