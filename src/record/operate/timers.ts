import { sql } from 'kysely';
import type { Db } from '../database.ts';
import { toPage, type Page, type PageRequest } from './page.ts';

/** When a rule is looked at again for a ticket. */
export interface ShownTimer {
  readonly id: string;
  readonly connection: string;
  readonly ticket_id: string;
  /** Null: the ticket's own due time, for rules on `ticket.overdue`. */
  readonly rule: string | null;
  readonly due_at: Date;
  readonly armed_at: Date;
}

type TimerRow = Omit<ShownTimer, 'id' | 'rule'> & { readonly rule: string; readonly due_text: string };

const COLUMNS = sql`c.name AS connection, t.ticket_id, t.rule_id AS rule, t.due_at, t.armed_at, t.due_at::text AS due_text`;

/** Timers, the next first. */
export async function listTimers(db: Db, page: PageRequest): Promise<Page<ShownTimer>> {
  const [due, connection, ticketId, rule] = decode(page.after) ?? ['-infinity', '', '', ''];
  const { rows } = await sql<TimerRow>`
    SELECT ${COLUMNS} FROM timers t JOIN connections c ON c.id = t.connection_id
     WHERE (t.due_at, c.name, t.ticket_id, t.rule_id) > (${due}::timestamptz, ${connection}, ${ticketId}, ${rule})
     ORDER BY t.due_at, c.name, t.ticket_id, t.rule_id LIMIT ${page.limit + 1}`.execute(db);
  return toPage(
    rows,
    page.limit,
    (row) => encode([row.due_text, row.connection, row.ticket_id, row.rule]),
    present,
  );
}

/** True for a `next` that this list gave. */
export function isTimerPage(text: string): boolean {
  const due = decode(text)?.[0] ?? '';
  return /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.test(due) && !Number.isNaN(Date.parse(due));
}

export async function findTimer(db: Db, id: string): Promise<ShownTimer | null> {
  const [, connection, ticketId, rule] = decode(id) ?? [];
  if (rule === undefined) return null;
  const { rows } = await sql<TimerRow>`
    SELECT ${COLUMNS} FROM timers t JOIN connections c ON c.id = t.connection_id
     WHERE c.name = ${connection} AND t.ticket_id = ${ticketId} AND t.rule_id = ${rule}`.execute(db);
  return rows[0] === undefined ? null : present(rows[0]);
}

function present({ due_text: _due, ...row }: TimerRow): ShownTimer {
  const id = encode(['', row.connection, row.ticket_id, row.rule]);
  return { id, ...row, rule: row.rule === '' ? null : row.rule };
}

function encode(key: readonly [string, string, string, string]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

function decode(text: string | null): readonly [string, string, string, string] | null {
  if (text === null) return null;
  try {
    const key: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    const fits =
      Array.isArray(key) && key.length === 4 && key.every((part): part is string => typeof part === 'string');
    return fits ? (key as unknown as readonly [string, string, string, string]) : null;
  } catch {
    return null;
  }
}
