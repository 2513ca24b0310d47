import { setMaxListeners } from 'node:events';
import type { Clock } from '../clock.ts';
import type { Connection } from '../connections.ts';
import { ANY_VALUE, changeValue } from '../ingest/diff.ts';
import type { Hands, TakenStep } from '../ingest/store-new.ts';
import type { Log } from '../log.ts';
import type { Rule, Step } from '../match/rule.ts';
import { allSteps } from '../match/steps.ts';
import { createBatcher } from '../record/batcher.ts';
import type { Database } from '../record/database.ts';
import { readEvents, type StoredEvent } from '../record/events.ts';
import type { IdSource } from '../record/ids.ts';
import { recordIntents, type NewIntent, type NewOwnWrite } from '../record/intents.ts';
import { freeLanes } from '../record/lanes.ts';
import { recordOutcomes, type Outcome, type Recorded } from '../record/outcomes.ts';
import { claimSteps, type ClaimedStep } from '../record/steps.ts';
import type { Intent } from '../record/tables.ts';
import type { ActiveRules } from '../rules/active.ts';
import type { CrashPoint } from './crash.ts';
import { isDeskStep } from './desk-params.ts';
import { createLimiter } from './limiter.ts';
import { appendField, toOutcome } from './outcome.ts';
import { performStep, type PerformDeps } from './perform.ts';
import { createRendering } from './render.ts';
import {
  decided,
  later,
  LEASE_LOST,
  StepCalls,
  type NewSend,
  type Resolution,
  type Sending,
  type StepTask,
} from './task.ts';

/**
 * The worker: claims lanes with a due step, performs one try of each, records what came of it. Any number of
 * processes run it on one database; a step is in one pair of hands because its lane is.
 */

export interface ExecutorDeps extends Omit<PerformDeps, 'crashPoint'> {
  readonly database: Database;
  readonly instanceId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly newId: IdSource;
  readonly active: ActiveRules;
  readonly connections: ReadonlyMap<number, Connection>;
  readonly crash: CrashPoint;
  /** True while a person stopped every action: nothing is claimed. */
  readonly paused: () => boolean;
  /** Who is on call, by rota; default: no rotas. */
  readonly oncall?: (now: number) => Readonly<Record<string, string>>;
  readonly onOutcome: (claimed: ClaimedStep, resolution: Resolution) => void;
  /** Told that something is due now: what comes after a step, what waited for its ticket. */
  readonly onMore: () => void;
}

export interface Executor extends Hands {
  /** Claims and starts what is due, as far as there is room. @returns steps started */
  claimOnce(): Promise<number>;
  /** Resolves when every started step is recorded. */
  settle(): Promise<void>;
  /** Stops claiming, lets sends under way finish for a while, then gives them up to be verified. */
  stop(graceMs: number): Promise<void>;
  readonly busy: number;
}

/** Steps in hand at once. */
const MAX_BUSY = 256;
const MAX_CLAIM = 128;
/** More than one claim and everything in hand. */
const MAX_LANES_BACK = 1_000;
/** A send that got no answer for this long has an unknown outcome. */
const SEND_DEADLINE_MS = 20_000;
const RECORD_RETRY_MS = 500;
/** Outcomes of a busy worker wait so long for each other. */
const GATHER_MS = 4;
const FEW = 4;
/** Room for a step that calls nobody. */
const NOBODY = { leave: () => undefined };
/** The fence of a lane that is kept for a group under way: no lease has it. */
const COMING = -1;

export function createExecutor(deps: ExecutorDeps): Executor {
  const stopping = new AbortController();
  // Every call under way listens to it.
  setMaxListeners(0, stopping.signal);
  const rendering = createRendering();
  const limiter = createLimiter(() => deps.clock.monotonic());
  const intents = createBatcher(
    async (group: readonly NewIntent[]) => {
      const allowed = await recordIntents(deps.database, deps.instanceId, group);
      return group.map((intent) => allowed.has(intent.stepId));
    },
    { maxItems: 100, inFlight: 2 },
  );
  const outcomes = createBatcher(
    async (group: readonly Outcome[]) => {
      const recorded = await recordPatiently(group);
      if (recorded.more) deps.onMore();
      return group.map((outcome) => recorded.steps.has(outcome.stepId));
    },
    // While others are under way, theirs will follow in a moment; nobody waits for an outcome but the next step.
    { maxItems: 200, inFlight: 1, gatherMs: () => (performing.size > FEW ? GATHER_MS : 0) },
  );
  const performing = new Set<Promise<void>>();
  /** Lanes of the steps in `performing`, with the fence of each claim. */
  const inHand = new Map<string, number>();
  /** Lanes that a group under way may lease to us. */
  let coming = 0;
  let givingBack = false;
  /** Claims that failed half-way and steps that were dropped: lanes may be leased to us that nobody works on. */
  let doubts = 0;

  /** An outcome is not lost because the database is away for a while; after a crash it is found by verifying. */
  async function recordPatiently(group: readonly Outcome[]): Promise<Recorded> {
    for (;;) {
      try {
        const recorded = await recordOutcomes(deps.database, deps.instanceId, group);
        deps.crash('after_record');
        return recorded;
      } catch (error) {
        if (stopping.signal.aborted) throw error;
        deps.log.error({ err: error, steps: group.length }, 'outcomes not recorded yet');
        await deps.clock.sleep(RECORD_RETRY_MS, stopping.signal);
      }
    }
  }

  async function claimOnce(): Promise<number> {
    const room = Math.min(MAX_CLAIM, roomLeft());
    if (room <= 0) return 0;
    if (doubts > 0) await giveBackForgotten();
    doubts += 1;
    const claimed = await deps.database.transaction((tx) => claimSteps(tx, deps.instanceId, room));
    if (claimed.length > 0) deps.crash('after_claim');
    const claimedAt = deps.clock.monotonic();
    const events = await readEvents(
      deps.database.db,
      claimed.map((step) => ({ id: step.eventId, at: step.eventAt })),
    );
    for (const step of claimed) start(step, events.get(step.eventId), claimedAt);
    doubts -= 1;
    return claimed.length;
  }

  function roomLeft(): number {
    if (stopping.signal.aborted || givingBack || deps.paused()) return 0;
    return MAX_BUSY - performing.size - coming;
  }

  function keep(lanes: ReadonlySet<string>): ReadonlySet<string> {
    const kept = new Set([...lanes].filter((lane) => !inHand.has(lane)).slice(0, Math.max(0, roomLeft())));
    for (const lane of kept) inHand.set(lane, COMING);
    coming += kept.size;
    return kept;
  }

  function letGo(kept: ReadonlySet<string>, unknown: boolean): void {
    for (const lane of kept) if (inHand.get(lane) === COMING) inHand.delete(lane);
    coming -= kept.size;
    if (unknown) doubts += 1;
  }

  function take(kept: ReadonlySet<string>, steps: readonly TakenStep[]): void {
    if (steps.length > 0) deps.crash('after_claim');
    const claimedAt = deps.clock.monotonic();
    for (const { claimed, event } of steps) start(claimed, event, claimedAt);
    letGo(kept, false);
  }

  function start(step: ClaimedStep, event: StoredEvent | undefined, claimedAt: number): void {
    inHand.set(step.laneId, step.fence);
    const work = perform(step, event, claimedAt)
      .catch((error: unknown) => {
        deps.log.error({ err: error, step: step.stepId }, 'step failed unexpectedly');
        doubts += 1;
      })
      .finally(() => {
        if (inHand.get(step.laneId) === step.fence) inHand.delete(step.laneId);
        performing.delete(work);
      });
    performing.add(work);
  }

  /** The answer to a claim was lost: what it leased to us is free again, whoever takes it. */
  async function giveBackForgotten(): Promise<void> {
    givingBack = true;
    try {
      const [ours, settled] = [[...inHand.keys()], doubts];
      await deps.database.transaction((tx) => freeLanes(tx, [deps.instanceId], MAX_LANES_BACK, ours));
      doubts -= settled;
    } finally {
      givingBack = false;
    }
  }

  async function perform(
    claimed: ClaimedStep,
    stored: StoredEvent | undefined,
    claimedAt: number,
  ): Promise<void> {
    const startedAt = deps.clock.monotonic();
    const step = await stepOf(claimed);
    const resolution = await tryStep(claimed, stored, step, claimedAt);
    if (resolution === LEASE_LOST) return;
    const tookMs = deps.clock.monotonic() - startedAt;
    const call = { id: deps.newId(), startedAt: claimed.now + (startedAt - claimedAt), tookMs };
    await outcomes.add(toOutcome(claimed, resolution, call, step));
    deps.onOutcome(claimed, resolution);
  }

  async function stepOf(claimed: ClaimedStep): Promise<{ readonly rule: Rule; readonly step: Step } | null> {
    const rule = await deps.active.ruleOf(claimed.ruleVersionId);
    const step = stepAt(rule, claimed.path);
    return step === undefined ? null : { rule, step };
  }

  async function tryStep(
    claimed: ClaimedStep,
    stored: StoredEvent | undefined,
    found: { readonly rule: Rule; readonly step: Step } | null,
    claimedAt: number,
  ): Promise<Resolution | typeof LEASE_LOST> {
    if (stored === undefined) return decided('dead', 'the event is not stored any more');
    if (found === null) return decided('dead', `the rule has no step ${claimed.path}`);
    const { rule, step } = found;
    // A wait calls nobody: whoever hangs, it begins and ends in time.
    const entry = step.action === 'wait' ? NOBODY : await limiter.enter(targetOf(step, claimed));
    if ('inMs' in entry) {
      // A send in doubt stays in doubt, and a wait that is over stays one.
      const { state, intent } = claimed;
      const held = state === 'sending' || state === 'waiting' ? state : 'postponed';
      return later(held, entry.inMs, 'busy: too many calls to this target', { uncounted: true, intent });
    }
    try {
      return await performStep(createTask(claimed, stored, rule, step, claimedAt), {
        ...deps,
        crashPoint: deps.crash,
      });
    } finally {
      entry.leave();
    }
  }

  function createTask(
    claimed: ClaimedStep,
    stored: StoredEvent,
    rule: Rule,
    step: Step,
    claimedAt: number,
  ): StepTask {
    const now = (): number => claimed.now + (deps.clock.monotonic() - claimedAt);
    const scope = { event: stored.event, rule, runId: claimed.runId, oncall: deps.oncall?.(now()) ?? {} };
    return {
      claimed,
      event: stored.event,
      rule,
      step,
      connection: deps.connections.get(claimed.connectionId) ?? null,
      renderer: rendering(scope),
      now,
      signal: stopping.signal,
      calls: new StepCalls(claimed.progress.waited === true ? 'escalation' : 'action', stopping.signal),
      intend: (send) => intend(claimed, send, now),
    };
  }

  /** Commits the intent; the hard deadline runs on the monotonic clock from before the commit. */
  async function intend(claimed: ClaimedStep, send: NewSend, now: () => number): Promise<Sending | null> {
    const startedAt = deps.clock.monotonic();
    const intent: Intent = {
      write: send.write,
      sentAt: now(),
      deadlineAt: now() + SEND_DEADLINE_MS,
      before: send.before,
      absences: 0,
      ...(send.extra === undefined ? {} : { extra: send.extra }),
    };
    const { stepId, laneId, fence } = claimed;
    const ownWrites = ownWritesOf(claimed, send, deps.newId);
    const allowed = await intents.add({ stepId, laneId, fence, intent, parts: send.parts, ownWrites });
    if (!allowed) return null;
    const left = SEND_DEADLINE_MS - (deps.clock.monotonic() - startedAt);
    return {
      intent,
      signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(Math.max(1, Math.ceil(left)))]),
      expired: () => deps.clock.monotonic() - startedAt >= SEND_DEADLINE_MS,
    };
  }

  return {
    instanceId: deps.instanceId,
    claimOnce,
    keep,
    take,
    letGo,
    async settle() {
      while (performing.size > 0) await Promise.all(performing);
    },
    async stop(graceMs) {
      const grace = new AbortController();
      await Promise.race([Promise.all(performing), deps.clock.sleep(graceMs, grace.signal)]);
      grace.abort();
      stopping.abort();
      await Promise.allSettled(performing);
    },
    get busy() {
      return performing.size;
    },
  };
}

/** Finds a step by its path: `3`, or `2.do.0` inside a repeat. */
export function stepAt(rule: Rule, path: string): Step | undefined {
  for (const step of allSteps(rule.then)) if (step.path === path) return step;
  return undefined;
}

/** What a step talks to: each target has its own room, so that one that hangs does not hold up the others. */
function targetOf(step: Step, claimed: ClaimedStep): string {
  if (step.action === 'http.post') return `http ${step.params.url.split('/')[2] ?? ''}`;
  if (step.action === 'slack.post' || step.action === 'slack.ask') return 'slack';
  // Steps of our own call nobody but to see whether they are still wanted.
  return `${isDeskStep(step) ? 'connection' : 'own'} ${claimed.connectionId}`;
}

function ownWritesOf(claimed: ClaimedStep, send: NewSend, newId: IdSource): readonly NewOwnWrite[] {
  const { write } = send;
  if (write === null || claimed.ticketId === null) return [];
  const base = {
    connectionId: claimed.connectionId,
    ticketId: claimed.ticketId,
    stepId: claimed.stepId,
    depth: claimed.depth,
  };
  const sets = Object.entries(write.sets).map(([field, { to }]) => ({
    ...base,
    id: newId(),
    field,
    value: changeValue(field, to),
  }));
  const along = (write.alsoChanges ?? []).map((field) => ({ ...base, id: newId(), field, value: ANY_VALUE }));
  if (write.append === null) return [...sets, ...along];
  const field = appendField(write);
  return [...sets, ...along, { ...base, id: newId(), field, value: write.append.text }];
}
