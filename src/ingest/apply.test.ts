import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine, type EventRow } from '../../test/support/engine.ts';
import { toInstant } from '../clock.ts';
import { nextReadSeq } from '../record/tickets.ts';
import type { Comment } from '../ticket.ts';
import { applyReads, type AppliedRead, type ApplyContext } from './apply.ts';
import { inRuleSet } from './store-event.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
  // The desk tells whole seconds: without this, what happens within the first one is history.
  await sql`UPDATE feeds SET baseline_at = baseline_at - interval '1 hour'`.execute(engine.database.db);
});
afterAll(() => engine.close());
beforeEach(() => engine.clear());

async function eventsOf(id: number | string): Promise<readonly EventRow[]> {
  return (await engine.events()).filter((event) => event.ticketId === String(id));
}
const typesOf = async (id: number | string): Promise<readonly string[]> =>
  (await eventsOf(id)).map(({ type }) => type);

async function created(subject = 'VPN down'): Promise<number> {
  const id = engine.desk.human.create({ subject, category: 'Network' });
  await engine.refresh(id);
  return id;
}

describe('a ticket seen for the first time', () => {
  test('is created if it was made since the baseline', async () => {
    const id = await created();

    expect((await eventsOf(id)).map((event) => event.doc.key)).toEqual([`created:${id}`]);
  });

  test('is one update with everything unknown if it was made before and touched since', async () => {
    const id = engine.desk.human.create({ subject: 'old', category: 'Network' });
    engine.desk.ticket(id).issueDate = Date.now() - 86_400_000;
    engine.desk.human.edit(id, { priority: 2 });

    await engine.refresh(id);

    const [event] = await eventsOf(id);
    expect(event).toMatchObject({ type: 'ticket.updated', doc: { changes: {} } });
    expect(event?.doc['unknown']).toEqual(expect.arrayContaining(['title', 'priority', 'assignee']));
  });

  test('that was made before tells of comments that were written since', async () => {
    const id = engine.desk.human.create({ subject: 'old', category: 'Network' });
    engine.desk.ticket(id).issueDate = Date.now() - 86_400_000;
    engine.desk.human.comment(id, 'it is back');

    await engine.refresh(id);

    expect(await typesOf(id)).toEqual(['ticket.updated', 'comment.added']);
  });

  test('is history if nothing happened to it since', async () => {
    const id = engine.desk.human.create({ subject: 'older', category: 'Network' });
    Object.assign(engine.desk.ticket(id), {
      issueDate: Date.now() - 86_400_000,
      lastUpdated: Date.now() - 80_000_000,
    });

    await engine.pollAll();

    expect(await eventsOf(id)).toEqual([]);
  });

  test('brings no events of its comments', async () => {
    const id = engine.desk.human.create({ subject: 'chatty', category: 'Network' });
    engine.desk.human.comment(id, 'one');
    await engine.refresh(id);
    engine.desk.human.comment(id, 'two');
    await engine.refresh(id);

    expect(await typesOf(id)).toEqual(['ticket.created', 'comment.added']);
  });

  test('by a nudge that outran the desk is still created when it shows', async () => {
    const next = 1 + Math.max(0, ...engine.desk.state.tickets.keys());
    await engine.refresh(next);

    const id = await created();

    expect(id).toBe(next);
    expect(await typesOf(id)).toEqual(['ticket.created']);
  });
});

describe('a known ticket', () => {
  test('changed twice between two looks is one event with the whole difference', async () => {
    const id = await created();
    engine.desk.human.edit(id, { priority: 1 });
    engine.desk.human.edit(id, { priority: 2, subject: 'VPN is down' });

    await engine.refresh(id);

    const [, event] = await eventsOf(id);
    expect(event?.doc.key).toBe(`updated:${id}:2`);
    expect(Object.keys(event?.doc.changes ?? {}).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'priority',
      'title',
    ]);
  });

  test('changed there and back within a second is two events when both were seen', async () => {
    const id = await created();
    for (const priority of [2, 0]) {
      engine.desk.human.edit(id, { priority });
      await engine.refresh(id);
    }

    expect((await eventsOf(id)).map((event) => event.doc.key)).toEqual([
      `created:${id}`,
      `updated:${id}:2`,
      `updated:${id}:3`,
    ]);
  });

  test('read again without a change is no event', async () => {
    const id = await created();

    await engine.refresh(id);
    await engine.pollAll();

    expect(await typesOf(id)).toEqual(['ticket.created']);
  });

  test('that is gone says so once', async () => {
    const id = await created();
    engine.desk.human.remove(id);

    await engine.refresh(id);
    await engine.refresh(id);

    expect(await typesOf(id)).toEqual(['ticket.created', 'ticket.gone']);
  });

  test('reopened is shown as not acknowledged, in the same event', async () => {
    const id = await created();
    engine.desk.human.close(id);
    await engine.refresh(id);
    await sql`UPDATE tickets SET acknowledged_at = app_now(), acknowledged_by = 'nora'`.execute(
      engine.database.db,
    );
    engine.desk.human.reopen(id);

    await engine.refresh(id);

    expect((await eventsOf(id)).at(-1)?.doc).toMatchObject({
      ticket: { acknowledged: false, phase: 'open' },
    });
  });
});

describe('what we wrote', () => {
  test('is ours by the next look, with one more step of causation', async () => {
    await engine.publish(
      'id: r\nname: r\non: [ticket.created]\nwhen: { category: Network }\nthen:\n  - set: { priority: critical }\n  - comment: { text: "on it" }\n',
    );
    const id = await created();
    await engine.work();

    await engine.refresh(id);

    const [, ...own] = await eventsOf(id);
    expect(own.map((event) => [event.type, event.doc.own, event.depth])).toEqual([
      ['ticket.updated', true, 1],
      ['comment.added', true, 1],
    ]);
  });

  test('is ours too where it shows before its answer came', async () => {
    await engine.publish(
      'id: r\nname: r\non: [ticket.created]\nwhen: { category: Network }\nthen:\n  - create_ticket: { title: Check the line, text: "for {{ ticket.title }}", category: Accounts }\n',
    );
    await created();
    const before = new Set(engine.desk.state.tickets.keys());
    const gate = engine.desk.faults.hold('POST ticket', 'after');
    const working = engine.work();
    await gate.arrived;
    const made = [...engine.desk.state.tickets.keys()].find((id) => !before.has(id)) ?? 0;

    await engine.refresh(made);
    gate.release();
    await working;

    const [event] = await eventsOf(made);
    expect(event).toMatchObject({ type: 'ticket.created', depth: 1, doc: { own: true } });
  });

  test('is ours by its text until the answer came, where the desk does not say who we are', async () => {
    const id = await created();
    await sql`
      INSERT INTO own_writes (id, connection_id, ticket_id, step_id, field, value, depth)
      VALUES (gen_random_uuid(), ${engine.connection.id}, ${String(id)}, gen_random_uuid(), 'comment:comment',
              '"on it"', 0)`.execute(engine.database.db);
    const at = toInstant(Date.now());
    const comment = (one: string): Comment => ({
      id: one,
      at,
      author: null,
      public: false,
      text: 'on it',
      system: false,
      solution: false,
    });
    const see = async (...comments: readonly string[]): Promise<void> => {
      const options = { botUserId: null, comments: comments.map(comment) };
      await apply(id, await nextReadSeq(engine.database.db), 'VPN down', options);
    };

    await see('c-1');
    await sql`UPDATE own_writes SET answered_seq = nextval('read_seq')`.execute(engine.database.db);
    await see('c-1', 'c-2');

    const said = (await eventsOf(id)).filter(({ type }) => type === 'comment.added');
    expect(said.map(({ doc }) => [(doc['comment'] as Comment).id, doc['own']])).toEqual([
      ['c-1', true],
      ['c-2', false],
    ]);
  });

  test('but was refused, is not ours when a person does it', async () => {
    await engine.publish(
      'id: r\nname: r\non: [ticket.created]\nwhen: { category: Network }\nthen:\n  - set: { priority: critical }\n',
    );
    const id = await created();
    engine.desk.faults.next('POST updateticket', { kind: 'status', status: 400 });
    await engine.work();
    engine.desk.human.edit(id, { priority: 2 });

    await engine.refresh(id);

    expect((await eventsOf(id)).at(-1)?.doc).toMatchObject({ own: false });
  });

  test('long ago does not claim what a person does today', async () => {
    const id = await created();
    await sql`
      INSERT INTO own_writes (id, connection_id, ticket_id, step_id, field, value, depth, written_at)
      VALUES (gen_random_uuid(), ${engine.connection.id}, ${String(id)}, gen_random_uuid(), 'priority', '"critical"', 0,
              app_now() - interval '2 hours')`.execute(engine.database.db);
    engine.desk.human.edit(id, { priority: 2 });

    await engine.refresh(id);

    expect((await eventsOf(id)).at(-1)?.doc).toMatchObject({ own: false });
  });
});

describe('two reads that overlap', () => {
  test('the first to be applied counts; the other is dropped and the ticket read again', async () => {
    const id = await created();
    const [early, late] = [await nextReadSeq(engine.database.db), await nextReadSeq(engine.database.db)];
    await apply(id, late, 'newer state');

    const result = await apply(id, early, 'older state');

    expect(result.dropped).toBe(1);
    const { rows } = await sql<{ title: string; via: string }>`
      SELECT t.snapshot->>'title' AS title, n.via FROM tickets t JOIN nominations n USING (connection_id, ticket_id)`.execute(
      engine.database.db,
    );
    expect(rows).toEqual([{ title: 'newer state', via: 'overtaken' }]);
  });

  test('a read begun before another one was applied is dropped although it ended later', async () => {
    const id = await created();
    const early = await nextReadSeq(engine.database.db);
    await engine.refresh(id);

    const result = await apply(id, early, 'older state');

    expect(result.dropped).toBe(1);
    expect(await typesOf(id)).toEqual(['ticket.created']);
  });
});

async function apply(
  id: number,
  readSeq: number,
  title: string,
  {
    botUserId = '1',
    comments = null,
  }: { readonly botUserId?: string | null; readonly comments?: readonly Comment[] | null } = {},
): ReturnType<typeof applyReads> {
  const context: ApplyContext = {
    connectionId: engine.connection.id,
    connection: 'acme',
    vendor: 'jitbit',
    botUserId,
    feed: null,
    via: 'feed',
    silent: false,
    baselineAt: 0,
    overlapMs: 0,
    lateAfterMs: 900_000,
    wantSystemComments: false,
    ownWritesForMs: 3_600_000,
  };
  const read: AppliedRead = {
    read: { gone: false, id: String(id), observed: { id: String(id), title }, comments },
    readSeq,
    version: null,
    nomination: null,
  };
  return inRuleSet(engine.database, engine.store.active, (tx, book) =>
    applyReads(tx, book, [read], context, engine.store),
  );
}
