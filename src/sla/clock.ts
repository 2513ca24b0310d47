import type { ObservedTicket, Phase, PriorityLevel, TicketFields } from '../ticket.ts';
import type { Calendar } from './calendar.ts';

/**
 * Our own SLA clock, for desks that keep none: targets per priority, counted on a calendar, standing still while the
 * ticket waits. Pure; every function is told the time.
 */

/** A target in milliseconds per priority level; `default` is for the others. */
export type Targets = Readonly<Partial<Record<PriorityLevel | 'default', number>>>;

export interface SlaPlan {
  /** Null: round the clock. */
  readonly calendar: Calendar | null;
  readonly pauseIn: readonly Phase[];
  readonly response: Targets;
  readonly resolution: Targets;
}

/** What has to be remembered of one ticket. Epoch ms. */
export interface SlaClock {
  readonly startedAt: number;
  /** Working milliseconds that do not count. */
  readonly pausedMs: number;
  readonly pausedSince: number | null;
  readonly respondedAt: number | null;
  readonly resolvedAt: number | null;
}

/** `sla` of a connection's stored ticket by our own clock; null where the desk keeps deadlines, or nobody does. */
export type OwnSlaOf = (
  connection: string,
  snapshot: ObservedTicket,
  clock: SlaClock | null,
) => TicketFields['sla'] | null;

/** One look at a ticket. */
export interface SlaSight {
  readonly at: number;
  readonly createdAt: number | null;
  readonly phase: Phase;
  /** An agent answered, as far as the desk tells. */
  readonly responded: boolean;
}

const FINAL: readonly Phase[] = ['resolved', 'closed', 'rejected', 'cancelled'];

/** The clock after one more look; looks come in any rhythm, only phases that change move it. */
export function advanceClock(clock: SlaClock | null, sight: SlaSight, plan: SlaPlan): SlaClock {
  const before = clock ?? startClock(sight);
  // Clocks jump: a look from before the last one takes no time back.
  const at = Math.max(sight.at, before.pausedSince ?? before.startedAt);
  const isFinal = FINAL.includes(sight.phase);
  const pauses = !isFinal && plan.pauseIn.includes(sight.phase);
  const ended = before.pausedSince !== null && !pauses;
  // Time between a resolution and a reopening does not count either.
  const reopenedAfter = before.resolvedAt !== null && !isFinal ? elapsed(plan, before.resolvedAt, at) : 0;
  return {
    startedAt: before.startedAt,
    pausedMs: before.pausedMs + reopenedAfter + (ended ? elapsed(plan, before.pausedSince ?? at, at) : 0),
    pausedSince: pauses ? (before.pausedSince ?? at) : null,
    respondedAt: before.respondedAt ?? (sight.responded || isFinal ? at : null),
    resolvedAt: isFinal ? (before.resolvedAt ?? at) : null,
  };
}

function startClock(sight: SlaSight): SlaClock {
  const startedAt = sight.createdAt ?? sight.at;
  return { startedAt, pausedMs: 0, pausedSince: null, respondedAt: null, resolvedAt: null };
}

function elapsed(plan: SlaPlan, fromMs: number, toMs: number): number {
  return plan.calendar === null ? Math.max(0, toMs - fromMs) : plan.calendar.workingMs(fromMs, toMs);
}

/** Deadlines as instants; null where there is no target, it was met, or the clock stands still. */
export interface Deadlines {
  readonly responseDueAt: number | null;
  readonly resolutionDueAt: number | null;
}

/** When response and resolution fall due, as the clock stands. */
export function deadlinesOf(clock: SlaClock, level: PriorityLevel | null, plan: SlaPlan): Deadlines {
  const due = (targets: Targets): number | null => {
    const target = (level === null ? undefined : targets[level]) ?? targets.default;
    if (target === undefined || clock.pausedSince !== null) return null;
    const total = target + clock.pausedMs;
    return plan.calendar === null
      ? clock.startedAt + total
      : plan.calendar.addWorkingMs(clock.startedAt, total);
  };
  return {
    responseDueAt: clock.respondedAt === null ? due(plan.response) : null,
    resolutionDueAt: clock.resolvedAt === null ? due(plan.resolution) : null,
  };
}

/** `sla` of a ticket as every surface shows it: `running`, `paused`, `breached`, `met`. */
export function slaFields(
  clock: SlaClock,
  level: PriorityLevel | null,
  plan: SlaPlan,
  now: number,
): TicketFields['sla'] {
  const { responseDueAt, resolutionDueAt } = deadlinesOf(clock, level, plan);
  const text = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return {
    response_due_at: text(responseDueAt),
    resolution_due_at: text(resolutionDueAt),
    state: stateOf(clock, level, plan, now),
  };
}

function stateOf(clock: SlaClock, level: PriorityLevel | null, plan: SlaPlan, now: number): string {
  if (clock.resolvedAt !== null) {
    const running = deadlinesOf({ ...clock, resolvedAt: null, pausedSince: null }, level, plan);
    return (running.resolutionDueAt ?? Infinity) < clock.resolvedAt ? 'breached' : 'met';
  }
  if (clock.pausedSince !== null) return 'paused';
  const { responseDueAt, resolutionDueAt } = deadlinesOf(clock, level, plan);
  return Math.min(responseDueAt ?? Infinity, resolutionDueAt ?? Infinity) < now ? 'breached' : 'running';
}
