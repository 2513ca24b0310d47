import { systemClock } from '../../../clock.ts';
import type { Call } from '../support/calls.ts';
import { json, text, type Reply } from '../support/reply.ts';
import { startSimulator, type DeskClock, type Simulator } from '../support/server.ts';
import { createSenders, type SlackSenders } from './interact.ts';
import { createSocketMode, type SocketMode } from './socket-mode.ts';
import { messageMethods } from './messages.ts';
import { argumentsOf, failure, isObject, type Method, type SlackCore } from './method.ts';
import { peopleMethods } from './people.ts';
import { seedSlack, slackIds, type SlackChannel, type SlackMessage, type SlackState } from './state.ts';

/** How the simulated workspace is set up. */
export interface SlackOptions {
  /** Default: the system clock. */
  readonly clock?: DeskClock;
  /** Default `xoxb-simulated`. */
  readonly botToken?: string;
  /** For `apps.connections.open` (default `xapp-simulated`). */
  readonly appToken?: string;
  /** Default `simulated-signing-secret`. */
  readonly signingSecret?: string;
  /** The bot token's scopes (default: everything the app asks for, with reading of all kinds of channels). */
  readonly scopes?: readonly string[];
  /** HTTP 429 beyond one message per second and channel (default false). */
  readonly rateLimited?: boolean;
}

/** A message sent to a `response_url`. */
export interface SlackResponse {
  readonly url: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A running simulated Slack. */
export interface Slack extends SlackSenders, Simulator {
  /** What goes into the configuration's `slack.api_url`; ends in `/api/`. */
  readonly apiUrl: string;
  readonly botToken: string;
  readonly appToken: string;
  readonly signingSecret: string;
  /** The app's Socket Mode connections. */
  readonly socket: Pick<SocketMode, 'open' | 'disconnect'>;
  readonly state: SlackState;
  /** The bot token's scopes; take one away to get `missing_scope`. */
  readonly scopes: Set<string>;
  /** Everything posted, in order, deleted messages too. */
  readonly messages: readonly SlackMessage[];
  /** What was sent to response URLs. */
  readonly responses: readonly SlackResponse[];
  /** The messages that stand in a channel, by id or name (`noc`, `#noc`). */
  messagesIn(channel: string): SlackMessage[];
  /** A person writes; returns the message. */
  say(channel: string, message: string, user?: string): SlackMessage;
}

export const slackScopes = [
  'chat:write',
  'commands',
  'channels:read',
  'channels:history',
  'groups:read',
  'groups:history',
  'im:write',
  'im:history',
  'channels:join',
  'users:read',
  'users:read.email',
  'usergroups:read',
] as const;

export async function startSlack(options: SlackOptions = {}): Promise<Slack> {
  const clock = options.clock ?? systemClock;
  const state = seedSlack();
  const botToken = options.botToken ?? 'xoxb-simulated';
  const signingSecret = options.signingSecret ?? 'simulated-signing-secret';
  const responses: SlackResponse[] = [];
  const appToken = options.appToken ?? 'xapp-simulated';
  const socket = createSocketMode();
  const methods = { ...messageMethods(options.rateLimited ?? false), ...peopleMethods };
  const simulator = await startSimulator({
    clock,
    base: '/api',
    handle: (call) => {
      if (call.name === '') return respond(call, responses);
      if (call.name === 'apps.connections.open') return openConnection(call, appToken, socket, core.origin);
      return handle(core, methods, botToken, call);
    },
    upgrade: (request, stream) => socket.upgrade(request, stream),
  });
  const core: SlackCore = {
    state,
    clock,
    origin: simulator.origin,
    scopes: new Set(options.scopes ?? slackScopes),
    nextTs: messageIds(clock),
  };
  return Object.assign(simulator, {
    ...createSenders(core, signingSecret, socket),
    apiUrl: `${simulator.origin}/api/`,
    botToken,
    appToken,
    signingSecret,
    socket,
    state,
    scopes: core.scopes,
    messages: state.messages,
    responses,
    messagesIn: (channel: string) => {
      const id = channelId(state, channel);
      return state.messages.filter((message) => message.channel === id && !message.deleted);
    },
    say: (channel: string, message: string, user: string = slackIds.nora) =>
      say(core, channelId(state, channel), message, user),
  });
}

function messageIds(clock: DeskClock): () => string {
  let last = 0;
  return () => {
    last = Math.max(clock.now() * 1000, last + 1);
    return `${Math.floor(last / 1_000_000)}.${String(last % 1_000_000).padStart(6, '0')}`;
  };
}

/** Takes the app-level token, not the bot's, and gives an address for one connection. */
function openConnection(call: Call, appToken: string, socket: SocketMode, origin: string): Reply {
  if (call.headers['authorization'] !== `Bearer ${appToken}`) return failure('invalid_auth');
  return json({ ok: true, url: socket.newAddress(origin) });
}

function handle(
  core: SlackCore,
  methods: Readonly<Record<string, Method>>,
  botToken: string,
  call: Call,
): Reply {
  const args = argumentsOf(call);
  const bearer = /^Bearer (.+)$/i.exec(call.headers['authorization'] ?? '')?.[1];
  const token = bearer ?? args.text('token');
  if (token === undefined) return failure('not_authed');
  if (token !== botToken) return failure('invalid_auth');
  const method = methods[call.name];
  if (method === undefined) return failure('unknown_method', { req_method: call.name });
  return json({ ok: true, ...method({ core, args, call }) }, 200, {
    'x-oauth-scopes': [...core.scopes].join(','),
  });
}

/** Response URLs of buttons and commands take JSON without a token. */
function respond(call: Call, responses: SlackResponse[]): Reply {
  if (call.method !== 'POST' || !/^\/(actions|commands)\//.test(call.path)) return text('not found', 404);
  if (!isObject(call.json)) return text('invalid_payload', 400);
  responses.push({ url: call.path, body: call.json });
  return text('ok');
}

function channelId(state: SlackState, channel: string): string {
  const named = channel.replace(/^#/, '');
  const matches = (one: SlackChannel): boolean =>
    one.id === channel || (one.name === named && one.kind !== 'im');
  return [...state.channels.values()].find(matches)?.id ?? channel;
}

function say(core: SlackCore, channel: string, message: string, user: string): SlackMessage {
  const kept: SlackMessage = {
    channel,
    ts: core.nextTs(),
    threadTs: null,
    user,
    text: message,
    blocks: [],
    metadata: null,
    unfurlLinks: null,
    unfurlMedia: null,
    editedTs: null,
    updates: 0,
    deleted: false,
    at: core.clock.now(),
  };
  core.state.messages.push(kept);
  return kept;
}
