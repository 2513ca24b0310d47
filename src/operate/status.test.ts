import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../test/support/engine.ts';
import { createTestApi } from '../../test/support/api.ts';
import { changeBudget } from '../record/budgets.ts';
import { takeToken } from '../vendors/budget.ts';
import { readStatus, type Forecast } from './status.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.close());

const MINUTE = 60_000;
/** The shared part: 80 a minute, 80 at once. */
const PLAN = { rate: 100, burst: 100, perMs: MINUTE, pollEveryMs: [30_000] };
const SHARED = { rate: 80, burst: 80, perMs: MINUTE };

async function spend(calls: number, everyMs: number): Promise<void> {
  const key = { connectionId: engine.connection.id, budget: 'default' };
  const startedAt = Date.now() - calls * everyMs;
  await sql`DELETE FROM budgets`.execute(engine.database.db);
  for (let n = 0; n < calls; n += 1) {
    await changeBudget(engine.database, key, SHARED.burst, (state) =>
      takeToken(n === 0 ? { ...state, refilledAt: startedAt } : state, SHARED, 0, startedAt + n * everyMs),
    );
  }
}

async function forecast(): Promise<Forecast | null | undefined> {
  const status = await readStatus(engine.database, new Map([['acme', PLAN]]));
  return status.connections.find(({ name }) => name === 'acme')?.forecast;
}

test('a budget that was never used is full, and lasts', async () => {
  await sql`DELETE FROM budgets`.execute(engine.database.db);

  expect(await forecast()).toEqual({
    left: 80,
    burst: 80,
    calls_per_minute: 100,
    polls_per_minute: 2,
    spent_per_minute: 0,
    exhausted_at: null,
  });
});

test('consumption is measured; slower than the refill it lasts', async () => {
  await spend(120, MINUTE / 6);

  const found = await forecast();

  // Twenty minutes at six a minute: e^-2 of it is not counted.
  expect(found?.spent_per_minute).toBeGreaterThan(4.5);
  expect(found?.spent_per_minute).toBeLessThan(6.5);
  expect(found).toMatchObject({ left: 80, exhausted_at: null });
});

test('faster than the refill, it is exhausted when the tokens are used up', async () => {
  // Minutes at 85 against 80: as if it had always been so.
  await spend(1, 10);
  await sql`UPDATE budgets SET spent = 850, tokens = 40, refilled_at = app_now()`.execute(engine.database.db);

  const found = await forecast();
  const inMinutes = (Date.parse(found?.exhausted_at ?? '') - Date.now()) / MINUTE;

  expect(inMinutes).toBeGreaterThan(6.5);
  expect(inMinutes).toBeLessThan(9.5);
});

test('with nothing left it is exhausted now', async () => {
  await spend(1, 10);
  await sql`UPDATE budgets SET tokens = 0, refilled_at = app_now() + interval '1 minute'`.execute(
    engine.database.db,
  );

  expect(await forecast()).toMatchObject({ left: 0, exhausted_at: expect.any(String) });
});

test('a connection shows what its feeds covered, and the holes', async () => {
  const { db } = engine.database;
  const { id } = engine.connection;
  const rows = await db.selectFrom('feeds').select('feed').where('connection_id', '=', id).execute();
  const feed = rows[0]?.feed ?? 'tickets';
  await sql`DELETE FROM coverage`.execute(db);
  await sql`
    INSERT INTO feeds (connection_id, feed, settings_hash) VALUES (${id}, ${feed}, 'x') ON CONFLICT DO NOTHING`.execute(
    db,
  );
  await sql`
    INSERT INTO coverage (connection_id, feed, from_at, to_at) VALUES
      (${id}, ${feed}, '2026-11-20T08:00Z', '2026-11-20T10:00Z'),
      (${id}, ${feed}, '2026-11-20T12:00Z', '2026-11-20T13:00Z')`.execute(db);

  const { body } = await createTestApi(engine).call('GET', '/connections/acme');

  const first = { from: '2026-11-20T08:00:00.000Z', to: '2026-11-20T10:00:00.000Z' };
  const second = { from: '2026-11-20T12:00:00.000Z', to: '2026-11-20T13:00:00.000Z' };
  expect(body.feeds).toContainEqual(
    expect.objectContaining({ feed, covered: [first, second], gaps: [{ from: first.to, to: second.from }] }),
  );
});
