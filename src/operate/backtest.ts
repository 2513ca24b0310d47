import { decideRun } from '../ingest/plan.ts';
import { compileRules } from '../match/compile.ts';
import type { Matcher, MatchSettings } from '../match/matcher.ts';
import type { Rule, Step } from '../match/rule.ts';
import { DESK_ACTIONS } from '../match/rule.ts';
import { parseTemplate, render, TemplateError } from '../match/template.ts';
import { scopeOf } from '../match/template-scope.ts';
import type { Database } from '../record/database.ts';
import { countEventSpan, readEventSpan, type ShownEvent } from '../record/operate/events.ts';
import { countRecordedRuns, type RecordedRuns } from '../record/operate/runs.ts';
import { createLimits, type Limits } from './limits.ts';

/**
 * What draft rules would have done: stored events go through the very matcher that live events go through, with the
 * drafts among the rules that are active now. Nothing is stored, nothing is sent.
 */
export interface BacktestRequest {
  readonly drafts: readonly Rule[];
  /** The rules among which they stand; one with a draft's id is replaced by it. */
  readonly active: readonly Rule[];
  readonly from: Date;
  readonly until: Date;
}

export interface BacktestReport {
  readonly from: string;
  readonly until: string;
  readonly events: number;
  readonly events_per_second: number;
  readonly rules: readonly RuleReport[];
  /** What the stored events cannot tell. */
  readonly not_reconstructed: readonly string[];
}

export interface RuleReport {
  readonly rule: string;
  readonly matches: number;
  /** Matches beyond the rule's limits, which would have been recorded only. */
  readonly suppressed: number;
  readonly runs: number;
  /** Planned steps by action, those after a wait included. */
  readonly steps: Readonly<Record<string, number>>;
  /** At most: reads before writes included, by connection. */
  readonly vendor_calls: Readonly<Record<string, number>>;
  readonly slack_messages: number;
  readonly http_posts: number;
  /** Against the active version; null where there is none. */
  readonly difference: {
    readonly same: number;
    readonly added: number;
    readonly removed: number;
    readonly added_events: readonly string[];
    readonly removed_events: readonly string[];
  } | null;
  /** What was recorded live in that time under this id; `shadow` runs did nothing. */
  readonly recorded: readonly Omit<RecordedRuns, 'rule'>[];
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly event: string;
  readonly event_id: string;
  readonly ticket_id: string | null;
  readonly at: string;
  readonly rendered: readonly { readonly action: string; readonly text: string }[];
}

export interface BacktestDeps {
  readonly database: Database;
  readonly settings: MatchSettings;
  /** Monotonic ms. */
  readonly monotonic: () => number;
  readonly onProgress?: (done: number, total: number) => void;
  /** Told of every match of a draft. */
  readonly onMatch?: (ruleId: string, eventId: string) => void;
}

const PAGE = 500;
const SAMPLES = 20;
const SHOWN_KEYS = 50;

export async function backtest(request: BacktestRequest, deps: BacktestDeps): Promise<BacktestReport> {
  const { from, until } = request;
  const { db } = deps.database;
  const drafts = request.drafts.map((rule): Rule => (rule.mode === 'off' ? { ...rule, mode: 'live' } : rule));
  const tester = createTester(drafts, request.active, deps);
  const total = deps.onProgress === undefined ? 0 : await countEventSpan(db, from, until);
  const startedAt = deps.monotonic();
  let done = 0;
  let afterId: string | null = null;
  for (;;) {
    const page: readonly ShownEvent[] = await readEventSpan(db, { from, until, afterId, limit: PAGE });
    for (const stored of page) tester.add(stored);
    done += page.length;
    afterId = page.at(-1)?.id ?? null;
    deps.onProgress?.(done, Math.max(total, done));
    if (page.length < PAGE) break;
  }
  const tookMs = Math.max(1, deps.monotonic() - startedAt);
  const ids = drafts.map((rule) => rule.id);
  const recorded = await countRecordedRuns(db, ids, from, until);
  return {
    from: from.toISOString(),
    until: until.toISOString(),
    events: done,
    events_per_second: Math.round((done / tookMs) * 1000),
    rules: tester.report(recorded),
    not_reconstructed: tester.gaps(),
  };
}

interface Tester {
  add(stored: ShownEvent): void;
  report(recorded: readonly RecordedRuns[]): readonly RuleReport[];
  gaps(): readonly string[];
}

interface Tally {
  readonly rule: Rule;
  readonly limits: Limits;
  matches: number;
  suppressed: number;
  same: number;
  readonly steps: Map<string, number>;
  readonly calls: Map<string, number>;
  readonly added: Keys;
  readonly removed: Keys;
  readonly samples: Sample[];
  unfetched: number;
}

interface Keys {
  count: number;
  readonly shown: string[];
}

function createTester(drafts: readonly Rule[], active: readonly Rule[], deps: BacktestDeps): Tester {
  const ids = new Set(drafts.map((rule) => rule.id));
  const others = active.filter((rule) => !ids.has(rule.id));
  const matcher = compileRules([...others, ...drafts], deps.settings);
  const compared = new Set(active.filter((rule) => ids.has(rule.id)).map((rule) => rule.id));
  const activeMatcher = compared.size === 0 ? null : compileRules(active, deps.settings);
  const tallies = new Map(drafts.map((rule) => [rule.id, emptyTally(rule)]));

  return {
    add(stored) {
      const now = stored.observedAt.getTime();
      const found = matchedIds(matcher, stored, now, ids);
      const before = activeMatcher === null ? found : matchedIds(activeMatcher, stored, now, ids);
      for (const [id, tally] of tallies) {
        if (found.has(id)) {
          deps.onMatch?.(id, stored.id);
          count(tally, stored, now);
        } else if (stored.event.unknown.length > 0 && isUnfetched(matcher, id, stored, now)) {
          tally.unfetched += 1;
        }
        if (compared.has(id)) compare(tally, stored.event.key, found.has(id), before.has(id));
      }
    },
    report: (recorded) =>
      [...tallies.values()].map((tally) => reportOf(tally, compared.has(tally.rule.id), recorded)),
    gaps: () => gapsOf([...tallies.values()]),
  };
}

function emptyTally(rule: Rule): Tally {
  return {
    rule,
    limits: createLimits(rule),
    matches: 0,
    suppressed: 0,
    same: 0,
    steps: new Map(),
    calls: new Map(),
    added: { count: 0, shown: [] },
    removed: { count: 0, shown: [] },
    samples: [],
    unfetched: 0,
  };
}

function matchedIds(
  matcher: Matcher,
  stored: ShownEvent,
  now: number,
  ids: ReadonlySet<string>,
): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { rule } of matcher.match(stored.event, now)) if (ids.has(rule.id)) found.add(rule.id);
  return found;
}

/** Limits as the live engine weighs them, counted over the events of the backtest. */
function count(tally: Tally, stored: ShownEvent, now: number): void {
  tally.matches += 1;
  const { rule, limits } = tally;
  const ticket = stored.event.ticket_id === null ? null : `${stored.connectionId} ${stored.event.ticket_id}`;
  const standing = limits.standing(ticket, now);
  const decision = decideRun({ ...rule, mode: 'live' }, { ...standing, depth: stored.depth, paused: false });
  limits.note(ticket, now, decision);
  if (decision.state !== 'active') {
    tally.suppressed += 1;
    return;
  }
  for (const step of allSteps(rule.then)) {
    add(tally.steps, step.action);
    const calls = callsOf(step);
    if (calls > 0) add(tally.calls, connectionOf(step, stored), calls);
  }
  if (tally.samples.length < SAMPLES) tally.samples.push(sampleOf(rule, stored));
}

function add(counts: Map<string, number>, key: string, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function allSteps(steps: readonly Step[]): readonly Step[] {
  return steps.flatMap((step): readonly Step[] =>
    step.action === 'repeat' ? [step, ...allSteps(step.params.do)] : [step],
  );
}

/** A desk's action reads the ticket, lists or looks, and writes. */
function callsOf(step: Step): number {
  if (!(DESK_ACTIONS as readonly string[]).includes(step.action)) return 0;
  return step.action === 'create_ticket' ? 1 : 2;
}

function connectionOf(step: Step, stored: ShownEvent): string {
  const named = step.action === 'create_ticket' ? step.params.connection : undefined;
  return named ?? stored.event.connection;
}

function sampleOf(rule: Rule, stored: ShownEvent): Sample {
  const { event } = stored;
  const connection = { name: event.connection, vendor: event.vendor };
  const scope = scopeOf(event, rule, { connection, run: { id: 'backtest' }, oncall: {} });
  const rendered = rule.then.flatMap((step) => {
    const text = 'text' in step.params ? step.params.text : undefined;
    if (text === undefined) return [];
    const escape = step.action.startsWith('slack.') ? 'slack' : 'none';
    return [{ action: step.action, text: renderText(text, scope, escape) }];
  });
  return {
    event: event.key,
    event_id: stored.id,
    ticket_id: event.ticket_id,
    at: event.observed_at,
    rendered,
  };
}

function renderText(text: string, scope: ReturnType<typeof scopeOf>, escape: 'slack' | 'none'): string {
  try {
    return render(parseTemplate(text), scope, escape);
  } catch (error) {
    if (error instanceof TemplateError) return `(cannot be rendered: ${error.message})`;
    throw error;
  }
}

function isUnfetched(matcher: Matcher, ruleId: string, stored: ShownEvent, now: number): boolean {
  const { reason, leaves } = matcher.explain(ruleId, stored.event, now);
  return reason === 'conditions' && leaves.some((leaf) => leaf.truth === 'unknown');
}

function compare(tally: Tally, key: string, now: boolean, before: boolean): void {
  if (now && before) tally.same += 1;
  if (now === before) return;
  const keys = now ? tally.added : tally.removed;
  keys.count += 1;
  if (keys.shown.length < SHOWN_KEYS) keys.shown.push(key);
}

function reportOf(tally: Tally, compared: boolean, recorded: readonly RecordedRuns[]): RuleReport {
  const { rule, matches, suppressed, same, added, removed, steps } = tally;
  return {
    rule: rule.id,
    matches,
    suppressed,
    runs: matches - suppressed,
    steps: Object.fromEntries(steps),
    vendor_calls: Object.fromEntries(tally.calls),
    slack_messages: (steps.get('slack.post') ?? 0) + (steps.get('slack.ask') ?? 0),
    http_posts: steps.get('http.post') ?? 0,
    difference: compared
      ? {
          same,
          added: added.count,
          removed: removed.count,
          added_events: added.shown,
          removed_events: removed.shown,
        }
      : null,
    recorded: recorded.filter((row) => row.rule === rule.id).map(({ rule: _rule, ...row }) => row),
    samples: tally.samples,
  };
}

function gapsOf(tallies: readonly Tally[]): readonly string[] {
  const gaps = tallies
    .filter((tally) => tally.unfetched > 0)
    .map(
      ({ rule, unfetched }) =>
        `${rule.id}: on ${unfetched} events it reads something that was not fetched then`,
    );
  if (tallies.some(({ rule }) => rule.then.some((step) => step.action === 'wait'))) {
    gaps.push('steps after a wait are counted as if "while" had always held');
  }
  if (tallies.some(({ rule }) => rule.schedule !== null)) {
    gaps.push('a schedule fires only for rules that were active: its past moments are not stored');
  }
  gaps.push('lists, calendars and the other rules are those of today');
  return gaps;
}
