import { setMaxListeners } from 'node:events';
import { ActionError } from '../act/task.ts';
import { messageOf } from '../errors.ts';

const UNREADABLE = 'unreadable_answer';
/** Slack's own troubles: the call may have taken effect. */
const AMBIGUOUS = new Set([
  UNREADABLE,
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
]);
const AUTH = new Set(['invalid_auth', 'token_revoked', 'token_expired', 'account_inactive', 'not_authed']);
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
/** What to do about it, where a person can do something. */
const ADVICE: Readonly<Record<string, string>> = {
  not_in_channel: 'not_in_channel: invite Deskhand to the channel',
  is_archived: 'is_archived: the channel was archived',
  channel_not_found: 'channel_not_found: no such channel, or a private one without Deskhand',
};
/** Where Slack does not say how long to wait. */
const RETRY_AFTER_S = 30;

interface SlackFailure {
  readonly code?: string;
  readonly statusCode?: number;
  readonly data?: { readonly error?: string };
  readonly retryAfter?: number;
  readonly original?: { readonly code?: string; readonly cause?: { readonly code?: string } };
}

/** Slack's word for why it refused; null when it did not answer or did not refuse. */
export function platformError(error: unknown): string | null {
  const failure = (error instanceof ActionError ? error.cause : error) as SlackFailure | undefined;
  if (failure?.code !== 'slack_webapi_platform_error') return null;
  const said = failure.data?.error ?? '';
  // The client passes on an answer that is no JSON, or half of it, as if Slack had refused with that text.
  return /^[a-z0-9_]{1,80}$/.test(said) ? said : UNREADABLE;
}

/** Slack's errors in the executor's terms. @param read reads change nothing, whatever happened */
export function translate(error: unknown, read: boolean, now: number): ActionError {
  if (error instanceof ActionError) return error;
  const failure = error as SlackFailure;
  const said = platformError(error);
  const limited = failure.code === 'slack_webapi_rate_limited_error' || failure.statusCode === 429;
  if (limited || said === 'ratelimited' || said === 'rate_limited') {
    const retryAt = now + (failure.retryAfter ?? RETRY_AFTER_S) * 1000;
    return new ActionError('Slack asks to slow down', {
      reason: 'rate_limited',
      notApplied: true,
      retryAt,
      cause: error,
    });
  }
  if (said !== null && !AMBIGUOUS.has(said)) {
    const reason = AUTH.has(said) ? 'auth' : 'refused';
    return new ActionError(`Slack refused: ${ADVICE[said] ?? said}`, {
      reason,
      notApplied: true,
      cause: error,
    });
  }
  if (NEVER_SENT.has(failure.original?.code ?? failure.original?.cause?.code ?? '')) {
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

/** The client knows no signals: the call goes on, but we stop waiting. */
export function abortable<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void =>
      reject(new ActionError('no answer in time', { reason: 'timeout', notApplied: false }));
    if (signal.aborted) stop();
    // Hundreds of steps share the signal of the process.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', stop, { once: true });
    call.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
