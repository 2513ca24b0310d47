import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { intakeScenario } from './torture/intake.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('kill -9 during intake loses no acknowledged delivery and processes none twice', async () => {
  const verdict = await intakeScenario({
    databaseUrl: database.url,
    posts: 600,
    kills: 3,
    copies: 2,
    seed: 11,
  });

  expect(verdict).toMatchObject({ acknowledged: 600, lost: 0, twice: 0 });
}, 240_000);
