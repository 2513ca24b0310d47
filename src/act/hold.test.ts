import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../test/support/engine.ts';
import { pauseAll, pauseRule, resumeRule } from '../operate/pauses.ts';
import { openDatabase, type Database } from '../record/database.ts';
import { endWaitingRuns, snoozeTicket } from '../record/attention.ts';

/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:9';

let engine: Engine;
let later: Database;
beforeAll(async () => {
  engine = await createEngine({ httpAllow: ['127.0.0.1:9'] });
  later = openDatabase({ url: engine.url, poolSize: 2, clockOffset: '30 hours' });
});
afterEach(() => engine.clear());
afterAll(async () => {
  await later.close();
  await engine.close();
});

const rule = (then: string): string =>
  `id: esc\nname: Escalation\non: [custom.go]\nwhen: { event.type: custom.go }\nthen: ${then}\n`;
const PING = '{ emit: { type: custom.ping } }';
const pings = async (): Promise<number> =>
  (await engine.events()).filter((event) => event.type === 'custom.ping').length;
const newTicket = (): string =>
  String(engine.desk.human.create({ subject: 'VPN down', category: 'Network', priority: 2 }));
const minutesOf = (ms: number | null | undefined): number => Math.round((ms ?? NaN) / 60_000);
const lastStep = async (): Promise<string> => {
  const { state, reason } = (await engine.steps()).at(-1) ?? {};
  return `${state} ${reason}`;
};

describe('a wait', () => {
  test('counts from the moment the step before was done, however late it is claimed', async () => {
    await engine.publish(rule(`[${PING}, { wait: 15m }, ${PING}]`));
    await engine.happen({ type: 'custom.go' });
    const { executor } = await engine.worker();
    await executor.claimOnce();
    await executor.settle();

    await engine.work('10 minutes');

    const [, wait] = await engine.steps();
    expect(wait).toMatchObject({ action: 'wait', state: 'waiting' });
    expect(minutesOf(wait?.dueInMs)).toBe(15);
    await engine.work('16 minutes');
    expect(await pings()).toBe(2);
  });

  test('is over at once where its time passed before anybody looked', async () => {
    await engine.publish(rule(`[${PING}, { wait: 15m }, ${PING}]`));
    await engine.happen({ type: 'custom.go' });
    const { executor } = await engine.worker();
    await executor.claimOnce();
    await executor.settle();

    await engine.work('2 hours');

    expect(await pings()).toBe(2);
  });

  test('goes on while its rule is paused, and so does the time between two rounds', async () => {
    await engine.publish(
      rule(`[{ repeat: { every: 15m, at_most: 2, do: [${PING}] } }, { wait: 5m }, ${PING}]`),
    );
    await engine.happen({ type: 'custom.go' });
    await engine.work();
    await pauseRule(engine.database, 'esc', 'a test');
    await engine.store.active.refresh();
    await engine.work('16 minutes');
    expect(await pings()).toBe(1);

    await resumeRule(engine.database, 'esc', 'release');
    await engine.store.active.refresh();
    await engine.work('17 minutes');
    expect(await pings()).toBe(2);
    await engine.work('23 minutes');
    expect(await pings()).toBe(3);
  });
});

describe('a day without success gives a step up, but not the time', () => {
  const POST = `[{ http.post: { url: "${NOWHERE}/in" } }]`;

  test('in which nobody held it', async () => {
    await engine.publish(rule(POST));
    await engine.happen({ type: 'custom.go' });
    await engine.work();

    await engine.work('30 hours');

    expect(await lastStep()).toMatch(/^dead gave up after 24 h/);
  });

  test('in which everything was paused', async () => {
    await engine.publish(rule(POST));
    await engine.happen({ type: 'custom.go' });
    await engine.work();
    await pauseAll(engine.database, 'a test');
    await pauseAll(later, null);

    await engine.work('30 hours');

    expect(await lastStep()).toMatch(/^postponed unreachable/);
  });

  test('in which the ticket was snoozed', async () => {
    await engine.publish(rule('[{ slack.post: { channel: "C1", text: hello } }]'));
    const ticketId = newTicket();
    await snoozeTicket(engine.database.db, engine.connection.id, ticketId, Date.now() + 30 * 3_600_000);
    await engine.happen({ type: 'custom.go', ticketId });
    await engine.work();

    const { rows } = await sql<{ minutes: number }>`
      SELECT round(extract(epoch FROM wanted_at - due_at) / 60)::int AS minutes FROM steps`.execute(later.db);
    expect(await lastStep()).toMatch(/^postponed snoozed until/);
    expect(rows).toEqual([{ minutes: 0 }]);
  });

  test('of an escalation', async () => {
    await engine.publish(rule(`[{ wait: 5m }, { http.post: { url: "${NOWHERE}/in" } }, ${PING}]`));
    await engine.happen({ type: 'custom.go' });
    await engine.work();
    await engine.work('6 minutes');

    await engine.work('30 hours');

    expect((await engine.steps())[1]).toMatchObject({ state: 'postponed' });
  });
});

describe('in a silence a run under way', () => {
  test('rests with the reason, waits go on, and when it is over the run goes on', async () => {
    await engine.publish(rule(`[${PING}, { wait: 15m }, ${PING}, ${PING}]`));
    await engine.happen({ type: 'custom.go', ticketId: newTicket() });
    await engine.work();
    await engine.silence({ connection: 'acme' }, 'switch change', 3_600_000);

    await engine.work('16 minutes');
    expect(await pings()).toBe(1);
    expect((await engine.steps())[2]).toMatchObject({
      state: 'postponed',
      reason: 'silenced: switch change',
      attempts: 0,
    });

    await engine.work('61 minutes');
    expect(await pings()).toBe(3);
  });

  test('that the silence does not cover goes on', async () => {
    await engine.publish(rule(`[{ wait: 15m }, ${PING}]`));
    await engine.happen({ type: 'custom.go', ticketId: newTicket() });
    await engine.work();
    await engine.silence({ connection: 'other' }, 'switch change', 3_600_000);

    await engine.work('16 minutes');

    expect(await pings()).toBe(1);
  });

  test('is ended by whoever acknowledges', async () => {
    await engine.publish(rule(`[{ wait: 15m }, ${PING}]`));
    const ticketId = newTicket();
    await engine.happen({ type: 'custom.go', ticketId });
    await engine.work();
    await engine.silence({}, 'switch change', 3_600_000);
    await engine.work('16 minutes');

    await engine.database.transaction((tx) =>
      endWaitingRuns(tx, engine.connection.id, ticketId, 'acknowledged by nora@acme.com'),
    );
    await engine.work('61 minutes');

    expect(await pings()).toBe(0);
    expect((await engine.runs())[0]).toMatchObject({
      state: 'ended',
      reason: 'acknowledged by nora@acme.com',
    });
  });
});
