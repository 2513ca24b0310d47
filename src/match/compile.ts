import type { DeskEvent } from '../event.ts';
import { Explainer } from './explainer.ts';
import { foldingFor, perFolding } from './per-folding.ts';
import type { LeafNode } from './condition.ts';
import { compileNode } from './closures.ts';
import type { CompileCondition, CompileRules } from './matcher.ts';
import { parseTrusted } from './parsed-rule.ts';
import { EventReader, FieldSlots } from './reader.ts';
import { compileTest, type LeafTest } from './leaf-test.ts';
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
    const slots = new FieldSlots();
    const testOf = (leaf: LeafNode): LeafTest =>
      compileTest(leaf.test, slots.of(leaf.field), folding, settings);
    return {
      test: compileNode(node, slots, folding, settings),
      explainer: new Explainer(node, testOf, slots, settings),
    };
  });
  const readerOf = (event: DeskEvent, now: number): EventReader =>
    new EventReader(event, now, foldingFor(settings, event));
  return {
    test: (event, now) => parts(foldingFor(settings, event)).test(readerOf(event, now)),
    explain: (event, now) => parts(foldingFor(settings, event)).explainer.explain(readerOf(event, now)),
  };
};
