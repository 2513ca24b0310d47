import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startReceiver, type Receiver } from './simulators/receiver.ts';
import { startSlack, type Slack } from './simulators/slack/slack.ts';
import { drawMessage, mrkdwnToHtml } from './slack-html.ts';
import { slackPage } from './slack-page.ts';

let slack: Slack;
let receiver: Receiver;
beforeAll(async () => {
  [slack, receiver] = await Promise.all([startSlack(), startReceiver()]);
});
afterAll(() => Promise.all([slack.close(), receiver.close()]));

describe('the page of the simulated Slack', () => {
  test('shows messages and sends a press as Slack signs it, only from the page itself', async () => {
    const message = slack.say('noc', 'hello <b>');
    message.blocks = [
      {
        type: 'actions',
        elements: [
          {
            type: 'button',
            action_id: 'desk:close',
            text: { type: 'plain_text', text: 'Close' },
            value: '1:2',
          },
        ],
      },
    ];
    const app = slackPage({ slack, eventsUrl: `${receiver.url}/slack`, port: 0 });

    const html = await (await app.request('/')).text();
    const key = /name="key" value="([^"]+)"/.exec(html)?.[1] ?? '';
    const press = (fields: Record<string, string>): Promise<Response> =>
      Promise.resolve(app.request('/press', { method: 'POST', body: new URLSearchParams(fields) }));
    const fields = { channel: message.channel, ts: message.ts, button: 'desk:close' };
    const foreign = await press({ ...fields, key: 'guessed' });
    const own = await press({ ...fields, key });

    expect(html).toContain('<h2>#noc</h2>');
    expect(html).toContain('>Close</button>');
    expect([foreign.status, own.status]).toEqual([403, 303]);
    expect(receiver.calls.all).toHaveLength(1);
    expect(receiver.calls.all[0]?.headers['x-slack-signature']).toMatch(/^v0=/);
  });

  test('draws what Slack would draw, and nothing else', () => {
    expect(mrkdwnToHtml('🔴 *<https://desk.test/1?a=1&amp;b=2|#1 &lt;script&gt;>*')).toBe(
      '🔴 <b><a href="https://desk.test/1?a=1&amp;b=2" rel="noreferrer">#1 &lt;script&gt;</a></b>',
    );
    expect(mrkdwnToHtml('<!date^1795348800^{ago}|2026-11-22 12:00 UTC>')).toBe(
      '<time>2026-11-22 12:00 UTC</time>',
    );
    expect(mrkdwnToHtml('<javascript:alert(1)|x>')).not.toContain('href');
    const hostile = slack.say('general', '<img src=x onerror=alert(1)>');
    expect(drawMessage(hostile, [], 'key')).not.toContain('<img');
  });
});
