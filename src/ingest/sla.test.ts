import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { explainTime, formatTime } from '../operate/deadlines.ts';
import { findTicket, listTickets } from '../record/operate/tickets.ts';
import { createTimeline, type Timeline } from '../../test/support/timeline.ts';
import { readStates } from '../slack/read-states.ts';
import type { ObservedTicket, Ticket } from '../ticket.ts';
import { ownSlaFrom } from './timers.ts';

let line: Timeline;
beforeAll(async () => {
  line = await createTimeline({
    sla: {
      calendar: null,
      pauseIn: ['waiting'],
      response: { urgent: 30 * 60_000, default: 4 * 3_600_000 },
      resolution: { default: 8 * 3_600_000 },
    },
  });
});
afterEach(() => line.clear());
afterAll(() => line.close());

const RULE = `
id: response
name: Nobody answered in time
on: [ticket.time]
when: { sla.response_due_at: { overdue: true } }
then: [acknowledge]
`;
const ticket = (more: Partial<ObservedTicket> = {}): ObservedTicket => ({
  id: '7',
  title: 'VPN down',
  phase: 'new',
  priority: { id: '2', name: 'Urgent', level: 'urgent' },
  created_at: line.at(0),
  updated_at: line.at(0),
  due_at: null,
  sla: { response_due_at: null, resolution_due_at: null, state: null },
  assignee: null,
  last_updated_by: null,
  ...more,
});

async function lastTicket(): Promise<Ticket> {
  const { rows } = await sql<{ ticket: Ticket }>`
    SELECT doc->'ticket' AS ticket FROM events ORDER BY id DESC LIMIT 1`.execute(line.database.db);
  if (rows[0] === undefined) throw new Error('no event');
  return rows[0].ticket;
}

describe('targets of our own, where the desk keeps no deadline', () => {
  test('stand in the ticket and arm rules', async () => {
    await line.publish(RULE);
    await line.see(1, ticket());

    expect((await lastTicket()).sla).toEqual({
      response_due_at: line.at(30),
      resolution_due_at: line.at(480),
      state: 'running',
    });
    expect(await line.timers()).toEqual(['response 30']);
    await line.tick(31);
    expect(await line.runs()).toEqual(['response active']);
  });

  test('follow the priority', async () => {
    await line.publish(RULE);
    await line.see(1, ticket());
    await line.see(2, ticket({ priority: { id: '1', name: 'Low', level: 'low' }, updated_at: line.at(2) }));

    expect(await line.timers()).toEqual(['response 240']);
  });

  test('stand still while the ticket waits, and go on by that much later', async () => {
    await line.publish(RULE.replace('response_due_at', 'resolution_due_at'));
    await line.see(1, ticket());
    await line.see(60, ticket({ phase: 'waiting', updated_at: line.at(60) }));
    expect((await lastTicket()).sla.state).toBe('paused');
    expect(await line.timers()).toEqual([]);

    await line.see(160, ticket({ phase: 'open', updated_at: line.at(160) }));
    expect(await line.timers()).toEqual(['response 580']);
  });

  test('are explained, with the pause and the rules that wait', async () => {
    await line.publish(RULE.replace('response_due_at', 'resolution_due_at'));
    await line.see(1, ticket());
    await line.see(60, ticket({ phase: 'waiting', updated_at: line.at(60) }));
    await line.see(160, ticket({ phase: 'open', updated_at: line.at(160) }));

    const { sla } = line.deps(160).store;
    const time = await explainTime(line.database, 'acme', '7', sla ?? new Map());

    expect(formatTime(time)).toEqual([
      `response met: 30 min + 100 min paused from ${line.at(0)} round the clock`,
      `resolution due ${line.at(580)}: 480 min + 100 min paused from ${line.at(0)} round the clock`,
      expect.stringMatching(/^next look: response at /) as string,
    ]);
  });

  test('are what every list of tickets and every card in Slack shows', async () => {
    await line.see(1, ticket());
    const { store } = line.deps(31);

    const { db } = line.database;
    const shown = await findTicket(db, 'acme', '7', ownSlaFrom(store));
    const { items } = await listTickets(db, {}, { limit: 9, after: null }, ownSlaFrom(store));

    const { connections } = line.deps(31);
    const wanted = [...connections.keys()].map((connectionId) => ({ connectionId, ticketId: '7', lead: '' }));
    const [card] = await readStates(db, wanted, store);

    expect(card?.ticket.sla).toEqual(shown?.ticket.sla);
    expect(shown?.ticket.sla).toMatchObject({ response_due_at: line.at(30), state: 'breached' });
    expect(items[0]?.ticket.sla).toEqual(shown?.ticket.sla);
  });

  test('give way to the desk’s own due date', async () => {
    await line.publish(RULE);
    await line.see(1, ticket({ due_at: line.at(99) }));

    expect((await lastTicket()).sla.state).toBeNull();
    expect(await line.timers()).toEqual([]);
  });
});

describe('an agent who takes the ticket on the desk', () => {
  const ESCALATION = `
id: esc
name: Escalation
on: [ticket.created]
when: { priority: urgent }
then: [{ wait: 15m }, { emit: { type: custom.ping } }]
`;
  const nora = { id: '20', name: 'Nora', email: 'nora@acme.com', kind: 'agent' as const };

  /** The run waits, as it does once the worker has looked at it. */
  async function begin(): Promise<void> {
    await line.publish(ESCALATION);
    await line.see(1, ticket());
    await sql`UPDATE steps SET state = 'waiting' WHERE action = 'wait'`.execute(line.database.db);
  }
  async function run(): Promise<unknown> {
    const { rows } = await sql`SELECT state, reason FROM runs`.execute(line.database.db);
    return rows[0];
  }

  test('ends the runs that wait, with the reason', async () => {
    await begin();
    await line.see(2, ticket({ assignee: nora, last_updated_by: nora, updated_at: line.at(2) }));

    expect(await run()).toEqual({ state: 'ended', reason: 'taken by nora@acme.com' });
    expect((await lastTicket()).acknowledged).toBe(true);
  });

  test('is not the one whom somebody else assigned', async () => {
    await begin();
    const lead = { ...nora, id: '21', name: 'Lead' };
    await line.see(2, ticket({ assignee: nora, last_updated_by: lead, updated_at: line.at(2) }));

    expect(await run()).toEqual({ state: 'active', reason: null });
    expect((await lastTicket()).acknowledged).toBe(false);
  });
});
