import type { DeskEvent } from '../event.ts';
import { compileNode } from './closures.ts';
import { leavesOf, type LeafNode, type Node } from './condition.ts';
import { explainLeaf, truthOf } from './explain.ts';
import { fieldsReadBy } from './fields-read.ts';
import { type Folding, foldingOf } from './fold.ts';
import { type Gate, gateOf } from './gate.ts';
import { compileTest, type LeafTest } from './leaf-test.ts';
import { byOrder } from './load.ts';
import type {
  CompileCondition,
  CompileRules,
  Explanation,
  Leaf,
  Match,
  Matcher,
  MatchSettings,
  Verdict,
} from './matcher.ts';
import { NO_NAMES, parseCondition } from './parse-condition.ts';
import { EventReader, FieldSlots } from './reader.ts';
import { TRUSTED } from './report.ts';
import { TIME_OPERATORS } from './operators.ts';
import type { ConditionMap, Rule } from './rule.ts';

/**
 * Compiles loaded rules into one matcher. In come rules and settings, out comes the pure function from an event
 * and an instant to the rules that match, and the explanation of each decision.
 */

/** @throws TypeError for a rule that {@link loadRules} would have refused */
export const compileRules: CompileRules = (rules, settings) => new RuleMatcher(rules, settings);

/** @throws TypeError for a map that the loader would have refused */
export const compileCondition: CompileCondition = (map, settings) => {
  const node = parseTrusted(map, false);
  const parts = bothFoldings((folding) => {
    const slots = new FieldSlots();
    return {
      test: compileNode(node, slots, folding, settings),
      explainer: new Explainer(node, slots, folding, settings),
    };
  });
  const of = (event: DeskEvent): ReturnType<typeof parts> => parts(foldingOf(localeOf(settings, event)));
  return {
    test: (event, now) => of(event).test(new EventReader(event, now, foldingOf(localeOf(settings, event)))),
    explain: (event, now) =>
      of(event).explainer.explain(new EventReader(event, now, foldingOf(localeOf(settings, event)))),
  };
};

function localeOf(settings: MatchSettings, event: DeskEvent): string | undefined {
  const { connection } = event;
  return Object.hasOwn(settings.locales, connection) ? settings.locales[connection] : undefined;
}

/** Builds each folding's form when it is first needed: hardly any installation has both. */
function bothFoldings<T>(build: (folding: Folding) => T): (folding: Folding) => T {
  const built = new Map<Folding, T>();
  return (folding) => {
    const known = built.get(folding) ?? build(folding);
    built.set(folding, known);
    return known;
  };
}

/** Parses a map that was checked when it was loaded. */
export function parseTrusted(map: ConditionMap, firstStateCounts: boolean): Node {
  return parseCondition(map, [], TRUSTED, { names: NO_NAMES, firstStateCounts });
}

/** A rule's condition in the form that all evaluators share. */
export interface ParsedRule {
  readonly rule: Rule;
  readonly node: Node;
  readonly hasTimeOperator: boolean;
}

export function parseRule(rule: Rule): ParsedRule {
  const node = parseTrusted(rule.when, rule.onWritten && rule.on.includes('ticket.created'));
  const hasTimeOperator = [...leavesOf(node)].some((leaf) => TIME_OPERATORS.has(leaf.operator));
  return { rule, node, hasTimeOperator };
}

/** Explains a tree leaf by leaf. */
class Explainer {
  readonly #node: Node;
  readonly #slots: FieldSlots;
  readonly #settings: MatchSettings;
  readonly #tests = new Map<LeafNode, LeafTest>();

  constructor(node: Node, slots: FieldSlots, folding: Folding, settings: MatchSettings) {
    this.#node = node;
    this.#slots = slots;
    this.#settings = settings;
    for (const leaf of leavesOf(node))
      this.#tests.set(leaf, compileTest(leaf.test, slots.of(leaf.field), folding, settings));
  }

  explain(reader: EventReader): Verdict {
    const truths = new Map<LeafNode, boolean>();
    for (const [leaf, test] of this.#tests) truths.set(leaf, test(reader) !== leaf.negated);
    const holds = truthOf(this.#node, (leaf) => truths.get(leaf) ?? false);
    const leaves = [...truths].map(([leaf, truth]) =>
      explainLeaf(leaf, this.#slots.of(leaf.field), truth, reader, this.#settings),
    );
    return { holds, leaves };
  }
}

interface CompiledRule extends ParsedRule {
  readonly test: LeafTest;
}

/** All rules tried in turn. */
class RuleMatcher implements Matcher {
  readonly rules: readonly Rule[];
  readonly #settings: MatchSettings;
  readonly #parsed: readonly ParsedRule[];
  readonly #compiled: (folding: Folding) => { slots: FieldSlots; rules: readonly CompiledRule[] };

  constructor(rules: readonly Rule[], settings: MatchSettings) {
    this.rules = [...rules].sort(byOrder);
    this.#settings = settings;
    this.#parsed = this.rules.map(parseRule);
    this.#compiled = bothFoldings((folding) => {
      const slots = new FieldSlots();
      return {
        slots,
        rules: this.#parsed.map((parsed) => ({
          ...parsed,
          test: compileNode(parsed.node, slots, folding, settings),
        })),
      };
    });
  }

  match(event: DeskEvent, now: number): readonly Match[] {
    const folding = foldingOf(localeOf(this.#settings, event));
    const reader = new EventReader(event, now, folding);
    const matches: Match[] = [];
    for (const { rule, test, hasTimeOperator } of this.#compiled(folding).rules) {
      if (gateOf(rule, hasTimeOperator, event) !== null || !test(reader)) continue;
      matches.push({ rule });
      if (stops(rule)) break;
    }
    return matches;
  }

  explain(ruleId: string, event: DeskEvent, now: number): Explanation {
    const folding = foldingOf(localeOf(this.#settings, event));
    const reader = new EventReader(event, now, folding);
    const { rules, slots } = this.#compiled(folding);
    const position = rules.findIndex(({ rule }) => rule.id === ruleId);
    const compiled = rules[position];
    if (compiled === undefined)
      return { rule: ruleId, verdict: 'no match', reason: 'no such rule', leaves: [] };
    const { holds, leaves } = new Explainer(compiled.node, slots, folding, this.#settings).explain(reader);
    const stoppedBy = rules
      .slice(0, position)
      .find(
        ({ rule, test, hasTimeOperator }) =>
          stops(rule) && gateOf(rule, hasTimeOperator, event) === null && test(reader),
      );
    return explanationOf(
      compiled.rule,
      gateOf(compiled.rule, compiled.hasTimeOperator, event),
      holds,
      stoppedBy?.rule.id ?? null,
      leaves,
    );
  }

  nearMisses(event: DeskEvent, now: number, limit: number): readonly Explanation[] {
    const found: Explanation[] = [];
    for (const rule of this.rules) {
      if (found.length >= limit) break;
      const explanation = this.explain(rule.id, event, now);
      const failed = explanation.leaves.filter((leaf) => isFailing(leaf));
      if (explanation.reason === 'conditions' && failed.length === 1) found.push(explanation);
    }
    return found;
  }

  fieldsRead(connection: string): ReadonlySet<string> {
    return fieldsReadBy(this.#parsed, connection);
  }
}

/** A shadow rule must not change what live rules do, so its `stop` does not count. */
export function stops(rule: Rule): boolean {
  return rule.stop && rule.mode === 'live';
}

/** Under `none` a true leaf is what fails. */
export function isFailing(leaf: Leaf): boolean {
  const inverted = leaf.groups.filter((group) => group === 'none').length % 2 === 1;
  return leaf.truth !== (inverted ? 'false' : 'true');
}

/** The verdict, with the first reason that holds in the order in which the matcher asks. */
export function explanationOf(
  rule: Rule,
  gate: Gate,
  holds: boolean,
  stoppedBy: string | null,
  leaves: readonly Leaf[],
): Explanation {
  const no = (reason: string): Explanation => ({ rule: rule.id, verdict: 'no match', reason, leaves });
  if (gate !== null) return no(gate);
  if (!holds) return no('conditions');
  if (stoppedBy !== null) return no(`stopped by rule ${stoppedBy}`);
  return {
    rule: rule.id,
    verdict: 'match',
    reason: rule.mode === 'shadow' ? 'shadow' : 'all conditions hold',
    leaves,
  };
}
