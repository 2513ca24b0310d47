import type { DeskEvent } from '../event.ts';
import { CommitUnknownError, type Database, type Tx } from '../record/database.ts';
import { insertEvents } from '../record/events.ts';
import { pauseRule } from '../record/rules.ts';
import { insertRuns, mute, type NewRun } from '../record/runs.ts';
import { RuleSetMovedError, type ActiveRules, type RuleBook } from '../rules/active.ts';
import type { SlaPlan } from '../sla/clock.ts';
import type { EventDraft } from './event-draft.ts';
import { claimKeys, lookUpGroup, type Stored } from './ledger.ts';
import { mutedEvent, pausedEvent } from './own-events.ts';
import { countRuns, matchAll, planRuns, type PlanDeps, type Planned } from './plan-runs.ts';
import { armTimers } from './timers.ts';

/**
 * Where everything that happens becomes an event: in come drafts (from a poll, a webhook, a timer, a step), out go
 * the event, its runs and their planned steps, in the caller's transaction. It never talks to a vendor.
 */

export interface StoreDeps extends PlanDeps {
  readonly active: ActiveRules;
  /** SLA targets by connection, for desks that keep no deadlines; default: none. */
  readonly sla?: ReadonlyMap<string, SlaPlan>;
  /** Told what a transaction stored, before it commits; default: nobody. */
  readonly observe?: (tx: Tx, observed: Observed) => void;
}

/** What a transaction stored, for metrics. */
export interface Observed {
  readonly events: readonly DeskEvent[];
  readonly runs: readonly NewRun[];
  readonly matchMs: number;
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
  const { matches, tookMs } = matchAll(book, fresh, deps.now());
  const [counts] = await Promise.all([countRuns(tx, matches), armTimers(tx, book, fresh, deps.now())]);
  const plan = planRuns(book, matches, counts, deps);
  const own: EventDraft[] = [];
  for (const over of plan.over) own.push(...(await tripBreakers(tx, over, deps)));
  await Promise.all([insertEvents(tx, book.setId, fresh), insertRuns(tx, plan.runs, plan.steps)]);
  deps.observe?.(tx, { events: fresh.map((draft) => draft.event), runs: plan.runs, matchMs: tookMs });
  const active = plan.runs.filter((run) => run.state === 'active').length;
  // Breakers that tripped are events too; they are few, and their own keys end the recursion.
  const more = own.length === 0 ? null : await storeEvents(tx, book, own, deps);
  return { stored, runs: active + (more?.runs ?? 0) };
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

/** A rule that ran too often is silenced or paused, once, and that is an event of its own. */
async function tripBreakers(
  tx: Tx,
  { draft, rule, decision }: Planned['over'][number],
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
