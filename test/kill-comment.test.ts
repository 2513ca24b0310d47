import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { commentScenario } from './torture/comments.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('kill -9 at any point around a comment leaves exactly one comment', async () => {
  const verdict = await commentScenario({
    databaseUrl: database.url,
    points: ['before_send', 'after_send', 'after_record'],
    killsPerPoint: 1,
    seed: 12,
  });

  expect(verdict).toMatchObject({ killed: 3, acknowledged: 6, lost: 0, twice: 0 });
}, 240_000);
