import { Refusal, json } from '../support/reply.ts';
import { blockProblem, withIds } from './blocks.ts';
import {
  channelOf,
  fail,
  isObject,
  needScope,
  page,
  type Method,
  type MethodCall,
  type SlackCore,
} from './method.ts';
import {
  slackIds,
  type SlackBlock,
  type SlackChannel,
  type SlackMessage,
  type SlackMetadata,
} from './state.ts';

/** chat.* and the reading of channels. `limit`: 429 beyond one message per second and channel. */
export function messageMethods(limit: boolean): Readonly<Record<string, Method>> {
  const lastPost = new Map<string, number>();

  /** "chat.postMessage: generally allows posting one message per second per channel." */
  const spend = (core: SlackCore, channel: SlackChannel): void => {
    const now = core.clock.now();
    const last = lastPost.get(channel.id);
    if (limit && last !== undefined && now >= last && now - last < 1000) {
      throw new Refusal(json({ ok: false, error: 'ratelimited' }, 429, { 'retry-after': '1' }));
    }
    lastPost.set(channel.id, now);
  };

  return {
    'chat.postmessage': (request) => {
      needScope(request.core, 'chat:write');
      const channel = writable(request, true);
      const content = contentOf(request);
      if (content.text === '' && content.blocks.length === 0) fail('no_text');
      spend(request.core, channel);
      const message = store(request, channel, content);
      return { channel: channel.id, ts: message.ts, message: shown(message, true) };
    },
    'chat.update': update,
    'chat.delete': remove,
    'chat.postephemeral': ephemeral,
    'chat.getpermalink': (request) => {
      const message = ownMessage(request, 'message_ts');
      const link = `https://acme.slack.test/archives/${message.channel}/p${message.ts.replace('.', '')}`;
      return { channel: message.channel, permalink: link };
    },
    'conversations.history': history,
    'conversations.replies': replies,
  };
}

/** Where the bot may write; each refusal has its own word. */
function writable(request: MethodCall, byName: boolean): SlackChannel {
  const channel = channelOf(request, byName);
  if (channel.isArchived) fail('is_archived');
  if (!channel.botIsMember && !request.core.scopes.has('chat:write.public')) fail('not_in_channel');
  return channel;
}

interface Content {
  readonly text: string;
  readonly blocks: readonly SlackBlock[];
  readonly metadata: SlackMetadata | null;
}

function contentOf({ args }: MethodCall): Content {
  const text = args.text('text') ?? '';
  if (text.length > 40_000) fail('msg_too_long');
  const blocks = args.structure('blocks') ?? [];
  const problem = blockProblem(blocks);
  if (problem !== null) fail('invalid_blocks', { response_metadata: { messages: [problem] } });
  return {
    text,
    blocks: withIds(blocks as readonly SlackBlock[]),
    metadata: metadataOf(args.structure('metadata')),
  };
}

function metadataOf(value: unknown): SlackMetadata | null {
  if (value === undefined || (isObject(value) && Object.keys(value).length === 0)) return null;
  if (!isObject(value) || typeof value['event_type'] !== 'string' || !isObject(value['event_payload'])) {
    return fail('invalid_metadata_format');
  }
  return { event_type: value['event_type'], event_payload: value['event_payload'] };
}

function store({ core, args }: MethodCall, channel: SlackChannel, content: Content): SlackMessage {
  const threadTs = args.text('thread_ts') ?? null;
  if (threadTs !== null && find(core, channel.id, threadTs) === undefined) fail('thread_not_found');
  const message: SlackMessage = {
    ...content,
    channel: channel.id,
    ts: core.nextTs(),
    threadTs,
    user: slackIds.bot,
    unfurlLinks: args.flag('unfurl_links') ?? null,
    unfurlMedia: args.flag('unfurl_media') ?? null,
    editedTs: null,
    updates: 0,
    deleted: false,
    at: core.clock.now(),
  };
  core.state.messages.push(message);
  return message;
}

function find(core: SlackCore, channelId: string, ts: string): SlackMessage | undefined {
  return core.state.messages.find((one) => one.channel === channelId && one.ts === ts && !one.deleted);
}

function ownMessage(request: MethodCall, name = 'ts'): SlackMessage {
  const channel = channelOf(request);
  return find(request.core, channel.id, request.args.required(name)) ?? fail('message_not_found');
}

/** Blocks and metadata that are not sent stay; an empty list or object removes them. Takes channel ids only. */
function update(request: MethodCall): Record<string, unknown> {
  needScope(request.core, 'chat:write');
  writable(request, false);
  const message = ownMessage(request);
  if (message.user !== slackIds.bot) fail('cant_update_message');
  const content = contentOf(request);
  const given = (name: string): boolean => request.args.structure(name) !== undefined;
  if (request.args.text('text') !== undefined) message.text = content.text;
  if (given('blocks')) message.blocks = content.blocks;
  if (given('metadata')) message.metadata = content.metadata;
  message.editedTs = request.core.nextTs();
  message.updates += 1;
  return { channel: message.channel, ts: message.ts, text: message.text, message: shown(message, true) };
}

function remove(request: MethodCall): Record<string, unknown> {
  needScope(request.core, 'chat:write');
  const message = ownMessage(request);
  if (message.user !== slackIds.bot) fail('cant_delete_message');
  message.deleted = true;
  return { channel: message.channel, ts: message.ts };
}

function ephemeral(request: MethodCall): Record<string, unknown> {
  const { core, args } = request;
  needScope(core, 'chat:write');
  const channel = writable(request, true);
  const user = args.required('user');
  if (!core.state.users.has(user)) fail('user_not_in_channel');
  const { text, blocks } = contentOf(request);
  if (text === '' && blocks.length === 0) fail('no_text');
  const ts = core.nextTs();
  core.state.ephemerals.push({ channel: channel.id, user, text, blocks, ts });
  return { message_ts: ts };
}

const historyScopes = { public: 'channels:history', private: 'groups:history', im: 'im:history' } as const;

function readable(request: MethodCall): SlackChannel {
  const channel = channelOf(request);
  needScope(request.core, historyScopes[channel.kind]);
  if (!channel.botIsMember) fail('not_in_channel');
  return channel;
}

/** Newest first, without replies; metadata only with `include_all_metadata`. */
function history(request: MethodCall): Record<string, unknown> {
  const channel = readable(request);
  const messages = request.core.state.messages
    .filter((one) => one.channel === channel.id && !one.deleted && one.threadTs === null)
    .filter((one) => inRange(request, one.ts))
    .toReversed();
  return listed(request, messages);
}

/** The parent first, then its replies in order. */
function replies(request: MethodCall): Record<string, unknown> {
  const channel = readable(request);
  const ts = request.args.required('ts');
  const parent = find(request.core, channel.id, ts) ?? fail('thread_not_found');
  const answers = request.core.state.messages.filter(
    (one) => one.channel === channel.id && !one.deleted && one.threadTs === ts && inRange(request, one.ts),
  );
  return listed(request, [parent, ...answers]);
}

function listed(request: MethodCall, messages: readonly SlackMessage[]): Record<string, unknown> {
  const all = request.args.flag('include_all_metadata') === true;
  const { rows, next } = page(messages, request.args, 100, 999);
  return {
    messages: rows.map((message) => shown(message, all)),
    has_more: next !== '',
    pin_count: 0,
    ...(next === '' ? {} : { response_metadata: { next_cursor: next } }),
  };
}

/** `oldest` and `latest` are exclusive unless `inclusive` is set. */
function inRange({ args }: MethodCall, ts: string): boolean {
  const oldest = micros(args.text('oldest') ?? '0');
  const latest = micros(args.text('latest') ?? '99999999999');
  const at = micros(ts);
  return args.flag('inclusive') === true ? at >= oldest && at <= latest : at > oldest && at < latest;
}

function micros(ts: string): number {
  const [seconds = '0', fraction = ''] = ts.split('.');
  return Number(seconds) * 1_000_000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}

function shown(message: SlackMessage, withMetadata: boolean): Record<string, unknown> {
  const bot = message.user === slackIds.bot;
  return {
    type: 'message',
    user: message.user,
    ts: message.ts,
    text: message.text,
    team: slackIds.team,
    ...(bot ? { bot_id: 'B0BOT', app_id: 'A0DESKHAND' } : {}),
    ...(message.blocks.length > 0 ? { blocks: message.blocks } : {}),
    ...(message.threadTs === null ? {} : { thread_ts: message.threadTs, parent_user_id: slackIds.bot }),
    ...(message.editedTs === null ? {} : { edited: { user: message.user, ts: message.editedTs } }),
    ...(withMetadata && message.metadata !== null ? { metadata: message.metadata } : {}),
  };
}
