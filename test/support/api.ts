import type { OpenAPIHono } from '@hono/zod-openapi';
import { createApi } from '../../src/http/api/api.ts';
import { createGate } from '../../src/http/gate.ts';
import type { Silence } from '../../src/ingest/silences.ts';
import { NOTHING_KNOWN } from '../../src/match/load.ts';
import { NO_SETTINGS } from '../../src/match/matcher.ts';
import type { Engine } from './engine.ts';
import { SILENT } from './silent-log.ts';

export const ADMIN_TOKEN = 'an-admin-token-for-tests';
/** A configured secret, which no answer may show. */
export const SECRET = 'desk-token-91823';

export interface ApiAnswer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly body: any;
}

/** The API of an engine, called without a socket. */
export interface TestApi {
  readonly app: OpenAPIHono;
  /** Calls with the admin token. */
  readonly call: (method: 'GET' | 'POST', path: string, body?: unknown) => Promise<ApiAnswer>;
  /** How often the worker was woken. */
  readonly woken: () => number;
}

export function createTestApi(engine: Engine, silences: readonly Silence[] = []): TestApi {
  let woken = 0;
  const deps = {
    database: engine.database,
    store: engine.store,
    settings: NO_SETTINGS,
    known: NOTHING_KNOWN,
    budgets: new Map(),
    silences,
    adminToken: ADMIN_TOKEN,
    secrets: [SECRET],
    log: SILENT,
    onRuns: () => {
      woken += 1;
    },
    onPauses: async () => {
      await engine.store.active.refresh();
    },
  };
  const app = createApi(deps, createGate({ now: () => engine.store.now(), log: SILENT }));
  return {
    app,
    woken: () => woken,
    async call(method, path, body) {
      const response = await app.request(path, {
        method,
        headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    },
  };
}
