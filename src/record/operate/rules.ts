import { sql } from 'kysely';
import type { Rule } from '../../match/rule.ts';
import type { Db } from '../database.ts';
import { toPage, type Page, type PageRequest } from './page.ts';

/** A rule of the active set. */
export interface ShownRule {
  readonly id: string;
  readonly name: string;
  readonly mode: Rule['mode'];
  readonly order: number;
  readonly on: readonly string[];
  readonly version: number;
  readonly paused: boolean;
  readonly paused_at: Date | null;
  readonly pause_reason: string | null;
  /** Runs that wait for the rule to be resumed. */
  readonly held: number;
  readonly rule: Rule;
}

/** Rules of the active set by id. */
export async function listRules(db: Db, page: PageRequest): Promise<Page<ShownRule>> {
  const rows = await select(
    db,
    sql`v.rule_id > ${page.after ?? ''} ORDER BY v.rule_id LIMIT ${page.limit + 1}`,
  );
  return toPage(
    rows,
    page.limit,
    (row) => row.id,
    (row) => row,
  );
}

export async function findRule(db: Db, ruleId: string): Promise<ShownRule | null> {
  const rows = await select(db, sql`v.rule_id = ${ruleId}`);
  return rows[0] ?? null;
}

async function select(db: Db, where: ReturnType<typeof sql>): Promise<readonly ShownRule[]> {
  const { rows } = await sql<ShownRule>`
    SELECT v.rule_id AS id, v.doc->>'name' AS name, v.doc->>'mode' AS mode, (v.doc->>'order')::float8 AS "order",
           v.doc->'on' AS on, v.id AS version, p.paused_at IS NOT NULL AS paused, p.paused_at, p.pause_reason,
           (SELECT count(*)::int FROM runs r WHERE r.rule_id = v.rule_id AND r.state = 'held') AS held, v.doc AS rule
      FROM active_rule_set a
      JOIN rule_set_rules m ON m.rule_set_id = a.rule_set_id
      JOIN rule_versions v ON v.id = m.rule_version_id
      LEFT JOIN rule_states p ON p.rule_id = v.rule_id
     WHERE ${where}`.execute(db);
  return rows;
}

/** Names of rules that are paused, with when and why. */
export async function readPauses(
  db: Db,
): Promise<readonly { readonly rule: string; readonly paused_at: Date; readonly reason: string }[]> {
  const { rows } = await sql<{ rule: string; paused_at: Date; reason: string }>`
    SELECT rule_id AS rule, paused_at, pause_reason AS reason FROM rule_states ORDER BY rule_id`.execute(db);
  return rows;
}
