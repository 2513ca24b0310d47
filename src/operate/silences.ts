import { checkConditionMap, type KnownNames } from '../match/load.ts';
import type { ConditionMap } from '../match/rule.ts';
import type { Silence } from '../ingest/silences.ts';
import { databaseNow, type Database } from '../record/database.ts';
import type { IdSource } from '../record/ids.ts';
import { isUuid, type Page, type PageRequest } from '../record/operate/page.ts';
import {
  endSilence as recordEnd,
  findSilence,
  insertSilence,
  listSilences,
  type ShownSilence,
} from '../record/operate/silences.ts';
import { OperateError } from './error.ts';

/** What all functions here work on. `configured`: silences of `deskhand.yaml`. */
export interface SilenceDeps {
  readonly database: Database;
  readonly configured: readonly Silence[];
}

/** Those of the configuration in its order, then those that people added, newest first. @throws OperateError */
export async function readSilences(
  page: PageRequest,
  { database, configured }: SilenceDeps,
): Promise<Page<ShownSilence>> {
  const { db } = database;
  const known = present(configured, await databaseNow(db));
  const place = known.findIndex((silence) => silence.id === page.after);
  if (page.after !== null && place < 0) {
    if (isUuid(page.after)) return listSilences(db, page);
    throw new OperateError('bad_request', 'after: expected the `next` of the page before');
  }
  const first = known.slice(place + 1, place + 1 + page.limit);
  if (first.length === page.limit) return { items: first, next: first.at(-1)?.id ?? null };
  const added = await listSilences(db, { limit: page.limit - first.length, after: null });
  return { items: [...first, ...added.items], next: added.next };
}

/** One silence; null if there is none. */
export async function readSilence(
  id: string,
  { database, configured }: SilenceDeps,
): Promise<ShownSilence | null> {
  if (isUuid(id)) return findSilence(database.db, id);
  const known = present(configured, await databaseNow(database.db));
  return known.find((silence) => silence.id === id) ?? null;
}

function present(configured: readonly Silence[], now: number): readonly ShownSilence[] {
  return configured.map(({ when, fromMs, untilMs, reason }, index) => ({
    id: `silences.${index}`,
    when,
    from: new Date(fromMs),
    until: new Date(untilMs),
    reason,
    created_by: 'the configuration',
    created_at: null,
    ended_at: null,
    ended_by: null,
    active: fromMs <= now && now < untilMs,
    configured: true,
  }));
}

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

/** Ends a silence now. @throws OperateError when none has this id, it is over, or it is configured */
export async function endSilence(id: string, by: string, deps: SilenceDeps): Promise<void> {
  const known = await readSilence(id, deps);
  if (known === null) throw new OperateError('not_found', `there is no silence ${id}`);
  if (known.configured) {
    throw new OperateError('wrong_state', `${id} stands in the configuration: end it there`);
  }
  if (known.ended_at !== null) throw new OperateError('wrong_state', `silence ${id} was ended before`);
  await recordEnd(deps.database.db, id, by);
}
