import type { Decision, Standing } from '../ingest/plan.ts';
import type { Rule } from '../match/rule.ts';

/** A rule's limits over a stretch of the past, kept in memory. */
export interface Limits {
  /** What a match at that moment is weighed with. */
  standing(ticket: string | null, now: number): Pick<Standing, 'recentRuns' | 'muted' | 'recentRunsOfRule'>;
  note(ticket: string | null, now: number, decision: Decision): void;
}

/** Counts like the live engine does: runs within the span, and an hour of silence after the default limit. */
export function createLimits(rule: Rule): Limits {
  const { perTicket, perRule } = rule.limit;
  const ofTicket = new Map<string, number[]>();
  const mutedUntil = new Map<string, number>();
  let ofRule: number[] = [];

  return {
    standing(ticket, now) {
      const recent = ticket === null ? null : since(ofTicket.get(ticket) ?? [], now - perTicket.perMs);
      if (ticket !== null && recent !== null && recent.length > 0) ofTicket.set(ticket, recent);
      if (perRule !== null) ofRule = since(ofRule, now - perRule.perMs);
      return {
        recentRuns: recent?.length ?? null,
        muted: ticket !== null && (mutedUntil.get(ticket) ?? 0) > now,
        recentRunsOfRule: perRule === null ? null : ofRule.length,
      };
    },
    note(ticket, now, decision) {
      if (decision.mute && ticket !== null) mutedUntil.set(ticket, now + perTicket.perMs);
      if (decision.state === 'ended') return;
      if (ticket !== null) ofTicket.set(ticket, [...(ofTicket.get(ticket) ?? []), now]);
      if (perRule !== null && decision.state === 'active') ofRule.push(now);
    },
  };
}

function since(times: readonly number[], from: number): number[] {
  return times.filter((time) => time > from);
}
