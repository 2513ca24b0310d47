import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../test/support/engine.ts';
import { openDatabase } from '../record/database.ts';
import { noteAlive } from '../record/operate/away.ts';
import { createAwayReporter } from './away.ts';
import { readStatus } from './status.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.close());
beforeEach(() => engine.clear());

const quiet = (): void => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

test('after a start the report says what happened meanwhile, once every feed caught up', async () => {
  await engine.publish('id: r\nname: r\non: [custom.t]\nthen: [{ emit: { type: custom.x } }]\n');
  await engine.happen({ type: 'custom.t' });
  await engine.happen({ type: 'custom.t' });
  await sql`UPDATE steps SET state = 'sending'`.execute(engine.database.db);
  await sql`DELETE FROM instances`.execute(engine.database.db);
  await noteAlive(engine.database.db);
  const later = openDatabase({ url: engine.url, poolSize: 1, clockOffset: '2 hours' });
  const here = await createAwayReporter({ database: later, log });
  await sql`UPDATE feeds SET last_complete_at = app_now() - interval '1 day'`.execute(engine.database.db);
  const early = await here.runOnce();
  await sql`UPDATE steps SET state = 'done' WHERE id = (SELECT min(id::text)::uuid FROM steps)`.execute(
    engine.database.db,
  );
  await sql`UPDATE feeds SET last_complete_at = app_now() + interval '3 hours'`.execute(engine.database.db);
  const report = await here.runOnce();
  const again = await here.runOnce();
  await later.close();

  expect(early).toBeNull();
  expect(report).toMatchObject({
    complete: true,
    away_seconds: 7_200,
    gaps: 0,
    events: 0,
    reconciled: { done: 1, sending: 1 },
  });
  expect(again).toBeNull();
  expect((await readStatus(engine.database, new Map())).last_report).toMatchObject({
    away_seconds: 7_200,
  });
});
