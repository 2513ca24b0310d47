import { expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { runProperty } from './property.ts';
import { SILENT } from '../support/silent-log.ts';
import { stages } from './stages.ts';

/** The short version of `npm run feeds`. */

test.each(stages)(
  '$name: each change is one event, through shifting pages, kills and an outage',
  async (stage) => {
    const database = await createTestDatabase();
    try {
      const result = await runProperty(stage, {
        databaseUrl: database.url,
        changes: 100,
        tickets: stage.pageOf ?? 100,
        restarts: 6,
        seed: 7,
        settleStepMs: 20 * 60_000,
        log: SILENT,
      });

      expect(result).toMatchObject({ missed: [], twice: [], overBudget: 0 });
      expect(result.events).toBeGreaterThan(40);
      expect(result.restarts).toBeGreaterThan(3);
    } finally {
      await database.drop();
    }
  },
  120_000,
);
