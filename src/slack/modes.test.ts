import { expect, test } from 'vitest';
import { startSlack } from '../demo/simulators/slack/slack.ts';
import { startTestApp } from '../../test/support/app.ts';
import { until } from '../../test/support/until.ts';
import { startSlackStage } from '../../test/support/slack-stage.ts';

const RULES = `
id: tell
when: { connection: acme, category: Network }
then:
  - slack.post: { channel: "#noc", text: "{{ ticket.title }}", buttons: [acknowledge] }
  - comment: { text: "told" }
---
id: other
when: { connection: acme, category: Network }
then: [{ comment: { text: "not held up" } }]
`;

test('Socket Mode brings buttons and commands without an address of our own', async () => {
  const stage = await startSlackStage({
    rules: RULES,
    settings: { signingSecret: null, appToken: 'xapp-simulated' },
  });
  try {
    await until('the connection', () => stage.slack.socket.open() > 0);
    const { message } = await stage.ticketWithMessage('By socket');

    const pressed = await stage.slack.pressButton('socket', { message, button: 'Acknowledge' });
    await stage.shows(message, 'took it');
    const helped = await stage.slack.slashCommand('socket', '/desk', { text: 'help' });
    const overHttp = await fetch(stage.url, { method: 'POST', body: '{}' });

    expect(pressed.status).toBe(200);
    expect(helped.body).toContain('/desk find TEXT');
    expect(overHttp.status).toBe(404);
  } finally {
    await stage.close();
  }
});

test.each([
  ['HTTP', { signingSecret: 'secret' }],
  ['Socket Mode', { appToken: 'xapp-simulated' }],
])(
  'a dead Slack (%s) holds up neither the start nor other actions, and gets its messages later',
  async (_, mode) => {
    const slack = await startSlack();
    const alive = slack.faults.always('*', { kind: 'reset_before' });
    const app = await startTestApp({
      rules: RULES,
      more: { slack: { botToken: slack.botToken, apiUrl: slack.apiUrl, settleMs: 200, ...mode } },
    });
    try {
      await app.ready();
      const id = app.desk.human.create({ subject: 'While Slack is dead', category: 'Network' });
      await until('the other rule', () =>
        app.desk.comments(id).some((comment) => comment.body.startsWith('not held up')),
      );
      expect(slack.messages).toHaveLength(0);

      alive();
      await until('the message', () => slack.messages.length === 1, 30_000);
    } finally {
      await app.close();
      await slack.close();
    }
  },
  60_000,
);
