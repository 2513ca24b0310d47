import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Rule } from '../match/rule.ts';
import type { Db, Tx } from './database.ts';
import { LOCKS } from './locks.ts';
import { presume } from './presume.ts';

/** A rule as published: the immutable version and the text it came from. */
export interface RuleVersion {
  readonly versionId: number;
  readonly rule: Rule;
  readonly createdAt: Date;
}

/**
 * Takes the shared lock and then, in the next statement, reads the active set's id: in one statement it would get
 * the id from before the wait.
 *
 * @returns the active set's id, null if none was ever published
 */
export async function pinActiveSet(tx: Tx): Promise<number | null> {
  const [, setId] = await Promise.all([
    sql`SELECT pg_advisory_xact_lock_shared(${LOCKS.ruleSwitch})`.execute(tx),
    activeSetId(tx),
  ]);
  return setId;
}

/** Takes the shared lock, and presumes in the next statement that `setId` is the active set. */
export async function presumeActiveSet(tx: Tx, setId: number | null): Promise<void> {
  const locked = sql`SELECT pg_advisory_xact_lock_shared(${LOCKS.ruleSwitch})`.execute(tx);
  const active = sql<boolean>`
    SELECT (SELECT rule_set_id FROM active_rule_set) IS NOT DISTINCT FROM ${setId}::bigint`;
  await Promise.all([locked, presume(tx, active, 'the rule set is active')]);
}

export async function activeSetId(db: Db): Promise<number | null> {
  const row = await db.selectFrom('active_rule_set').select('rule_set_id').executeTakeFirst();
  return row?.rule_set_id ?? null;
}

export async function readRuleSet(db: Db, ruleSetId: number): Promise<readonly RuleVersion[]> {
  const rows = await db
    .selectFrom('rule_set_rules')
    .innerJoin('rule_versions', 'rule_versions.id', 'rule_set_rules.rule_version_id')
    .select(['rule_versions.id', 'rule_versions.doc', 'rule_versions.created_at'])
    .where('rule_set_rules.rule_set_id', '=', ruleSetId)
    .execute();
  return rows.map((row) => ({ versionId: row.id, rule: row.doc, createdAt: row.created_at }));
}

export async function readRuleVersions(db: Db, ids: readonly number[]): Promise<readonly RuleVersion[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .selectFrom('rule_versions')
    .select(['id', 'doc', 'created_at'])
    .where(sql<boolean>`id = ANY(${ids}::bigint[])`)
    .execute();
  return rows.map((row) => ({ versionId: row.id, rule: row.doc, createdAt: row.created_at }));
}

/** One fingerprint for a set, whatever the order of its files. */
export function hashRuleSet(rules: readonly Rule[]): Buffer {
  const lines = rules.map((rule) => `${rule.id} ${hashRule(rule).toString('hex')}`).sort();
  return createHash('sha256').update(lines.join('\n')).digest();
}

/** Tests and their line numbers are not part of what a rule does. */
function hashRule(rule: Rule): Buffer {
  const { tests: _tests, ...acting } = rule;
  return createHash('sha256').update(JSON.stringify(acting)).digest();
}

/** The set with this content if it was ever published. */
export async function findRuleSet(db: Db, contentHash: Buffer): Promise<number | null> {
  const row = await db
    .selectFrom('rule_sets')
    .select('id')
    .where('content_hash', '=', contentHash)
    .orderBy('id', 'desc')
    .executeTakeFirst();
  return row?.id ?? null;
}

/** Stores the versions and the set; nothing matches with it until {@link activateRuleSet}. */
export async function insertRuleSet(tx: Tx, rules: readonly Rule[], publishedBy: string): Promise<number> {
  await sql`
    INSERT INTO rule_versions (rule_id, doc_hash, doc)
    SELECT * FROM unnest(
      ${rules.map((rule) => rule.id)}::text[], ${rules.map(hashRule)}::bytea[],
      ${rules.map((rule) => JSON.stringify(rule))}::jsonb[])
    ON CONFLICT DO NOTHING`.execute(tx);
  const set = await tx
    .insertInto('rule_sets')
    .values({ content_hash: hashRuleSet(rules), published_by: publishedBy })
    .returning('id')
    .executeTakeFirstOrThrow();
  await sql`
    INSERT INTO rule_set_rules (rule_set_id, rule_version_id)
    SELECT ${set.id}::bigint, v.id
      FROM unnest(${rules.map((rule) => rule.id)}::text[], ${rules.map(hashRule)}::bytea[])
        AS row (rule_id, doc_hash)
      JOIN rule_versions v USING (rule_id, doc_hash)`.execute(tx);
  return set.id;
}

/** Whether moments that are past when the set becomes active fire all the same. */
export async function setFirePast(tx: Tx, ruleSetId: number, firePast: boolean): Promise<void> {
  await sql`UPDATE rule_sets SET fire_past = ${firePast} WHERE id = ${ruleSetId}`.execute(tx);
}

/** Switches the one row, under the exclusive lock, and does nothing else there. */
export async function activateRuleSet(tx: Tx, ruleSetId: number): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${LOCKS.ruleSwitch})`.execute(tx);
  await tx
    .insertInto('active_rule_set')
    .values({ rule_set_id: ruleSetId })
    .onConflict((conflict) =>
      conflict.column('only_row').doUpdateSet({ rule_set_id: ruleSetId, activated_at: sql<Date>`app_now()` }),
    )
    .execute();
  await sql`SELECT pg_notify('deskhand_rules', ${String(ruleSetId)})`.execute(tx);
}

/** Rules that a person or a breaker paused, with the reason. */
export async function readPausedRules(db: Db): Promise<ReadonlyMap<string, string>> {
  const rows = await db.selectFrom('rule_states').select(['rule_id', 'pause_reason']).execute();
  return new Map(rows.map((row) => [row.rule_id, row.pause_reason]));
}

/** Pauses a rule. @returns false if it was paused already */
export async function pauseRule(db: Db, ruleId: string, reason: string): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO rule_states (rule_id, paused_at, pause_reason) VALUES (${ruleId}, app_now(), ${reason})
    ON CONFLICT DO NOTHING RETURNING 1`.execute(db);
  return rows.length > 0;
}
