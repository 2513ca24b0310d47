import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts';
import { until } from '../../test/support/until.ts';
import { SILENT } from '../../test/support/silent-log.ts';
import { openDatabase, type Database } from './database.ts';
import { openStandingSession } from './standing-session.ts';

let own: TestDatabase;
let database: Database;
beforeAll(async () => {
  own = await createTestDatabase();
  database = openDatabase({ url: own.url, poolSize: 1 });
});
afterAll(async () => {
  await database.close();
  await own.drop();
});

/** The database, with the process numbers of the sessions it opened; all but the first wait for `letIn`. */
function watched(): {
  readonly slow: Database;
  readonly pids: readonly number[];
  readonly letIn: () => void;
} {
  const pids: number[] = [];
  let letIn = (): void => undefined;
  const open = new Promise<void>((resolve) => (letIn = resolve));
  const slow: Database = {
    ...database,
    async connect() {
      const client = await database.connect();
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      pids.push(rows[0]?.pid ?? 0);
      if (pids.length > 1) await open;
      return client;
    },
  };
  return { slow, pids, letIn: () => letIn() };
}

async function alive(pids: readonly number[]): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*)::int AS count FROM pg_stat_activity WHERE pid = ANY(${pids})`.execute(database.db);
  return rows[0]?.count ?? NaN;
}

const cut = (pid = 0): Promise<unknown> => sql`SELECT pg_terminate_backend(${pid})`.execute(database.db);

test('a session that broke is opened again, and set up again', async () => {
  const { slow, pids, letIn } = watched();
  letIn();
  const session = await openStandingSession(slow, SILENT);
  const setUps: number[] = [];
  await session.onEach(async () => void setUps.push(pids.length));

  await cut(pids[0]);

  await until('the second set-up', () => setUps.length === 2);
  expect(setUps).toEqual([1, 2]);
  await session.close();
});

test('a session that comes back while it is being closed is closed too', async () => {
  const { slow, pids, letIn } = watched();
  const session = await openStandingSession(slow, SILENT);
  await cut(pids[0]);
  await until('it to come back', () => pids.length === 2);

  await session.close();
  letIn();

  await expect.poll(() => alive(pids), { timeout: 10_000 }).toBe(0);
});
