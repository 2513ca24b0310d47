import type { DeskEvent } from '../event.ts';
import type { Ticket } from '../ticket.ts';
import type { ConditionMap, Rule } from './rule.ts';

/**
 * The one interface behind which matching happens: `compileRules(rules, settings)` gives a {@link Matcher},
 * `matcher.match(event, now)` gives the matches. Pure: no I/O, and `now` is passed in.
 */

/** What conditions may refer to besides the event. */
export interface MatchSettings {
  /** Configured lists for `in_list`; null when matching offline without a configuration (then: unknown). */
  readonly lists: Readonly<Record<string, readonly string[]>> | null;
  /** Locale per connection for text folding, e.g. `tr`; missing: the default fold. */
  readonly locales: Readonly<Record<string, string>>;
  /** Working milliseconds between two instants on a named calendar; null while no calendars are configured. */
  readonly workingMs: ((calendar: string, fromMs: number, toMs: number) => number) | null;
  /**
   * The instant that lies so much working time ahead (a negative span: back); null if there is none. Timers are made
   * with it; without it a span on a calendar wakes no rule.
   */
  readonly addWorkingMs?: (calendar: string, fromMs: number, ms: number) => number | null;
}

export const NO_SETTINGS: MatchSettings = { lists: null, locales: {}, workingMs: null };

export interface Match {
  readonly rule: Rule;
}

/** One leaf of a condition with its truth. */
export interface Leaf {
  /** Field as written: `requester.email`, `custom.tier`. */
  readonly path: string;
  readonly operator: string;
  readonly wanted: unknown;
  /** The value found; undefined when absent. */
  readonly got: unknown;
  readonly truth: 'true' | 'false' | 'unknown';
  /** Why a leaf is not plainly true or false. */
  readonly note:
    'absent' | 'wrong type' | 'never fetched' | 'no earlier snapshot' | 'no configuration' | null;
  /** The group the leaf stands in, outermost first: `['any', 'none']`. */
  readonly groups: readonly string[];
}

export interface Verdict {
  readonly holds: boolean;
  readonly leaves: readonly Leaf[];
}

/** One compiled condition map, for `while` and for re-checking `when` on a fresh ticket. */
export interface Condition {
  test(event: DeskEvent, now: number): boolean;
  explain(event: DeskEvent, now: number): Verdict;
}

export interface Explanation {
  readonly rule: string;
  readonly verdict: 'match' | 'no match';
  /** `off`, `shadow`, `own change`, `other event type`, `stopped by rule X`, `conditions`, … */
  readonly reason: string;
  readonly leaves: readonly Leaf[];
}

export interface Matcher {
  readonly rules: readonly Rule[];
  /**
   * The rules that match, by `order`, then id, honouring `on`, `mode` (off rules never match), `own` and
   * `stop`. Limits, mutes and lateness are not decided here.
   */
  match(event: DeskEvent, now: number): readonly Match[];
  /** The same decision for one rule, with every leaf. */
  explain(ruleId: string, event: DeskEvent, now: number): Explanation;
  /**
   * Ticket fields and parts (`comment`, `tags`, `description`, `custom`, `requester.email`, …) that rules for this connection
   * read in conditions or templates, so that ingest fetches them before it stores.
   */
  fieldsRead(connection: string): ReadonlySet<string>;
  /** Rules that listen to this event and fail in one leaf only, by `order`, then id; at most `limit`. */
  nearMisses(event: DeskEvent, now: number, limit: number): readonly Explanation[];
}

/** @param sample stored events on which the selectivity of conditions is counted; a heuristic without them */
export type CompileRules = (
  rules: readonly Rule[],
  settings: MatchSettings,
  sample?: readonly DeskEvent[],
) => Matcher;
export type CompileCondition = (map: ConditionMap, settings: MatchSettings) => Condition;

/** The event as it would be if it happened on this fresh ticket: `changes`, `comment`, `trigger` keep their truth. */
export function withFreshTicket(event: DeskEvent, ticket: Ticket | null): DeskEvent {
  return { ...event, ticket };
}
