import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createEngineOn, type Engine } from '../../../test/support/engine.ts';
import { startInvgateDesk, type InvgateDesk } from '../../demo/simulators/invgate/invgate-desk.ts';
import { invgateIds } from '../../demo/simulators/invgate/seed.ts';
import { invgate } from './index.ts';

/** The real executor on a simulated InvGate: what a rule does to a request, once, whatever becomes of the answers. */

let desk: InvgateDesk;
let engine: Engine<InvgateDesk>;
beforeAll(async () => {
  desk = await startInvgateDesk({ oldRequests: false });
  const settings = { url: desk.url, key: desk.key, author: 'deskbot' };
  engine = await createEngineOn({ vendor: invgate, desk, settings });
});
afterAll(() => engine.close());
beforeEach(() => engine.clear());

const rule = (steps: string): string => `
id: vpn
name: VPN requests
on: [ticket.created]
when: { connection: acme, title: VPN down }
then:
${steps}
`;

/** A new request that the rule matches, with its steps planned. */
async function request(steps: string): Promise<number> {
  await engine.publish(rule(steps));
  const id = desk.human.create({ title: 'VPN down' });
  await engine.pollAll();
  return id;
}

const states = async (): Promise<readonly string[]> =>
  (await engine.steps()).map(({ action, state }) => `${action} ${state}`);

/** Comments of our own, without their references. */
const said = (id: number): readonly [string, boolean][] =>
  desk
    .comments(id)
    .filter((comment) => comment.authorId === invgateIds.deskbot)
    .map(({ message, customerVisible }) => [message.replace(/\s*\[ref \w+\]$/, ''), customerVisible]);

test('reassigns, comments both ways, sets fields and moves the status, and knows all of it as its own', async () => {
  const id = await request(`
  - reassign: { queue: Network L2, agent: ali@acme.com }
  - comment: { text: Looking into it }
  - comment: { text: We are on it, public: true }
  - set: { priority: urgent, custom: { Floor: "7" } }
  - set: { status: Waiting }`);

  await engine.work();
  await engine.pollAll();

  expect(await states()).toEqual(['reassign done', 'comment done', 'comment done', 'set done', 'set done']);
  const row = desk.request(id);
  expect(row).toMatchObject({
    assignedGroupId: invgateIds.networkL2,
    assignedId: invgateIds.ali,
    priorityId: 4,
    statusId: 4,
  });
  expect(row.customFields.get(invgateIds.floor)).toEqual(['7']);
  expect(said(id)).toEqual([
    ['Looking into it', false],
    ['We are on it', true],
  ]);
  const events = (await engine.events()).filter((event) => event.ticketId === String(id));
  const later = events.filter((event) => event.type !== 'ticket.created');
  expect(later.map((event) => event.type)).toContain('ticket.updated');
  expect(later.filter((event) => event.type === 'comment.added')).toHaveLength(2);
  expect(later.filter((event) => !event.doc.own)).toEqual([]);
});

test('what is so already is skipped without a call', async () => {
  await request(`
  - reassign: { queue: Service desk }
  - set: { priority: normal }`);
  const before = desk.calls.all.filter((call) => call.method !== 'GET').length;

  await engine.work();

  expect(await states()).toEqual(['reassign skipped', 'set skipped']);
  expect(desk.calls.all.filter((call) => call.method !== 'GET')).toHaveLength(before);
});

describe('a solution that closes', () => {
  test('is given and accepted once, also when the answer to the acceptance is lost', async () => {
    const id = await request('  - close: { text: Cable plugged in }');
    desk.faults.next('PUT incident.solution.accept', { kind: 'reset_after' });

    await engine.work();
    await engine.work('60 seconds');

    expect(await states()).toEqual(['close done']);
    expect(desk.request(id).statusId).toBe(6);
    expect(said(id)).toEqual([['Cable plugged in', true]]);
    expect(desk.calls.named('PUT incident.solution.accept')).toHaveLength(1);
  });
});

describe('a comment whose answer is lost', () => {
  test('was stored: it is found by its text and not sent again', async () => {
    const id = await request('  - comment: { text: Looking into it }');
    desk.faults.next('POST incident.comment', { kind: 'reset_after' });

    await engine.work();
    const first = await states();
    await engine.work('60 seconds');

    expect(first).toEqual(['comment done']);
    expect(said(id)).toEqual([['Looking into it', false]]);
  });

  test('was not stored: it is sent again after the settle time and two looks', async () => {
    const id = await request('  - comment: { text: Looking into it }');
    desk.faults.next('POST incident.comment', { kind: 'reset_before' });

    await engine.work();
    const [unknown, none] = [await states(), said(id)];
    await engine.work('25 seconds');
    await engine.work('60 seconds');

    expect([unknown, none]).toEqual([['comment sending'], []]);
    expect(await states()).toEqual(['comment done']);
    expect(said(id)).toEqual([['Looking into it', false]]);
  });

  test('and the same text by somebody else is not taken for ours', async () => {
    const id = await request('  - comment: { text: Looking into it }');
    desk.faults.next('POST incident.comment', { kind: 'reset_before' });
    desk.human.comment(id, 'Looking into it', { by: invgateIds.nora, internal: true });

    await engine.work();
    await engine.work('25 seconds');
    await engine.work('60 seconds');

    expect(said(id)).toEqual([['Looking into it', false]]);
  });
});

test('a reassignment whose answer is lost is read back, not sent again', async () => {
  const id = await request('  - reassign: { queue: Network L2, agent: ali@acme.com }');
  const before = desk.calls.named('POST incident.reassign').length;
  desk.faults.next('POST incident.reassign', { kind: 'reset_after' });

  await engine.work();
  await engine.work('60 seconds');

  expect(await states()).toEqual(['reassign done']);
  expect(desk.request(id).assignedId).toBe(invgateIds.ali);
  expect(desk.calls.named('POST incident.reassign')).toHaveLength(before + 1);
});
