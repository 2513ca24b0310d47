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
id: named
when: { connection: acme, title: { starts_with: Named } }
then:
  - slack.post: { user: "{{ ticket.title | remove: 'Named ' }}", text: "\`{{ ticket.title }}\`" }
---
id: chosen
when: { connection: acme, title: { starts_with: Chosen } }
then:
  - slack.post: { channel: "#{{ ticket.title | remove: 'Chosen ' }}", text: "chosen" }
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

    const long = stage.app.desk.human.create({ subject: 'é'.repeat(50_000), category: 'Network' });
    await until('the long one', async () => (await stage.steps(long, 'tell'))[0]?.state === 'done');
    const cut = stage.slack.messages.find((one) => JSON.stringify(one.blocks).includes(`Ticket/${long}|`));
    expect(cut?.text).toHaveLength(3_000);
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

  test('reaches a person by name, where only one has it', async () => {
    const ids = ['Ali Demir', '@lead', 'Nobody At All'].map((name) =>
      stage.app.desk.human.create({ subject: `Named ${name}` }),
    );

    const steps = await until('all three', async () => {
      const found = (await Promise.all(ids.map((id) => stage.steps(id, 'named')))).flat();
      return found.length === 3 && found.every(({ state }) => state === 'done' || state === 'dead') && found;
    });

    expect(steps.map(({ state, reason }) => reason ?? state)).toEqual([
      'done',
      'done',
      expect.stringContaining('Slack has no person Nobody At All'),
    ]);
    const direct = stage.slack.messages.filter((one) => one.text.startsWith('`Named'));
    expect(direct.map((one) => one.channel).toSorted()).toEqual(['D0ALI', 'D0LEAD']);
  });

  test('goes to a channel that a ticket names only where Deskhand was invited', async () => {
    const ids = ['general', 'random', 'C0OTHER', 'board'].map((name) =>
      stage.app.desk.human.create({ subject: `Chosen ${name}` }),
    );

    const steps = await until('all four', async () => {
      const found = (await Promise.all(ids.map((id) => stage.steps(id, 'chosen')))).flat();
      return found.length === 4 && found.every(({ state }) => state === 'done' || state === 'dead') && found;
    });

    expect(steps.map(({ state }) => state)).toEqual(['done', 'dead', 'dead', 'dead']);
  });

  test('keeps a layout of the rule’s own within Slack’s limits, and redraws it', async () => {
    const id = stage.app.desk.human.create({ subject: `Layout <!here> ${'x'.repeat(400)}` });

    const steps = await until('the step', async () => {
      const found = await stage.steps(id, 'layout');
      return found.some((step) => step.state === 'done' || step.state === 'dead') && found;
    });

    expect(steps).toMatchObject([{ state: 'done', reason: null }]);
    const message = stage.slack.messagesIn('general').find((one) => one.text === 'own');
    expect(message?.blocks.map((block) => block['type'])).toEqual(['header', 'section', 'actions']);
    expect(JSON.stringify(message?.blocks[1])).toContain('&lt;!here&gt;');

    stage.app.desk.human.edit(id, { subject: 'Layout of today', priority: 2 });
    await until('the layout to follow', () => JSON.stringify(message?.blocks).includes('*Layout of today*'));
    expect(JSON.stringify(message?.blocks[0])).toContain('Layout of today');
    expect(JSON.stringify(message?.blocks[1])).toContain('is Critical');
  });
});
