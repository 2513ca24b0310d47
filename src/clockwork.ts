import { createAudit, createHeartbeat } from './ingest/audit.ts';
import { createSchedules } from './ingest/schedules.ts';
import { createSilences, type Silence, type Silences } from './ingest/silences.ts';
import type { StoreDeps } from './ingest/store-event.ts';
import { createTimerScans, tickOnce, type TickDeps } from './ingest/tick.ts';
import type { TimedConnection } from './ingest/timers.ts';
import type { Log } from './log.ts';
import type { MatchSettings } from './match/matcher.ts';
import type { Overdue } from './record/audit.ts';
import type { Database } from './record/database.ts';
import type { SlaPlan } from './sla/clock.ts';
import { onCallNow, type Rota } from './sla/oncall.ts';

/**
 * The parts of a running Deskhand that the clock drives: timers, schedules, silences, the self-audit. Each is a
 * `runOnce` that a loop calls; nothing here keeps time by itself.
 */

/** What the configuration says of time. */
export interface TimeOptions {
  /** SLA targets by connection. */
  readonly sla: ReadonlyMap<string, SlaPlan>;
  readonly oncall: readonly Rota[];
  readonly silences: readonly Silence[];
  readonly heartbeatUrl: string | null;
}

export const NO_TIME: TimeOptions = { sla: new Map(), oncall: [], silences: [], heartbeatUrl: null };

/** What the store and the executor need of time. */
export interface TimeParts {
  readonly sla: ReadonlyMap<string, SlaPlan>;
  readonly silences: Silences;
  readonly oncall: (now: number) => Readonly<Record<string, string>>;
}

export function createTimeParts(
  options: TimeOptions,
  database: Database,
  settings: MatchSettings,
): TimeParts {
  return {
    sla: options.sla,
    silences: createSilences(database, options.silences, settings),
    oncall: (now) => onCallNow(options.oncall, now),
  };
}

export interface ClockworkDeps {
  readonly database: Database;
  readonly store: StoreDeps;
  readonly connections: ReadonlyMap<number, TimedConnection>;
  readonly silences: Silences;
  readonly heartbeatUrl: string | null;
  readonly log: Log;
  readonly paused: () => boolean;
  readonly onRuns: () => void;
  readonly onTick: (latenessMs: number) => void;
  readonly onAudit: (overdue: Overdue) => void;
}

/** A part that is called again and again. */
export interface ClockworkPart {
  readonly name: string;
  /** Pause between rounds that found nothing to do. */
  readonly idleMs: number;
  /** @returns true if there is more to do at once */
  runOnce(): Promise<boolean>;
}

/** Timers fire within a second of their moment; four looks a second cost 0.1 ms each with 100,000 pending. */
const TICK_MS = 250;
const SCAN_MS = 500;
const SCHEDULES_MS = 500;
const SILENCES_MS = 1_000;
const AUDIT_MS = 60_000;

export function createClockwork(deps: ClockworkDeps): readonly ClockworkPart[] {
  const { database, store, connections, onRuns, log, paused } = deps;
  const tick: TickDeps = { database, store, connections, onRuns };
  const scans = createTimerScans(tick);
  const schedules = createSchedules({ database, store, onRuns });
  const heartbeat = deps.heartbeatUrl === null ? null : createHeartbeat(deps.heartbeatUrl);
  const audit = createAudit({ database, store, log, paused, heartbeat, onFound: deps.onAudit });
  return [
    {
      name: 'timers',
      idleMs: TICK_MS,
      async runOnce() {
        const { fired, more, latenessMs } = await tickOnce(tick);
        if (fired > 0) deps.onTick(latenessMs);
        return more;
      },
    },
    { name: 'timer scans', idleMs: SCAN_MS, runOnce: () => scans.runOnce() },
    { name: 'schedules', idleMs: SCHEDULES_MS, runOnce: async () => (await schedules.runOnce()) > 0 },
    {
      name: 'silences',
      idleMs: SILENCES_MS,
      async runOnce() {
        await deps.silences.refresh();
        return false;
      },
    },
    {
      name: 'self-audit',
      idleMs: AUDIT_MS,
      async runOnce() {
        await audit.runOnce();
        return false;
      },
    },
  ];
}
