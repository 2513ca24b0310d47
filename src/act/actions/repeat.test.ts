import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../test/support/engine.ts';
import { endWaitingRuns, snoozeTicket } from '../../record/attention.ts';
import { insertBranch } from '../../record/slack-presses.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterEach(() => engine.clear());
afterAll(() => engine.close());

const rule = (then: string, more = ''): string =>
  `id: esc\nname: Escalation\non: [custom.go]\nwhen: { event.type: custom.go }\n${more}then: ${then}\n`;
const pings = async (): Promise<number> =>
  (await engine.events()).filter((event) => event.type === 'custom.ping').length;
const runs = async (): Promise<readonly string[]> =>
  (await engine.runs()).map((run) => `${run.state}${run.reason === null ? '' : ` ${run.reason}`}`);

const PING = '{ emit: { type: custom.ping } }';

describe('repeat', () => {
  test('does its rounds so far apart, at most so many, and then the run goes on', async () => {
    await engine.publish(
      rule(`[{ repeat: { every: 10m, at_most: 3, do: [${PING}] } }, { emit: { type: custom.end } }]`),
    );
    await engine.happen({ type: 'custom.go' });

    await engine.work();
    expect(await pings()).toBe(1);
    await engine.work('9 minutes');
    expect(await pings()).toBe(1);
    await engine.work('11 minutes');
    expect(await pings()).toBe(2);
    await engine.work('22 minutes');

    expect(await pings()).toBe(3);
    expect((await engine.events()).filter((event) => event.type === 'custom.end')).toHaveLength(1);
    expect(await runs()).toEqual(['done']);
  });

  test('keeps the answers of each round apart', async () => {
    const ask = '{ slack.ask: { channel: "#noc", text: Well?, answers: { Yes: [acknowledge] } } }';
    await engine.publish(rule(`[{ repeat: { every: 10m, at_most: 2, do: [${ask}, ${PING}] } }]`));
    await engine.happen({ type: 'custom.go' });
    await engine.work();
    await engine.work('11 minutes');

    const asked = (await engine.steps()).filter((step) => step.action === 'slack.ask');
    for (const { id } of asked) {
      const branch = [{ id: engine.store.newId(), path: '0.do.0.answers.Yes.0', action: 'acknowledge' }];
      await insertBranch(engine.database.db, id, branch);
    }
    const { rows } = await sql<{ action: string }>`
      SELECT action FROM steps ORDER BY position, iteration`.execute(engine.database.db);

    const round = ['repeat', 'slack.ask', 'acknowledge', 'emit'];
    expect(rows.map((row) => row.action)).toEqual([...round, ...round]);
  });

  test('ends with its run when somebody acknowledges', async () => {
    await engine.publish(rule(`[{ repeat: { every: 10m, at_most: 3, do: [${PING}] } }]`));
    await engine.happen({ type: 'custom.go', ticketId: '7' });
    await engine.work();

    const ended = await engine.database.transaction((tx) =>
      endWaitingRuns(tx, engine.connection.id, '7', 'acknowledged by nora@acme.com'),
    );
    await engine.work('11 minutes');

    expect(ended).toHaveLength(1);
    expect(await pings()).toBe(1);
    expect(await runs()).toEqual(['ended acknowledged by nora@acme.com']);
  });
});

describe('acknowledge', () => {
  test('does not end a run whose `while` speaks of it itself', async () => {
    await engine.publish(rule(`[{ wait: 15m }, ${PING}]`, 'while: { acknowledged: true }\n'));
    await engine.happen({ type: 'custom.go', ticketId: '7' });
    await engine.work();

    await engine.database.transaction((tx) => endWaitingRuns(tx, engine.connection.id, '7', 'taken'));

    expect(await runs()).toEqual(['active']);
  });

  test('leaves a run alone that does not wait', async () => {
    await engine.publish(rule(`[${PING}]`));
    await engine.happen({ type: 'custom.go', ticketId: '7' });

    await engine.database.transaction((tx) => endWaitingRuns(tx, engine.connection.id, '7', 'taken'));
    await engine.work();

    expect(await runs()).toEqual(['done']);
    expect(await pings()).toBe(1);
  });
});

describe('snooze', () => {
  test('postpones what goes to Slack and nothing else', async () => {
    await engine.publish(rule(`[${PING}, { slack.post: { channel: "#noc", text: hello } }]`));
    await snoozeTicket(engine.database.db, engine.connection.id, '7', Date.now() + 3_600_000);
    await engine.happen({ type: 'custom.go', ticketId: '7' });
    await engine.work();

    const steps = await engine.steps();
    expect(await pings()).toBe(1);
    expect(steps[1]).toMatchObject({ state: 'postponed', attempts: 0 });
    expect(steps[1]?.reason).toMatch(/^snoozed until /);
    expect(steps[1]?.dueInMs).toBeGreaterThan(3_500_000);
  });
});
