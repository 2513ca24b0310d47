import type { DeskEvent } from '../event.ts';
import { Explainer } from './explainer.ts';
import { foldingFor, perFolding } from './per-folding.ts';
import { compileNode } from './closures.ts';
import type { CompileCondition, CompileRules } from './matcher.ts';
import { parseTrusted } from './parsed-rule.ts';
import { PlainEngine } from './plain-engine.ts';
import { EventReader } from './reader.ts';
import { RuleMatcher } from './rule-matcher.ts';

/**
 * Compiles loaded rules into one matcher. In come rules and settings, out comes the pure function from an event
 * and an instant to the rules that match, and the explanation of each decision.
 */

/** @throws TypeError for a rule that `loadRules` would have refused */
export const compileRules: CompileRules = (rules, settings, sample = []) =>
  new RuleMatcher(rules, settings, sample);

/** @throws TypeError for a map that `loadRules` would have refused */
export const compileCondition: CompileCondition = (map, settings) => {
  const node = parseTrusted(map, false);
  const parts = perFolding((folding) => {
    const engine = new PlainEngine([], folding, settings);
    return {
      test: compileNode(node, engine.slots, folding, settings),
      explainer: new Explainer((leaf) => engine.testOf(leaf), engine.slots, settings),
    };
  });
  const readerOf = (event: DeskEvent, now: number): EventReader =>
    new EventReader(event, now, foldingFor(settings, event));
  return {
    test: (event, now) => parts(foldingFor(settings, event)).test(readerOf(event, now)),
    explain: (event, now) => parts(foldingFor(settings, event)).explainer.explain(node, readerOf(event, now)),
  };
};
