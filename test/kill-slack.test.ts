import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { slackScenario } from './torture/slack.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('kill -9 around a post to Slack, with dropped answers beside it, leaves each message exactly once', async () => {
  const verdict = await slackScenario({ databaseUrl: database.url, kills: 3 });

  expect(verdict).toMatchObject({ killed: 3, lost: 0, twice: 0, missed: [] });
  expect(verdict.acknowledged).toBeGreaterThanOrEqual(6);
}, 180_000);
