import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { frozenScenario } from './torture/frozen.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('an instance stopped past its leases, wherever it stands, repeats nothing when it goes on', async () => {
  const verdict = await frozenScenario({ databaseUrl: database.url, rounds: 4, seed: 5, cutOff: true });

  expect(verdict).toMatchObject({ killed: 4, acknowledged: 8, lost: 0, twice: 0 });
}, 120_000);
