import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { Connection } from '../connections.ts';
import type { Delivery, Received, Receiver } from '../ingest/receive.ts';
import { readBody } from './body.ts';
import type { Metrics } from './metrics.ts';
import { verify, type VerifyScheme } from './verify.ts';
import { within } from './within.ts';

/** A connection that takes deliveries, and how its sender proves who it is. */
export interface Hook {
  readonly connection: Connection;
  /** Null: nothing is configured, so nobody can prove anything. */
  readonly verify: VerifyScheme | null;
  readonly maxBody: number;
}

export interface HookDeps {
  readonly hooks: ReadonlyMap<string, Hook>;
  readonly receiver: Receiver;
  readonly metrics: Metrics;
  /** Wall clock, epoch ms. */
  readonly now: () => number;
}

/** Compared against when there is no hook, so that an unknown name takes as long as a wrong secret. */
const NOBODY: VerifyScheme = { scheme: 'bearer', secrets: ['nobody'] };
const JSON_TYPE = /^application\/(?:[a-z0-9.+-]*\+)?json(?:;|$)/i;
const NUDGE_TYPES = /^(?:application\/x-www-form-urlencoded|text\/plain|multipart\/form-data)(?:;|$)/i;

/**
 * A database that hangs answers nobody, and senders give up after some seconds (GitHub: 10). What commits after this is
 * recognised when it is sent again.
 */
const ANSWER_MS = 4_000;
const LATE: Received = { status: 503, reason: 'the database does not answer in time' };

/** `POST /hooks/:connection[/:secret]`. */
export function hookRoutes(deps: HookDeps): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.post('/:connection/:secret?', async (c) => {
    const hook = deps.hooks.get(c.req.param('connection'));
    const limit = hook?.maxBody ?? 1024 * 1024;
    const contentType = c.req.header('content-type') ?? '';
    if (c.req.header('content-encoding') !== undefined) {
      return refuse(c, 415, 'content_encoding', 'send the body without Content-Encoding');
    }
    const bytes = await readBody(c.env.incoming, limit);
    if (bytes === null) return refuse(c, 413, 'body_too_large');

    const header = (name: string): string | undefined => c.req.header(name);
    const urlSecret = c.req.param('secret');
    const proven = verify(hook?.verify ?? NOBODY, { bytes, header, urlSecret, now: deps.now() });
    if (hook === undefined) return refuse(c, 404, 'unknown_connection');
    const count = (outcome: string): void =>
      deps.metrics.deliveries.inc({ connection: hook.connection.name, outcome });
    if (!proven || hook.verify === null) {
      count('unauthorized');
      return refuse(c, 401, 'unauthorized');
    }
    if (!accepts(hook, contentType)) {
      count('refused');
      return refuse(c, 415, 'content_type', 'send application/json');
    }
    const delivery: Delivery = { connection: hook.connection, bytes, contentType, header };
    const received = await within(ANSWER_MS, deps.receiver.receive(delivery), LATE);
    switch (received.status) {
      case 400:
        count('refused');
        return refuse(c, 400, 'bad_body', received.reason);
      case 503:
        count('unavailable');
        c.header('Retry-After', '2');
        return refuse(c, 503, 'unavailable', received.reason);
      default:
        count(received.duplicate ? 'duplicate' : 'accepted');
        return c.json({ delivery: received.delivery, duplicate: received.duplicate }, received.status);
    }
  });
  return app;
}

function accepts(hook: Hook, contentType: string): boolean {
  if (contentType === '' || JSON_TYPE.test(contentType)) return true;
  return hook.connection.vendor.inbound?.kind === 'nudge' && NUDGE_TYPES.test(contentType);
}

interface Answering {
  json(body: object, status: 400 | 401 | 404 | 413 | 415 | 503): Response;
}

/** The one shape of every refusal: a reason for programs, a sentence for people. */
function refuse(
  c: Answering,
  status: 400 | 401 | 404 | 413 | 415 | 503,
  reason: string,
  message = reason.replaceAll('_', ' '),
): Response {
  return c.json({ error: { reason, message } }, status);
}
