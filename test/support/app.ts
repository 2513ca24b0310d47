import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { startApp, type App, type AppConnection, type AppOptions } from '../../src/app.ts';
import { startJitbitDesk, type JitbitDesk } from '../../src/demo/simulators/jitbit/jitbit-desk.ts';
import { startReceiver, type Receiver } from '../../src/demo/simulators/receiver.ts';
import { startSlack, type Slack } from '../../src/demo/simulators/slack/slack.ts';
import type { Log } from '../../src/log.ts';
import { openDatabase, type Database } from '../../src/record/database.ts';
import { vendors } from '../../src/vendors/registry.ts';
import type { TestClock } from './clocks.ts';
import { createTestDatabase } from './database.ts';
import { until } from './until.ts';

/** A whole Deskhand with all its loops, on a database of its own, between a simulated desk, Slack and a receiver. */
export interface TestApp {
  readonly app: App;
  /** `http://127.0.0.1:<port>`. */
  readonly base: string;
  /** For looking, apart from the app's own pool. */
  readonly database: Database;
  readonly desk: JitbitDesk;
  readonly slack: Slack;
  readonly receiver: Receiver;
  readonly rulesFile: string;
  readonly logged: readonly string[];
  /** Resolves when no feed is in its baseline any more. */
  ready(): Promise<void>;
  /** Stops the app only. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export const HOOK_SECRET = 'hook-secret';
export const MONITORING_SECRET = Buffer.from('monitoring-secret').toString('base64');

export interface TestAppOptions {
  /** YAML documents; `{{receiver}}` stands for the receiver's address. */
  readonly rules: string;
  /** Poll interval of the desk; default 100 ms. */
  readonly pollMs?: number;
  /** For the app, its database and its desk; default: time as it is. */
  readonly clock?: TestClock;
  /** Port through which the app reaches its database; default: directly. */
  readonly databasePort?: number;
  readonly more?: Partial<AppOptions>;
}

export async function startTestApp(options: TestAppOptions): Promise<TestApp> {
  const cloned = await createTestDatabase();
  const clock = options.clock ?? systemClock;
  await options.clock?.rule(cloned.url);
  const [desk, slack, receiver, folder] = await Promise.all([
    startJitbitDesk({ rateLimit: 'off', clock }),
    startSlack(),
    startReceiver(),
    mkdtemp(join(tmpdir(), 'deskhand-rules-')),
  ]);
  const rulesFile = join(folder, 'rules.yaml');
  await writeFile(rulesFile, options.rules.replaceAll('{{receiver}}', receiver.url));
  const logged: string[] = [];
  const app = await startApp({
    databaseUrl: throughPort(cloned.url, options.databasePort),
    alone: true,
    poolSize: 6,
    connections: connections(desk, options.pollMs ?? 100),
    rulesFolder: folder,
    publishWhen: 'changed',
    known: KNOWN,
    matchSettings: { lists: {}, locales: {}, workingMs: null },
    slack: { botToken: slack.botToken, apiUrl: slack.apiUrl, settleMs: 1_000 },
    httpAllow: [new URL(receiver.url).host],
    listen: { host: '127.0.0.1', port: 0 },
    adminToken: 'admin-token',
    metricsToken: null,
    environment: {},
    crashAt: undefined,
    clock,
    log: collectingLog(logged),
    ...options.more,
  });
  const database = openDatabase({ url: cloned.url, poolSize: 2 });
  let running = true;
  const stop = async (): Promise<void> => {
    if (running) await app.stop();
    running = false;
  };
  return {
    app,
    base: `http://127.0.0.1:${app.port}`,
    database,
    desk,
    slack,
    receiver,
    rulesFile,
    logged,
    ready: async () => {
      await until('the end of the baseline', async () => {
        const open = await database.db
          .selectFrom('feeds')
          .select('feed')
          .where('baseline_done_at', 'is', null)
          .execute();
        return open.length === 0;
      });
    },
    stop,
    async close() {
      await stop();
      await database.close();
      await Promise.all([desk.close(), slack.close(), receiver.close()]);
      await cloned.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function throughPort(url: string, port: number | undefined): string {
  const changed = new URL(url);
  if (port !== undefined) changed.port = String(port);
  return changed.href;
}

const COMMON = {
  settleMs: 1_000,
  reference: 'auto',
  lateAfterMs: 15 * 60_000,
  maxBody: 1024 * 1024,
} as const;

function connections(desk: JitbitDesk, pollMs: number): readonly AppConnection[] {
  return [
    {
      ...COMMON,
      name: 'acme',
      vendor: vendors.jitbit,
      settings: vendors.jitbit.settings.parse({ url: desk.url, token: desk.token }),
      poll: { tickets: pollMs },
      budget: { rate: 60_000, burst: 6_000, perMs: 60_000 },
      verify: { scheme: 'url-secret', secrets: [HOOK_SECRET] },
    },
    {
      ...COMMON,
      name: 'monitoring',
      vendor: vendors.webhook,
      settings: vendors.webhook.settings.parse({ ticket: { id: '$.alert.id', title: '$.alert.title' } }),
      poll: null,
      budget: null,
      verify: { scheme: 'standard-webhooks', secrets: [MONITORING_SECRET] },
    },
  ];
}

const KNOWN: AppOptions['known'] = {
  connections: {
    acme: { vendor: 'jitbit', vendorName: 'Jitbit', actions: vendors.jitbit.capabilities.actions },
    monitoring: { vendor: 'webhook', vendorName: 'Webhook', actions: vendors.webhook.capabilities.actions },
  },
  lists: [],
  calendars: [],
  environment: [],
  oncall: [],
};

export function collectingLog(lines: string[]): Log {
  const note =
    (level: string) =>
    (fields: object, message: string): void => {
      const { err } = fields as { err?: unknown };
      lines.push(
        `${level}: ${message}${err instanceof Error ? ` (${err.stack})` : ''} ${JSON.stringify(fields)}`,
      );
    };
  return { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
}
