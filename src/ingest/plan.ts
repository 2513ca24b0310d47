import type { Rule, Step } from '../match/rule.ts';
import { ticketLane, type IdSource } from '../record/ids.ts';
import type { NewRun, NewStep } from '../record/runs.ts';
import type { RunState } from '../record/tables.ts';

/** How deep one action may cause the next before the chain is cut: rules that answer each other end here. */
export const MAX_DEPTH = 5;

/** What a match is weighed with. */
export interface Standing {
  readonly depth: number;
  readonly paused: boolean;
  /** Runs of this rule on this ticket within its span; null where there is no ticket. */
  readonly recentRuns: number | null;
  readonly muted: boolean;
  /** Runs of this rule over all tickets within its span; null where the rule has no such limit. */
  readonly recentRunsOfRule: number | null;
}

export interface Decision {
  readonly state: RunState;
  readonly reason: string | null;
  /** The match went over the default limit just now: the pair is to be muted. */
  readonly mute: boolean;
  /** The match went over `per_rule`: the rule is to be paused. */
  readonly pause: boolean;
}

/** A match on which nobody is to act. */
export function suppressed(reason: string): Decision {
  return { state: 'ended', reason: `suppressed: ${reason}`, mute: false, pause: false };
}

/** Decides what becomes of a match. Pure; every answer but a plain run carries its reason. */
export function decideRun(rule: Rule, standing: Standing): Decision {
  const ended = (reason: string, mute = false): Decision => ({ state: 'ended', reason, mute, pause: false });
  if (standing.depth >= MAX_DEPTH) return ended('suppressed: causation depth');
  if (standing.muted) return ended('suppressed: muted');
  const { perTicket, perRule, perTicketIsDefault } = rule.limit;
  if (standing.recentRuns !== null && standing.recentRuns >= perTicket.runs) {
    return ended('suppressed: limit', perTicketIsDefault);
  }
  if (rule.mode === 'shadow') return { state: 'done', reason: 'shadow', mute: false, pause: false };
  if (standing.paused) return { state: 'held', reason: 'rule paused', mute: false, pause: false };
  if (perRule !== null && standing.recentRunsOfRule !== null && standing.recentRunsOfRule >= perRule.runs) {
    return { state: 'held', reason: 'rule paused: per_rule limit', mute: false, pause: true };
  }
  return { state: 'active', reason: null, mute: false, pause: false };
}

/** The event a run belongs to. */
export interface RunOrigin {
  readonly eventId: string;
  readonly eventAt: string;
  readonly connectionId: number;
  readonly ticketId: string | null;
  readonly depth: number;
  readonly replayNo: number;
}

/** The rows of one run: steps only where something will be, or would have been, done. */
export function planRun(
  origin: RunOrigin,
  rule: Rule,
  ruleVersionId: number,
  decision: Decision,
  newId: IdSource,
): { readonly run: NewRun; readonly steps: readonly NewStep[] } {
  const laneId = origin.ticketId === null ? origin.eventId : ticketLane(origin.connectionId, origin.ticketId);
  const run: NewRun = {
    id: newId(),
    ...origin,
    ruleId: rule.id,
    ruleVersionId,
    laneId,
    state: decision.state,
    reason: decision.reason,
    shadow: rule.mode === 'shadow',
  };
  if (decision.state === 'ended') return { run, steps: [] };
  const steps = rule.then.map((step: Step, position) => ({
    id: newId(),
    runId: run.id,
    laneId,
    connectionId: origin.connectionId,
    path: step.path,
    position,
    ruleOrder: rule.order,
    action: step.action,
    due: decision.state === 'active' && position === 0,
    shadow: run.shadow,
  }));
  return { run, steps };
}
