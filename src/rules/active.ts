import { compileRules } from '../match/compile.ts';
import type { Matcher, MatchSettings } from '../match/matcher.ts';
import { createMoments, type Moments } from '../match/moments.ts';
import type { Rule } from '../match/rule.ts';
import type { Database, Tx } from '../record/database.ts';
import { readLatestEvents } from '../record/events.ts';
import {
  activeSetId,
  pinActiveSet,
  readPausedRules,
  readRuleSet,
  readRuleVersions,
} from '../record/rules.ts';

/** One rule set, compiled. Immutable: a switch makes a new one and swaps it in one assignment. */
export interface RuleBook {
  /** Null: nothing was ever published. */
  readonly setId: number | null;
  readonly matcher: Matcher;
  readonly versionOf: ReadonlyMap<string, number>;
  /** When each rule's conditions become true as time passes. */
  readonly moments: Moments;
  /** Since when each rule's version exists, epoch ms: what was past by then is history. */
  readonly activeSince: ReadonlyMap<string, number>;
  /** True if any rule listens to `ticket.overdue`. */
  readonly hearsOverdue: boolean;
  /** Rules that a person or a breaker paused, with the reason. */
  readonly paused: ReadonlyMap<string, string>;
}

/** Keeps this instance's matcher equal to the active set in Postgres. */
export interface ActiveRules {
  current(): RuleBook;
  /** Reads the active set if it is another one than ours, and which rules are paused. */
  refresh(): Promise<RuleBook>;
  /**
   * Pins the active set for a transaction.
   *
   * @throws RuleSetMovedError if it is not the loaded one
   */
  pin(tx: Tx): Promise<RuleBook>;
  /** A run's own rule version, whatever is active now. */
  ruleOf(versionId: number): Promise<Rule>;
}

/** The group was about to match with a set that is not active any more: load it and start again. */
export class RuleSetMovedError extends Error {
  override readonly name = 'RuleSetMovedError';
}

const VERSIONS_KEPT = 5000;
/** Events on which the matcher counts how rare each condition is; shares are stable by then. */
const SAMPLE = 500;

/** @param settings lists, locales and calendars of the configuration */
export function createActiveRules(database: Database, settings: MatchSettings): ActiveRules {
  const versions = new Map<number, Rule>();
  let book: RuleBook = {
    setId: null,
    matcher: compileRules([], settings),
    versionOf: new Map(),
    moments: createMoments([], settings),
    activeSince: new Map(),
    hearsOverdue: false,
    paused: new Map(),
  };

  async function refresh(): Promise<RuleBook> {
    const [setId, paused] = await Promise.all([activeSetId(database.db), readPausedRules(database.db)]);
    if (setId === null || setId === book.setId) {
      book = { ...book, paused };
      return book;
    }
    const [rows, sample] = await Promise.all([
      readRuleSet(database.db, setId),
      readLatestEvents(database.db, SAMPLE),
    ]);
    const rules = rows.map((row) => row.rule);
    book = {
      setId,
      matcher: compileRules(rules, settings, sample),
      versionOf: new Map(rows.map((row) => [row.rule.id, row.versionId])),
      moments: createMoments(rules, settings),
      activeSince: new Map(rows.map((row) => [row.rule.id, row.createdAt.getTime()])),
      hearsOverdue: rules.some((rule) => rule.mode !== 'off' && rule.on.includes('ticket.overdue')),
      paused,
    };
    for (const row of rows) versions.set(row.versionId, row.rule);
    return book;
  }

  return {
    current: () => book,
    refresh,
    async pin(tx) {
      const setId = await pinActiveSet(tx);
      if (setId !== book.setId) throw new RuleSetMovedError(`rule set ${setId} is active`);
      return book;
    },
    async ruleOf(versionId) {
      const known = versions.get(versionId);
      if (known !== undefined) return known;
      const [row] = await readRuleVersions(database.db, [versionId]);
      if (row === undefined) throw new Error(`rule version ${versionId} is not stored`);
      if (versions.size >= VERSIONS_KEPT) versions.clear();
      versions.set(versionId, row.rule);
      return row.rule;
    },
  };
}
