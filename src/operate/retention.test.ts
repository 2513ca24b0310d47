import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../test/support/engine.ts';
import { SILENT } from '../../test/support/silent-log.ts';
import { openDatabase, type Database } from '../record/database.ts';
import { readPartitions } from '../record/operate/retention.ts';
import { maintainOnce, planPartitions, spanOf, type Maintained } from './retention.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-11-23T10:00:00Z');

describe('partitions are planned', () => {
  test('from today on, in whole weeks, three days ahead', () => {
    const planned = planPartitions('events', [], null, spanOf(90 * DAY), NOW);

    expect(planned.map((one) => [one.name, one.from.toISOString(), one.until.toISOString()])).toEqual([
      ['events_20261123', '2026-11-23T00:00:00.000Z', '2026-11-26T00:00:00.000Z'],
      ['events_20261126', '2026-11-26T00:00:00.000Z', '2026-12-03T00:00:00.000Z'],
    ]);
  });

  test('after the last one, and not again while they reach far enough', () => {
    const first = planPartitions('events', [], null, spanOf(90 * DAY), NOW);

    expect(planPartitions('events', first, null, spanOf(90 * DAY), NOW)).toEqual([]);
    expect(
      planPartitions('events', first, null, spanOf(90 * DAY), NOW + 8 * DAY).map((one) => one.name),
    ).toEqual(['events_20261203']);
  });

  test('after what the default partition holds already', () => {
    const [first] = planPartitions('events', [], new Date(NOW), spanOf(2 * DAY), NOW);

    expect(first?.from.toISOString()).toBe('2026-11-24T00:00:00.000Z');
  });
});

describe('maintenance', () => {
  let engine: Engine;
  let later: Database;
  beforeAll(async () => {
    engine = await createEngine();
    later = openDatabase({ url: engine.url, poolSize: 2, clockOffset: '100 days' });
  });
  afterAll(async () => {
    await later.close();
    await engine.close();
  });
  beforeEach(() => engine.clear());

  const maintain = (database: Database): Promise<Maintained> =>
    maintainOnce({
      database,
      retention: { eventsMs: 90 * DAY, attemptsMs: 90 * DAY, keysMs: 99 * DAY },
      ownWritesMs: 3_600_000,
      log: SILENT,
    });
  const count = async (table: string): Promise<number> => {
    const { rows } = await sql<{
      rows: number;
    }>`SELECT count(*)::int AS rows FROM ${sql.table(table)}`.execute(engine.database.db);
    return rows[0]?.rows ?? 0;
  };
  const rule = (then: string): string => `id: r\nname: r\non: [custom.t]\nthen:\n${then}\n`;

  test('puts new rows into partitions and drops those that are old', async () => {
    const made = await maintain(engine.database);
    await engine.publish(rule('  - emit: { type: custom.after }'));
    await engine.happen({ type: 'custom.t' });
    await engine.work();
    const inDefault = await count('events_default');
    const again = await maintain(engine.database);

    const old = await maintain(later);

    expect(made.created.length).toBeGreaterThanOrEqual(3);
    expect(again).toMatchObject({ created: [], dropped: [] });
    expect(inDefault).toBe(0);
    expect(old.dropped.length).toBeGreaterThanOrEqual(3);
    expect(old.pruned).toMatchObject({ runs: 1, event_keys: 2 });
    expect([await count('events'), await count('runs'), await count('steps')]).toEqual([0, 0, 0]);
  });

  test('never drops what an unfinished run needs', async () => {
    await sql`TRUNCATE events, attempts, deliveries`.execute(engine.database.db);
    for (const table of ['events', 'deliveries', 'attempts'] as const) {
      for (const { name } of await readPartitions(engine.database.db, table)) {
        await sql`DROP TABLE ${sql.table(name)}`.execute(engine.database.db);
      }
    }
    await maintain(engine.database);
    await engine.publish(rule('  - wait: 200d\n  - emit: { type: custom.after }'));
    await engine.happen({ type: 'custom.t' });
    await engine.work();

    const kept = await maintain(later);
    const stored = await count('events');
    await engine.work('201 days');
    await sql`UPDATE runs SET state = 'ended'`.execute(engine.database.db);
    const dropped = await maintain(later);

    expect(kept.kept).toEqual([expect.stringMatching(/^events_\d+$/)]);
    expect(stored).toBe(1);
    expect(dropped.kept).toEqual([]);
    expect(dropped.dropped).toContain(kept.kept[0]);
  });

  test('prunes the default partition too, but not events of unfinished runs', async () => {
    await sql`
      INSERT INTO events (id, observed_at, connection_id, type, doc)
      SELECT gen_random_uuid(), now() - interval '200 days', 0, 'custom.old', '{}' FROM generate_series(1, 5)`.execute(
      engine.database.db,
    );
    await sql`
      INSERT INTO runs (id, event_id, event_at, rule_id, rule_version_id, connection_id, lane_id, state)
      SELECT gen_random_uuid(), id, observed_at, 'r', 1, 0, gen_random_uuid(), 'held' FROM events
       WHERE type = 'custom.old' LIMIT 1`.execute(engine.database.db);

    const { pruned } = await maintain(engine.database);

    expect(pruned['events']).toBe(4);
  });
});
