import { SocketModeClient } from '@slack/socket-mode';
import { LogLevel, WebClient } from '@slack/web-api';
import { afterEach, describe, expect, it } from 'vitest';

import { startReceiver } from '../receiver.ts';
import { slackSignature } from './interact.ts';
import { startSlack, type Slack, type SlackOptions } from './slack.ts';
import { slackIds } from './state.ts';

const noon = Date.parse('2026-11-23T12:00:00Z');
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Setup {
  readonly slack: Slack;
  readonly client: WebClient;
  readonly clock: { at: number; now(): number };
}

async function setup(options: SlackOptions = {}): Promise<Setup> {
  const clock = { at: noon, now: () => clock.at };
  const slack = await startSlack({ clock, ...options });
  closing.push(() => slack.close());
  const client = new WebClient(slack.botToken, {
    slackApiUrl: slack.apiUrl,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logLevel: LogLevel.ERROR,
  });
  return { slack, client, clock };
}

const metadata = { event_type: 'deskhand_step', event_payload: { step: '17' } };

describe('posting', () => {
  it('stores a message with its metadata and finds it again in the history', async () => {
    const { slack, client } = await setup();

    const posted = await client.chat.postMessage({
      channel: '#noc',
      text: 'VPN down',
      metadata,
      unfurl_links: false,
    });
    const history = await client.conversations.history({ channel: slackIds.noc, include_all_metadata: true });
    const plain = await client.conversations.history({ channel: slackIds.noc });

    expect(posted).toMatchObject({ ok: true, channel: slackIds.noc, message: { text: 'VPN down' } });
    expect(history.messages).toMatchObject([{ ts: posted.ts, metadata }]);
    expect(plain.messages?.[0]).not.toHaveProperty('metadata');
    expect(slack.messagesIn('noc')).toMatchObject([{ unfurlLinks: false, unfurlMedia: null }]);
  });

  it('keeps a message that was stored before the connection broke', async () => {
    const { slack, client } = await setup();
    slack.faults.next('chat.postMessage', { kind: 'reset_after' });

    await expect(client.chat.postMessage({ channel: 'noc', text: 'once' })).rejects.toMatchObject({
      code: 'slack_webapi_request_error',
    });

    expect(slack.messages.map((message) => message.text)).toEqual(['once']);
  });

  it('refuses by name where the bot may not write', async () => {
    const { client } = await setup();
    const post = async (channel: string, text = 'x'): Promise<unknown> =>
      client.chat
        .postMessage({ channel, text })
        .catch((error: { data: { error: string } }) => error.data.error);

    expect(await post('C404')).toBe('channel_not_found');
    expect(await post(slackIds.secret)).toBe('channel_not_found');
    expect(await post(slackIds.archived)).toBe('is_archived');
    expect(await post(slackIds.notJoined)).toBe('not_in_channel');
    expect(await post('noc', 'x'.repeat(40_001))).toBe('msg_too_long');
  });

  it('takes JSON bodies as well as forms, and knows a wrong token', async () => {
    const { slack } = await setup();
    const post = async (token: string): Promise<unknown> => {
      const response = await fetch(`${slack.apiUrl}chat.postMessage`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify({ channel: 'noc', text: 'as JSON', blocks: [{ type: 'divider' }] }),
      });
      return response.json();
    };

    expect(await post('xoxb-other')).toEqual({ ok: false, error: 'invalid_auth' });
    expect(await post(slack.botToken)).toMatchObject({ ok: true, message: { blocks: [{ block_id: 'b0' }] } });
  });

  it('allows one message per second and channel when limits are on', async () => {
    const { client, clock } = await setup({ rateLimited: true });
    await client.chat.postMessage({ channel: 'noc', text: 'one' });

    await expect(client.chat.postMessage({ channel: 'noc', text: 'two' })).rejects.toMatchObject({
      code: 'slack_webapi_rate_limited_error',
      retryAfter: 1,
    });
    await client.chat.postMessage({ channel: 'general', text: 'elsewhere' });
    clock.at += 1000;
    await client.chat.postMessage({ channel: 'noc', text: 'two' });
  });

  it('refuses blocks over the published sizes', async () => {
    const { client } = await setup();
    const blocks = [{ type: 'section' as const, text: { type: 'mrkdwn' as const, text: 'x'.repeat(3001) } }];

    await expect(client.chat.postMessage({ channel: 'noc', text: 'x', blocks })).rejects.toMatchObject({
      data: { error: 'invalid_blocks' },
    });
  });

  it('updates in place and keeps blocks and metadata that are not sent', async () => {
    const { slack, client } = await setup();
    const { ts = '' } = await client.chat.postMessage({
      channel: 'noc',
      text: 'a',
      metadata,
      blocks: [{ type: 'divider' }],
    });

    await client.chat.update({ channel: slackIds.noc, ts, text: 'b' });

    expect(slack.messages).toMatchObject([
      { text: 'b', updates: 1, metadata, blocks: [{ type: 'divider' }] },
    ]);
    await expect(client.chat.update({ channel: slackIds.noc, ts: '1.1', text: 'c' })).rejects.toMatchObject({
      data: { error: 'message_not_found' },
    });
  });
});

describe('reading', () => {
  it('needs the history scope of the kind of channel', async () => {
    const { slack, client } = await setup();
    slack.scopes.delete('channels:history');

    await expect(client.conversations.history({ channel: slackIds.noc })).rejects.toMatchObject({
      data: { error: 'missing_scope', needed: 'channels:history' },
    });
  });

  it('pages newest first, within exclusive bounds, and keeps threads apart', async () => {
    const { client, clock } = await setup();
    const ts: string[] = [];
    for (let count = 0; count < 5; count++) {
      ts.push((await client.chat.postMessage({ channel: 'noc', text: `m${count}` })).ts ?? '');
      clock.at += 1000;
    }
    await client.chat.postMessage({ channel: 'noc', text: 'reply', thread_ts: ts[0] ?? '' });
    const read = async (more: object): Promise<string[]> => {
      const found = await client.conversations.history({ channel: slackIds.noc, ...more });
      return (found.messages ?? []).map((message) => message.text ?? '');
    };

    const first = await client.conversations.history({ channel: slackIds.noc, limit: 2 });
    expect(first.messages?.map((message) => message.text)).toEqual(['m4', 'm3']);
    expect(await read({ limit: 2, cursor: first.response_metadata?.next_cursor })).toEqual(['m2', 'm1']);
    expect(await read({ oldest: ts[1], latest: ts[3] })).toEqual(['m2']);
    const thread = await client.conversations.replies({ channel: slackIds.noc, ts: ts[0] ?? '' });
    expect(thread.messages?.map((message) => message.text)).toEqual(['m0', 'reply']);
  });

  it('knows people, groups and channels', async () => {
    const { client } = await setup();

    expect(await client.auth.test()).toMatchObject({ user_id: slackIds.bot });
    expect((await client.users.lookupByEmail({ email: 'NORA@acme.com' })).user?.id).toBe(slackIds.nora);
    await expect(client.users.lookupByEmail({ email: 'x@y.z' })).rejects.toMatchObject({
      data: { error: 'users_not_found' },
    });
    expect((await client.usergroups.users.list({ usergroup: slackIds.agents })).users).toHaveLength(2);
    expect((await client.conversations.open({ users: slackIds.ali })).channel?.id).toBe('D0ALI');
    const listed = await client.conversations.list({
      types: 'public_channel,private_channel',
      exclude_archived: true,
    });
    expect(listed.channels?.map((channel) => channel.name)).toEqual(['noc', 'desk-ops', 'general', 'random']);
  });
});

describe('people in Slack', () => {
  it('press buttons with a signed request and open one view with the trigger', async () => {
    const { slack, client } = await setup();
    const receiver = await startReceiver();
    closing.push(() => receiver.close());
    const text = { type: 'plain_text' as const, text: 'Acknowledge' };
    const button = { type: 'button' as const, action_id: 'ack', value: 'run-1', text };
    const { ts = '' } = await client.chat.postMessage({
      channel: 'noc',
      text: 'x',
      blocks: [{ type: 'actions', elements: [button] }],
    });

    await slack.pressButton(`${receiver.url}/slack/events`, {
      message: { channel: slackIds.noc, ts },
      button: 'Acknowledge',
    });

    const [call] = receiver.calls.all;
    const body = call?.body.toString() ?? '';
    expect(call?.headers['x-slack-signature']).toBe(slackSignature(slack.signingSecret, noon / 1000, body));
    const payload = JSON.parse(new URLSearchParams(body).get('payload') ?? '') as {
      trigger_id: string;
      response_url: string;
    };
    expect(payload).toMatchObject({
      type: 'block_actions',
      user: { id: slackIds.nora },
      actions: [{ action_id: 'ack', value: 'run-1', block_id: 'b0' }],
    });

    const view = { type: 'modal' as const, title: text, blocks: [] };
    await client.views.open({ trigger_id: payload.trigger_id, view });
    await expect(client.views.open({ trigger_id: payload.trigger_id, view })).rejects.toThrow(
      'invalid_trigger_id',
    );

    await fetch(payload.response_url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"text":"done"}',
    });
    expect(slack.responses).toMatchObject([{ body: { text: 'done' } }]);
  });

  it('send commands and events, also forged and repeated ones', async () => {
    const { slack } = await setup();
    const receiver = await startReceiver();
    closing.push(() => receiver.close());

    await slack.slashCommand(receiver.url, '/desk', { text: 'why 1042', user: slackIds.ali });
    await slack.event(
      receiver.url,
      { type: 'app_home_opened', user: slackIds.nora },
      { retry: 1, signingSecret: 'wrong' },
    );

    const [command, event] = receiver.calls.all;
    expect(Object.fromEntries(command?.params ?? [])).toMatchObject({
      command: '/desk',
      text: 'why 1042',
      user_id: slackIds.ali,
    });
    expect(event?.json).toMatchObject({ type: 'event_callback', event: { type: 'app_home_opened' } });
    expect(event?.headers['x-slack-retry-num']).toBe('1');
    expect(event?.headers['x-slack-signature']).not.toBe(
      slackSignature(slack.signingSecret, noon / 1000, event?.body.toString() ?? ''),
    );
  });
});

describe('Socket Mode', () => {
  it('hands envelopes to a connected app and hears its acknowledgement', async () => {
    const { slack } = await setup();
    const app = new SocketModeClient({
      appToken: slack.appToken,
      logLevel: LogLevel.ERROR,
      clientPingTimeout: 50,
      clientOptions: { slackApiUrl: slack.apiUrl },
    });
    closing.unshift(() => app.disconnect());
    app.on(
      'slash_commands',
      ({ ack, body }: { ack: (answer: object) => Promise<void>; body: { text: string } }) => {
        void ack({ text: `you said ${body.text}` });
      },
    );
    await app.start();

    const answer = await slack.slashCommand('socket', '/desk', { text: 'hello' });

    expect(answer).toEqual({ status: 200, body: '{"text":"you said hello"}' });
    expect(slack.socket.open()).toBe(1);

    const again = new Promise((resolve) => app.once('connected', resolve));
    slack.socket.disconnect('politely');
    await again;
    expect((await slack.slashCommand('socket', '/desk', { text: 'again' })).status).toBe(200);
  });

  it('loses what is sent while nobody is connected, and takes the app token only', async () => {
    const { slack, client } = await setup();

    expect(await slack.slashCommand('socket', '/desk')).toEqual({ status: 0, body: '' });
    await expect(client.apps.connections.open({})).rejects.toMatchObject({ data: { error: 'invalid_auth' } });
  });
});
