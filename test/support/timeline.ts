import { sql } from 'kysely';
import { toInstant } from '../../src/clock.ts';
import { applyReads } from '../../src/ingest/apply.ts';
import { inRuleSet, type StoreDeps } from '../../src/ingest/store-event.ts';
import { createTimerScans, tickOnce, type TickDeps, type TickResult } from '../../src/ingest/tick.ts';
import type { TimedConnection } from '../../src/ingest/timers.ts';
import { NO_SETTINGS, type MatchSettings } from '../../src/match/matcher.ts';
import { upsertConnection } from '../../src/record/connections.ts';
import { openDatabase, type Database } from '../../src/record/database.ts';
import { createIdSource } from '../../src/record/ids.ts';
import { createActiveRules, type ActiveRules } from '../../src/rules/active.ts';
import { publishRules } from '../../src/rules/publish.ts';
import type { SlaPlan } from '../../src/sla/clock.ts';
import type { ObservedTicket } from '../../src/ticket.ts';
import { createTestDatabase } from './database.ts';

/**
 * Ingest on a clock that a test moves: a database, whose app_now() is ahead or behind by any number of minutes, and
 * tickets whose states are applied as if they had just been read. No desk, no loops, no sleeping.
 */
export interface Timeline {
  /** Epoch ms of minute 0. */
  readonly start: number;
  readonly database: Database;
  /** ISO time so many minutes after the start. */
  at(minute: number): string;
  publish(yaml: string, options?: { readonly firePast: boolean }): Promise<void>;
  /** The desk shows this state at that minute. */
  see(minute: number, ticket: ObservedTicket, silent?: boolean): Promise<void>;
  /** Ticks at that minute until nothing is due; also follows the rules. */
  tick(minute: number): Promise<readonly TickResult[]>;
  /** What a part that ticks needs, with the clock at that minute: another instance each time. */
  deps(minute: number): TickDeps;
  databaseAt(minute: number): Database;
  /** `rule state reason late` of every run whose event the clock made, in order. */
  runs(): Promise<readonly string[]>;
  /** `rule minute` of every armed timer. */
  timers(): Promise<readonly string[]>;
  /** Removes everything that happened, so that the tests of a file share one database. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export interface TimelineOptions {
  readonly settings?: MatchSettings;
  readonly sla?: SlaPlan;
  readonly calendars?: readonly string[];
}

export async function createTimeline(options: TimelineOptions = {}): Promise<Timeline> {
  const cloned = await createTestDatabase();
  const database = openDatabase({ url: cloned.url, poolSize: 3 });
  const opened = new Map<number, Database>([[0, database]]);
  const settings = options.settings ?? NO_SETTINGS;
  const start = Date.now();
  const connectionId = await upsertConnection(database.db, 'acme', 'jitbit');
  const connection: TimedConnection = {
    id: connectionId,
    name: 'acme',
    vendor: { id: 'jitbit' },
    lateAfterMs: 15 * 60_000,
  };
  const actives = new Map<number, ActiveRules>();
  let readSeq = 1_000_000;

  const databaseAt = (minute: number): Database => {
    const known =
      opened.get(minute) ??
      openDatabase({ url: cloned.url, poolSize: 3, clockOffset: `${minute * 60} seconds` });
    opened.set(minute, known);
    return known;
  };
  const storeAt = (minute: number): StoreDeps => {
    const active = actives.get(minute) ?? createActiveRules(databaseAt(minute), settings);
    actives.set(minute, active);
    const now = (): number => Date.now() + minute * 60_000;
    return {
      active,
      newId: createIdSource(now),
      now,
      ...(options.sla === undefined ? {} : { sla: new Map([['acme', options.sla]]) }),
    };
  };
  const deps = (minute: number): TickDeps => ({
    database: databaseAt(minute),
    store: storeAt(minute),
    connections: new Map([[connectionId, connection]]),
    onRuns: () => undefined,
  });
  const at = (minute: number): string => toInstant(start + minute * 60_000);

  return {
    start,
    database,
    at,
    deps,
    databaseAt,
    async publish(yaml, more = { firePast: false }) {
      const known = {
        connections: null,
        lists: null,
        calendars: options.calendars ?? [],
        environment: [],
        oncall: null,
      };
      await publishRules(database, [{ file: 'rules.yaml', text: yaml }], known, {
        when: 'changed',
        by: 'test',
        ...more,
      });
      for (const active of actives.values()) await active.refresh();
    },
    async see(minute, ticket, silent = false) {
      const store = storeAt(minute);
      const context = {
        connectionId,
        connection: 'acme',
        vendor: 'jitbit',
        botUserId: null,
        feed: 'tickets',
        via: 'feed',
        silent,
        baselineAt: 0,
        overlapMs: 0,
        lateAfterMs: 15 * 60_000,
        wantSystemComments: false,
        ownWritesForMs: 3_600_000,
      } as const;
      const read = { id: ticket.id, gone: false, observed: ticket, comments: null } as const;
      readSeq += 1_000;
      const reads = [{ read, readSeq, version: null, nomination: null }];
      await sql`SELECT setval('read_seq', ${readSeq + 1})`.execute(database.db);
      await inRuleSet(databaseAt(minute), store.active, (tx, book) =>
        applyReads(tx, book, reads, context, store),
      );
    },
    async tick(minute) {
      const here = deps(minute);
      await here.store.active.refresh();
      const scans = createTimerScans(here);
      while (await scans.runOnce());
      const results: TickResult[] = [];
      do results.push(await tickOnce(here));
      while (results.at(-1)?.more === true);
      return results;
    },
    async runs() {
      const { rows } = await sql<{ line: string }>`
        SELECT r.rule_id || ' ' || r.state || coalesce(' ' || r.reason, '')
               || CASE WHEN (e.doc->>'late')::boolean THEN ' late' ELSE '' END AS line
          FROM runs r JOIN events e ON e.id = r.event_id WHERE e.doc->>'via' = 'clock'
         ORDER BY e.id, r.id`.execute(database.db);
      return rows.map((row) => row.line);
    },
    async timers() {
      const { rows } = await sql<{ rule_id: string; due_at: Date }>`
        SELECT rule_id, due_at FROM timers ORDER BY due_at, rule_id`.execute(database.db);
      return rows.map((row) => `${row.rule_id} ${Math.round((row.due_at.getTime() - start) / 60_000)}`);
    },
    async clear() {
      await sql`
        TRUNCATE timers, timer_scans, schedules, silences, steps, runs, lanes, attempts, events, event_keys, tickets,
          mutes, rule_states`.execute(database.db);
    },
    async close() {
      for (const one of opened.values()) await one.close();
      await cloned.drop();
    },
  };
}
