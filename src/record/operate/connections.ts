import { sql } from 'kysely';
import type { Instant } from '../../ticket.ts';
import { MEMORY_MS } from '../budgets.ts';
import type { Db } from '../database.ts';
import { toPage, type Page, type PageRequest } from './page.ts';

/** A feed as far as it has come. */
export interface ShownFeed {
  readonly feed: string;
  readonly lag_seconds: number | null;
  readonly last_complete_at: Instant | null;
  readonly next_poll_at: Instant;
  readonly baseline_done: boolean;
  readonly failures: number;
  readonly last_error: string | null;
  /** The fallback that its last walk had to take; null: none. */
  readonly degraded: string | null;
  /** Spans that its walks have covered, oldest first; the last {@link SPANS}. */
  readonly covered: readonly Span[];
  /** Holes between them: nobody can tell what happened then. */
  readonly gaps: readonly Span[];
}

export interface Span {
  readonly from: Instant;
  readonly to: Instant;
}

/** What was taken of a budget. */
export interface Spending {
  /** Over about the last ten minutes. */
  readonly per_minute: number;
  readonly last_at: Instant;
}

/** A connection with its feeds and budgets. */
export interface ShownConnection {
  /** The same as `name`: what paths take. */
  readonly id: string;
  readonly name: string;
  readonly vendor: string;
  readonly state: 'ok' | 'degraded' | 'stopped';
  readonly reason: string | null;
  readonly paused: boolean;
  readonly paused_at: Date | null;
  readonly silent_until: Date | null;
  readonly silent_reason: string | null;
  readonly findings: readonly string[];
  readonly feeds: readonly ShownFeed[];
  /** Calls left when the budget was last asked. */
  readonly budgets: Readonly<Record<string, number>>;
  /** By budget. */
  readonly spending: Readonly<Record<string, Spending>>;
  /** Tickets that somebody asked us to look at and that were not read yet. */
  readonly nominations: number;
}

/** Connections by name; row 0, Deskhand itself, is none that people configure. */
export async function listConnections(db: Db, page: PageRequest): Promise<Page<ShownConnection>> {
  const rows = await select(
    db,
    sql`c.id > 0 AND c.name > ${page.after ?? ''} ORDER BY c.name LIMIT ${page.limit + 1}`,
  );
  return toPage(
    rows,
    page.limit,
    (row) => row.name,
    (row) => row,
  );
}

export async function findConnection(db: Db, name: string): Promise<ShownConnection | null> {
  const rows = await select(db, sql`c.id > 0 AND c.name = ${name}`);
  return rows[0] ?? null;
}

/** A column as every JSON surface writes instants; inside jsonb Postgres would write its own form. */
function iso(column: string): ReturnType<typeof sql> {
  return sql`to_char(${sql.ref(column)} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

/** More holes than these are old news. */
const SPANS = 20;

/** The ledger of the feed `f`: one row. */
const spansOfFeed = sql`
  SELECT coalesce(jsonb_agg(jsonb_build_object('from', ${iso('s.from_at')}, 'to', ${iso('s.to_at')})
           ORDER BY s.from_at), '[]') AS covered,
         coalesce(jsonb_agg(jsonb_build_object('from', ${iso('s.to_at')}, 'to', ${iso('s.next_at')})
           ORDER BY s.from_at) FILTER (WHERE s.next_at > s.to_at), '[]') AS gaps
    FROM (SELECT from_at, to_at, lead(from_at) OVER (ORDER BY from_at) AS next_at
            FROM (SELECT from_at, to_at FROM coverage WHERE connection_id = f.connection_id AND feed = f.feed
                   ORDER BY from_at DESC LIMIT ${SPANS}) newest) s`;

async function select(db: Db, where: ReturnType<typeof sql>): Promise<readonly ShownConnection[]> {
  const { rows } = await sql<ShownConnection>`
    SELECT c.name AS id, c.name, c.vendor, c.state, c.state_reason AS reason, c.paused_at IS NOT NULL AS paused,
           c.paused_at, CASE WHEN c.silent_until > app_now() THEN c.silent_until END AS silent_until,
           CASE WHEN c.silent_until > app_now() THEN c.silent_reason END AS silent_reason, c.findings,
           coalesce((SELECT jsonb_agg(jsonb_build_object(
               'feed', f.feed, 'last_complete_at', ${iso('f.last_complete_at')}, 'next_poll_at', ${iso('f.next_poll_at')},
               'lag_seconds', round(extract(epoch FROM app_now() - f.last_complete_at)),
               'baseline_done', f.baseline_done_at IS NOT NULL, 'failures', f.failures, 'last_error', f.last_error,
               'degraded', f.degraded, 'covered', v.covered, 'gaps', v.gaps)
               ORDER BY f.feed) FROM feeds f CROSS JOIN LATERAL (${spansOfFeed}) v
              WHERE f.connection_id = c.id), '[]') AS feeds,
           coalesce((SELECT jsonb_object_agg(b.budget, floor(b.tokens)) FROM budgets b WHERE b.connection_id = c.id),
               '{}') AS budgets,
           coalesce((SELECT jsonb_object_agg(b.budget, jsonb_build_object('last_at', ${iso('b.refilled_at')},
                'per_minute', round((${60_000 / MEMORY_MS}::float8 * b.spent * exp(-least(50, greatest(0,
                  extract(epoch FROM app_now() - b.refilled_at)::float8 / ${MEMORY_MS / 1000}::float8))))::numeric, 1)))
              FROM budgets b WHERE b.connection_id = c.id AND b.budget NOT LIKE '%:percent'), '{}') AS spending,
           (SELECT count(*)::int FROM nominations n WHERE n.connection_id = c.id) AS nominations
      FROM connections c WHERE ${where}`.execute(db);
  return rows;
}

/** The short id of a connection, null for a name that was never configured. */
export async function connectionIdOf(db: Db, name: string): Promise<number | null> {
  const row = await db.selectFrom('connections').select('id').where('name', '=', name).executeTakeFirst();
  return row?.id ?? null;
}
