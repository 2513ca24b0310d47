import type { App, Receiver } from '@slack/bolt';
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { verify } from '../http/verify.ts';
import type { Log } from '../log.ts';

/**
 * Slack's requests on our own server: in come signed bytes, out goes an answer within 2.5 s. What a request asks for
 * is stored by its listener before it acknowledges; nothing is done for bytes whose signature does not hold.
 */
export interface SlackReceiver {
  /** To be mounted at `/slack`. */
  readonly routes: Hono;
  /** For Bolt's App. */
  readonly bolt: Receiver;
}

export interface SlackReceiverOptions {
  readonly signingSecret: string;
  /** Wall clock, epoch ms. */
  readonly now: () => number;
  readonly log: Log;
  /** Default 2,200: Slack gives up after 3 s, and the promise is 2.5 s, also on a busy machine. */
  readonly answerWithinMs?: number;
}

const MAX_BODY = 1024 * 1024;
const ANSWER_WITHIN_MS = 2_200;
const FORM = /^application\/x-www-form-urlencoded(?:;|$)/i;

type Body = Record<string, unknown>;

/**
 * Bolt's own verifier accepts a time stamp a year ahead, and a signed `null` makes Bolt throw: both are checked here,
 * over the exact bytes.
 */
export function createSlackReceiver(options: SlackReceiverOptions): SlackReceiver {
  let app: App | null = null;
  const routes = new Hono();
  routes.post('/events', bodyLimit({ maxSize: MAX_BODY, onError: (c) => refuse(c, 413) }), async (c) => {
    const bytes = new Uint8Array(await c.req.arrayBuffer());
    const scheme = { scheme: 'slack', secrets: [options.signingSecret] } as const;
    const header = (name: string): string | undefined => c.req.header(name);
    if (!verify(scheme, { bytes, header, urlSecret: undefined, now: options.now() })) return refuse(c, 401);
    const body = parseBody(bytes, c.req.header('content-type') ?? '');
    if (body === null) return refuse(c, 400);
    if (body['ssl_check'] !== undefined) return c.body(null, 200);
    if (body['type'] === 'url_verification') return c.json({ challenge: String(body['challenge']) });
    if (app === null) return unavailable(c);
    return dispatch(c, app, body, options);
  });
  return {
    routes,
    bolt: {
      init: (bolt) => void (app = bolt),
      start: () => Promise.resolve(),
      stop: () => Promise.resolve(),
    },
  };
}

/** JSON, a form, or JSON in the form's field `payload`; null for anything that is no object. */
function parseBody(bytes: Uint8Array, contentType: string): Body | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!FORM.test(contentType)) return objectOrNull(JSON.parse(text));
    const form = new URLSearchParams(text);
    const inner = form.get('payload');
    if (inner !== null) return objectOrNull(JSON.parse(inner));
    return form.size === 0 ? null : Object.fromEntries(form);
  } catch {
    return null;
  }
}

function objectOrNull(value: unknown): Body | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Body) : null;
}

/** Hands the body to Bolt and answers with what a listener acknowledges; 503 when nobody does in time. */
async function dispatch(c: Context, app: App, body: Body, options: SlackReceiverOptions): Promise<Response> {
  let timer: NodeJS.Timeout | undefined;
  const answer = await new Promise<{ readonly ack: unknown } | 'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), options.answerWithinMs ?? ANSWER_WITHIN_MS);
    const retryNum = Number(c.req.header('x-slack-retry-num'));
    const retryReason = c.req.header('x-slack-retry-reason');
    app
      .processEvent({
        body,
        ...(Number.isInteger(retryNum) ? { retryNum } : {}),
        ...(retryReason === undefined ? {} : { retryReason }),
        ack: (response: unknown) => {
          resolve({ ack: response });
          return Promise.resolve();
        },
      })
      .then(
        // Nobody knows this kind of request: taken, and nothing to do.
        () => resolve({ ack: undefined }),
        (error: unknown) => {
          options.log.error({ err: error }, 'a request from Slack failed');
          resolve('late');
        },
      );
  });
  clearTimeout(timer);
  if (answer === 'late') return unavailable(c);
  const { ack } = answer;
  if (typeof ack === 'string') return c.text(ack);
  return typeof ack === 'object' && ack !== null ? c.json(ack) : c.body(null, 200);
}

function refuse(c: Context, status: 400 | 401 | 413): Response {
  const reason = { 400: 'not_an_object', 401: 'unauthorized', 413: 'body_too_large' }[status];
  return c.json({ error: { reason, message: `the request was refused: ${reason}` } }, status);
}

function unavailable(c: Context): Response {
  c.header('Retry-After', '2');
  return c.json({ error: { reason: 'unavailable', message: 'not stored in time, send it again' } }, 503);
}
