import { checkConditionMap, type KnownNames } from '../match/load.ts';
import type { ConditionMap } from '../match/rule.ts';
import type { Database } from '../record/database.ts';
import type { IdSource } from '../record/ids.ts';
import { isUuid } from '../record/operate/page.ts';
import { endSilence as recordEnd, findSilence, insertSilence } from '../record/operate/silences.ts';
import { OperateError } from './error.ts';

/** A silence that somebody wants. */
export interface SilenceWish {
  /** A condition map as in a rule; empty: everything. */
  readonly when: Readonly<Record<string, unknown>>;
  /** Epoch ms. */
  readonly from: number;
  readonly until: number;
  readonly reason: string;
  readonly by: string;
}

/** Adds a silence; every instance keeps it within a second. @throws OperateError for one that makes no sense */
export async function addSilence(
  database: Database,
  wish: SilenceWish,
  known: KnownNames,
  newId: IdSource,
): Promise<string> {
  const { when, from, until, reason, by } = wish;
  if (!(from < until)) throw new OperateError('bad_request', 'the silence ends before it starts');
  if (reason.trim() === '') throw new OperateError('bad_request', 'a silence needs a reason');
  const mistakes: string[] = [];
  const report = {
    error: (path: readonly (string | number)[], message: string): void => {
      mistakes.push([path.join('.'), message].filter((part) => part !== '').join(': '));
    },
    warning: () => undefined,
  };
  checkConditionMap(when, [], report, known);
  if (mistakes.length > 0) throw new OperateError('bad_request', mistakes.join('\n'));
  const id = newId();
  const condition: ConditionMap = when;
  await insertSilence(database.db, {
    id,
    by,
    when: condition,
    reason: reason.trim(),
    from: new Date(from),
    until: new Date(until),
  });
  return id;
}

/** Ends a silence now. @throws OperateError when none has this id, or it is over */
export async function endSilence(database: Database, id: string, by: string): Promise<void> {
  const known = isUuid(id) ? await findSilence(database.db, id) : null;
  if (known === null) throw new OperateError('not_found', `there is no silence ${id}`);
  if (known.ended_at !== null) throw new OperateError('wrong_state', `silence ${id} was ended before`);
  await recordEnd(database.db, id, by);
}
