import { compileRules } from '../match/compile.ts';
import type { Explanation, Leaf, Matcher, MatchSettings } from '../match/matcher.ts';
import type { DeskEvent } from '../event.ts';
import type { Database, Db } from '../record/database.ts';
import { connectionIdOf } from '../record/operate/connections.ts';
import { readEventsOfTicket, type ShownEvent } from '../record/operate/events.ts';
import type { PageRequest } from '../record/operate/page.ts';
import {
  readAttemptsOfSteps,
  readRunsOfEvents,
  readStepsOfRuns,
  type ShownAttempt,
  type ShownRun,
  type ShownStep,
} from '../record/operate/runs.ts';
import { findTicket, type ShownTicket } from '../record/operate/tickets.ts';
import { readRuleSet } from '../record/rules.ts';
import type { OwnSlaOf } from '../sla/clock.ts';
import { OperateError } from './error.ts';

/**
 * Why Deskhand did or did not act on a ticket: every event, every rule's verdict (recomputed from the stored event
 * and the rule set that it was matched with), every run, step and attempt.
 */
export interface Why {
  readonly connection: string;
  readonly ticket_id: string;
  /** Null for tickets that only webhooks told of. */
  readonly ticket: ShownTicket | null;
  /** Newest first. */
  readonly events: readonly WhyEvent[];
  readonly next: string | null;
}

export interface WhyEvent {
  readonly id: string;
  readonly event: DeskEvent;
  readonly rule_set: number | null;
  readonly rules: readonly WhyRule[];
  readonly runs: readonly WhyRun[];
}

/** A condition that kept a rule from matching. */
export interface WhyCondition {
  readonly field: string;
  readonly operator: string;
  readonly wanted: unknown;
  readonly got: unknown;
  readonly truth: Leaf['truth'];
  readonly note: Leaf['note'];
  readonly groups: readonly string[];
}

export interface WhyRule {
  readonly rule: string;
  readonly name: string;
  readonly verdict: 'match' | 'no match';
  readonly reason: string;
  /** True if one condition alone kept the rule from matching. */
  readonly near_miss: boolean;
  /** Empty for a match. */
  readonly conditions: readonly WhyCondition[];
}

export type WhyRun = ShownRun & {
  readonly steps: readonly (ShownStep & { readonly tries: readonly ShownAttempt[] })[];
};

export interface WhyDeps {
  readonly database: Database;
  readonly settings: MatchSettings;
  readonly ownSla: OwnSlaOf;
  /** A set that is compiled already; null: compile it. */
  readonly compiled: (ruleSetId: number) => Matcher | null;
}

const NEAR_MISSES = 10;

/** @throws OperateError when nothing is known of the ticket */
export async function explainTicket(
  connection: string,
  ticketId: string,
  page: PageRequest,
  deps: WhyDeps,
): Promise<Why> {
  const { db } = deps.database;
  const connectionId = await connectionIdOf(db, connection);
  if (connectionId === null) throw new OperateError('not_found', `there is no connection ${connection}`);
  const [ticket, events] = await Promise.all([
    findTicket(db, connection, ticketId, deps.ownSla),
    readEventsOfTicket(db, connectionId, ticketId, page),
  ]);
  if (ticket === null && events.items.length === 0) {
    throw new OperateError('not_found', `nothing is known of ticket ${ticketId} of ${connection}`);
  }
  const runs = await readRuns(
    db,
    events.items.map((event) => event.id),
  );
  const matcherOf = await compileSets(events.items, deps);
  return {
    connection,
    ticket_id: ticketId,
    ticket,
    events: events.items.map((stored) => ({
      id: stored.id,
      event: stored.event,
      rule_set: stored.ruleSetId,
      rules: judge(stored, matcherOf),
      runs: runs.filter((run) => run.event_id === stored.id),
    })),
    next: events.next,
  };
}

async function readRuns(db: Db, eventIds: readonly string[]): Promise<readonly WhyRun[]> {
  const runs = await readRunsOfEvents(db, eventIds);
  const steps = await readStepsOfRuns(
    db,
    runs.map((run) => run.id),
  );
  const attempts = await readAttemptsOfSteps(
    db,
    steps.map((step) => step.id),
  );
  const tries = groupBy(attempts, (attempt) => attempt.step_id);
  const stepsOf = groupBy(steps, (step) => step.run_id);
  return runs.map((run) => ({
    ...run,
    steps: (stepsOf.get(run.id) ?? []).map((step) => ({ ...step, tries: tries.get(step.id) ?? [] })),
  }));
}

function groupBy<T>(rows: readonly T[], keyOf: (row: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}

async function compileSets(
  events: readonly ShownEvent[],
  deps: WhyDeps,
): Promise<ReadonlyMap<number, Matcher>> {
  const ids = new Set(events.flatMap(({ ruleSetId }) => (ruleSetId === null ? [] : [ruleSetId])));
  const compiled = await Promise.all(
    [...ids].map(async (id): Promise<[number, Matcher]> => {
      const known = deps.compiled(id);
      if (known !== null) return [id, known];
      const versions = await readRuleSet(deps.database.db, id);
      const rules = versions.map((version) => version.rule);
      return [id, compileRules(rules, deps.settings)];
    }),
  );
  return new Map(compiled);
}

function judge(stored: ShownEvent, matcherOf: ReadonlyMap<number, Matcher>): readonly WhyRule[] {
  const matcher = stored.ruleSetId === null ? undefined : matcherOf.get(stored.ruleSetId);
  if (matcher === undefined) return [];
  const now = stored.observedAt.getTime();
  const near = new Set(
    matcher.nearMisses(stored.event, now, NEAR_MISSES).map((explanation) => explanation.rule),
  );
  return matcher.rules.map((rule) => {
    const explanation = matcher.explain(rule.id, stored.event, now);
    return {
      rule: rule.id,
      name: rule.name,
      verdict: explanation.verdict,
      reason: explanation.reason,
      near_miss: near.has(rule.id),
      conditions: conditionsAgainst(explanation),
    };
  });
}

/** The conditions that speak against a match: false or unknown ones, and within `none` those that hold. */
export function conditionsAgainst(explanation: Explanation): readonly WhyCondition[] {
  if (explanation.verdict === 'match') return [];
  return explanation.leaves
    .filter((leaf) => {
      const inverted = leaf.groups.filter((group) => group === 'none').length % 2 === 1;
      return inverted ? leaf.truth !== 'false' : leaf.truth !== 'true';
    })
    .map(({ path: field, operator, wanted, got, truth, note, groups }) => ({
      field,
      operator,
      wanted: wanted ?? null,
      got: got ?? null,
      truth,
      note,
      groups,
    }));
}
