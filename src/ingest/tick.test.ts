import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createTimeline, type Timeline } from '../../test/support/timeline.ts';
import type { ObservedTicket } from '../ticket.ts';
import { resumeAfterJump } from '../record/clock-jumps.ts';
import { upsertConnection } from '../record/connections.ts';
import { presentTicket } from '../ticket.ts';
import { ownEvent } from './own-events.ts';
import { storeGroup } from './store-event.ts';
import { createTimerScans, tickOnce } from './tick.ts';

let line: Timeline;
beforeAll(async () => {
  line = await createTimeline();
});
afterEach(() => line.clear());
afterAll(() => line.close());

const OLD = `
id: old
name: Nobody took it for an hour
on: [ticket.created]
when: { phase: [new, open], created_at: { older_than: 1h } }
then: [acknowledge]
`;
const DUE = `
id: due
name: Due soon
on: [ticket.time]
when: { phase: [new, open], due_at: { within: 30m } }
then: [acknowledge]
`;

const ticket = (more: Partial<ObservedTicket> = {}): ObservedTicket => ({
  id: '7',
  title: 'VPN down',
  phase: 'open',
  created_at: line.at(0),
  updated_at: line.at(0),
  due_at: line.at(240),
  assignee: null,
  ...more,
});

describe('a timer', () => {
  test('fires at its moment, once, whoever ticks', async () => {
    await line.publish(OLD);
    await line.see(1, ticket());

    await line.tick(59);
    expect(await line.runs()).toEqual([]);
    expect(await line.timers()).toEqual(['old 60']);

    await Promise.all([tickOnce(line.deps(61)), tickOnce(line.deps(62)), tickOnce(line.deps(63))]);
    await line.tick(65);
    expect(await line.runs()).toEqual(['old active']);
    expect(await line.timers()).toEqual([]);
  });

  test('is armed in the transaction of the event that brought the state, and in no other', async () => {
    await line.publish(OLD);
    await line.see(1, ticket());

    const { rows } = await sql<{ same: boolean }>`
      SELECT t.xmin = e.xmin AND e.xmin = k.xmin AS same FROM timers t, events e, tickets k`.execute(
      line.database.db,
    );
    expect(rows).toEqual([{ same: true }]);
  });

  test('follows a changed due date and goes with the state it needs', async () => {
    await line.publish(DUE);
    await line.see(1, ticket());
    expect(await line.timers()).toEqual(['due 210']);

    await line.see(2, ticket({ due_at: line.at(120), updated_at: line.at(2) }));
    expect(await line.timers()).toEqual(['due 90']);

    await line.see(3, ticket({ due_at: line.at(120), updated_at: line.at(3), phase: 'waiting' }));
    expect(await line.timers()).toEqual([]);

    await line.see(4, ticket({ due_at: line.at(120), updated_at: line.at(4) }));
    expect(await line.timers()).toEqual(['due 90']);
  });

  test('that is due is not cancelled by an event that is first after a downtime', async () => {
    await line.publish(OLD);
    await line.see(1, ticket());

    await line.see(180, ticket({ title: 'VPN still down', updated_at: line.at(179) }));
    await line.tick(180);

    expect(await line.runs()).toEqual(['old active late']);
  });

  test('after two hours of downtime fires once and is late (R13)', async () => {
    await line.publish(OLD);
    await line.see(1, ticket());

    await line.tick(180);
    await line.tick(181);

    expect(await line.runs()).toEqual(['old active late']);
  });

  test('survives a clock that jumps an hour ahead and two hours back (R12)', async () => {
    await line.publish(OLD);
    await line.see(1, ticket());

    // Now is minute 5; the clock says 65, then -55, and comes right again.
    await line.tick(65);
    await line.see(-55, ticket({ title: 'b', updated_at: line.at(5) }));
    await line.tick(-55);
    await line.see(6, ticket({ title: 'c', updated_at: line.at(6) }));
    await line.tick(6);
    await line.tick(61);
    await line.tick(62);

    expect(await line.runs()).toEqual(['old active']);
  });

  test('is not lost when the clock jumps back before its moment (R12)', async () => {
    await line.publish(OLD);
    await line.see(1, ticket());

    await line.tick(-120);
    expect(await line.runs()).toEqual([]);
    await line.tick(61);

    expect(await line.runs()).toEqual(['old active']);
  });

  test('whose window was over before anybody looked is on record, late, with the reason', async () => {
    await line.publish(DUE);
    await line.see(1, ticket());

    await line.tick(300);
    await line.tick(301);

    expect(await line.runs()).toEqual([
      expect.stringMatching(
        /^due ended suppressed: missed: when Deskhand looked, at .*, its time was over late$/,
      ),
    ]);
    expect(await line.timers()).toEqual([]);
  });

  test('whose window was over on a clock that was ahead fires in it all the same (R12)', async () => {
    await line.publish(DUE);
    await line.see(1, ticket());
    await line.tick(2);
    await sql`
      INSERT INTO instances (id, name, beat_at) VALUES (gen_random_uuid(), 'ahead', ${line.at(300)}::timestamptz)`.execute(
      line.database.db,
    );
    await line.tick(300);

    expect(await line.databaseAt(4).transaction(resumeAfterJump)).toBe(true);
    expect(await line.databaseAt(4).transaction(resumeAfterJump)).toBe(false);
    await line.tick(4);
    await sql`DELETE FROM instances`.execute(line.database.db);
    expect(await line.timers()).toEqual(['due 210']);
    await line.tick(211);

    const runs = [...(await line.runs())].sort();
    expect(runs).toEqual(['due active', expect.stringMatching(/^due ended suppressed: missed/)]);
  });

  test('is not fired where the ticket no longer wants it', async () => {
    await line.publish(OLD);
    await line.see(1, ticket());
    await sql`UPDATE tickets SET snapshot = snapshot || '{"phase": "closed"}'`.execute(line.database.db);

    const [result] = await line.tick(61);

    expect(result).toMatchObject({ fired: 0 });
    expect(await line.timers()).toEqual([]);
  });

  test('fires at once where an event that the rule does not hear makes it true', async () => {
    await line.publish(OLD.replace('phase: [new, open]', 'priority: urgent'));
    await line.see(1, ticket());

    await line.see(90, ticket({ priority: { id: '2', name: 'Urgent', level: 'urgent' } }));
    await line.tick(90);
    await line.see(95, ticket({ priority: { id: '2', name: 'Urgent', level: 'urgent' }, title: 'again' }));
    await line.tick(95);

    expect(await line.runs()).toEqual(['old active late']);
  });

  test('moves with the last touch, though that is no event', async () => {
    await line.publish(
      'id: stale\nname: s\nwhen: { updated_at: { older_than: 2h }, phase: open }\nthen: [acknowledge]\n',
    );
    await line.see(1, ticket());

    await line.see(30, ticket({ updated_at: line.at(30) }));

    expect(await line.timers()).toEqual(['stale 150']);
  });
});

describe('the active rules', () => {
  test('a new version scans what is open: past moments are only recorded', async () => {
    await line.publish(DUE);
    await line.see(1, ticket());
    await line.see(1, ticket({ id: '8', created_at: line.at(-300) }));

    await line.publish(OLD);
    await line.tick(2);

    expect(await line.timers()).toEqual(['old 60']);
    expect(await line.runs()).toEqual(['old ended suppressed: before rule late']);
    await line.see(3, ticket({ id: '8', created_at: line.at(-300), title: 'touched' }));
    await line.tick(3);
    expect(await line.runs()).toEqual(['old ended suppressed: before rule late']);
  });

  test('a new version also scans tickets that only webhooks told of', async () => {
    await line.publish(DUE);
    const { store } = line.deps(1);
    const id = await upsertConnection(line.database.db, 'mon', 'webhook');
    const mon = { id, name: 'mon', vendor: { id: 'webhook' }, lateAfterMs: 900_000 };
    for (const [ticketId, phase] of [
      ['a', 'open'] as const,
      ['b', 'closed'] as const,
      ['c', 'open'] as const,
    ]) {
      const shown = { id: ticketId, phase, created_at: line.at(0) };
      const own = { acknowledged: false, snoozed: false, revision: 0 };
      const draft = ownEvent(
        {
          type: 'webhook.received',
          key: ticketId,
          connectionId: id,
          connection: 'mon',
          vendor: 'webhook',
          via: 'webhook',
          ticketId,
          ticket: presentTicket(shown, own).ticket,
          body: {},
        },
        store,
      );
      await storeGroup(line.databaseAt(1), [draft], store);
    }

    await line.publish(OLD);
    const deps = { ...line.deps(2), connections: new Map([[id, mon]]) };
    await deps.store.active.refresh();
    const scans = createTimerScans(deps);
    while (await scans.runOnce());

    const { rows } = await sql<{ ticket_id: string }>`
      SELECT ticket_id FROM timers ORDER BY ticket_id`.execute(line.database.db);
    expect(rows.map((row) => row.ticket_id)).toEqual(['a', 'c']);
  });

  test('told to, it fires what was past', async () => {
    await line.publish(DUE);
    await line.see(1, ticket({ created_at: line.at(-300) }));

    await line.publish(OLD, { firePast: true });
    await line.tick(2);

    expect(await line.runs()).toEqual(['old active late']);
  });

  test('off cancels the timers, on again brings them back', async () => {
    await line.publish(OLD);
    await line.see(1, ticket());

    await line.publish(`${OLD}mode: off\n`);
    await line.tick(2);
    expect(await line.timers()).toEqual([]);

    await line.publish(OLD);
    await line.tick(3);
    expect(await line.timers()).toEqual(['old 60']);
  });

  test('a changed rule arms anew', async () => {
    await line.publish(OLD);
    await line.see(1, ticket());

    await line.publish(OLD.replace('1h', '2h'));
    await line.tick(2);

    expect(await line.timers()).toEqual(['old 120']);
  });

  test('a baseline arms what is to come and fires nothing', async () => {
    await line.publish(OLD);
    await line.see(1, ticket(), true);
    await line.see(1, ticket({ id: '8', created_at: line.at(-300) }), true);
    await line.tick(2);

    expect(await line.timers()).toEqual(['old 60']);
    expect((await line.runs()).filter((run) => run.includes('active'))).toEqual([]);
  });
});

describe('ticket.overdue', () => {
  const LATE = 'id: late\nname: l\non: [ticket.overdue]\nwhen: { phase: open }\nthen: [acknowledge]\n';

  test('comes once per due date, for rules that list it', async () => {
    await line.publish(LATE);
    await line.see(1, ticket({ due_at: line.at(30) }));
    await line.tick(31);
    await line.tick(32);
    await line.see(33, ticket({ due_at: line.at(60), updated_at: line.at(33) }));
    await line.tick(61);

    expect(await line.runs()).toEqual(['late active', 'late active']);
  });

  test('does not come for a ticket that is done', async () => {
    await line.publish(LATE);
    await line.see(1, ticket({ due_at: line.at(30) }));
    await line.see(2, ticket({ due_at: line.at(30), phase: 'resolved', updated_at: line.at(2) }));

    expect(await line.timers()).toEqual([]);
  });
});

test('with 100,000 timers pending the due one fires within a second', async () => {
  await line.publish(OLD);
  await line.see(1, ticket());
  await sql`
    INSERT INTO timers (connection_id, ticket_id, rule_id, due_at)
    SELECT t.connection_id, 'x' || n, 'old', app_now() + interval '2 hours' + n * interval '1 second'
      FROM generate_series(1, 100000) n, timers t`.execute(line.database.db);
  await sql`ANALYZE timers`.execute(line.database.db);
  const deps = line.deps(61);
  await deps.store.active.refresh();
  await tickOnce(line.deps(2));

  const before = performance.now();
  const result = await tickOnce(deps);
  const tookMs = performance.now() - before;

  expect(result.fired).toBe(1);
  expect(tookMs).toBeLessThan(750);
});
