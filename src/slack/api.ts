import type { KnownBlock, View, WebClient } from '@slack/web-api';
import { ActionError } from '../act/task.ts';
import { abortable, platformError, translate } from './errors.ts';
import { createNames, type SlackPerson } from './names.ts';

/** The little of Slack's Web API that Deskhand needs. Every method throws ActionError and nothing else. */
export interface SlackApi {
  /** The id of a channel or of a person's direct messages. @throws ActionError `refused` when there is none */
  resolve(target: SlackTarget, signal: AbortSignal): Promise<string>;
  /** Posts once. @throws ActionError; `notApplied` tells whether Slack said no */
  post(
    message: SlackMessage,
    signal: AbortSignal,
  ): Promise<{ readonly channel: string; readonly ts: string }>;
  /**
   * Looks for the message of a step in a channel's recent history, or in a thread.
   *
   * @returns null if it is not there, `unreadable` without history access
   */
  findByStep(
    channel: string,
    stepId: string,
    sentAt: number,
    signal: AbortSignal,
    thread?: string | null,
  ): Promise<{ readonly ts: string } | null | 'unreadable'>;
  /** Redraws a message; its metadata stays. */
  update(message: SlackUpdate, signal: AbortSignal): Promise<void>;
  /** Says something that only one person sees. */
  whisper(channel: string, userId: string, text: string, signal: AbortSignal): Promise<void>;
  /** Who this is; both null where the workspace does not tell. Kept for some minutes. */
  person(userId: string): Promise<SlackPerson>;
  /** True if the person is in one of the user groups. Kept for a minute. */
  inGroups(userId: string, groups: readonly string[]): Promise<boolean>;
  openView(triggerId: string, view: object): Promise<void>;
  publishHome(userId: string, view: object): Promise<void>;
}

/** Where to: a channel by name or id, or a person by e-mail, name or id. */
export type SlackTarget =
  | {
      readonly channel: string;
      /** Only a channel that Deskhand was invited to, by name: for names that come from tickets. Default false. */
      readonly joined?: boolean;
    }
  | { readonly user: string };

export interface SlackMessage {
  readonly channel: string;
  /** Escaped mrkdwn. */
  readonly text: string;
  readonly stepId: string;
  /** Block Kit; none: the text alone. */
  readonly blocks?: readonly object[];
  /** The root under which it stands; null or absent: none. */
  readonly thread?: string | null;
}

export interface SlackUpdate {
  readonly channel: string;
  readonly ts: string;
  readonly text: string;
  readonly blocks: readonly object[];
}

export interface SlackApiOptions {
  readonly token: string;
  /** Ends with a slash; another one for tests. */
  readonly apiUrl: string;
  /** Wall clock, epoch ms. */
  readonly now: () => number;
}

const METADATA_TYPE = 'deskhand_step';
/** How far back a post is looked for: our clock may have been wrong by hours when it was sent. */
const HISTORY_SKEW_S = 3 * 3_600;
const PAGE = 200;
/** More than this was never posted into one channel while one send was in doubt. */
const MAX_PAGES = 15;
/** Slack refuses longer fallback texts; sections have their own, shorter limit. */
const MAX_TEXT = 3_000;
const UNREADABLE = new Set(['missing_scope', 'not_in_channel', 'no_permission', 'access_denied']);

/**
 * Opens the client. Slack's own retries are off: with them every post whose answer was lost was sent twice.
 */
export async function createSlackApi(options: SlackApiOptions): Promise<SlackApi> {
  const { WebClient: Client, LogLevel } = await import('@slack/web-api');
  const client: WebClient = new Client(options.token, {
    slackApiUrl: options.apiUrl,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: 10_000,
    allowAbsoluteUrls: false,
    logLevel: LogLevel.ERROR,
  });
  const names = createNames(client, options.now);
  const failing =
    (read: boolean) =>
    (error: unknown): Promise<never> =>
      Promise.reject(translate(error, read, options.now()));
  const reading = <T>(call: Promise<T>): Promise<T> => call.catch(failing(true));
  const writing = <T>(call: Promise<T>): Promise<T> => call.catch(failing(false));

  return {
    resolve: (target, signal) => reading(abortable(names.resolve(target), signal)),
    person: (userId) => reading(names.person(userId)),
    inGroups: (userId, groups) => reading(names.inGroups(userId, groups)),
    async post(message, signal) {
      const { blocks, thread } = message;
      const call = client.chat.postMessage({
        channel: message.channel,
        text: message.text.length > MAX_TEXT ? `${message.text.slice(0, MAX_TEXT - 1)}…` : message.text,
        unfurl_links: false,
        unfurl_media: false,
        metadata: { event_type: METADATA_TYPE, event_payload: { step_id: message.stepId } },
        ...(blocks === undefined ? {} : { blocks: blocks as KnownBlock[] }),
        ...(thread == null ? {} : { thread_ts: thread }),
      });
      const answer = await writing(abortable(call, signal));
      return { channel: answer.channel ?? message.channel, ts: answer.ts ?? '' };
    },
    async findByStep(channel, stepId, sentAt, signal, thread = null) {
      try {
        return await abortable(find(client, { channel, stepId, sentAt, thread }), signal);
      } catch (error) {
        if (UNREADABLE.has(platformError(error) ?? '')) return 'unreadable';
        throw translate(error, true, options.now());
      }
    },
    async update({ channel, ts, text, blocks }, signal) {
      const call = client.chat.update({ channel, ts, text, blocks: blocks as KnownBlock[] });
      await writing(abortable(call, signal));
    },
    async whisper(channel, userId, text, signal) {
      await writing(abortable(client.chat.postEphemeral({ channel, user: userId, text }), signal));
    },
    async openView(triggerId, view) {
      await writing(client.views.open({ trigger_id: triggerId, view: view as View }));
    },
    async publishHome(userId, view) {
      await writing(client.views.publish({ user_id: userId, view: view as View }));
    },
  };
}

interface Wanted {
  readonly channel: string;
  readonly stepId: string;
  readonly sentAt: number;
  readonly thread: string | null;
}

/** Walks what was posted since shortly before the send. A list that never ends counts as one that cannot be read. */
async function find(client: WebClient, wanted: Wanted): Promise<{ ts: string } | null | 'unreadable'> {
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const query = {
      channel: wanted.channel,
      oldest: String(wanted.sentAt / 1000 - HISTORY_SKEW_S),
      limit: PAGE,
      include_all_metadata: true,
      ...(cursor === undefined ? {} : { cursor }),
    };
    const answer =
      wanted.thread === null
        ? await client.conversations.history(query)
        : await client.conversations.replies({ ...query, ts: wanted.thread });
    const found = answer.messages?.find((message) => stepOf(message) === wanted.stepId);
    if (found?.ts !== undefined) return { ts: found.ts };
    cursor = answer.response_metadata?.next_cursor;
    if (cursor === undefined || cursor === '') return null;
  }
  return 'unreadable';
}

function stepOf(message: object): unknown {
  const { metadata } = message as {
    metadata?: { event_type?: string; event_payload?: { step_id?: unknown } };
  };
  return metadata?.event_type === METADATA_TYPE ? metadata.event_payload?.step_id : undefined;
}

/** A refusal of our own, before anything was sent. */
export function refused(message: string): ActionError {
  return new ActionError(message, { reason: 'refused', notApplied: true });
}
