import { sql } from 'kysely';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { SlackMessage } from '../demo/simulators/slack/state.ts';
import { MONITORING_SECRET } from '../../test/support/app.ts';
import { startSlackStage, type SlackStage } from '../../test/support/slack-stage.ts';
import { until } from '../../test/support/until.ts';

const RULES = `
id: tell
on: [ticket.created]
when: { connection: acme }
then:
  - slack.post: { channel: "#noc", text: "New: {{ ticket.title }}", buttons: [acknowledge] }
---
id: news
on: [comment.added]
when: { connection: acme }
then:
  - slack.post: { channel: "#noc", text: "{{ comment.text }}" }
---
id: alert
on: [webhook.received]
when: { connection: monitoring }
then:
  - slack.post: { channel: "#noc", text: "{{ ticket.title }}", buttons: [acknowledge] }
`;

vi.setConfig({ testTimeout: 60_000 });

let stage: SlackStage;
beforeAll(async () => {
  stage = await startSlackStage({ rules: RULES, settings: { similarWithinMs: 10 * 60_000 } });
});
afterAll(() => stage.close());

/** A ticket and its card, wherever that stands. */
async function create(
  subject: string,
  more: { readonly priority?: number } = {},
): Promise<{ readonly id: number; readonly card: SlackMessage }> {
  const id = stage.app.desk.human.create({ subject, ...more });
  return { id, card: await cardOf(`Ticket/${id}|`) };
}

const cardOf = (text: string): Promise<SlackMessage> =>
  until(`a card with ${text}`, () =>
    stage.slack.messages.find((one) => !one.deleted && JSON.stringify(one.blocks).includes(text)),
  );

/** The ticket's step is recorded, so that the next one finds its message. */
const told = (id: number): Promise<unknown> =>
  until('the recorded step', async () => (await stage.steps(id, 'tell'))[0]?.state === 'done');

async function alert(id: string, title: string): Promise<void> {
  const body = JSON.stringify({ alert: { id, title } });
  const at = new Date(stage.clock.now());
  const answer = await fetch(`${stage.app.base}/hooks/monitoring`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': `msg-${id}`,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(MONITORING_SECRET).sign(`msg-${id}`, at, body),
    },
  });
  expect(answer.status).toBe(202);
}

describe('tickets that resemble each other', () => {
  test('stand as cards under the first one, which counts them', async () => {
    const first = await create('Disk 91% full on web-01');
    await told(first.id);
    const second = await create('Disk 97% full on web-02');
    await told(second.id);
    const third = await create('DISK 99% full on web-03!');
    await stage.shows(first.card, '*2* similar tickets in the thread');

    stage.app.desk.human.edit(second.id, { assignee: 'ali@acme.com' });
    await stage.shows(second.card, 'acts now');
    stage.app.desk.human.comment(third.id, 'still filling', { by: 'requester' });
    const news = await until('the news', () =>
      stage.slack.messages.find((one) => one.text.endsWith('still filling')),
    );

    expect(first.card.threadTs).toBeNull();
    expect([second.card.threadTs, third.card.threadTs]).toEqual([first.card.ts, first.card.ts]);
    expect(JSON.stringify(third.card.blocks)).toContain('desk:acknowledge');
    expect(news.threadTs).toBe(first.card.ts);
    expect(news.text).toContain('DISK 99% full on web-03!');
  });

  test('are apart when they are of another priority, or the first is solved or long ago', async () => {
    const first = await create('Mail of Izmir is slow 1');
    await told(first.id);
    const urgent = await create('Mail of Izmir is slow 2', { priority: 2 });
    await told(urgent.id);
    await sql`UPDATE slack_roots SET posted_at = posted_at - interval '11 minutes'`.execute(
      stage.app.database.db,
    );
    const later = await create('Mail of Izmir is slow 3');
    await told(later.id);
    stage.app.desk.human.close(later.id);
    await stage.shows(later.card, '✅');
    const reopened = await create('Mail of Izmir is slow 4');

    expect([urgent, later, reopened].map(({ card }) => card.threadTs)).toEqual([null, null, null]);
  });

  test('come as one digest under it when many arrive at once', async () => {
    const first = await create('Badge reader 1 is offline');
    await told(first.id);
    for (let n = 2; n < 22; n += 1) stage.app.desk.human.create({ subject: `Badge reader ${n} is offline` });

    await stage.shows(first.card, '*20* similar tickets in the thread');

    const roots = stage.slack
      .messagesIn('noc')
      .filter((one) => one.threadTs === null && JSON.stringify(one.blocks).includes('Badge reader'));
    const digest = await cardOf('messages at once');
    expect(roots).toEqual([first.card]);
    expect(digest.threadTs).toBe(first.card.ts);
  });

  test('of a sender of webhooks are grouped and kept true too', async () => {
    await alert('A-1', 'Core router 1 answers no pings');
    const root = await cardOf('Core router 1');
    await until('the recorded step', async () => (await stage.steps('A-1', 'alert'))[0]?.state === 'done');
    await alert('A-2', 'Core router 2 answers no pings');
    const reply = await cardOf('Core router 2');

    await stage.shows(root, '*1* similar ticket in the thread');
    await stage.slack.pressButton(stage.url, { message: root, button: 'Acknowledge' });
    await stage.shows(root, 'nora@acme.com took it');

    expect(reply.threadTs).toBe(root.ts);
  });
});

test('a message that a person deleted is replaced at the next news', async () => {
  const { id, card } = await create('Deleted by somebody');
  await told(id);
  card.deleted = true;

  stage.app.desk.human.comment(id, 'it came back', { by: 'requester' });

  const again = await cardOf('Deleted by somebody');
  expect(again.threadTs).toBeNull();
  expect(JSON.stringify(again.blocks)).toContain('it came back');
});
