import { expect, test } from 'vitest';
import { compileCondition, compileRules } from './compile.ts';
import type { Matcher, MatchSettings } from './matcher.ts';
import type { Rule } from './rule.ts';
import { adversarialRules, Dice, NOW, randomEvent, randomRules } from './testing/generate.ts';
import { Oracle, oracleMatch } from './testing/oracle.ts';

/**
 * Both engines against an evaluator written from the specification. Seeds are fixed, so that a failure repeats;
 * DESKHAND_SEEDS=1000 searches longer.
 */

const SEEDS = Number(process.env['DESKHAND_SEEDS'] ?? 24);
const SETTINGS: MatchSettings = {
  lists: { vips: ['ceo@acme.com', 'Printer', '3'], none: [] },
  locales: { tr: 'tr' },
  workingMs: null,
};

/** @param size above 20 rules are indexed, below tried in turn */
function compare(
  seed: number,
  size: number,
  make: (dice: Dice, count: number) => Rule[],
  odd: number,
): number {
  const dice = new Dice(seed);
  const rules = make(dice, size);
  const sample = seed % 3 === 0 ? Array.from({ length: 20 }, () => randomEvent(dice, odd)) : [];
  const matcher: Matcher = compileRules(rules, SETTINGS, sample);
  let matches = 0;
  for (let i = 0; i < 20; i += 1) {
    const event = randomEvent(dice, odd);
    const found = matcher.match(event, NOW).map(({ rule }) => rule.id);
    expect({ seed, event, found }).toEqual({ seed, event, found: oracleMatch(rules, event, NOW, SETTINGS) });
    matches += found.length;
  }
  return matches;
}

const seeds = Array.from({ length: SEEDS }, (_, index) => index + 1);

test.each([
  ['random rules, indexed', 120, randomRules, 0.03],
  ['random rules on odd events, indexed', 120, randomRules, 0.4],
  ['adversarial rules, indexed', 120, adversarialRules, 0.03],
  ['adversarial rules on odd events, indexed', 120, adversarialRules, 0.4],
  ['random rules, tried in turn', 15, randomRules, 0.2],
  ['adversarial rules, tried in turn', 15, adversarialRules, 0.4],
] as const)('%s: the matcher agrees with the specification', (_, size, make, odd) => {
  const matches = seeds.reduce((sum, seed) => sum + compare(seed, size, make, odd), 0);

  // A generator that matches nothing would prove nothing.
  expect(matches).toBeGreaterThan(SEEDS * 10);
});

test('explain agrees with match on every pair', () => {
  for (const seed of seeds.slice(0, 12)) {
    const dice = new Dice(seed);
    const rules = [...randomRules(dice, 40), ...adversarialRules(dice, 40)];
    const matcher = compileRules(rules, SETTINGS);
    for (let i = 0; i < 5; i += 1) {
      const event = randomEvent(dice, 0.2);
      const found = new Set(matcher.match(event, NOW).map(({ rule }) => rule.id));
      for (const { id } of rules) {
        const { verdict, reason } = matcher.explain(id, event, NOW);
        expect({ id, reason, matches: verdict === 'match' }).toEqual({ id, reason, matches: found.has(id) });
      }
    }
  }
});

test('one compiled condition agrees with the specification, explained or not', () => {
  for (const seed of seeds) {
    const dice = new Dice(seed);
    const [rule] = randomRules(dice, 1);
    const condition = compileCondition(rule?.when ?? {}, SETTINGS);
    for (let i = 0; i < 20; i += 1) {
      const event = randomEvent(dice, 0.2);
      const wanted = new Oracle(event, NOW, SETTINGS, false).map(rule?.when ?? {});
      expect(condition.test(event, NOW)).toBe(wanted);
      expect(condition.explain(event, NOW).holds).toBe(wanted);
    }
  }
});

test('near misses are the rules that one other leaf would make match', () => {
  const dice = new Dice(7);
  const rules = randomRules(dice, 60);
  const matcher = compileRules(rules, SETTINGS);
  const event = { ...randomEvent(dice, 0.05), type: 'ticket.updated', own: false };

  const misses = matcher.nearMisses(event, NOW, 1_000);

  expect(misses.length).toBeGreaterThan(5);
  for (const miss of misses) expect(miss.reason).toBe('conditions');
  expect(matcher.nearMisses(event, NOW, 3)).toEqual(misses.slice(0, 3));
});
