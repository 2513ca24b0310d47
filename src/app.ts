import { hostname } from 'node:os';
import type { Clock } from './clock.ts';
import type { Retention } from './config.ts';
import {
  createClockwork,
  createTimeParts,
  NO_TIME,
  type ClockworkPart,
  type TimeOptions,
} from './clockwork.ts';
import { openConnection, type Connection, type ConnectionOptions } from './connections.ts';
import { createCrashPoint } from './act/crash.ts';
import { createExecutor, type Executor } from './act/executor.ts';
import { createOutgoing } from './act/outgoing.ts';
import { createHttpApp, listen } from './http/server.ts';
import type { Hook } from './http/hooks.ts';
import { countStored, createMetrics } from './http/metrics.ts';
import type { VerifyScheme } from './http/verify.ts';
import { createReceiver } from './ingest/receive.ts';
import { pollOnce, type PollDeps } from './ingest/poll.ts';
import { refreshOnce } from './ingest/refresh.ts';
import type { StoreDeps } from './ingest/store-event.ts';
import { joinInstances, type Instance } from './instance.ts';
import type { Log } from './log.ts';
import { startLoop, type Loop } from './loop.ts';
import type { MatchSettings } from './match/matcher.ts';
import type { KnownNames } from './match/load.ts';
import { openDatabase, type Database } from './record/database.ts';
import { createIdSource } from './record/ids.ts';
import { listenFor, openStandingSession } from './record/standing-session.ts';
import { readSettings } from './record/settings.ts';
import { readGauges } from './record/gauges.ts';
import { createPauseSwitch } from './operate/pause-switch.ts';
import { createAwayReporter } from './operate/away.ts';
import { maintainOnce } from './operate/retention.ts';
import type { BudgetPlan } from './operate/status.ts';
import { noteAlive } from './record/operate/away.ts';
import { createActiveRules } from './rules/active.ts';
import type { PublishWhen } from './rules/publish.ts';
import { watchRules } from './rules/watch.ts';
import { openSlackApi, type SlackSettings } from './slack/slack.ts';
import { startSlack } from './slack/start.ts';

/**
 * One running Deskhand. The way of an event, in the order of the parts below:
 *
 *   polls and deliveries → ingest (snapshot, diff, one event) → match → act (steps, attempts) → record
 */
export interface AppOptions {
  readonly databaseUrl: string;
  /** True with the embedded database: no other instance can live on it. */
  readonly alone: boolean;
  readonly poolSize?: number;
  readonly clockOffset?: string;
  readonly connections: readonly AppConnection[];
  readonly rulesFolder: string;
  readonly publishWhen: PublishWhen;
  readonly known: KnownNames;
  readonly matchSettings: MatchSettings;
  /** SLA targets, rotas, silences, heartbeat; default none. */
  readonly time?: TimeOptions;
  readonly slack: SlackSettings | null;
  readonly httpAllow: readonly string[];
  readonly listen: { readonly host: string; readonly port: number };
  readonly adminToken: string | null;
  readonly metricsToken: string | null;
  /** Configured secrets, which no answer of the API may show; default none. */
  readonly secrets?: readonly string[];
  /** How long rows are kept; left out, nothing is removed. */
  readonly retention?: Retention;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly crashAt: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export interface AppConnection extends ConnectionOptions {
  /** Null: its hook answers 401. */
  readonly verify: VerifyScheme | null;
  readonly maxBody: number;
}

export interface App {
  readonly port: number;
  readonly database: Database;
  /** Answers what came in, records what is under way, gives leases back. Under 5 s. */
  stop(): Promise<void>;
}

const HEARTBEAT_MS = 3_000;
const TAKE_OVER_MS = 500;
const CLAIM_POLL_MS = 250;
const MAINTAIN_EVERY_MS = 10 * 60_000;
const REPORT_POLL_MS = 5_000;
/** Longest that a write of ours may wait to be seen again: an hour, or three polls (engine.md 5). */
const OWN_WRITES_MS = 3_600_000;
/** A change counts when two looks agree, so an edit is live within three of these. */
const RULES_POLL_MS = 250;
const FEED_POLL_MS = 500;
const STOP_GRACE_MS = 2_000;

/** Starts every part. The schema must be there (`migrate`). @throws whatever keeps it from starting */
export async function startApp(options: AppOptions): Promise<App> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    const app = await startParts(options, (closer) => closers.push(closer));
    return { ...app, stop: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @param onClose told in starting order how each part is closed; they are called the other way round */
async function startParts(
  options: AppOptions,
  onClose: (closer: () => Promise<unknown>) => void,
): Promise<Omit<App, 'stop'>> {
  const { clock, log } = options;
  const database = openDatabase({
    url: options.databaseUrl,
    ...(options.poolSize === undefined ? {} : { poolSize: options.poolSize }),
    ...(options.clockOffset === undefined ? {} : { clockOffset: options.clockOffset }),
    onIdleError: (error) => log.warn({ err: error }, 'a database connection broke'),
  });
  onClose(() => database.close());
  const away = await createAwayReporter({ database, log });
  const newId = createIdSource(() => clock.now());
  const instanceId = newId();
  const name = `${hostname()} ${process.pid}`;
  const session = await openStandingSession(database, log);
  onClose(() => session.close());
  const { alone } = options;
  const instance = await joinInstances(instanceId, { database, session, clock, log, name, alone });
  onClose(() =>
    noteAlive(database.db)
      .then(() => instance.leave())
      .catch((error: unknown) => log.warn({ err: error }, 'leases not given back')),
  );
  const connections = await openConnections(options, database);
  onClose(() =>
    Promise.all([...connections.values()].map(async (connection) => connection.adapter?.close())),
  );
  const active = createActiveRules(database, options.matchSettings);
  const watch = watchRules(
    { database, active, log, known: options.known, folder: options.rulesFolder, instance: name },
    options.publishWhen,
  );
  await watch.runOnce();
  const pauses = await createPauseSwitch(database.db);
  const maintain = maintenanceOf(options, database, connections);
  // Before anything is stored, so that it goes into partitions.
  await maintain?.();

  const metrics = createMetrics();
  const crash = createCrashPoint(options.crashAt);
  const time = createTimeParts(options.time ?? NO_TIME, database, options.matchSettings);
  await time.silences.refresh();
  const { sla, oncall } = time;
  const store: StoreDeps = {
    active,
    newId,
    now: () => clock.now(),
    sla,
    silencedBy: time.silences.silencedBy,
    observe: (tx, stored) =>
      database.afterCommit(tx, () => countStored(metrics, active.current().matcher.rules, stored)),
  };
  const loops: Loop[] = [];
  const wakeActions = (): void => loops[0]?.wake();
  const slackApi = options.slack === null ? null : await openSlackApi(options.slack, clock);
  const executor = await createExecutorOf(options, {
    slack: slackApi,
    database,
    connections,
    active,
    newId,
    instanceId,
    store,
    crash,
    oncall,
    paused: () => pauses.all(),
    connectionPaused: (id) => pauses.connection(id),
    onOutcome: (claimed, resolution) => {
      metrics.attempts.inc({ action: claimed.action, outcome: resolution.state });
      if (claimed.attempts === 0 && claimed.state === 'pending') {
        metrics.dispatchLag.observe(Math.max(0, claimed.lagMs) / 1000);
      }
    },
    onMore: wakeActions,
  });
  onClose(() => executor.stop(STOP_GRACE_MS));
  const poll: PollDeps = { database, store, instanceId, log, onRuns: wakeActions, crash };
  const clockwork = createClockwork({
    database,
    store,
    connections,
    log,
    silences: time.silences,
    heartbeatUrl: options.time?.heartbeatUrl ?? null,
    paused: () => pauses.all(),
    onRuns: wakeActions,
    onTick: (latenessMs) => metrics.timerLateness.observe(latenessMs / 1000),
    onAudit: (overdue) =>
      metrics.auditOverdue.set(overdue.steps + overdue.timers + overdue.schedules + overdue.stuckRuns),
  });
  loops.push(
    ...startLoops(options, {
      executor,
      instance,
      watch,
      pauses,
      away,
      maintain,
      connections,
      poll,
      clockwork,
    }),
  );
  onClose(() => Promise.all(loops.map((loop) => loop.stop())));
  const receiver = createReceiver({
    database,
    store,
    hands: executor,
    crash,
    onRuns: wakeActions,
    onNominations: () => undefined,
    onGroup: (size) => metrics.commitGroupSize.observe(size),
  });
  const refresh = async (): Promise<void> => {
    try {
      await Promise.all([active.refresh(), pauses.refresh()]);
      wakeActions();
    } catch (error) {
      log.warn({ err: error }, 'rules and pauses not read again');
    }
  };
  await listenFor(session, { deskhand_rules: () => void refresh() });
  const slack =
    options.slack === null || slackApi === null
      ? null
      : await startSlack({
          settings: options.slack,
          api: slackApi,
          database,
          clock,
          log,
          store,
          connections,
          wakeActions,
          paused: () => pauses.all(),
          onPauses: refresh,
          matchSettings: options.matchSettings,
          onCall: () => oncall(clock.now()),
        });
  onClose(async () => slack?.stop());
  const server = await listen(
    createHttpApp({
      hooks: hooksOf(options, connections),
      receiver,
      metrics,
      log,
      now: () => clock.now(),
      ready: () => isReady(database),
      adminToken: options.adminToken,
      metricsToken: options.metricsToken,
      collect: () => readGauges(database.db, metrics),
      slack: slack?.routes ?? null,
      api: {
        database,
        store,
        settings: options.matchSettings,
        known: options.known,
        budgets: budgetsOf(connections),
        silences: (options.time ?? NO_TIME).silences,
        adminToken: options.adminToken,
        secrets: options.secrets ?? [],
        log,
        onRuns: wakeActions,
        onPauses: refresh,
      },
    }),
    options.listen,
  );
  onClose(async () => {
    await server.close();
    await receiver.drain();
  });
  return { port: server.port, database };
}

async function openConnections(
  options: AppOptions,
  database: Database,
): Promise<ReadonlyMap<number, Connection>> {
  const opened = await Promise.all(
    options.connections.map((connection) =>
      openConnection(connection, { database, clock: options.clock, log: options.log }),
    ),
  );
  return new Map(opened.map((connection) => [connection.id, connection]));
}

type ExecutorParts = Pick<
  Parameters<typeof createExecutor>[0],
  | 'slack'
  | 'database'
  | 'connections'
  | 'active'
  | 'newId'
  | 'instanceId'
  | 'store'
  | 'crash'
  | 'onOutcome'
  | 'onMore'
  | 'paused'
  | 'connectionPaused'
  | 'oncall'
>;

async function createExecutorOf(options: AppOptions, parts: ExecutorParts): Promise<Executor> {
  const { slack, clock, log } = options;
  const settings = await readSettings(parts.database.db);
  return createExecutor({
    ...parts,
    clock,
    log,
    settings: options.matchSettings,
    referenceKey: settings.referenceKey,
    environment: options.environment,
    outgoing: createOutgoing({ allow: options.httpAllow, clock }),
    settleMs: slack?.settleMs ?? 30_000,
    similarWithinMs: slack?.similarWithinMs ?? 0,
  });
}

interface LoopParts {
  readonly executor: Executor;
  readonly instance: Pick<Instance, 'beat' | 'takeOver'>;
  readonly watch: { runOnce(): Promise<void> };
  readonly pauses: { refresh(): Promise<void> };
  readonly away: { runOnce(): Promise<unknown> };
  readonly maintain: (() => Promise<{ readonly more: boolean }>) | null;
  readonly connections: ReadonlyMap<number, Connection>;
  readonly poll: PollDeps;
  readonly clockwork: readonly ClockworkPart[];
}

/** Each connection has loops of its own: one that hangs holds up nobody else. The first loop is the worker's. */
function startLoops(options: AppOptions, parts: LoopParts): readonly Loop[] {
  const { clock, log } = options;
  const loop = (name: string, idleMs: number, runOnce: (signal: AbortSignal) => Promise<boolean>): Loop =>
    startLoop({ name, idleMs, runOnce, clock, log });
  const { maintain } = parts;
  const readable = [...parts.connections.values()].filter((connection) => connection.adapter !== null);
  return [
    loop('act', CLAIM_POLL_MS, async () => (await parts.executor.claimOnce()) > 0),
    loop('heartbeat', HEARTBEAT_MS, async () => {
      await parts.instance.beat();
      return false;
    }),
    loop('take over', TAKE_OVER_MS, async () => {
      await parts.instance.takeOver();
      return false;
    }),
    loop('rules', RULES_POLL_MS, async () => {
      await parts.watch.runOnce();
      await parts.pauses.refresh();
      return false;
    }),
    ...parts.clockwork.map((part) => loop(part.name, part.idleMs, () => part.runOnce())),
    loop('report', REPORT_POLL_MS, async () => {
      await parts.away.runOnce();
      return false;
    }),
    ...(maintain === null
      ? []
      : [loop('maintenance', MAINTAIN_EVERY_MS, async () => (await maintain()).more)]),
    ...readable.flatMap((connection) => [
      loop(`poll ${connection.name}`, FEED_POLL_MS, (signal) => pollOnce(connection, parts.poll, signal)),
      loop(`refresh ${connection.name}`, FEED_POLL_MS, async (signal) => {
        return (await refreshOnce(connection, parts.poll, signal)) > 0;
      }),
    ]),
  ];
}

function hooksOf(
  options: AppOptions,
  connections: ReadonlyMap<number, Connection>,
): ReadonlyMap<string, Hook> {
  const byName = new Map([...connections.values()].map((connection) => [connection.name, connection]));
  return new Map(
    options.connections.flatMap(({ name, verify, maxBody }): [string, Hook][] => {
      const connection = byName.get(name);
      return connection === undefined ? [] : [[name, { connection, verify, maxBody }]];
    }),
  );
}

function maintenanceOf(
  { retention, log }: AppOptions,
  database: Database,
  connections: ReadonlyMap<number, Connection>,
): LoopParts['maintain'] {
  if (retention === undefined) return null;
  const polls = [...connections.values()].flatMap((connection) => Object.values(connection.pollEveryMs));
  const ownWritesMs = Math.max(OWN_WRITES_MS, ...polls.map((everyMs) => 3 * everyMs));
  return () => maintainOnce({ database, retention, ownWritesMs, log });
}

/** What each connection may spend, for `status`. */
function budgetsOf(connections: ReadonlyMap<number, Connection>): ReadonlyMap<string, BudgetPlan> {
  return new Map(
    [...connections.values()]
      .filter((connection) => connection.adapter !== null)
      .map(({ name, budget, pollEveryMs }) => [name, { ...budget, pollEveryMs: Object.values(pollEveryMs) }]),
  );
}

async function isReady(database: Database): Promise<boolean> {
  try {
    await database.db.selectFrom('settings').select('key').limit(1).execute();
    return true;
  } catch {
    return false;
  }
}
