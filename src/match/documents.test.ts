import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readYaml } from '../yaml-file.ts';
import { compileCondition } from './compile.ts';
import { readEventInput } from './input.ts';
import { loadRules, NOTHING_KNOWN } from './load.ts';
import type { MatchSettings } from './matcher.ts';
import { formatExplanation, runRuleTests } from './rule-tests.ts';
import { KNOWN } from './testing/known.ts';

/** docs/rules.md and the example rules say nothing that is not executed here. */

const root = new URL('../../', import.meta.url);
const SETTINGS: MatchSettings = {
  lists: { vips: ['ceo@acme.com', 'cfo@acme.com'] },
  locales: {},
  workingMs: (_, from, to) => to - from,
};
const page = readFileSync(new URL('docs/rules.md', root), 'utf8');

function failures(text: string): string[] {
  const { rules, problems } = loadRules([{ file: 'example.yaml', text }], NOTHING_KNOWN);
  const errors = problems
    .filter(({ severity }) => severity === 'error')
    .map(({ line, message }) => `${line}: ${message}`);
  const { findings } = runRuleTests(rules, SETTINGS);
  return [
    ...errors,
    ...findings.map(
      ({ line, message, explanation }) => `${line}: ${message}\n${formatExplanation(explanation)}`,
    ),
  ];
}

describe('docs/rules.md', () => {
  const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);
  const rows = [...page.matchAll(/^\| `(\{.*\})` \| `(\{.*\})` \| ([✓✗]) \|$/gm)].map(
    ([, when = '', ticket = '', sign = '']) => [when, ticket, sign] as const,
  );

  test('has examples of both kinds', () => {
    expect(blocks.length).toBeGreaterThan(2);
    expect(rows.length).toBeGreaterThan(30);
  });

  test.each(blocks)('%.60j loads, and its tests hold', (text) => {
    expect(text).toContain('tests:');
    expect(failures(text)).toEqual([]);
  });

  test.each(rows)('%s on %s: %s', (when, ticket, sign) => {
    const input = readEventInput({ type: 'ticket.updated', ticket: parse(ticket) });
    expect(input.problems).toEqual([]);
    expect(
      loadRules([{ file: 'x', text: `id: a\nwhen: ${when}\nthen: [acknowledge]\n` }], NOTHING_KNOWN).rules,
    ).toHaveLength(1);

    expect(compileCondition(parse(when) as never, SETTINGS).test(input.event, 0)).toBe(sign === '✓');
  });

  function parse(text: string): unknown {
    const { documents, problems } = readYaml('row', text);
    expect(problems).toEqual([]);
    return documents[0]?.value;
  }
});

describe('rules/', () => {
  const names = readdirSync(new URL('rules/', root)).filter((name) => name.endsWith('.yaml'));
  const files = names.map((file) => ({ file, text: readFileSync(new URL(`rules/${file}`, root), 'utf8') }));

  test('has a dozen rules, each with a test that matches and one that does not', () => {
    const { rules } = loadRules(files, NOTHING_KNOWN);

    expect(rules.length).toBeGreaterThanOrEqual(12);
    for (const { id, tests } of rules) {
      expect([
        id,
        tests.some(({ expect: expected }) => expected === 'none'),
        tests.some(({ expect: expected }) => expected !== 'none'),
      ]).toEqual([id, true, true]);
    }
  });

  test.each(files)('$file loads, and its tests hold', ({ text }) => {
    expect(failures(text)).toEqual([]);
  });

  test('they load beside any configuration, and warn of nothing but actions that a desk cannot do', () => {
    const { problems } = loadRules(files, {
      ...KNOWN,
      lists: [],
      calendars: [],
      oncall: [],
      environment: [],
    });

    expect(
      problems.filter(
        ({ severity, message }) => severity === 'error' || !message.includes('does not support'),
      ),
    ).toEqual([]);
  });
});
