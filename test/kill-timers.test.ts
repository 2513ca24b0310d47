import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { timersScenario } from './torture/timers.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('timers and escalations act once over kill -9, a downtime and a clock that jumps', async () => {
  const verdict = await timersScenario({
    databaseUrl: database.url,
    tickets: 10,
    kills: 2,
    seed: 13,
  });

  expect(verdict).toMatchObject({ acknowledged: 50, lost: 0, twice: 0, missed: [] });
}, 300_000);
