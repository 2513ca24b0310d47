import { createHmac } from 'node:crypto';

import { isObject, type SlackCore } from './method.ts';
import type { SocketMode } from './socket-mode.ts';
import { slackIds, type SlackMessage } from './state.ts';

/** How a signed request is sent; the defaults are what Slack does. */
export interface SendOptions {
  /** Who acts (default Nora). */
  readonly user?: string;
  /** Another secret, to send a forged request. */
  readonly signingSecret?: string;
  /** Another time, in seconds, to send an old one again. */
  readonly timestamp?: number;
  /** `x-slack-retry-num`, as on a repeated delivery. */
  readonly retry?: number;
  /** Where the request says that answers go; default where Slack takes them. */
  readonly responseUrl?: string;
}

/** What came back from the app under test. */
export interface SlackAnswer {
  /** Over Socket Mode 200 for an acknowledgement, 0 when there was none. */
  readonly status: number;
  readonly body: string;
}

export interface ButtonPress extends SendOptions {
  /** The message whose button is pressed. */
  readonly message: Pick<SlackMessage, 'channel' | 'ts'>;
  /** The button by its `action_id`, or by the text on it. */
  readonly button: string;
  /** For a menu: the chosen value. */
  readonly selected?: string;
}

/**
 * People and Slack itself talking to the app: signed requests to its request URL, or with the address `socket`
 * envelopes over its Socket Mode connection.
 */
export interface SlackSenders {
  pressButton(url: string, press: ButtonPress): Promise<SlackAnswer>;
  slashCommand(
    url: string,
    command: string,
    how?: SendOptions & { text?: string; channel?: string },
  ): Promise<SlackAnswer>;
  /** An Events API delivery around the given inner event, e.g. `{ type: 'app_home_opened', user, tab: 'home' }`. */
  event(
    url: string,
    event: Readonly<Record<string, unknown>>,
    how?: SendOptions & { eventId?: string },
  ): Promise<SlackAnswer>;
  /** Somebody submits a dialog that was opened by `views.open`. */
  submitView(
    url: string,
    viewId: string,
    values: Readonly<Record<string, unknown>>,
    how?: SendOptions,
  ): Promise<SlackAnswer>;
  /** Any body with a correct signature. */
  sendSigned(url: string, body: string, contentType: string, how?: SendOptions): Promise<SlackAnswer>;
}

export function createSenders(core: SlackCore, signingSecret: string, socket: SocketMode): SlackSenders {
  let sent = 0;

  const sendSigned = async (
    url: string,
    body: string,
    contentType: string,
    how: SendOptions = {},
  ): Promise<SlackAnswer> => {
    const timestamp = how.timestamp ?? Math.floor(core.clock.now() / 1000);
    const headers: Record<string, string> = {
      'content-type': contentType,
      'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
      'x-slack-request-timestamp': String(timestamp),
      'x-slack-signature': slackSignature(how.signingSecret ?? signingSecret, timestamp, body),
    };
    if (how.retry !== undefined) {
      headers['x-slack-retry-num'] = String(how.retry);
      headers['x-slack-retry-reason'] = 'http_timeout';
    }
    const response = await fetch(url, { method: 'POST', headers, body });
    return { status: response.status, body: await response.text() };
  };

  /** The same thing as a form with the field `payload`, or as an envelope. */
  const interact = (
    url: string,
    payload: Record<string, unknown>,
    how: SendOptions,
  ): Promise<SlackAnswer> => {
    if (url === 'socket') return envelope('interactive', payload);
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    return sendSigned(url, body, 'application/x-www-form-urlencoded', how);
  };
  const envelope = async (
    type: Parameters<SocketMode['deliver']>[0],
    payload: unknown,
  ): Promise<SlackAnswer> => {
    const answer = await socket.deliver(type, payload);
    return answer === null ? { status: 0, body: '' } : { status: 200, body: JSON.stringify(answer) };
  };

  const triggerId = (): string => {
    const id = `${++sent}.trigger`;
    core.state.triggerIds.add(id);
    return id;
  };
  const common = (how: SendOptions): Record<string, unknown> => ({
    team: { id: slackIds.team, domain: 'acme' },
    user: personOf(core, how.user ?? slackIds.nora),
    api_app_id: 'A0DESKHAND',
    token: 'deprecated',
    trigger_id: triggerId(),
  });

  return {
    pressButton: (url, press) => {
      const payload = {
        type: 'block_actions',
        ...common(press),
        ...pressed(core, press, press.responseUrl ?? `${core.origin}/actions/${sent}`),
      };
      return interact(url, payload, press);
    },
    slashCommand: (url, command, how = {}) => {
      const user = how.user ?? slackIds.nora;
      const channel = how.channel ?? slackIds.general;
      const fields = {
        token: 'deprecated',
        team_id: slackIds.team,
        team_domain: 'acme',
        api_app_id: 'A0DESKHAND',
      };
      const names = {
        channel_name: core.state.channels.get(channel)?.name ?? '',
        user_name: core.state.users.get(user)?.name ?? '',
      };
      const ids = { channel_id: channel, user_id: user, trigger_id: triggerId() };
      const response_url = how.responseUrl ?? `${core.origin}/commands/${sent}`;
      const sentFields = { ...fields, ...ids, ...names, command, text: how.text ?? '', response_url };
      if (url === 'socket') return envelope('slash_commands', sentFields);
      return sendSigned(
        url,
        new URLSearchParams(sentFields).toString(),
        'application/x-www-form-urlencoded',
        how,
      );
    },
    event: (url, event, how = {}) => {
      const eventId = how.eventId ?? `Ev${++sent}`;
      const outer = {
        token: 'deprecated',
        team_id: slackIds.team,
        api_app_id: 'A0DESKHAND',
        type: 'event_callback',
      };
      const time = { event_id: eventId, event_time: Math.floor(core.clock.now() / 1000) };
      const body = { ...outer, event, ...time };
      return url === 'socket'
        ? envelope('events_api', body)
        : sendSigned(url, JSON.stringify(body), 'application/json', how);
    },
    submitView: (url, viewId, values, how = {}) => {
      const shown = core.state.views.findLast((one) => one.id === viewId);
      if (shown === undefined) throw new Error(`no view ${viewId} was opened`);
      const view = { id: viewId, team_id: slackIds.team, ...shown.view, state: { values } };
      return interact(url, { type: 'view_submission', ...common(how), view }, how);
    },
    sendSigned,
  };
}

/** `v0=` and the HMAC-SHA256 of `v0:<timestamp>:<raw body>`. */
export function slackSignature(secret: string, timestamp: number, body: string): string {
  return `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`;
}

function personOf(core: SlackCore, id: string): Record<string, unknown> {
  const name = core.state.users.get(id)?.name ?? '';
  return { id, username: name, name, team_id: slackIds.team };
}

/** The part of a `block_actions` payload that depends on the message and its button. */
function pressed(core: SlackCore, press: ButtonPress, responseUrl: string): Record<string, unknown> {
  const { channel, ts } = press.message;
  const message = core.state.messages.find((one) => one.channel === channel && one.ts === ts);
  if (message === undefined) throw new Error(`no message ${ts} in ${channel}`);
  const [block, element] = elementOf(message, press.button);
  const chosen = press.selected === undefined ? {} : { selected_option: optionOf(element, press.selected) };
  return {
    container: { type: 'message', message_ts: ts, channel_id: channel, is_ephemeral: false },
    channel: { id: channel, name: core.state.channels.get(channel)?.name ?? '' },
    message: { type: 'message', user: message.user, ts, text: message.text, blocks: message.blocks },
    state: { values: {} },
    response_url: responseUrl,
    actions: [{ ...element, ...chosen, block_id: block['block_id'], action_ts: core.nextTs() }],
  };
}

function elementOf(
  message: SlackMessage,
  wanted: string,
): [Record<string, unknown>, Record<string, unknown>] {
  for (const block of message.blocks) {
    for (const element of elementsOf(block)) {
      const label = isObject(element['text']) ? element['text']['text'] : undefined;
      if (element['action_id'] === wanted || label === wanted) return [block, element];
    }
  }
  throw new Error(`message ${message.ts} has no button "${wanted}"`);
}

/** Buttons live in `actions` blocks and beside a section as its accessory. */
function elementsOf(block: Readonly<Record<string, unknown>>): Record<string, unknown>[] {
  const list: unknown[] = Array.isArray(block['elements']) ? block['elements'] : [block['accessory']];
  return list.filter(isObject);
}

function optionOf(element: Record<string, unknown>, value: string): unknown {
  const options: unknown[] = Array.isArray(element['options']) ? element['options'] : [];
  return options.find((option) => isObject(option) && option['value'] === value) ?? { value };
}
