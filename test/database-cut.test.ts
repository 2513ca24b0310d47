import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from './support/app.ts';
import { until } from './support/until.ts';

/** PostgreSQL goes away under a running Deskhand, again and again; it is never restarted. */

const RULES = `
id: told
name: Every new ticket is commented and told
on: [ticket.created]
when: { connection: acme, title: { starts_with: cut } }
then:
  - comment: { text: "seen" }
  - http.post: { url: "{{receiver}}/told" }
`;

let stage: TestApp;
beforeAll(async () => {
  stage = await startTestApp({ rules: RULES });
  await stage.ready();
});
afterAll(() => stage.close());

/** Ends every session of the app, in the middle of whatever it does. */
async function cut(): Promise<void> {
  await sql`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'deskhand'`
    .execute(stage.database.db)
    .catch(() => undefined);
}

test('sessions cut again and again: nothing is lost, nothing is done twice, and no restart is needed', async () => {
  const ids: number[] = [];
  for (let round = 0; round < 8; round++) {
    ids.push(stage.desk.human.create({ subject: `cut ${round}`, category: 'Network' }));
    await cut();
    await new Promise((resolve) => setTimeout(resolve, round * 7));
  }

  await until(
    'every run to be done',
    async () => {
      const { rows } = await sql<{ done: number }>`
        SELECT count(*)::int AS done FROM runs WHERE state = 'done'`.execute(stage.database.db);
      return rows[0]?.done === ids.length;
    },
    18_000,
  );

  expect(ids.map((id) => stage.desk.comments(id).length)).toEqual(ids.map(() => 1));
  expect(stage.receiver.received.size).toBe(ids.length);
  const { rows } = await sql<{ leased: number }>`
    SELECT count(*)::int AS leased FROM lanes WHERE lease_owner IS NOT NULL`.execute(stage.database.db);
  expect(rows[0]?.leased).toBe(0);
}, 25_000);
