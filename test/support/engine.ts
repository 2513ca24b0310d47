import { sql } from 'kysely';
import { createOutgoing } from '../../src/act/outgoing.ts';
import { createExecutor, type Executor, type ExecutorDeps } from '../../src/act/executor.ts';
import type { CrashPointName } from '../../src/act/crash.ts';
import { systemClock, type Clock } from '../../src/clock.ts';
import { openConnection, type Connection } from '../../src/connections.ts';
import {
  startJitbitDesk,
  type JitbitDesk,
  type JitbitOptions,
} from '../../src/demo/simulators/jitbit/jitbit-desk.ts';
import { ownEvent } from '../../src/ingest/own-events.ts';
import { pollOnce, type PollDeps } from '../../src/ingest/poll.ts';
import { refreshOnce } from '../../src/ingest/refresh.ts';
import { createSilences, type Silences } from '../../src/ingest/silences.ts';
import type { EventDraft } from '../../src/ingest/event-draft.ts';
import { storeGroup, type StoreDeps } from '../../src/ingest/store-event.ts';
import type { Log } from '../../src/log.ts';
import type { KnownNames } from '../../src/match/load.ts';
import { NO_SETTINGS } from '../../src/match/matcher.ts';
import type { ConditionMap } from '../../src/match/rule.ts';
import { openDatabase, type Database } from '../../src/record/database.ts';
import { createIdSource } from '../../src/record/ids.ts';
import { registerInstance } from '../../src/record/instances.ts';
import { nominate } from '../../src/record/nominations.ts';
import { insertSilence } from '../../src/record/operate/silences.ts';
import { readSettings } from '../../src/record/settings.ts';
import type { CalendarSpec } from '../../src/sla/calendar.ts';
import { calendarSettings, createCalendars } from '../../src/sla/calendars.ts';
import { onCallNow, type Rota } from '../../src/sla/oncall.ts';
import { createActiveRules } from '../../src/rules/active.ts';
import { publishRules } from '../../src/rules/publish.ts';
import { createSlackApi } from '../../src/slack/api.ts';
import { vendors } from '../../src/vendors/registry.ts';
import type { Vendor } from '../../src/vendors/vendor.ts';
import { collectingLog } from './app.ts';
import type { TestClock } from './clocks.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

/**
 * The engine without its loops: a simulated desk, a database of its own, and the parts called one at a time. Time is
 * moved by working on sessions whose app_now() is ahead.
 */
export interface Engine<Desk extends SimulatedDesk = JitbitDesk> {
  readonly url: string;
  readonly database: Database;
  readonly desk: Desk;
  readonly connection: Connection;
  readonly store: StoreDeps;
  readonly poll: PollDeps;
  /** Everything that was logged, for looking at what must not happen. */
  readonly logged: readonly string[];
  /** Replaces the active rules by these documents. */
  publish(yaml: string): Promise<void>;
  /** What is silenced from now on, and until when. */
  silence(when: ConditionMap, reason: string, forMs: number): Promise<void>;
  /** Walks every feed once. */
  pollAll(): Promise<void>;
  /** Reads these tickets as if a webhook had named them. */
  refresh(...tickets: readonly number[]): Promise<void>;
  /** Stores an event that has no ticket at any desk. */
  happen(event: {
    type: string;
    key?: string;
    ticketId?: string;
    body?: unknown;
    depth?: number;
  }): Promise<string>;
  /** A worker; `ahead` moves its clock, e.g. `60 seconds`. Every one is another instance. */
  worker(options?: WorkerOptions): Promise<Worker>;
  /** Claims and performs until nothing is due at that time. */
  work(ahead?: string): Promise<void>;
  /** All steps in the order they were planned. */
  steps(): Promise<readonly StepRow[]>;
  runs(): Promise<readonly RunRow[]>;
  events(): Promise<readonly EventRow[]>;
  /** Removes everything that happened, so that the tests of a file share one database. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** What the engine needs of a simulator. */
export type SimulatedDesk = Pick<JitbitDesk, 'faults' | 'beforeEachRequest' | 'close'>;

export interface WorkerOptions {
  readonly ahead?: string;
  readonly crash?: (name: CrashPointName) => void;
  readonly clock?: Clock;
  readonly database?: Database;
}

export interface Worker {
  readonly instanceId: string;
  readonly executor: Executor;
  /** Claims and performs until nothing is due. */
  work(): Promise<void>;
}

export interface StepRow {
  readonly id: string;
  readonly action: string;
  readonly path: string;
  readonly state: string;
  readonly reason: string | null;
  readonly attempts: number;
  readonly dueInMs: number | null;
  readonly intent: { readonly absences: number; readonly deadlineAt: number; readonly sentAt: number } | null;
  readonly parts: Readonly<Record<string, unknown>>;
  readonly result: unknown;
  readonly runId: string;
}

export interface RunRow {
  readonly id: string;
  readonly rule: string;
  readonly state: string;
  readonly reason: string | null;
  readonly ticketId: string | null;
  readonly depth: number;
}

export interface EventRow {
  readonly id: string;
  readonly type: string;
  readonly ticketId: string | null;
  readonly depth: number;
  readonly ruleSetId: number | null;
  readonly doc: Readonly<Record<string, unknown>> & {
    readonly key: string;
    readonly own: boolean;
    readonly changes: Readonly<
      Record<string, { readonly from: unknown; readonly to: unknown; readonly by: string }>
    > | null;
  };
}

export interface EngineOptions extends CommonOptions {
  readonly desk?: JitbitOptions;
  /** Desk settings beyond address and token. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface CommonOptions {
  readonly settleMs?: number;
  readonly slack?: { readonly botToken: string; readonly apiUrl: string };
  readonly httpAllow?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly calendars?: readonly CalendarSpec[];
  readonly oncall?: readonly Rota[];
  /** For the parts, the database and the desk; default: time as it is. Then `ahead` moves nothing. */
  readonly clock?: TestClock;
}

const GENEROUS = { rate: 600_000, burst: 60_000, perMs: 60_000 };

export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const { clock = systemClock } = options;
  const desk = await startJitbitDesk({ clock, rateLimit: 'off', oldTickets: false, ...options.desk });
  const settings = { url: desk.url, token: desk.token, ...options.settings };
  return createEngineOn({ vendor: vendors.jitbit, desk, settings }, options);
}

/** The same on any vendor's simulator. @param on settings are parsed by the vendor's schema */
export async function createEngineOn<Desk extends SimulatedDesk>(
  on: { readonly vendor: Vendor; readonly desk: Desk; readonly settings: unknown },
  options: CommonOptions = {},
): Promise<Engine<Desk>> {
  const { vendor, desk } = on;
  const { clock = systemClock } = options;
  const cloned = await createTestDatabase();
  await options.clock?.rule(cloned.url);
  const database = openDatabase({ url: cloned.url, poolSize: 4 });
  const logged: string[] = [];
  const log = collectingLog(logged);
  const newId = createIdSource(() => clock.now());
  const connection = await openConnection(
    {
      name: 'acme',
      vendor,
      settings: vendor.settings.parse(on.settings),
      settleMs: options.settleMs ?? 1_000,
      reference: 'auto',
      lateAfterMs: 15 * 60_000,
      poll: 60_000,
      budget: GENEROUS,
    },
    { database, clock, log },
  );
  const active = createActiveRules(database, { lists: {}, locales: {}, workingMs: null });
  const silences = createSilences(database, [], NO_SETTINGS);
  const { silencedBy } = silences;
  const store: StoreDeps = { active, newId, now: () => clock.now(), silencedBy };
  const instanceId = newId();
  await registerInstance(database.db, instanceId, 'test');
  const poll: PollDeps = {
    database,
    store,
    instanceId,
    log,
    onRuns: () => undefined,
    crash: () => undefined,
  };
  const read = { cloned, desk, database, connection, store, silences, poll };
  const engine = await assemble({ options, clock, log, logged, ...read });
  await engine.publish(NO_RULES);
  await engine.pollAll();
  return engine;
}

/** A set must hold something to be published; this rule is off. */
const NO_RULES =
  'id: nothing\nname: nothing\nwhen: { title: never }\nmode: off\nthen: [{ acknowledge: {} }]\n';

interface Parts<Desk extends SimulatedDesk> {
  readonly options: CommonOptions;
  readonly cloned: TestDatabase;
  readonly desk: Desk;
  readonly database: Database;
  readonly connection: Connection;
  readonly store: StoreDeps;
  readonly silences: Silences;
  readonly poll: PollDeps;
  readonly log: Log;
  readonly logged: string[];
  readonly clock: Clock;
}

async function assemble<Desk extends SimulatedDesk>(parts: Parts<Desk>): Promise<Engine<Desk>> {
  const { clock, cloned, database, connection, desk, store, silences, poll, logged } = parts;
  const opened = new Map<string, Database>([['', database]]);
  const databaseAt = (ahead: string): Database => {
    const known = opened.get(ahead) ?? openDatabase({ url: cloned.url, poolSize: 3, clockOffset: ahead });
    opened.set(ahead, known);
    return known;
  };
  const base = await executorBase(parts);
  const workers = new Map<string, Worker>();
  const never = new AbortController().signal;

  const engine: Engine<Desk> = {
    url: cloned.url,
    database,
    desk,
    connection,
    store,
    poll,
    logged,
    async publish(yaml) {
      await publishRules(
        database,
        [{ file: 'rules.yaml', text: yaml }],
        known(connection.vendor, parts.options),
        {
          when: 'changed',
          by: 'test',
        },
      );
      await store.active.refresh();
    },
    async silence(when, reason, forMs) {
      const [from, until] = [new Date(Date.now() - 1_000), new Date(Date.now() + forMs)];
      await insertSilence(database.db, { id: store.newId(), when, from, until, reason, by: 'test' });
      await silences.refresh();
    },
    async pollAll() {
      await sql`UPDATE feeds SET next_poll_at = app_now()`.execute(database.db);
      while (await pollOnce(connection, poll, never));
    },
    async refresh(...tickets) {
      const rows = tickets.map((id) => ({
        connectionId: connection.id,
        ticketId: String(id),
        via: 'webhook',
      }));
      await database.transaction((tx) => nominate(tx, rows, 0));
      await refreshOnce(connection, poll, never);
    },
    async happen({ type, key, ticketId, body, depth }) {
      const draft: EventDraft = ownEvent(
        {
          type,
          key: key ?? `test:${store.newId()}`,
          connectionId: connection.id,
          connection: connection.name,
          vendor: connection.vendor.id,
          ticketId: ticketId ?? null,
          body: body ?? {},
          depth: depth ?? 0,
        },
        store,
      );
      const { stored } = await storeGroup(database, [draft], store);
      return stored[0]?.eventId ?? '';
    },
    async worker(options = {}) {
      const instanceId = store.newId();
      const own = options.database ?? databaseAt(options.ahead ?? '');
      await registerInstance(database.db, instanceId, 'test worker');
      const executor = createExecutor({
        ...base,
        database: own,
        instanceId,
        clock: options.clock ?? clock,
        crash: options.crash ?? (() => undefined),
      });
      return {
        instanceId,
        executor,
        async work() {
          while ((await executor.claimOnce()) > 0) await executor.settle();
        },
      };
    },
    async work(ahead = '') {
      const worker = workers.get(ahead) ?? (await engine.worker({ ahead }));
      workers.set(ahead, worker);
      await worker.work();
    },
    steps: () => readSteps(database),
    runs: () => readRuns(database),
    events: () => readStoredEvents(database),
    async clear() {
      desk.faults.clear();
      desk.beforeEachRequest = null;
      logged.length = 0;
      await sql`TRUNCATE steps, runs, lanes, attempts, events, event_keys, own_writes, bound_children, nominations, mutes,
        rule_states, deliveries, timers, slack_gates, slack_messages, slack_waiting, silences`.execute(
        database.db,
      );
      await silences.refresh();
      await engine.publish(NO_RULES);
    },
    async close() {
      await connection.adapter?.close();
      for (const one of opened.values()) await one.close();
      await desk.close();
      await cloned.drop();
    },
  };
  return engine;
}

async function executorBase({
  options,
  database,
  connection,
  store,
  log,
}: Parts<SimulatedDesk>): Promise<Omit<ExecutorDeps, 'database' | 'instanceId' | 'clock' | 'crash'>> {
  const { slack } = options;
  const settings = await readSettings(database.db);
  return {
    connections: new Map([[connection.id, connection]]),
    active: store.active,
    newId: store.newId,
    store,
    log,
    settings: { ...NO_SETTINGS, lists: {}, ...calendarSettings(createCalendars(options.calendars ?? [])) },
    oncall: (now) => onCallNow(options.oncall ?? [], now),
    referenceKey: settings.referenceKey,
    environment: options.environment ?? {},
    outgoing: createOutgoing({ allow: options.httpAllow ?? [], clock: systemClock }),
    slack:
      slack === undefined
        ? null
        : await createSlackApi({ token: slack.botToken, apiUrl: slack.apiUrl, now: () => systemClock.now() }),
    settleMs: options.settleMs ?? 1_000,
    paused: () => false,
    onOutcome: () => undefined,
    onMore: () => undefined,
  };
}

function known({ id, name, capabilities }: Vendor, options: CommonOptions): KnownNames {
  return {
    connections: { acme: { vendor: id, vendorName: name, actions: capabilities.actions } },
    lists: [],
    calendars: (options.calendars ?? []).map((calendar) => calendar.name),
    environment: ['TOKEN'],
    oncall: (options.oncall ?? []).map((rota) => rota.name),
  };
}

async function readSteps(database: Database): Promise<readonly StepRow[]> {
  const { rows } = await sql<StepRow>`
    SELECT s.id, s.action, s.path, s.state, s.reason, s.attempts::int, s.intent, s.parts, s.result, s.run_id AS "runId",
           (extract(epoch FROM s.due_at - app_now()) * 1000)::float8 AS "dueInMs"
      FROM steps s JOIN runs r ON r.id = s.run_id ORDER BY r.event_id, s.rule_order, r.rule_id, s.position`.execute(
    database.db,
  );
  return rows;
}

async function readRuns(database: Database): Promise<readonly RunRow[]> {
  const { rows } = await sql<RunRow>`
    SELECT id, rule_id AS rule, state, reason, ticket_id AS "ticketId", depth FROM runs ORDER BY id`.execute(
    database.db,
  );
  return rows;
}

async function readStoredEvents(database: Database): Promise<readonly EventRow[]> {
  const { rows } = await sql<EventRow>`
    SELECT id, type, ticket_id AS "ticketId", depth, rule_set_id AS "ruleSetId", doc FROM events ORDER BY id`.execute(
    database.db,
  );
  return rows;
}
