import type { DeskEvent } from '../event.ts';
import type { Rule } from '../match/rule.ts';
import type { Tx } from '../record/database.ts';
import {
  countRecentRuns,
  countRunsOfRule,
  type LimitQuestion,
  type NewRun,
  type NewStep,
} from '../record/runs.ts';
import type { IdSource } from '../record/ids.ts';
import type { RuleBook } from '../rules/active.ts';
import type { EventDraft } from './event-draft.ts';
import { decideRun, planRun, suppressed, type Decision } from './plan.ts';

/** Which rules a group of new events matches, and what becomes of each match. Only the counting asks the database. */

export interface Match {
  readonly draft: EventDraft;
  readonly rule: Rule;
}

export interface Matched {
  readonly matches: readonly Match[];
  readonly tookMs: number;
}

export interface Planned {
  readonly runs: readonly NewRun[];
  readonly steps: readonly NewStep[];
  /** Matches that went over a limit just now: a breaker is to trip. */
  readonly over: readonly (Match & { readonly decision: Decision })[];
}

export interface PlanDeps {
  readonly newId: IdSource;
  /** Wall clock, epoch ms. */
  readonly now: () => number;
  /** Why nobody is to act on an event now, or null; default: nothing is silenced. */
  readonly silencedBy?: (event: DeskEvent, now: number) => string | null;
}

/** @param now epoch ms */
export function matchAll(book: RuleBook, drafts: readonly EventDraft[], now: number): Matched {
  const startedAt = performance.now();
  const matches = drafts.flatMap((draft) =>
    book.matcher.match(draft.event, now).map(({ rule }) => ({ draft, rule })),
  );
  return { matches, tookMs: performance.now() - startedAt };
}

/** Runs and steps of the matches, with `counts` and what this very group adds to them. */
export function planRuns(book: RuleBook, matches: readonly Match[], counts: Counts, deps: PlanDeps): Planned {
  const now = deps.now();
  const silenced = new Map<EventDraft, string | null>();
  const runs: NewRun[] = [];
  const steps: NewStep[] = [];
  const over: (Match & { decision: Decision })[] = [];
  for (const { draft, rule } of matches) {
    if (!silenced.has(draft)) silenced.set(draft, deps.silencedBy?.(draft.event, now) ?? null);
    const quiet = draft.suppress ?? silenced.get(draft) ?? null;
    const standing = { depth: draft.depth, paused: book.paused.has(rule.id), ...counts.take(draft, rule) };
    const decision = quiet === null ? decideRun(rule, standing) : suppressed(quiet);
    counts.add(draft, rule, decision);
    const versionId = book.versionOf.get(rule.id);
    if (versionId === undefined) throw new Error(`rule ${rule.id} has no stored version`);
    const origin = {
      eventId: draft.id,
      eventAt: draft.event.observed_at,
      connectionId: draft.connectionId,
      ticketId: draft.event.ticket_id,
      depth: draft.depth,
      replayNo: 0,
    };
    const planned = planRun(origin, rule, versionId, decision, deps.newId);
    runs.push(planned.run);
    steps.push(...planned.steps);
    if (decision.mute || decision.pause) over.push({ draft, rule, decision });
  }
  return { runs, steps, over };
}

/** How often rules ran of late. */
export interface Counts {
  take(
    draft: EventDraft,
    rule: Rule,
  ): { recentRuns: number | null; muted: boolean; recentRunsOfRule: number | null };
  /** Counts a decision of this very group. */
  add(draft: EventDraft, rule: Rule, decision: Decision): void;
}

/** Counts of the database. */
export async function countRuns(tx: Tx, matches: readonly Match[]): Promise<Counts> {
  const asked = questions(matches);
  const rules = new Map(matches.map(({ rule }) => [rule.id, rule]));
  const answers = await countRecentRuns(tx, [...asked.values()]);
  const perPair = new Map([...asked.keys()].map((name, index) => [name, answers[index] ?? NONE]));
  const perRule = new Map<string, number>();
  for (const { id, limit } of rules.values()) {
    if (limit.perRule !== null) perRule.set(id, await countRunsOfRule(tx, id, limit.perRule.perMs));
  }
  return tally(perPair, perRule);
}

/** Counts as if none of these rules had run on these tickets of late. */
export function countNothing(matches: readonly Match[]): Counts {
  return tally(new Map([...questions(matches).keys()].map((name) => [name, NONE])), new Map());
}

/** The pairs of rule and ticket among the matches, each once, and the span in which their runs count. */
export function questions(matches: readonly Match[]): ReadonlyMap<string, LimitQuestion> {
  const asked = new Map<string, LimitQuestion>();
  for (const { draft, rule } of matches) {
    const ticketId = draft.event.ticket_id;
    if (ticketId === null) continue;
    asked.set(pairName(draft, rule), {
      ruleId: rule.id,
      connectionId: draft.connectionId,
      ticketId,
      perMs: rule.limit.perTicket.perMs,
    });
  }
  return asked;
}

export function pairName(draft: EventDraft, rule: Rule): string {
  return `${rule.id} ${draft.connectionId} ${draft.event.ticket_id ?? ''}`;
}

const NONE = { runs: 0, muted: false };

function tally(
  perPair: Map<string, { readonly runs: number; readonly muted: boolean }>,
  perRule: Map<string, number>,
): Counts {
  return {
    take(draft, rule) {
      const pair = perPair.get(pairName(draft, rule));
      return {
        recentRuns: pair?.runs ?? null,
        muted: pair?.muted ?? false,
        recentRunsOfRule: perRule.get(rule.id) ?? null,
      };
    },
    add(draft, rule, decision) {
      const name = pairName(draft, rule);
      const pair = perPair.get(name);
      if (pair !== undefined) {
        const runs = pair.runs + (decision.state === 'ended' ? 0 : 1);
        perPair.set(name, { runs, muted: pair.muted || decision.mute });
      }
      const ofRule = perRule.get(rule.id);
      if (ofRule !== undefined && decision.state === 'active') perRule.set(rule.id, ofRule + 1);
    },
  };
}
