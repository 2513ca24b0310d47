import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from './support/engine.ts';

/** R15: what people paste into tickets and PostgreSQL cannot store. The feed goes on behind it. */

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.close());
beforeEach(async () => {
  await engine.clear();
  await engine.publish(`
id: seen
name: seen
on: [ticket.created]
when: { category: Network }
then: [{ comment: { text: "seen" } }]
`);
  await sql`TRUNCATE deliveries`.execute(engine.database.db);
});

const comments = (ids: readonly number[]): readonly number[] =>
  ids.map((id) => engine.desk.comments(id).length);

test('R15: tickets with NUL, half a surrogate pair and five megabytes of title hold up nobody', async () => {
  const subjects = ['a\u0000b', 'half \ud83d', 'x'.repeat(5 * 1024 * 1024), 'plain'];
  const ids = subjects.map((subject) => engine.desk.human.create({ subject, category: 'Network' }));

  await engine.pollAll();
  await engine.work();

  expect(comments(ids)).toEqual([1, 1, 1, 1]);
  expect(engine.logged.filter((line) => line.startsWith('error'))).toEqual([]);
}, 60_000);

test('R15: a number that no number holds is no value, and costs nothing else', async () => {
  const id = engine.desk.human.create({ subject: 'huge', category: 'Network' });
  const { issueDate, categoryId } = engine.desk.ticket(id);
  const stamp = new Date(issueDate).toISOString();
  const row =
    `{"IssueID":${id},"Subject":"huge","Priority":1e200000,"TimeSpentInSeconds":1e200000,"StatusID":1e200000,` +
    `"CategoryID":${categoryId},"IssueDate":"${stamp}","LastUpdated":"${stamp}"}`;
  engine.desk.faults.next('GET tickets', {
    kind: 'status',
    status: 200,
    body: `[${row}]`,
    type: 'application/json',
  });

  await engine.pollAll();
  await engine.work();

  expect(comments([id])).toEqual([1]);
  const [created] = await engine.events();
  expect(created).toMatchObject({ type: 'ticket.created', doc: { ticket: { priority: null } } });
});

describe('R15: a ticket that cannot be stored', () => {
  // Whoever took a ticket is kept in a column of its own, and no text of PostgreSQL holds NUL.
  const ADDRESS = 'me\u0000rt@acme.com';
  let taker = 0;
  beforeAll(() => {
    const mert = [...engine.desk.state.users.values()].find(({ email }) => email === 'mert@acme.com');
    if (mert === undefined) throw new Error('there is no mert');
    taker = mert.id;
    Object.assign(mert, { username: ADDRESS, email: ADDRESS });
  });
  const create = (subject: string): number =>
    engine.desk.human.create({ subject, category: 'Network', requester: 'ceo@acme.com' });
  const parked = async (): Promise<readonly string[]> => {
    const { rows } = await sql<{ raw: Buffer }>`SELECT raw FROM deliveries WHERE outcome = 'parked'`.execute(
      engine.database.db,
    );
    return rows.map(({ raw }) => (JSON.parse(raw.toString()) as { id: string }).id);
  };

  test('is parked with its bytes and said once, and the feed goes on', async () => {
    const bad = create('bad');
    await engine.pollAll();
    engine.desk.human.assign(bad, taker, taker);
    const beside = create('beside');
    await engine.pollAll();
    await engine.pollAll();
    const after = create('after');
    await engine.pollAll();
    await engine.work();

    const said = (await engine.events()).filter(({ type }) => type === 'connection.degraded');
    expect(comments([beside, after])).toEqual([1, 1]);
    expect(await parked()).toEqual([String(bad)]);
    expect(said).toMatchObject([{ doc: { connection: 'acme', via: 'feed' } }]);
  });

  test('and that a webhook named is parked too, and not read over and over', async () => {
    const bad = create('bad');
    // A read by id does not tell who changed it last: it stays whom the feed told of.
    engine.desk.human.edit(bad, { priority: 2 }, taker);
    await engine.pollAll();
    engine.desk.human.assign(bad, taker, taker);

    await engine.refresh(bad);

    expect(await parked()).toEqual([String(bad)]);
    expect((await sql`SELECT FROM nominations`.execute(engine.database.db)).rows).toEqual([]);
  });
});
