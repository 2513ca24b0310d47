import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEngine, type Engine } from './support/engine.ts';

/** What people paste into tickets and PostgreSQL cannot store: the feed goes on behind it. */

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.close());

test('tickets with NUL, half a surrogate pair and five megabytes of title hold up nobody', async () => {
  await engine.publish(`
id: seen
name: seen
on: [ticket.created]
when: { category: Network }
then: [{ comment: { text: "seen" } }]
`);
  const subjects = ['a\u0000b', 'half \ud83d', 'x'.repeat(5 * 1024 * 1024), 'plain'];
  const ids = subjects.map((subject) => engine.desk.human.create({ subject, category: 'Network' }));

  await engine.pollAll();
  await engine.work();

  expect(ids.map((id) => engine.desk.comments(id).length)).toEqual([1, 1, 1, 1]);
  expect(engine.logged.filter((line) => line.startsWith('error'))).toEqual([]);
}, 60_000);
