import { writeFile } from 'node:fs/promises';
import { Webhook } from 'standardwebhooks';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeskEvent } from '../src/event.ts';
import { HOOK_SECRET, MONITORING_SECRET, startTestApp, type TestApp } from './support/app.ts';
import { until } from './support/until.ts';

/** The way of an event through all folders, with nothing left out: simulated desk in, simulated desk and Slack out. */

const RULES = `
id: network
name: Network problems go to Network L2
when: { connection: acme, category: Network }
then:
  - reassign: { queue: Network L2, agent: ali@acme.com }
  - comment: { text: "Moved: {{ ticket.title }}" }
  - slack.post: { channel: "#noc", text: "{{ ticket.title }} is with {{ ticket.queue }}" }
  - http.post: { url: "{{receiver}}/in" }
---
id: any-change
name: Everything is told
on: [ticket.created, ticket.updated, comment.added]
when: { connection: acme, category: Network L2 }
then: [{ http.post: { url: "{{receiver}}/told" } }]
limit: { per_ticket: 50/1h }
---
id: alerts
name: Alerts are told
on: [webhook.received]
when: { connection: monitoring }
then: [{ http.post: { url: "{{receiver}}/alert" } }]
`;

let stage: TestApp;
beforeAll(async () => {
  stage = await startTestApp({ rules: RULES });
  await stage.ready();
});
afterAll(() => stage.close());

async function eventsOf(ticketId: number): Promise<readonly DeskEvent[]> {
  const { rows } = await sql<{ doc: DeskEvent }>`
    SELECT doc FROM events WHERE ticket_id = ${String(ticketId)} ORDER BY id`.execute(stage.database.db);
  return rows.map((row) => row.doc);
}

interface RunOf {
  readonly rule: string;
  readonly state: string;
  readonly steps: readonly string[];
}

async function runsOf(ticketId: number): Promise<readonly RunOf[]> {
  const { rows } = await sql<RunOf>`
    SELECT r.rule_id AS rule, r.state,
           (SELECT jsonb_agg(s.action || ' ' || s.state ORDER BY s.position) FROM steps s WHERE s.run_id = r.id) AS steps
      FROM runs r WHERE r.ticket_id = ${String(ticketId)} ORDER BY r.id`.execute(stage.database.db);
  return rows;
}

const finished = (ticketId: number, rule: string): Promise<RunOf> =>
  until(`the run of ${rule} on ${ticketId}`, async () =>
    (await runsOf(ticketId)).find((run) => run.rule === rule && run.state === 'done'),
  );

const ALL_DONE = ['reassign done', 'comment done', 'slack.post done', 'http.post done'];

function expectActed(ticketId: number, title: string): void {
  expect(stage.desk.ticket(ticketId)).toMatchObject({ categoryId: 106, assignedToUserId: 3 });
  const comments = stage.desk.comments(ticketId);
  expect(comments.map((comment) => comment.body.split('\r\n')[0])).toEqual([`Moved: ${title}`]);
  expect(comments[0]?.forTechsOnly).toBe(true);
  const posts = stage.slack.messagesIn('noc').filter((message) => message.text.includes(title));
  expect(posts).toHaveLength(1);
  const calls = stage.receiver.calls.named('in').filter((call) => JSON.stringify(call.json).includes(title));
  expect(calls.map((call) => call.json)).toMatchObject([{ type: 'ticket.created', rule: 'network' }]);
}

describe('from a change at the desk to what comes of it', () => {
  test('a poll sees a new ticket, and it is moved, commented, told in Slack and posted, once', async () => {
    const id = stage.desk.human.create({ subject: 'Polled VPN', category: 'Network' });

    const run = await finished(id, 'network');

    expect(run.steps).toEqual(ALL_DONE);
    expectActed(id, 'Polled VPN');
    expect((await eventsOf(id))[0]).toMatchObject({
      type: 'ticket.created',
      via: 'feed',
      key: `created:${id}`,
    });
  });

  test('our own writes come back as by self, and fire no rule', async () => {
    const id = stage.desk.human.create({ subject: 'Loop bait', category: 'Network' });
    await finished(id, 'network');

    const own = await until('our own change and comment', async () => {
      const events = (await eventsOf(id)).filter((event) => event.own);
      return events.some((event) => event.type === 'comment.added') && events.length >= 2 && events;
    });

    const changes = own.flatMap((event) => Object.entries(event.changes ?? {}));
    expect(changes.map(([field]) => field)).toEqual(expect.arrayContaining(['category', 'assignee']));
    expect(changes.every(([, change]) => change.by === 'self')).toBe(true);
    expect(
      (await eventsOf(id)).filter((event) => event.type !== 'ticket.created').every((event) => event.own),
    ).toBe(true);
    expect((await runsOf(id)).map((run) => run.rule)).toEqual(['network']);
  });

  test('what a person does afterwards is no change of ours', async () => {
    const id = stage.desk.human.create({ subject: 'Then a person', category: 'Network L2' });
    await finished(id, 'any-change');

    stage.desk.human.comment(id, 'any news?', { by: 'requester' });
    stage.desk.human.edit(id, { priority: 2 });
    await until('the comment and the change', async () => (await runsOf(id)).length === 3);

    const [, ...later] = await eventsOf(id);
    expect(new Set(later.map((event) => event.type))).toEqual(new Set(['comment.added', 'ticket.updated']));
    expect(later.some((event) => event.own)).toBe(false);
    expect(later.find((event) => event.type === 'ticket.updated')?.changes).toEqual({
      priority: { from: 'normal', to: 'critical', by: 'agent' },
    });
  });

  test('a ticket that was there before the baseline fires nothing', async () => {
    const { rows } = await sql`SELECT 1 FROM events WHERE ticket_id < '1021'`.execute(stage.database.db);

    expect(rows).toEqual([]);
  });
});

describe('webhooks', () => {
  const nudge = (body: string, secret = HOOK_SECRET): Promise<Response> =>
    fetch(`${stage.base}/hooks/acme/${secret}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });

  test('a change that a poll and a nudge both see is one event', async () => {
    const id = stage.desk.human.create({ subject: 'Seen twice', category: 'Network L2' });

    const answers = await Promise.all([
      nudge(`{"ticketId":"${id}"}`),
      nudge(`{"ticketId":"${id}", "again":1}`),
    ]);
    await until('the nudge to be read', async () => {
      const { rows } = await sql`SELECT 1 FROM nominations`.execute(stage.database.db);
      return rows.length === 0;
    });
    await finished(id, 'any-change');

    expect(answers.map((answer) => answer.status)).toEqual([202, 202]);
    expect((await eventsOf(id)).map((event) => event.key)).toEqual([`created:${id}`]);
    expect(await runsOf(id)).toHaveLength(1);
  });

  test('a signed alert becomes an event and fires its rule', async () => {
    const body = JSON.stringify({ alert: { id: 'A-1', title: 'Router down' } });
    const at = new Date();
    const signature = new Webhook(MONITORING_SECRET).sign('msg-1', at, body);

    const answer = await fetch(`${stage.base}/hooks/monitoring`, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'webhook-id': 'msg-1',
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': signature,
      },
    });

    expect(answer.status).toBe(202);
    const call = await until('the post', () => stage.receiver.calls.named('alert')[0]);
    expect(call.json).toMatchObject({
      type: 'webhook.received',
      via: 'webhook',
      connection: 'monitoring',
      ticket: { id: 'A-1', title: 'Router down' },
      body: { alert: { id: 'A-1' } },
    });
  });
});

describe('a second Deskhand, whose desk is only told by webhook', () => {
  test('acts on a nudge as on a poll, follows its rules folder, and stops within 5 s', async () => {
    const other = await startTestApp({ rules: RULES, pollMs: 3_600_000 });
    try {
      await other.ready();
      other.desk.addWebhook({ url: `${other.base}/hooks/acme/${HOOK_SECRET}`, on: ['created'] });
      await expectNudged(other);
      await expectRulesFollowed(other);

      const startedAt = performance.now();
      await other.stop();

      expect(performance.now() - startedAt).toBeLessThan(5_000);
      const { rows } = await sql`SELECT 1 FROM lanes WHERE lease_owner IS NOT NULL`.execute(
        other.database.db,
      );
      expect(rows).toEqual([]);
    } finally {
      await other.close();
    }
  });
});

async function expectNudged(other: TestApp): Promise<void> {
  const mine = stage;
  stage = other;
  try {
    const id = other.desk.human.create({ subject: 'Hooked VPN', category: 'Network' });
    const run = await finished(id, 'network');

    expect(run.steps).toEqual(ALL_DONE);
    expectActed(id, 'Hooked VPN');
    expect((await eventsOf(id))[0]).toMatchObject({ via: 'webhook', key: `created:${id}` });
  } finally {
    stage = mine;
  }
}

async function expectRulesFollowed({ database, rulesFile, logged }: TestApp): Promise<void> {
  const active = async (): Promise<string> => {
    const { rows } = await sql<{ ids: string }>`
      SELECT string_agg(v.rule_id, ' ' ORDER BY v.rule_id) AS ids FROM active_rule_set a
        JOIN rule_set_rules r USING (rule_set_id) JOIN rule_versions v ON v.id = r.rule_version_id`.execute(
      database.db,
    );
    return rows[0]?.ids ?? '';
  };
  const rule =
    'id: edited\nname: edited\nwhen: { connection: acme }\nmode: shadow\nthen: [{ acknowledge: {} }]\n';

  await writeFile(rulesFile, rule);
  await until('the edited set', async () => (await active()) === 'edited');
  await writeFile(rulesFile, `${rule}---\n${rule.replace('id: edited', 'id: bad').replace('when', 'wehn')}`);
  const refusal = await until('the refusal', () => logged.find((line) => line.includes('rule refused')));

  expect(refusal).toMatch(/wehn/);
  expect(await active()).toBe('edited');
}
