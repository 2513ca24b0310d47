import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { createApi, describeApi, type ApiDeps } from './api/api.ts';
import { createGate } from './gate.ts';
import { hookRoutes, type HookDeps } from './hooks.ts';
import { within } from './within.ts';

export interface HttpDeps extends HookDeps {
  readonly log: Log;
  /** True when the database answers and has our schema. */
  readonly ready: () => Promise<boolean>;
  readonly adminToken: string | null;
  /** `none`: open. Null: the admin token. */
  readonly metricsToken: string | null;
  /** Brings gauges up to date before they are shown. */
  readonly collect: () => Promise<void>;
  /** Slack's requests; null or absent: none come here. */
  readonly slack?: Hono | null;
  /** What `/api/v1` works on; left out by tests of other routes. */
  readonly api?: ApiDeps;
}

/** A database that hangs is not ready either. */
const READY_MS = 2_000;

/** All routes of this process. */
export function createHttpApp(deps: HttpDeps): Hono {
  const app = new Hono();
  const gate = createGate(deps);
  app.route('/hooks', hookRoutes(deps));
  if (deps.slack != null) app.route('/slack', deps.slack);
  app.get('/healthz', (c) => c.text('ok'));
  app.get('/readyz', async (c) => {
    const ready = await within(READY_MS, deps.ready(), false);
    return ready ? c.text('ready') : c.text('not ready', 503);
  });
  app.get('/metrics', async (c) => {
    const token = deps.metricsToken ?? deps.adminToken;
    const refusal = token === 'none' ? null : gate.refuse(c, token);
    if (refusal !== null) return refusal;
    await deps.collect();
    return c.body(await deps.metrics.registry.metrics(), 200, {
      'content-type': deps.metrics.registry.contentType,
    });
  });
  if (deps.api !== undefined) {
    const api = createApi(deps.api, gate);
    app.route('/api/v1', api);
    // Made when first asked for: most processes never are, and a start should not wait for it.
    let description: object | undefined;
    app.get('/openapi.json', (c) => c.json((description ??= describeApi(api))));
  }
  app.notFound((c) => c.json({ error: { reason: 'not_found', message: 'no such path' } }, 404));
  app.onError((error, c) => {
    deps.log.error({ err: error, path: c.req.path }, 'request failed');
    c.header('Retry-After', '2');
    return c.json({ error: { reason: 'internal', message: 'the request failed; the log says why' } }, 503);
  });
  return app;
}

export interface HttpServer {
  readonly port: number;
  /** Answers what is under way, refuses new connections, and closes kept-alive ones with their next answer. */
  close(): Promise<void>;
}

/** Slow headers or bodies end with 408 well before they could hold anything (reliability: under 5 s). */
const HEADERS_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 4_500;
const CHECK_EVERY_MS = 500;
const MAX_HEADER_BYTES = 16 * 1024;
const DRAIN_MS = 2_000;

/** @throws the listen error (port taken, address not ours), with the address in its message */
export async function listen(app: Hono, address: { host: string; port: number }): Promise<HttpServer> {
  let draining = false;
  const listener = getRequestListener(app.fetch);
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_EVERY_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAliveTimeout: 15_000,
    },
    (request, response) => {
      if (draining) response.setHeader('Connection', 'close');
      void listener(request, response);
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new Error(`cannot listen on ${address.host}:${address.port}: ${messageOf(error)}`, { cause: error }),
      ),
    );
    server.listen(address.port, address.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      draining = true;
      await closeServer(server);
    },
  };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
