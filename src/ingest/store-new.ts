import { CommitUnknownError, type Database } from '../record/database.ts';
import { insertEvents, insertNewKeys, type StoredEvent } from '../record/events.ts';
import { isPresumption } from '../record/presume.ts';
import { presumeActiveSet } from '../record/rules.ts';
import {
  insertRunRows,
  leaseLanes,
  presumeLimits,
  type LaneLease,
  type NewRun,
  type NewStep,
  type PresumedLimit,
} from '../record/runs.ts';
import type { ClaimedStep } from '../record/steps.ts';
import type { RuleBook } from '../rules/active.ts';
import type { EventDraft } from './event-draft.ts';
import { newKeys } from './ledger.ts';
import {
  countNothing,
  matchAll,
  pairName,
  planRuns,
  questions,
  type Match,
  type Planned,
} from './plan-runs.ts';
import type { StoreDeps } from './store-event.ts';
import { armTimers } from './timers.ts';

/**
 * The short way into the store, for a group that is what most groups are: nothing in it came before, no limit is
 * reached, the rule set is still ours. It is matched in memory and leaves in one round trip, in which Postgres
 * refuses what was presumed wrongly; then the caller takes the long way. The first steps of its runs come back leased
 * to this instance: they need not be claimed, and nothing that was just written is read again.
 */

/** The worker, as far as the intake needs it. */
export interface Hands {
  readonly instanceId: string;
  /** Keeps lanes for a group that is about to be stored. @returns those for which there is room */
  keep(lanes: ReadonlySet<string>): ReadonlySet<string>;
  /** The group is stored: starts the steps whose lanes were leased, and lets go of the other lanes. */
  take(kept: ReadonlySet<string>, steps: readonly TakenStep[]): void;
  /** Nothing was stored, or (`unknown`) nobody knows. */
  letGo(kept: ReadonlySet<string>, unknown: boolean): void;
}

export interface TakenStep {
  readonly claimed: ClaimedStep;
  readonly event: StoredEvent;
}

export interface StoredNew {
  /** Runs with a step that somebody has to claim. */
  readonly unclaimed: number;
  /** Starts what was leased with the insert. */
  start(): void;
}

/** @returns null if the group is not what it was presumed to be: nothing is stored */
export async function storeNew(
  database: Database,
  drafts: readonly EventDraft[],
  deps: StoreDeps,
  hands: Hands,
): Promise<StoredNew | null> {
  const book = deps.active.current();
  const keys = newKeys(drafts);
  const { matches, tookMs } = matchAll(book, drafts, deps.now());
  if (keys === null || matches.some(({ rule }) => rule.limit.perRule !== null)) return null;
  const plan = planRuns(book, matches, countNothing(matches), deps);
  if (plan.over.length > 0) return null;

  const firsts = firstSteps(plan, drafts);
  const kept = hands.keep(new Set(firsts.keys()));
  try {
    const leases = await database.oneTrip(async (tx) => {
      // The switch's shared lock comes first; lanes come last, because other transactions wait for them.
      const [, , , , , , leased] = await Promise.all([
        presumeActiveSet(tx, book.setId),
        presumeLimits(tx, limitsOf(matches, plan)),
        insertNewKeys(tx, keys),
        armTimers(tx, book, drafts, deps.now()),
        insertEvents(tx, book.setId, drafts),
        insertRunRows(tx, plan.runs, plan.steps),
        leaseLanes(tx, hands.instanceId, plan.steps, kept),
      ]);
      deps.observe?.(tx, { events: drafts.map(({ event }) => event), runs: plan.runs, matchMs: tookMs });
      return leased;
    });
    const taken = [...firsts].flatMap(([laneId, first]): TakenStep[] => {
      const lease = leases.get(laneId);
      return lease === undefined ? [] : [takenStep(first, lease, book)];
    });
    const active = plan.runs.filter(({ state }) => state === 'active').length;
    return { unclaimed: active - taken.length, start: () => hands.take(kept, taken) };
  } catch (error) {
    hands.letGo(kept, error instanceof CommitUnknownError);
    if (isPresumption(error)) return null;
    throw error;
  }
}

/** How many runs each pair may have had before this group. */
function limitsOf(matches: readonly Match[], { runs }: Planned): readonly PresumedLimit[] {
  const most = new Map<string, number>();
  // Each match has its run, in the same order.
  for (const [index, { draft, rule }] of matches.entries()) {
    const name = pairName(draft, rule);
    const adds = runs[index]?.state === 'ended' ? 0 : 1;
    most.set(name, (most.get(name) ?? rule.limit.perTicket.runs) - adds);
  }
  return [...questions(matches)].map(([name, question]) => ({ ...question, most: most.get(name) ?? 0 }));
}

interface First {
  readonly step: NewStep;
  readonly run: NewRun;
  readonly draft: EventDraft;
}

/** The step that comes first in each lane. */
function firstSteps({ runs, steps }: Planned, drafts: readonly EventDraft[]): ReadonlyMap<string, First> {
  const runOf = new Map(runs.map((run) => [run.id, run]));
  const draftOf = new Map(drafts.map((draft) => [draft.id, draft]));
  const firsts = new Map<string, First>();
  for (const step of steps) {
    const run = runOf.get(step.runId);
    const draft = run === undefined ? undefined : draftOf.get(run.eventId);
    if (!step.due || firsts.has(step.laneId) || run === undefined || draft === undefined) continue;
    firsts.set(step.laneId, { step, run, draft });
  }
  return firsts;
}

function takenStep({ step, run, draft }: First, { fence, now }: LaneLease, book: RuleBook): TakenStep {
  const { id: eventId, event, depth } = draft;
  return {
    claimed: {
      stepId: step.id,
      runId: run.id,
      laneId: step.laneId,
      fence,
      connectionId: step.connectionId,
      action: step.action,
      path: step.path,
      iteration: 0,
      position: step.position,
      state: 'pending',
      attempts: 0,
      wantedAt: null,
      intent: null,
      parts: {},
      ruleId: run.ruleId,
      ruleVersionId: run.ruleVersionId,
      eventId,
      eventAt: new Date(run.eventAt),
      ticketId: run.ticketId,
      depth: run.depth,
      shadow: run.shadow,
      progress: {},
      now,
      lagMs: 0,
    },
    event: { id: eventId, event, depth, ruleSetId: book.setId },
  };
}
