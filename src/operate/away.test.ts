import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../test/support/engine.ts';
import { SILENT } from '../../test/support/silent-log.ts';
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

test('after a start the report says what happened meanwhile, once every feed caught up', async () => {
  await engine.publish('id: r\nname: r\non: [custom.t]\nthen: [{ emit: { type: custom.x } }]\n');
  await engine.happen({ type: 'custom.t' });
  await engine.happen({ type: 'custom.t' });
  await sql`UPDATE steps SET state = 'sending'`.execute(engine.database.db);
  await sql`DELETE FROM instances`.execute(engine.database.db);
  await noteAlive(engine.database.db);
  const later = openDatabase({ url: engine.url, poolSize: 1, clockOffset: '2 hours' });
  const here = await createAwayReporter({ database: later, log: SILENT });
  await sql`UPDATE feeds SET last_complete_at = app_now() - interval '1 day'`.execute(engine.database.db);
  const early = await here.runOnce();
  await sql`UPDATE steps SET state = 'done' WHERE id = (SELECT min(id::text)::uuid FROM steps)`.execute(
    engine.database.db,
  );
  await sql`UPDATE feeds SET last_complete_at = app_now() + interval '3 hours'`.execute(engine.database.db);
  await sql`
    INSERT INTO events (id, observed_at, connection_id, type, doc)
    SELECT ('ffffffff-ffff-7fff-bfff-00000000000' || n)::uuid, app_now() + interval '2 hours 1 minute',
           ${engine.connection.id}::int, type, jsonb_build_object('via', via, 'late', late)
      FROM (VALUES (1, 'feed.gap', 'feed', false), (2, 'ticket.updated', 'feed', true),
                   (3, 'comment.added', 'feed', true), (4, 'ticket.updated', 'feed', false),
                   (5, 'ticket.overdue', 'clock', true)) AS row (n, type, via, late)`.execute(
    engine.database.db,
  );
  const report = await here.runOnce();
  const again = await here.runOnce();
  await later.close();

  expect(early).toBeNull();
  expect(report).toMatchObject({
    complete: true,
    away_seconds: 7_200,
    events: 5,
    gaps: 1,
    late_events: 2,
    late_timers: 1,
    reconciled: { done: 1, sending: 1 },
  });
  expect(again).toBeNull();
  expect((await readStatus(engine.database, new Map())).last_report).toMatchObject({
    away_seconds: 7_200,
  });
});
