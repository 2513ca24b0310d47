import type { DeskEvent } from '../event.ts';
import type { Match } from '../match/matcher.ts';
import type { Rule } from '../match/rule.ts';
import { CommitUnknownError, type Database, type Tx } from '../record/database.ts';
import { findKeys, insertEvents, insertKeys, keyName, type KeyRow } from '../record/events.ts';
import { hashKey, type IdSource } from '../record/ids.ts';
import {
  countRecentRuns,
  countRunsOfRule,
  insertRuns,
  mute,
  type NewRun,
  type NewStep,
} from '../record/runs.ts';
import { pauseRule } from '../record/rules.ts';
import type { SlaPlan } from '../sla/clock.ts';
import { RuleSetMovedError, type ActiveRules, type RuleBook } from '../rules/active.ts';
import { mutedEvent, pausedEvent } from './own-events.ts';
import { decideRun, planRun, suppressed, type Decision } from './plan.ts';
import { armTimers } from './timers.ts';

/**
 * Where everything that happens becomes an event: in come drafts (from a poll, a webhook, a timer, a step), out go
 * the event, its runs and their planned steps, in the caller's transaction. It never talks to a vendor.
 */

export interface EventDraft {
  /** Made before the insert, so that after an unknown commit we recognise our own row. */
  readonly id: string;
  readonly connectionId: number;
  readonly event: DeskEvent;
  /** Bytes of a webhook, or of what an event of our own says. */
  readonly raw: Buffer | null;
  readonly depth: number;
  /** The step that caused it. */
  readonly causedBy: string | null;
  /** Keys in the ledger under which the same thing may come again; new only if all of them are. */
  readonly keys: readonly LedgerKey[];
  /** Only recorded: every match is suppressed with this reason. */
  readonly suppress?: string;
}

/** A remembered key. */
export interface LedgerKey {
  readonly key: string;
  /** Null: a repeat for as long as it is remembered. Else it is new again after that many ms. */
  readonly renewAfterMs: number | null;
}

export interface StoreDeps {
  readonly active: ActiveRules;
  readonly newId: IdSource;
  /** Wall clock, epoch ms. */
  readonly now: () => number;
  /** SLA targets by connection, for desks that keep no deadlines; default: none. */
  readonly sla?: ReadonlyMap<string, SlaPlan>;
  /** Why nobody is to act on an event now, or null; default: nothing is silenced. */
  readonly silencedBy?: (event: DeskEvent, now: number) => string | null;
  /** Told what a transaction stored, before it commits; default: nobody. */
  readonly observe?: (tx: Tx, observed: Observed) => void;
}

/** What a transaction stored, for metrics. */
export interface Observed {
  readonly events: readonly DeskEvent[];
  readonly runs: readonly NewRun[];
  readonly matchMs: number;
}

/** Per draft: was it new, and under which id is it known. */
export interface Stored {
  readonly eventId: string;
  readonly duplicate: boolean;
}

/** What a transaction planned: the executor is woken when there is something to do. */
export interface StoreResult {
  readonly stored: readonly Stored[];
  readonly runs: number;
}

/**
 * Runs `work` in a transaction, again with the newly active rule set whenever that was switched meanwhile.
 */
export async function inRuleSet<T>(
  database: Database,
  active: ActiveRules,
  work: (tx: Tx, book: RuleBook) => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await database.transaction(async (tx) => work(tx, await active.pin(tx)));
    } catch (error) {
      if (!(error instanceof RuleSetMovedError)) throw error;
      await active.refresh();
    }
  }
}

/**
 * Stores drafts, matches the new ones and plans their runs.
 *
 * @param keys `claimed`: the caller has inserted the drafts' keys and left out the repeats
 */
export async function storeEvents(
  tx: Tx,
  book: RuleBook,
  drafts: readonly EventDraft[],
  deps: StoreDeps,
  keys: 'claim' | 'claimed' = 'claim',
): Promise<StoreResult> {
  const stored =
    keys === 'claim'
      ? await claimKeys(tx, drafts)
      : drafts.map((draft) => ({ eventId: draft.id, duplicate: false }));
  const fresh = drafts.filter((_, index) => stored[index]?.duplicate === false);
  await armTimers(tx, book, fresh, deps.now());
  const plan = await planRuns(tx, book, fresh, deps);
  await Promise.all([insertEvents(tx, book.setId, fresh), insertRuns(tx, plan.runs, plan.steps)]);
  deps.observe?.(tx, {
    events: fresh.map((draft) => draft.event),
    runs: plan.runs,
    matchMs: plan.matchMs,
  });
  const active = plan.runs.filter((run) => run.state === 'active').length;
  // Breakers that tripped are events too; they are few, and their own keys end the recursion.
  const more = plan.own.length === 0 ? null : await storeEvents(tx, book, plan.own, deps);
  return { stored, runs: active + (more?.runs ?? 0) };
}

/**
 * After a commit whose answer was lost: a key that holds our id was committed by us, another id is a repeat, no id
 * means that nothing was committed.
 *
 * @returns null if the group was not committed
 */
export async function lookUpGroup(
  database: Database,
  drafts: readonly KeyHolder[],
): Promise<readonly Stored[] | null> {
  const keys = drafts.map((draft) => ({
    connectionId: draft.connectionId,
    hash: hashKey(draft.keys[0]?.key ?? ''),
  }));
  const known = await findKeys(database.db, keys);
  const results = drafts.map((draft, index): Stored | null => {
    const key = keys[index];
    const id = key === undefined ? undefined : known.get(keyName(key.connectionId, key.hash));
    return id === undefined ? null : { eventId: id, duplicate: id !== draft.id };
  });
  return results.every((result) => result !== null) ? results : null;
}

/** Stores one group, to the end: also over a switched rule set and over a commit whose answer was lost. */
export async function storeGroup(
  database: Database,
  drafts: readonly EventDraft[],
  deps: StoreDeps,
): Promise<StoreResult> {
  try {
    return await inRuleSet(database, deps.active, (tx, book) => storeEvents(tx, book, drafts, deps));
  } catch (error) {
    if (!(error instanceof CommitUnknownError)) throw error;
    const stored = await lookUpGroup(database, drafts);
    if (stored === null) return storeGroup(database, drafts, deps);
    return { stored, runs: 1 };
  }
}

/** What the ledger needs to know of a draft or a delivery. */
export interface KeyHolder {
  readonly id: string;
  readonly connectionId: number;
  readonly keys: readonly LedgerKey[];
}

/**
 * Inserts all keys first, sorted; a holder is new only if every one of its keys was. A key that stands twice in one
 * group belongs to the first that brings it.
 */
export async function claimKeys(tx: Tx, holders: readonly KeyHolder[]): Promise<readonly Stored[]> {
  const firstHolder = new Map<string, KeyRow>();
  const keysOf = holders.map((holder) =>
    holder.keys.map(({ key, renewAfterMs }) => {
      const hash = hashKey(key);
      const name = keyName(holder.connectionId, hash);
      const row = { connectionId: holder.connectionId, hash, eventId: holder.id, renewAfterMs };
      if (!firstHolder.has(name)) firstHolder.set(name, row);
      return { connectionId: holder.connectionId, hash, name };
    }),
  );
  const rows = [...firstHolder.values()].sort(
    (a, b) => a.connectionId - b.connectionId || a.hash.compare(b.hash),
  );
  const inserted = await insertKeys(tx, rows);
  const ours = (holder: KeyHolder, name: string): boolean =>
    inserted.has(name) && firstHolder.get(name)?.eventId === holder.id;

  const repeated = holders.map((holder, index) => keysOf[index]?.find((key) => !ours(holder, key.name)));
  const older = await findKeys(
    tx,
    repeated.filter((key) => key !== undefined),
  );
  return holders.map((holder, index) => {
    const key = repeated[index];
    if (key === undefined) return { eventId: holder.id, duplicate: false };
    return { eventId: older.get(key.name) ?? holder.id, duplicate: true };
  });
}

interface Planned {
  readonly runs: NewRun[];
  readonly steps: NewStep[];
  readonly own: EventDraft[];
  readonly matchMs: number;
}

async function planRuns(
  tx: Tx,
  book: RuleBook,
  drafts: readonly EventDraft[],
  deps: StoreDeps,
): Promise<Planned> {
  const now = deps.now();
  const startedAt = performance.now();
  const pairs = drafts.flatMap((draft) =>
    book.matcher.match(draft.event, now).map((match: Match) => ({ draft, rule: match.rule })),
  );
  const matchMs = performance.now() - startedAt;
  const planned: Planned = { runs: [], steps: [], own: [], matchMs };
  if (pairs.length === 0) return planned;

  const silenced = new Map(
    pairs.map(({ draft }) => [draft, deps.silencedBy?.(draft.event, now) ?? null] as const),
  );
  const counts = await countRuns(tx, pairs);
  for (const { draft, rule } of pairs) {
    const standing = {
      depth: draft.depth,
      paused: book.paused.has(rule.id),
      ...counts.take(draft, rule),
    };
    const quiet = draft.suppress ?? silenced.get(draft) ?? null;
    const decision = quiet === null ? decideRun(rule, standing) : suppressed(quiet);
    counts.add(draft, rule, decision);
    const versionId = book.versionOf.get(rule.id);
    if (versionId === undefined) throw new Error(`rule ${rule.id} has no stored version`);
    const { run, steps } = planRun(
      {
        eventId: draft.id,
        eventAt: draft.event.observed_at,
        connectionId: draft.connectionId,
        ticketId: draft.event.ticket_id,
        depth: draft.depth,
        replayNo: 0,
      },
      rule,
      versionId,
      decision,
      deps.newId,
    );
    planned.runs.push(run);
    planned.steps.push(...steps);
    planned.own.push(...(await tripBreakers(tx, draft, rule, decision, deps)));
  }
  return planned;
}

/** A rule that ran too often is silenced or paused, once, and that is an event of its own. */
async function tripBreakers(
  tx: Tx,
  draft: EventDraft,
  rule: Rule,
  decision: Decision,
  deps: StoreDeps,
): Promise<readonly EventDraft[]> {
  const ticketId = draft.event.ticket_id;
  if (decision.mute && ticketId !== null) {
    const pair = { ruleId: rule.id, connectionId: draft.connectionId, ticketId };
    if (await mute(tx, pair, rule.limit.perTicket.perMs)) return [mutedEvent(draft, rule, deps)];
  }
  if (decision.pause && (await pauseRule(tx, rule.id, 'per_rule limit')))
    return [pausedEvent(draft, rule, deps)];
  return [];
}

interface Counts {
  take(
    draft: EventDraft,
    rule: Rule,
  ): { recentRuns: number | null; muted: boolean; recentRunsOfRule: number | null };
  add(draft: EventDraft, rule: Rule, decision: Decision): void;
}

/** Counts of the database plus what this very group adds to them. */
async function countRuns(
  tx: Tx,
  pairs: readonly { readonly draft: EventDraft; readonly rule: Rule }[],
): Promise<Counts> {
  const name = (draft: EventDraft, rule: Rule): string =>
    `${rule.id} ${draft.connectionId} ${draft.event.ticket_id ?? ''}`;
  const asked = new Map(
    pairs
      .filter(({ draft }) => draft.event.ticket_id !== null)
      .map(({ draft, rule }) => [name(draft, rule), { draft, rule }]),
  );
  const answers = await countRecentRuns(
    tx,
    [...asked.values()].map(({ draft, rule }) => ({
      ruleId: rule.id,
      connectionId: draft.connectionId,
      ticketId: draft.event.ticket_id ?? '',
      perMs: rule.limit.perTicket.perMs,
    })),
  );
  const perPair = new Map([...asked.keys()].map((key, index) => [key, answers[index]]));
  const perRule = new Map<string, number>();
  for (const { rule } of pairs) {
    if (rule.limit.perRule === null || perRule.has(rule.id)) continue;
    perRule.set(rule.id, await countRunsOfRule(tx, rule.id, rule.limit.perRule.perMs));
  }
  return {
    take(draft, rule) {
      const pair = perPair.get(name(draft, rule));
      return {
        recentRuns: pair?.runs ?? null,
        muted: pair?.muted ?? false,
        recentRunsOfRule: perRule.get(rule.id) ?? null,
      };
    },
    add(draft, rule, decision) {
      const key = name(draft, rule);
      const pair = perPair.get(key);
      if (pair !== undefined && decision.state !== 'ended')
        perPair.set(key, { ...pair, runs: pair.runs + 1 });
      if (pair !== undefined && decision.mute) perPair.set(key, { ...pair, muted: true });
      const ofRule = perRule.get(rule.id);
      if (ofRule !== undefined && decision.state === 'active') perRule.set(rule.id, ofRule + 1);
    },
  };
}
