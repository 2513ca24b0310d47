import { describe, expect, test } from 'vitest';
import type { DeskEvent } from '../event.ts';
import { compileRules } from './compile.ts';
import { readEventInput } from './input.ts';
import { loadRules, NOTHING_KNOWN } from './load.ts';
import { NO_SETTINGS } from './matcher.ts';
import { parseTemplate, render, type TemplateScope } from './template.ts';
import { rule } from './testing/generate.ts';

/** Nothing in a rule file or an event may hang, crash or pollute the process. Numbers are those of the list of hostile inputs. */

const load = (text: string): string[] =>
  loadRules([{ file: 'r.yaml', text }], NOTHING_KNOWN).problems.map(({ message }) => message);
const withWhen = (when: string): string => `id: a\nwhen: ${when}\nthen: [acknowledge]\n`;
const withText = (text: string): string =>
  `id: a\nwhen: { title: x }\nthen: [{ comment: { text: ${JSON.stringify(text)} } }]\n`;
/** CPU time of this process, ms: what others do on the machine does not count. */
const cpuMs = (work: () => unknown): number => {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
};

describe('79: patterns that hang backtracking engines', () => {
  test.each(['(a+)+$', '^(a+)+$', '(.*a){20}', '(x+x+)+y'])('%s is linear', (source) => {
    const matcher = compileRules([rule('r', { title: { matches: source } })], NO_SETTINGS);
    const match = (title: string): number =>
      matcher.match({ type: 'ticket.updated', connection: 'a', ticket: { title } } as unknown as DeskEvent, 0)
        .length;
    match('warm up');

    expect(cpuMs(() => match(`${'a'.repeat(28)}!`))).toBeLessThan(50);
    // Beyond 32 KB text is not searched, so a 5 MB title costs no more.
    expect(cpuMs(() => match('xa'.repeat(2_500_000)))).toBeLessThan(2_000);
  });
});

test.each([
  ['80', withWhen(`{ title: { matches: "${'a?'.repeat(5_000)}" } }`), 'at most 512'],
  ['80', withWhen('{ title: { matches: "(x{1000}){1000}" } }'), 'repeat count'],
  ['80', withWhen('{ title: { matches: "x{1000}{1000}" } }'), 'nested repetition'],
  ['81', withWhen('{ title: { matches: "(?<!a)b" } }'), 'at character 1'],
  ['81', withWhen('{ title: { matches: "(a)b\\\\1" } }'), 'at character 5'],
  ['82', `a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n`, 'anchors'],
  ['83', `id: a\nwhen: ${'['.repeat(100_000)}`, 'levels deep'],
  ['83', withWhen(`${'{ any: [ '.repeat(100)}`), 'levels deep'],
  ['85', 'id: a\nwehn: {}\nthen: [acknowledge]\n', 'Did you mean "when"?'],
  ['86', 'id: a\nid: b\nthen: [acknowledge]\n', 'Duplicate key "id"'],
  ['86', 'id: a\nthen: [acknowledge]\n---\nid: a\nthen: [acknowledge]\n', 'Duplicate rule id "a"'],
  ['87', 'id: !!js/function "x"\nthen: [acknowledge]\n', 'tags'],
  ['87', 'id: !foo x\nthen: [acknowledge]\n', 'tags'],
  ['88', withText('{% for i in (1..100000000) %}x{% endfor %}'), 'too many elements'],
  ['89', withText("{% include '/etc/passwd' %}"), 'refused'],
  ['90', withText('{{ ticket.constructor.constructor }}'), 'Unknown name'],
  ['90', withText('{{ x.constructor.constructor }}'), 'Unknown name'],
  ['91', withWhen('{ __proto__.x: y }'), 'Unknown field'],
  ['92', 'id: a\nname: "a\\nb"\nthen: [acknowledge]\n', 'one line'],
  ['92', 'id: a\nname: "\\x1b[31m"\nthen: [acknowledge]\n', 'one line'],
  ['92', 'id: "a\\nb"\nthen: [acknowledge]\n', 'Expected an id'],
  ['93', 'id: a\nschedule: "* * * * * *"\nthen: [acknowledge]\n', 'seconds'],
  ['93', 'id: a\nschedule: "0 9 * * *"\ntime_zone: Mars/Olympus\nthen: [acknowledge]\n', 'time zone'],
  ['94', 'id: a\nthen: [{ comment: { text: x } }]\n', 'no condition narrows it'],
])('%s: %.60j is refused or warned about', (_, text, message) => {
  expect(cpuMs(() => expect(load(text).join('\n')).toContain(message))).toBeLessThan(1_500);
});

test('84: 20,000 keys are refused in bounded time', () => {
  const keys = (count: number): string =>
    `id: a\nwhen:\n${Array.from({ length: count }, (_, i) => `  k${i}: 1`).join('\n')}\nthen: [acknowledge]\n`;

  expect(load(keys(12_000))).toEqual(['More than 1000 entries in one map or list.']);
  expect(load(keys(40_000))).toEqual(['This file is larger than 256 KB; split it.']);
  expect(cpuMs(() => load(keys(12_000)))).toBeLessThan(2_000);
  expect(cpuMs(() => load(keys(999)))).toBeLessThan(2_000);
});

test('88: a range that only the event makes long ends with a message', () => {
  const template = parseTemplate(
    '{% for i in (1..body.n) %}{% for j in (1..body.n) %}x{% endfor %}{% endfor %}',
  );

  expect(() => render(template, { body: { n: 1e8 } }, 'none')).toThrow(/too many elements/);
  expect(
    cpuMs(() => expect(() => render(template, { body: { n: 1e5 } }, 'none')).toThrow(/100 ms|256 KB/)),
  ).toBeLessThan(1_500);
});

test('90, 91: templates and conditions see own properties only', () => {
  const body = JSON.parse('{ "__proto__": { "x": "own" }, "list": [1] }') as unknown;
  const shown = (text: string): string =>
    render(parseTemplate(text), { body, ticket: { tags: ['a'] } } as TemplateScope, 'none');

  expect(
    shown(
      '{{ body.constructor }}{{ body.toString }}{{ body.list.constructor }}{{ ticket.tags.first.constructor.name }}',
    ),
  ).toBe('');
  const { event } = readEventInput({ type: 'ticket.updated', body: {} });
  const matcher = compileRules(
    [rule('r', { 'body.__proto__.x': { present: true } }), rule('s', { 'body.constructor.name': 'Object' })],
    NO_SETTINGS,
  );
  expect(matcher.match(event, 0)).toEqual([]);
  expect(({} as { x?: unknown }).x).toBeUndefined();
});

test('keys named __proto__ in an event pollute nothing', () => {
  const json = JSON.parse(
    '{ "type": "t", "ticket": { "custom": { "__proto__": { "polluted": 1 } } }, "changes": {}, "body": { "__proto__": { "polluted": 1 } } }',
  ) as unknown;

  const { event, problems } = readEventInput(json);

  expect(problems).toEqual([]);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(compileRules([rule('r', { 'custom.polluted': 1 })], NO_SETTINGS).match(event, 0)).toEqual([]);
});

test('an event without any shape matches what asks for nothing, and throws nowhere', () => {
  const rules = [
    rule('none', {}),
    rule('some', { title: 'x', 'custom.a': { empty: false }, comment: undefined } as never),
  ].slice(0, 1);
  const odd: readonly unknown[] = [
    {},
    { ticket: 7 },
    { ticket: [] },
    { changes: [] },
    { changes: 'x' },
    { ticket: { custom: 'x', tags: 'y', priority: 3 } },
  ];
  const filler = Array.from({ length: 25 }, (_, i) =>
    rule(`f${i}`, {
      tags: { has: `t${i}` },
      priority: { at_least: 'low' },
      'custom.a': { changed: { to: `v${i}` } },
    }),
  );
  const matcher = compileRules([...rules, ...filler], NO_SETTINGS);

  for (const shape of odd) {
    const event = { type: 'ticket.updated', connection: 'a', ...(shape as object) } as DeskEvent;
    expect(matcher.match(event, 0).map((match) => match.rule.id)).toEqual(['none']);
    expect(() => matcher.explain('f0', event, 0)).not.toThrow();
  }
});
