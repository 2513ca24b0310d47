import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createEngine, type Engine } from './support/engine.ts';

/** Rules that feed on their own doing, over a desk: they stop by themselves, say so once, and disturb nobody else. */

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.close());
beforeEach(() => engine.clear());

/** Looks at the desk and acts, until nothing comes of it any more. */
async function untilQuiet(): Promise<void> {
  for (let round = 0; round < 20; round++) {
    const before = (await engine.runs()).length;
    await engine.pollAll();
    await engine.work();
    if ((await engine.runs()).length === before) return;
  }
  throw new Error('it never came to rest');
}

const acted = async (rule: string, ticketId: number): Promise<number> =>
  (await engine.runs()).filter(
    (run) => run.rule === rule && run.ticketId === String(ticketId) && run.state === 'done',
  ).length;
const notices = async (): Promise<number> =>
  (await engine.events()).filter((event) => event.type === 'rule.muted').length;

test('two rules that fight over a ticket end at five causes deep, and other tickets go on', async () => {
  await engine.publish(`
id: to-ali
name: to-ali
on: [ticket.created, ticket.updated]
own: true
when: { title: { contains: fight }, assignee: { not: ali@acme.com } }
then: [{ reassign: { agent: ali@acme.com } }]
---
id: to-nora
name: to-nora
on: [ticket.updated]
own: true
when: { title: { contains: fight }, assignee: ali@acme.com }
then: [{ reassign: { agent: nora@acme.com } }]
---
id: calm
name: calm
on: [ticket.created]
when: { title: { contains: calm } }
then: [{ comment: { text: "seen" } }]
`);
  const fought = engine.desk.human.create({ subject: 'fight', category: 'Network' });
  await untilQuiet();
  const calm = engine.desk.human.create({ subject: 'calm', category: 'Network' });
  await untilQuiet();

  expect((await acted('to-ali', fought)) + (await acted('to-nora', fought))).toBe(5);
  expect(Math.max(...(await engine.events()).map((event) => event.depth))).toBe(5);
  expect(engine.desk.comments(calm)).toHaveLength(1);
});

test('a rule that a person’s changes fire again and again is muted for that ticket, with one notice', async () => {
  await engine.publish(`
id: echo
name: echo
on: [ticket.updated]
when: { title: { contains: storm } }
then: [{ comment: { text: "seen" } }]
`);
  const stormy = engine.desk.human.create({ subject: 'storm', category: 'Network' });
  const other = engine.desk.human.create({ subject: 'storm too', category: 'Network' });
  await engine.pollAll();
  for (let round = 0; round < 8; round++) {
    engine.desk.human.edit(stormy, { body: `change ${round}`, priority: round % 2 });
    await untilQuiet();
  }
  engine.desk.human.edit(other, { priority: 2 });
  await untilQuiet();

  expect(await acted('echo', stormy)).toBe(5);
  expect(engine.desk.comments(stormy)).toHaveLength(5);
  expect(await notices()).toBe(1);
  expect(await acted('echo', other)).toBe(1);
});

test('a rule that answers its own comments stops after five', async () => {
  await engine.publish(`
id: chatter
name: chatter
on: [comment.added]
own: true
when: { title: { contains: chat } }
then: [{ comment: { text: "and another thing" } }]
`);
  const id = engine.desk.human.create({ subject: 'chat', category: 'Network' });
  await engine.pollAll();
  engine.desk.human.comment(id, 'hello');
  await untilQuiet();

  expect(await acted('chatter', id)).toBe(5);
  expect(engine.desk.comments(id)).toHaveLength(6);
});

test('tickets that are made because tickets are made end after five', async () => {
  await engine.publish(`
id: mirror
name: mirror
on: [ticket.created]
own: true
when: { title: { contains: mirror } }
then: [{ create_ticket: { title: "mirror of {{ ticket.id }}", text: "see there", category: Network } }]
`);
  const before = engine.desk.state.tickets.size;
  engine.desk.human.create({ subject: 'mirror', category: 'Network' });
  await untilQuiet();

  expect(engine.desk.state.tickets.size - before).toBe(6);
});
