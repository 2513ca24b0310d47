import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../test/support/until.ts';
import { startSlackStage, type SlackStage } from '../../test/support/slack-stage.ts';

const RULES = `
id: tell
on: [ticket.created]
when: { connection: acme, category: Network }
then:
  - slack.post: { channel: "#noc", text: "New: {{ ticket.title }}", buttons: [acknowledge, assign, snooze, escalate, close] }
limit: { per_ticket: 50/1h }
---
id: news
on: [comment.added]
when: { connection: acme, category: Network }
then:
  - slack.post: { channel: "#noc", text: "{{ comment.text }}" }
---
id: threaded
on: [ticket.updated]
when: { connection: acme, priority: { changed: true } }
then:
  - slack.post: { thread: ticket, text: "Priority is {{ ticket.priority }} now" }
---
id: lost
when: { connection: acme, title: { starts_with: Lost } }
then:
  - slack.post: { channel: "#old-projects", text: "nobody" }
  - slack.post: { channel: "#nowhere", text: "nobody" }
---
id: direct
when: { connection: acme, title: { starts_with: Direct } }
then:
  - slack.post: { user: nora@acme.com, text: "For you: {{ ticket.title }}" }
---
id: layout
when: { connection: acme, title: { starts_with: Layout } }
then:
  - slack.post:
      channel: "#general"
      text: "own"
      buttons: [acknowledge]
      blocks:
        - { type: header, text: { type: plain_text, text: "{{ ticket.title }}" } }
        - { type: section, text: { type: mrkdwn, text: "*{{ ticket.title }}* is {{ ticket.priority }}" } }
`;

let stage: SlackStage;
beforeAll(async () => {
  stage = await startSlackStage({ rules: RULES });
});
afterAll(() => stage.close());

const inThread = (ts: string): string[] =>
  stage.slack.messages.filter((message) => message.threadTs === ts).map((message) => message.text);

describe('the one message of a ticket', () => {
  test('shows priority, title with link, requester and who acts now, and follows the desk in place', async () => {
    const { id, message } = await stage.ticketWithMessage('VPN of Berlin down');

    expect(message.text).toBe('New: VPN of Berlin down');
    const drawn = JSON.stringify(message.blocks);
    expect(drawn).toContain(`Ticket/${id}|`);
    expect(drawn).toContain('Nobody has it yet');

    stage.app.desk.human.edit(id, { priority: 2 });
    await stage.shows(message, '🔴');
    stage.app.desk.human.edit(id, { assignee: 'ali@acme.com' });
    await stage.shows(message, 'acts now');

    const roots = stage.slack
      .messagesIn('noc')
      .filter((one) => one.threadTs === null && one.text.includes('Berlin'));
    expect(roots).toHaveLength(1);
    expect(message.metadata?.event_type).toBe('deskhand_step');
  });

  test('has later news in its thread, of this rule and of others', async () => {
    const { id, message } = await stage.ticketWithMessage('Printer of Izmir');

    stage.app.desk.human.comment(id, 'any news?', { by: 'requester' });
    await until('the comment', () => inThread(message.ts).includes('any news?'));
    stage.app.desk.human.edit(id, { priority: 2 });

    await until('the priority', () => inThread(message.ts).length === 2);
    expect(inThread(message.ts)).toEqual(['any news?', expect.stringMatching(/^Priority is/)]);
  });

  test('takes hostile titles literally, and long ones cut', async () => {
    const hostile = '<!channel> <@U0NORA> <https://evil.test|Reset> &lt;!here&gt; `code` *x* \u202Eabc';
    const id = stage.app.desk.human.create({ subject: hostile, category: 'Network' });
    const posted = await until('the hostile one', () =>
      stage.slack.messages.find((one) => JSON.stringify(one.blocks).includes(`Ticket/${id}|`)),
    );

    for (const text of [posted.text, JSON.stringify(posted.blocks)]) {
      expect(text).not.toMatch(/<!channel|<@U|<https:\/\/evil|<!here|\u202e/);
      expect(text).toContain('&amp;lt;!here&amp;gt;');
    }
    expect(posted).toMatchObject({ unfurlLinks: false, unfurlMedia: false });
  });

  test('says why it could not be posted', async () => {
    const id = stage.app.desk.human.create({ subject: 'Lost in space' });

    const steps = await until('both steps', async () => {
      const found = await stage.steps(id, 'lost');
      return found.length === 2 && found.every((step) => step.state === 'dead') && found;
    });

    expect(steps.map((step) => step.reason)).toEqual([
      expect.stringContaining('Slack has no channel old-projects'),
      expect.stringContaining('Slack has no channel nowhere'),
    ]);
  });

  test('reaches a person by e-mail in their direct messages', async () => {
    stage.app.desk.human.create({ subject: 'Direct question' });

    const message = await until('the direct message', () =>
      stage.slack.messages.find((one) => one.text === 'For you: Direct question'),
    );

    expect(stage.slack.state.channels.get(message.channel)).toMatchObject({ kind: 'im', userId: 'U0NORA' });
  });

  test('keeps a layout of the rule’s own within Slack’s limits, and redraws it', async () => {
    const id = stage.app.desk.human.create({ subject: `Layout <!here> ${'x'.repeat(400)}` });

    const steps = await until('the step', async () => {
      const found = await stage.steps(id, 'layout');
      return found.some((step) => step.state === 'done' || step.state === 'dead') && found;
    });

    expect(steps).toMatchObject([{ state: 'done', reason: null }]);
    const [message] = stage.slack.messagesIn('general');
    expect(message?.blocks.map((block) => block['type'])).toEqual(['header', 'section', 'actions']);
    expect(JSON.stringify(message?.blocks[1])).toContain('&lt;!here&gt;');

    stage.app.desk.human.edit(id, { subject: 'Layout of today', priority: 2 });
    await until('the layout to follow', () => JSON.stringify(message?.blocks).includes('*Layout of today*'));
    expect(JSON.stringify(message?.blocks[0])).toContain('Layout of today');
    expect(JSON.stringify(message?.blocks[1])).toContain('is Critical');
  });
});
