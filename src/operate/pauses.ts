import type { Database } from '../record/database.ts';
import {
  countHeld,
  discardHeld,
  endRulePause,
  notifyPause,
  releaseHeld,
  setConnectionPaused,
  setPausedAll,
} from '../record/operate/pauses.ts';
import { findRule, readPauses } from '../record/operate/rules.ts';
import { pauseRule as recordPause } from '../record/rules.ts';
import { OperateError } from './error.ts';

/** What becomes of the runs that a paused rule held. */
export type HeldDecision = 'release' | 'discard';

export interface RuleResumed {
  readonly rule: string;
  readonly paused: false;
  readonly released: number;
  readonly discarded: number;
}

const BATCH = 500;

/** Stops a rule: its matches wait as held runs, its open steps are postponed. @throws OperateError if unknown */
export async function pauseRule(
  database: Database,
  ruleId: string,
  reason: string,
): Promise<{ readonly rule: string; readonly paused: true; readonly changed: boolean }> {
  if ((await findRule(database.db, ruleId)) === null) throw unknownRule(ruleId);
  const changed = await recordPause(database.db, ruleId, reason);
  await notifyPause(database.db);
  return { rule: ruleId, paused: true, changed };
}

/**
 * Lets a rule go on. What it held while a person had paused it is released unless told otherwise; what a limit held
 * needs the person's word.
 *
 * @throws OperateError for an unknown rule, or where that word is missing
 */
export async function resumeRule(
  database: Database,
  ruleId: string,
  held: HeldDecision | null,
): Promise<RuleResumed> {
  const { db } = database;
  const [rule, pauses, waiting] = await Promise.all([
    findRule(db, ruleId),
    readPauses(db),
    countHeld(db, ruleId),
  ]);
  const pause = pauses.find((row) => row.rule === ruleId);
  if (rule === null && pause === undefined && waiting === 0) throw unknownRule(ruleId);
  if (held === null && waiting > 0 && pause?.reason === 'per_rule limit') {
    throw new OperateError(
      'held_runs',
      `${waiting} runs are held because the rule ran over its limit: say whether to release or to discard them`,
    );
  }
  await database.transaction((tx) => endRulePause(tx, ruleId));
  const discard = held === 'discard';
  let decided = 0;
  for (;;) {
    const count = await database.transaction((tx) =>
      discard ? discardHeld(tx, ruleId, BATCH) : releaseHeld(tx, ruleId, BATCH),
    );
    decided += count;
    if (count < BATCH) break;
  }
  await notifyPause(db);
  return { rule: ruleId, paused: false, released: discard ? 0 : decided, discarded: discard ? decided : 0 };
}

/** Stops polling and writing of one connection, or lets both go on. @throws OperateError if it is unknown */
export async function pauseConnection(
  database: Database,
  name: string,
  paused: boolean,
): Promise<{ readonly connection: string; readonly paused: boolean; readonly changed: boolean }> {
  const changed = await setConnectionPaused(database.db, name, paused);
  if (changed === null) throw new OperateError('not_found', `there is no connection ${name}`);
  return { connection: name, paused, changed };
}

/** The one switch: stops every action of every instance and keeps ingesting. */
export async function pauseAll(
  database: Database,
  reason: string | null,
): Promise<{ readonly paused: boolean; readonly changed: boolean }> {
  const changed = await database.transaction((tx) => setPausedAll(tx, reason));
  return { paused: reason !== null, changed };
}

function unknownRule(ruleId: string): OperateError {
  return new OperateError('not_found', `there is no rule ${ruleId} in the active set`);
}
