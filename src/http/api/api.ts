import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import type { Context, Env } from 'hono';
import type { Log } from '../../log.ts';
import type { KnownNames } from '../../match/load.ts';
import type { MatchSettings } from '../../match/matcher.ts';
import type { Silence } from '../../ingest/silences.ts';
import type { StoreDeps } from '../../ingest/store-event.ts';
import { OperateError } from '../../operate/error.ts';
import type { BudgetPlan } from '../../operate/status.ts';
import { isPoison, isUnavailable, type Database } from '../../record/database.ts';
import type { Gate } from '../gate.ts';
import { backtestRoute } from './backtest.ts';
import { listRoutes } from './lists.ts';
import { operateRoutes } from './operate.ts';
import { ticketRoutes } from './tickets.ts';
import { timeRoutes } from './time.ts';

/**
 * `/api/v1`: everything that the command line does and shows. In come requests with the admin token, out go pages of
 * rows and the outcomes of decisions. It sends nothing to any vendor: workers find what was decided.
 */
export interface ApiDeps {
  readonly database: Database;
  readonly store: StoreDeps;
  readonly settings: MatchSettings;
  readonly known: KnownNames;
  /** By connection name. */
  readonly budgets: ReadonlyMap<string, BudgetPlan>;
  /** Those of the configuration. */
  readonly silences: readonly Silence[];
  /** Null: nobody gets in. */
  readonly adminToken: string | null;
  /** Configured secrets, which no answer may show. */
  readonly secrets: readonly string[];
  readonly log: Log;
  /** Told when steps became due. */
  readonly onRuns: () => void;
  /** Told when something was paused or resumed. */
  readonly onPauses: () => Promise<void>;
}

/** Larger requests are refused before they are read: no rule file or event comes near. */
const MAX_BODY = 1024 * 1024;

/** The routes below `/api/v1`, and the description of all of them. */
export function createApi(deps: ApiDeps, gate: Gate): OpenAPIHono {
  const app = newApi();
  app.use(async (c, next) => {
    const refusal = gate.refuse(c, deps.adminToken);
    if (refusal !== null) return refusal;
    c.header('Cache-Control', 'no-store');
    c.header('X-Content-Type-Options', 'nosniff');
    return next();
  });
  app.use(async (c, next) => {
    if (c.req.method !== 'GET' && isFromAnotherSite(c.req.raw.headers)) {
      return refuse(c, 403, 'cross_site', 'the request comes from a page of another site');
    }
    return next();
  });
  app.use(
    bodyLimit({
      maxSize: MAX_BODY,
      onError: (c) => refuse(c, 413, 'body_too_large', 'the body is larger than 1 MiB'),
    }),
  );
  app.use(async (c, next) => {
    // Clients that always say application/json send nothing where nothing has to be said.
    const saysJson = c.req.method === 'POST' && c.req.header('content-type') !== undefined;
    if (saysJson && (await c.req.text()) === '') c.req.bodyCache.text = Promise.resolve('{}') as never;
    return next();
  });
  if (deps.secrets.length > 0) app.use(withoutSecrets(deps.secrets));
  listRoutes(app, deps);
  ticketRoutes(app, deps);
  operateRoutes(app, deps);
  timeRoutes(app, deps);
  backtestRoute(app, deps);
  app.notFound((c) => refuse(c, 404, 'not_found', 'no such path'));
  app.onError((error, c) => {
    if (error instanceof OperateError) return refuse(c, STATUS[error.reason], error.reason, error.message);
    if (error instanceof HTTPException) return refuse(c, error.status, 'bad_request', error.message);
    if (isPoison(error)) {
      return refuse(
        c,
        400,
        'bad_request',
        'the database takes no such value, for example text with a NUL character',
      );
    }
    deps.log.error({ err: error, path: c.req.path }, 'request failed');
    if (!isUnavailable(error)) {
      return refuse(c, 500, 'internal', 'the request failed; the log says why');
    }
    c.header('Retry-After', '2');
    return refuse(c, 503, 'unavailable', 'the database does not answer');
  });
  return app;
}

/**
 * A browser says where a request was made: nobody but our own pages changes anything, even with a token in hand.
 * Other programs say nothing.
 */
function isFromAnotherSite(headers: Headers): boolean {
  const site = headers.get('sec-fetch-site');
  if (site !== null) return site !== 'same-origin' && site !== 'none';
  const origin = headers.get('origin');
  if (origin === null) return false;
  return !URL.canParse(origin) || new URL(origin).host !== headers.get('host');
}

/** An app whose validation failures have the one shape of every error. */
function newApi(): OpenAPIHono {
  return new OpenAPIHono({
    defaultHook: (result, c) => {
      if (result.success) return undefined;
      const [issue] = result.error.issues;
      const place = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
      return refuse(c, 400, 'bad_request', `${place}${issue?.message ?? 'the request cannot be read'}`);
    },
  });
}

const STATUS = { not_found: 404, wrong_state: 409, held_runs: 409, bad_request: 400 } as const;

function refuse<E extends Env>(c: Context<E>, status: number, reason: string, message: string): Response {
  return c.json({ error: { reason, message } }, status as 400);
}

/** The last line of defence: vendors' texts and webhook bodies are not ours, and may repeat what they were sent. */
function withoutSecrets(
  secrets: readonly string[],
): (c: Context, next: () => Promise<void>) => Promise<void> {
  const known = secrets
    .filter((secret) => secret.length >= 4)
    .map((secret) => JSON.stringify(secret).slice(1, -1))
    .toSorted((a, b) => b.length - a.length);
  return async (c, next) => {
    await next();
    const text = await c.res.clone().text();
    if (!known.some((secret) => text.includes(secret))) return;
    const clean = known.reduce((left, secret) => left.replaceAll(secret, '[secret]'), text);
    c.res = new Response(clean, { status: c.res.status, headers: c.res.headers });
  };
}

/** The description of the API, the same for every instance. */
export function describeApi(app: OpenAPIHono): object {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Deskhand',
      version: '1',
      description: 'What `deskhand` shows and does, over HTTP. Every path needs the admin token.',
    },
    servers: [{ url: '/api/v1' }],
    security: [{ admin: [] }],
  });
}
