import { sql } from 'kysely';
import { needsOwnClock } from '../ingest/timers.ts';
import type { Database } from '../record/database.ts';
import { connectionIdOf } from '../record/operate/connections.ts';
import { readTicketRow } from '../record/tickets.ts';
import type { SlaPlan } from '../sla/clock.ts';
import { explainDeadlines, type DeadlineExplanation } from '../sla/explain.ts';

/** What a ticket waits for, and how that came about. */
export interface TicketTime {
  /** The desk's own due date. */
  readonly due_at: string | null;
  /** Ours, where the desk keeps none and targets are configured. */
  readonly deadlines: readonly DeadlineExplanation[];
  /** Rules that are looked at again, soonest first; null stands for `ticket.overdue`. */
  readonly timers: readonly { readonly rule: string | null; readonly due_at: Date }[];
}

/** @param plans SLA targets by connection */
export async function explainTime(
  database: Database,
  connection: string,
  ticketId: string,
  plans: ReadonlyMap<string, SlaPlan>,
): Promise<TicketTime> {
  const { db } = database;
  const id = await connectionIdOf(db, connection);
  if (id === null) return { due_at: null, deadlines: [], timers: [] };
  const [row, timers] = await Promise.all([
    readTicketRow(db, id, ticketId),
    sql<{ rule: string | null; due_at: Date }>`
      SELECT nullif(rule_id, '') AS rule, due_at FROM timers
       WHERE connection_id = ${id} AND ticket_id = ${ticketId} ORDER BY due_at, rule_id`.execute(db),
  ]);
  const plan = plans.get(connection);
  const ours = row?.slaClock != null && plan !== undefined && needsOwnClock(row.snapshot);
  return {
    due_at: row?.snapshot.due_at ?? null,
    deadlines: ours ? explainDeadlines(row.slaClock, row.snapshot.priority?.level ?? null, plan) : [],
    timers: timers.rows,
  };
}

/** The same for people. */
export function formatTime(time: TicketTime): readonly string[] {
  return [
    ...(time.due_at === null ? [] : [`due ${time.due_at} (by the desk)`]),
    ...time.deadlines.flatMap(formatDeadline),
    ...time.timers.map(
      ({ rule, due_at: at }) => `next look: ${rule ?? 'ticket.overdue'} at ${at.toISOString()}`,
    ),
  ];
}

function formatDeadline(deadline: DeadlineExplanation): readonly string[] {
  const { calendar, counted, holidays, reason } = deadline;
  const on = calendar === null ? 'round the clock' : `on ${calendar}, ${deadline.time_zone ?? ''}`;
  const head = `${deadline.what} ${deadline.due_at === null ? (reason ?? '') : `due ${deadline.due_at}`}`;
  const paused = deadline.paused_minutes === 0 ? '' : ` + ${deadline.paused_minutes} min paused`;
  return [
    `${head}: ${deadline.target_minutes} min${paused} from ${deadline.started_at} ${on}`,
    ...(counted.length === 0
      ? []
      : [`  counted: ${counted.map(({ date, minutes }) => `${date} ${minutes} min`).join(', ')}`]),
    ...(holidays.length === 0 ? [] : [`  not worked: ${holidays.join(', ')} (holiday)`]),
  ];
}
