import { checkConditionMap, type KnownNames } from '../match/load.ts';
import type { ConditionMap } from '../match/rule.ts';
import type { Database } from '../record/database.ts';
import type { IdSource } from '../record/ids.ts';
import { endSilence as recordEnd, insertSilence } from '../record/silences.ts';
import { OperateError } from './error.ts';

export interface SilenceWish {
  /** A condition map as in a rule; empty: everything. */
  readonly when: unknown;
  /** Epoch ms. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly reason: string;
  readonly by: string;
}

const MAX_SILENCE_MS = 366 * 86_400_000;

/** Adds a silence; every instance keeps it within a second. @throws OperateError for one that makes no sense */
export async function addSilence(
  database: Database,
  wish: SilenceWish,
  known: KnownNames,
  newId: IdSource,
): Promise<{ readonly id: string }> {
  const refuse = (message: string): never => {
    throw new OperateError('bad_request', message);
  };
  if (!(wish.fromMs < wish.untilMs)) refuse('the silence ends before it starts');
  if (wish.untilMs - wish.fromMs > MAX_SILENCE_MS) refuse('a silence is at most a year long');
  if (wish.reason.trim() === '') refuse('a silence needs a reason');
  const when = wish.when ?? {};
  const mistakes: string[] = [];
  checkConditionMap(
    when,
    [],
    {
      error: (path, message) => {
        mistakes.push(path.length === 0 ? message : `${path.join('.')}: ${message}`);
      },
      warning: () => undefined,
    },
    known,
  );
  if (mistakes.length > 0) refuse(mistakes.join('\n'));
  const id = newId();
  await insertSilence(database.db, {
    id,
    when: when as ConditionMap,
    fromMs: wish.fromMs,
    untilMs: wish.untilMs,
    reason: wish.reason.trim(),
    createdBy: wish.by,
  });
  return { id };
}

/** Ends a silence now. @throws OperateError when none in force has this id */
export async function endSilence(database: Database, id: string, by: string): Promise<void> {
  if (!(await recordEnd(database.db, id, by)))
    throw new OperateError('not_found', `no silence ${id} is in force`);
}
