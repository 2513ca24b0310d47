import type { WebClient } from '@slack/web-api';
import { ActionError } from '../act/task.ts';
import { messageOf } from '../errors.ts';

/** The little of Slack's Web API that acting needs. */
export interface SlackApi {
  /** The id of a channel or of a person's direct messages. @throws ActionError `refused` when there is none */
  resolve(
    target: { readonly channel: string } | { readonly user: string },
    signal: AbortSignal,
  ): Promise<string>;
  /** Posts once. @throws ActionError; `notApplied` tells whether Slack said no */
  post(
    message: SlackMessage,
    signal: AbortSignal,
  ): Promise<{ readonly channel: string; readonly ts: string }>;
  /**
   * Looks for the message of a step in a channel's recent history.
   *
   * @returns null if it is not there, `unreadable` without history access
   */
  findByStep(
    channel: string,
    stepId: string,
    sentAt: number,
    signal: AbortSignal,
  ): Promise<{ readonly ts: string } | null | 'unreadable'>;
}

export interface SlackMessage {
  readonly channel: string;
  /** Escaped mrkdwn. */
  readonly text: string;
  readonly stepId: string;
}

export interface SlackApiOptions {
  readonly token: string;
  /** Ends with a slash; another one for tests. */
  readonly apiUrl: string;
  /** Wall clock, epoch ms. */
  readonly now: () => number;
}

const METADATA_TYPE = 'deskhand_step';
const HISTORY_SKEW_S = 300;
/** Section text limit of Block Kit; longer messages are cut by us rather than refused by Slack. */
const MAX_TEXT = 3_000;
const UNREADABLE = new Set(['missing_scope', 'not_in_channel', 'no_permission', 'access_denied']);
/** Slack's own troubles: the message may have been posted. */
const AMBIGUOUS = new Set([
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
]);

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
  const channels = new Map<string, string>();

  async function resolve(target: { channel: string } | { user: string }): Promise<string> {
    const name = 'user' in target ? target.user : target.channel.replace(/^#/, '');
    if (/^[CGDU][A-Z0-9]{5,}$/.test(name)) return name;
    const key = JSON.stringify(target);
    const known = channels.get(key);
    if (known !== undefined) return known;
    const id = 'user' in target ? await findUser(name) : await findChannel(name);
    if (id === null) {
      throw new ActionError(`Slack has no ${'user' in target ? 'person' : 'channel'} ${name}`, {
        reason: 'refused',
        notApplied: true,
      });
    }
    channels.set(key, id);
    return id;
  }

  async function findChannel(name: string): Promise<string | null> {
    let cursor: string | undefined;
    do {
      const page = await client.conversations.list({
        limit: 1000,
        exclude_archived: true,
        types: 'public_channel,private_channel',
        ...(cursor === undefined ? {} : { cursor }),
      });
      const found = page.channels?.find((channel) => channel.name === name);
      if (found?.id !== undefined) return found.id;
      cursor = page.response_metadata?.next_cursor === '' ? undefined : page.response_metadata?.next_cursor;
    } while (cursor !== undefined);
    return null;
  }

  async function findUser(email: string): Promise<string | null> {
    const answer = await client.users.lookupByEmail({ email });
    return answer.user?.id ?? null;
  }

  return {
    resolve: (target) =>
      resolve(target).catch((error: unknown) => Promise.reject(translate(error, true, options.now()))),
    async post(message, signal) {
      const call = client.chat.postMessage({
        channel: message.channel,
        text: message.text.length > MAX_TEXT ? `${message.text.slice(0, MAX_TEXT - 1)}…` : message.text,
        unfurl_links: false,
        unfurl_media: false,
        metadata: { event_type: METADATA_TYPE, event_payload: { step_id: message.stepId } },
      });
      const answer = await abortable(call, signal).catch((error: unknown) =>
        Promise.reject(translate(error, false, options.now())),
      );
      return { channel: answer.channel ?? message.channel, ts: answer.ts ?? '' };
    },
    async findByStep(channel, stepId, sentAt, signal) {
      try {
        const call = client.conversations.history({
          channel,
          oldest: String(sentAt / 1000 - HISTORY_SKEW_S),
          limit: 200,
          include_all_metadata: true,
        });
        const page = await abortable(call, signal);
        const found = page.messages?.find((message) => stepOf(message) === stepId);
        return found?.ts === undefined ? null : { ts: found.ts };
      } catch (error) {
        if (UNREADABLE.has(platformError(error) ?? '')) return 'unreadable';
        throw translate(error, true, options.now());
      }
    },
  };
}

function stepOf(message: object): unknown {
  const { metadata } = message as {
    metadata?: { event_type?: string; event_payload?: { step_id?: unknown } };
  };
  return metadata?.event_type === METADATA_TYPE ? metadata.event_payload?.step_id : undefined;
}

/** The client knows no signals: the call goes on, but we stop waiting. */
function abortable<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void =>
      reject(new ActionError('no answer in time', { reason: 'timeout', notApplied: false }));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    call.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

interface SlackFailure {
  readonly code?: string;
  readonly data?: { readonly error?: string };
  readonly retryAfter?: number;
  readonly original?: { readonly code?: string };
}

function platformError(error: unknown): string | null {
  const failure = error as SlackFailure;
  return failure.code === 'slack_webapi_platform_error' ? (failure.data?.error ?? 'unknown_error') : null;
}

const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** Slack's errors in the executor's terms. @param read reads change nothing, whatever happened */
function translate(error: unknown, read: boolean, now: number): ActionError {
  if (error instanceof ActionError) return error;
  const failure = error as SlackFailure;
  const said = platformError(error);
  if (failure.code === 'slack_webapi_rate_limited_error') {
    const retryAt = now + (failure.retryAfter ?? 30) * 1000;
    return new ActionError('Slack asks to slow down', {
      reason: 'rate_limited',
      notApplied: true,
      retryAt,
      cause: error,
    });
  }
  if (said !== null && !AMBIGUOUS.has(said)) {
    const reason = said === 'invalid_auth' || said === 'token_revoked' ? 'auth' : 'refused';
    return new ActionError(`Slack refused: ${said}`, { reason, notApplied: true, cause: error });
  }
  if (NEVER_SENT.has(failure.original?.code ?? '')) {
    return new ActionError('Slack cannot be reached', {
      reason: 'unreachable',
      notApplied: true,
      cause: error,
    });
  }
  return new ActionError(`Slack: ${said ?? messageOf(error)}`, {
    reason: 'timeout',
    notApplied: read,
    cause: error,
  });
}
