import { RuleError, type Problem } from '../errors.ts';
import { loadRules, type KnownNames, type RuleFile } from '../match/load.ts';
import type { Rule } from '../match/rule.ts';
import type { Database } from '../record/database.ts';
import {
  activateRuleSet,
  activeSetId,
  findRuleSet,
  hashRuleSet,
  insertRuleSet,
  setFirePast,
} from '../record/rules.ts';

/**
 * `changed`: publish whenever the content is not the active one. `new`: only content that was never published
 * before, or when nothing is active; so a rolling deploy does not flip-flop between two versions' folders.
 */
export type PublishWhen = 'changed' | 'new';

export interface Published {
  /** `active`: this content was active already. `older`: it was published before and something else is active. */
  readonly outcome: 'published' | 'active' | 'older';
  readonly ruleSetId: number;
  readonly rules: readonly Rule[];
  readonly warnings: readonly Problem[];
}

/**
 * Publishes rule files as one immutable set and activates it.
 *
 * @param options `firePast`: moments of time rules that are past by now fire all the same; default false
 * @throws RuleError with every mistake, when there is one; the active set stays
 */
export async function publishRules(
  database: Database,
  files: readonly RuleFile[],
  known: KnownNames,
  options: { readonly when: PublishWhen; readonly by: string; readonly firePast?: boolean },
): Promise<Published> {
  const { rules, problems } = loadRules(files, known);
  if (problems.some((problem) => problem.severity === 'error')) throw new RuleError(problems);
  const contentHash = hashRuleSet(rules);
  return database.transaction(async (tx) => {
    const [existing, active] = [await findRuleSet(tx, contentHash), await activeSetId(tx)];
    const result = (outcome: Published['outcome'], ruleSetId: number): Published => ({
      outcome,
      ruleSetId,
      rules,
      warnings: problems,
    });
    if (existing !== null && existing === active) return result('active', existing);
    if (existing !== null && active !== null && options.when === 'new') return result('older', existing);
    const ruleSetId = existing ?? (await insertRuleSet(tx, rules, options.by));
    await setFirePast(tx, ruleSetId, options.firePast ?? false);
    await activateRuleSet(tx, ruleSetId);
    return result('published', ruleSetId);
  });
}
