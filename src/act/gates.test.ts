import { describe, expect, test } from 'vitest';
import { loadRules, NOTHING_KNOWN } from '../match/load.ts';
import type { Rule } from '../match/rule.ts';
import { conditionToRecheck, isCustomerVisible } from './gates.ts';

function ruleWith(step: string): Rule {
  const text = `id: r\nname: r\nwhen: { category: Network }\nthen:\n  - ${step}\n`;
  const { rules, problems } = loadRules([{ file: 'r.yaml', text }], NOTHING_KNOWN);
  const [rule] = rules;
  if (rule === undefined) throw new Error(problems.map((problem) => problem.message).join('\n'));
  return rule;
}

describe('what a customer would see', () => {
  test.each([
    ['comment: { text: x }', false],
    ['comment: { text: x, public: true }', true],
    ['close: {}', true],
    ['resolve: {}', true],
    ['reopen: {}', true],
    ['wait_for: customer', true],
    ['wait_for: agent', false],
    ['approve: { vote: accept }', true],
    ['breaking_news: { title: x, text: x }', true],
    ['create_ticket: { title: x, text: x }', false],
    ['create_ticket: { title: x, text: x, requester: a@b.co }', true],
    ['reassign: { queue: x }', false],
    ['set: { priority: high }', false],
    ['slack.post: { channel: "#noc", text: x }', false],
  ])('%s: %j', (step, visible) => {
    const [first] = ruleWith(step).then;

    expect(first === undefined ? null : isCustomerVisible(first)).toBe(visible);
  });
});

describe('what is looked at again', () => {
  test.each([
    ['nothing, for a fresh event', {}, 30_000, null],
    ['when, for one older than 30 s', {}, 30_001, 'when'],
    ['nothing, after our own first write', { wrote: true }, 3_600_000, null],
    ['while, after a wait', { waited: true }, 0, 'while'],
    ['while, after a wait and a write', { waited: true, wrote: true }, 3_600_000, 'while'],
  ])('%s', (_, progress, ageMs, wanted) => {
    expect(conditionToRecheck(progress, ageMs)).toBe(wanted);
  });
});
