import { sql, type RawBuilder } from 'kysely';
import type { Db } from '../database.ts';
import { isUuid, toPage, type Page, type PageRequest } from './page.ts';

/** What waits for its moment. */
export interface ShownTimer {
  readonly id: string;
  /** `rule`: a rule looks at a ticket again; `overdue`: the ticket's own due time; `step`: a wait, or a postponed step. */
  readonly kind: 'rule' | 'overdue' | 'schedule' | 'step';
  readonly due_at: Date;
  /** Null for schedules and steps. */
  readonly armed_at: Date | null;
  /** Null for `overdue`: any rule on `ticket.overdue`. */
  readonly rule: string | null;
  /** Null for schedules, as is the ticket. */
  readonly connection: string | null;
  readonly ticket_id: string | null;
  /** Of a step only, as is its action. */
  readonly step_id: string | null;
  readonly action: string | null;
  /** Why a step waits, and when a schedule comes. */
  readonly reason: string | null;
}

/** `key` tells rows apart that are due at the same time; it and `due_at` are the place in the list. */
type TimerRow = Omit<ShownTimer, 'id'> & { readonly key: string; readonly due_text: string };

const TIMERS = sql`
  SELECT CASE t.rule_id WHEN '' THEN 'overdue' ELSE 'rule' END AS kind, t.due_at, t.armed_at,
         nullif(t.rule_id, '') AS rule, c.name AS connection, t.ticket_id, NULL::uuid AS step_id,
         NULL AS action, NULL AS reason, jsonb_build_array('timer', c.name, t.ticket_id, t.rule_id)::text AS key
    FROM timers t JOIN connections c ON c.id = t.connection_id`;
const SCHEDULES = sql`
  SELECT 'schedule' AS kind, next_at AS due_at, NULL::timestamptz AS armed_at, rule_id AS rule,
         NULL AS connection, NULL AS ticket_id, NULL::uuid AS step_id, NULL AS action,
         cron || ' ' || time_zone AS reason, jsonb_build_array('schedule', rule_id)::text AS key
    FROM schedules`;
const STEPS = sql`
  SELECT 'step' AS kind, s.due_at, NULL::timestamptz AS armed_at, r.rule_id AS rule, c.name AS connection,
         r.ticket_id, s.id AS step_id, s.action, s.reason, jsonb_build_array('step', s.id)::text AS key
    FROM lanes l
    JOIN steps s ON s.lane_id = l.id AND s.due_at IS NOT NULL AND s.state IN ('waiting', 'postponed')
    JOIN runs r ON r.id = s.run_id JOIN connections c ON c.id = r.connection_id
   WHERE l.next_due_at IS NOT NULL`;

/** Everything that waits for its moment, the next first: timers of rules, schedules, and steps. */
export async function listTimers(db: Db, page: PageRequest): Promise<Page<ShownTimer>> {
  const [due = '-infinity', key = ''] = decode(page.after);
  // Each kind by its own index and no further than the page; the first comparison is what an index can answer.
  const part = (rows: RawBuilder<unknown>): RawBuilder<unknown> => sql`
    (SELECT *, due_at::text AS due_text FROM (${rows}) row
      WHERE due_at >= ${due}::timestamptz AND (due_at, key) > (${due}::timestamptz, ${key})
      ORDER BY due_at, key LIMIT ${page.limit + 1})`;
  const { rows } = await sql<TimerRow>`
    ${part(TIMERS)} UNION ALL ${part(SCHEDULES)} UNION ALL ${part(STEPS)}
    ORDER BY due_at, key LIMIT ${page.limit + 1}`.execute(db);
  return toPage(rows, page.limit, (row) => encode([row.due_text, row.key]), present);
}

/** True for a `next` that this list gave. */
export function isTimerPage(text: string): boolean {
  const [due = '', key] = decode(text);
  return key !== undefined && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.test(due) && !Number.isNaN(Date.parse(due));
}

/** One of them by the id that the list gave; null also once its moment is over. */
export async function findTimer(db: Db, id: string): Promise<ShownTimer | null> {
  const [kind, first = '', ticketId = '', rule = ''] = decode(id);
  const one = (rows: RawBuilder<unknown>, where: RawBuilder<unknown>): RawBuilder<TimerRow> =>
    sql<TimerRow>`SELECT *, due_at::text AS due_text FROM (${rows}) row WHERE ${where}`;
  const wanted =
    kind === 'timer'
      ? one(TIMERS, sql`connection = ${first} AND ticket_id = ${ticketId} AND coalesce(rule, '') = ${rule}`)
      : kind === 'schedule'
        ? one(SCHEDULES, sql`rule = ${first}`)
        : kind === 'step' && isUuid(first)
          ? one(STEPS, sql`step_id = ${first}`)
          : null;
  const row = (await wanted?.execute(db))?.rows[0];
  return row === undefined ? null : present(row);
}

function present({ due_text: _due, key, ...row }: TimerRow): ShownTimer {
  return { id: Buffer.from(key).toString('base64url'), ...row };
}

function encode(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** The texts that an id or a page's `next` is made of; none where it was not made here. */
function decode(text: string | null): readonly string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text ?? '', 'base64url').toString('utf8'));
    return Array.isArray(parts) && parts.every((part): part is string => typeof part === 'string')
      ? parts
      : [];
  } catch {
    return [];
  }
}
