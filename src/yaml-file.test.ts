import { describe, expect, test } from 'vitest';
import { formatProblem } from './errors.ts';
import { didYouMean, readYaml } from './yaml-file.ts';

const read = (text: string) => readYaml('a.yaml', text);
const messages = (text: string): string[] => read(text).problems.map(formatProblem);
const valueOf = (text: string): unknown => {
  const { documents, problems } = read(text);
  expect(problems).toEqual([]);
  return documents[0]?.value;
};

describe('values', () => {
  test('follow YAML 1.2: on, yes and no are text', () => {
    expect(valueOf('on: yes\nfree: no\n')).toEqual({ on: 'yes', free: 'no' });
  });

  test('keep long ids as text and keys as they were written', () => {
    expect(valueOf('id: 12345678901234567890\nstatus: { 09: On hold }')).toEqual({
      id: '12345678901234567890',
      status: { '09': 'On hold' },
    });
  });

  test('hold a __proto__ key as an ordinary one', () => {
    const value = valueOf('__proto__: { admin: true }\n') as Record<string, unknown>;

    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(value['admin']).toBeUndefined();
  });

  test('come one per document', () => {
    const { documents } = read('id: a\n---\nid: b\n');

    expect(documents.map((document) => document.value)).toEqual([{ id: 'a' }, { id: 'b' }]);
  });
});

describe('places', () => {
  const text = 'connections:\n  acme:\n    poll: 60s\n    lists: [a, b]\n---\nid: x\n';
  const document = read(text).documents[0];

  test.each([
    [['connections', 'acme', 'poll'], 'value', { line: 3, column: 11 }],
    [['connections', 'acme', 'poll'], 'key', { line: 3, column: 5 }],
    [['connections', 'acme', 'lists', 1], 'value', { line: 4, column: 16 }],
    [['connections', 'acme', 'url'], 'value', { line: 2, column: 3 }],
    [['connections', 'acme', 'poll', 'created'], 'value', { line: 3, column: 5 }],
    [['slack'], 'value', { line: 1, column: 1 }],
  ] as const)('of %j (%s)', (path, what, place) => {
    expect(document?.at(path, what)).toEqual(place);
  });

  test('count through the whole file in a later document', () => {
    expect(read(text).documents[1]?.at(['id'])).toEqual({ line: 6, column: 5 });
  });

  test('of an empty file are its start', () => {
    expect(read('# nothing yet\n').documents[0]?.at(['a']) ?? { line: 1, column: 1 }).toEqual({
      line: 1,
      column: 1,
    });
  });
});

describe('mistakes', () => {
  test('come all at once, across documents', () => {
    const text = 'a: 1\na: 2\n---\nb: @x\n---\nc: "open\n';

    expect(messages(text)).toEqual([
      'a.yaml:2:1: Duplicate key "a"; it stands in line 1 already.',
      expect.stringMatching(/^a\.yaml:4:4: .*reserved character/),
      'a.yaml:6:4: This quote is never closed.',
    ]);
  });

  test.each([
    ['a tab as indentation', 'a:\n\tb: 1\n', /^a\.yaml:2:1: Tabs are not allowed as indentation/],
    ['a wrong indentation', 'a:\n  b: 1\n c: 2\n', /^a\.yaml:3:\d+: /],
    ['a colon in a plain value', 'a: b: c\n', /^a\.yaml:1:4: .*quotes/],
    ['a reserved character', 'a: @noc\n', /^a\.yaml:1:4: .*Put the value in quotes/],
    ['a duplicate key', 'a:\n  b: 1\n  b: 2\n', /^a\.yaml:3:3: Duplicate key "b"; it stands in line 2/],
    ['a key that is a list', '? [a]\n: 1\n', /^a\.yaml:1:3: A key must be/],
    ['a tag', 'a: !!js/function "x"\n', /^a\.yaml:1:4: YAML tags/],
    ['a tag on a block scalar', 'a: !x |\n  b\n', /^a\.yaml:1:4: YAML tags/],
    ['an anchor', 'a: &x [1]\n', /^a\.yaml:1:4: YAML anchors/],
    ['an alias', 'a: 1\nb: *x\n', /^a\.yaml:2:4: YAML aliases/],
    ['a directive', '%YAML 1.1\n---\na: yes\n', /^a\.yaml:1:1: YAML directives/],
    ['infinity', 'a: .inf\n', /^a\.yaml:1:4: Not a finite number/],
    ['a NUL character', 'a: "x\\0y"\n', /^a\.yaml:1:4: Text with a NUL/],
    ['half a surrogate pair', 'a: "\\uD800"\n', /^a\.yaml:1:4: Text with a NUL character or half/],
  ])('%s is named with its place', (_, text, pattern) => {
    expect(messages(text)[0]).toMatch(pattern);
  });

  test('are cut off after fifty lines', () => {
    const problems = messages(']\n'.repeat(500));

    expect(problems).toHaveLength(51);
    expect(problems.at(-1)).toContain('mistakes in 450 more lines');
  });
});

describe('hostile files', () => {
  test.each([
    ['brackets', '['.repeat(100_000)],
    ['braces', '{a: '.repeat(60_000)],
    ['dashes', '- '.repeat(120_000)],
    ['question marks', '? '.repeat(120_000)],
    ['indentation', Array.from({ length: 300 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
  ])('of nested %s are refused', (_, text) => {
    expect(messages(text)[0]).toMatch(/Nested more than 64 levels deep|larger than 256 KB/);
  });

  test('with twenty thousand keys are read in linear time', () => {
    const text = Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join('\n');
    const begun = performance.now();

    expect(Object.keys(valueOf(text) as object)).toHaveLength(20_000);
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  test('over 256 KB are refused unread', () => {
    expect(messages('#'.repeat(300_000))).toEqual(['a.yaml:1:1: This file is larger than 256 KB; split it.']);
  });

  test('with a billion laughs are refused', () => {
    const text = 'a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n';

    expect(read(text)).toMatchObject({ documents: [] });
  });
});

describe('didYouMean', () => {
  const known = ['bot_token', 'signing_secret', 'poll', 'rate'];

  test.each([
    ['bot_tokn', ' Did you mean "bot_token"?'],
    ['botToken', ' Did you mean "bot_token"?'],
    ['pol', ' Did you mean "poll"?'],
    ['plol', ' Did you mean "poll"?'],
    ['webhook', ''],
    ['', ''],
  ])('%j suggests %j', (word, suggestion) => {
    expect(didYouMean(word, known)).toBe(suggestion);
  });
});
