import { RE2JS } from 're2js';
import { describe, expect, test } from 'vitest';
import { AhoCorasick } from './index/aho-corasick.ts';
import { isInNets, parseNet } from './cidr.ts';
import { structuralKey } from './condition.ts';
import { cronProblem } from './cron.ts';
import { fold } from './fold.ts';
import { compilePattern, foldPattern, isPatternProblem, requiredLiterals } from './pattern.ts';
import { parseInstant, parseRate, parseSpan } from './span.ts';
import { Dice } from './testing/generate.ts';

test('fold is idempotent in both foldings', () => {
  const texts = ['ŞİKAYET', 'Isı', 'ﬁx', 'ＶＰＮ', 'Straße', 'ΟΔΟΣ', 'i\u0307', 'I\u0307', 'Ǆ', 'ẞ'];

  for (const folding of ['plain', 'turkic'] as const) {
    for (const text of texts) expect(fold(fold(text, folding), folding)).toBe(fold(text, folding));
  }
  expect(fold('ISI İSİ', 'turkic')).toBe('ısı isi');
});

test.each([
  ['15m', 900_000], ['1h30m', 5_400_000], ['2d', 172_800_000], ['1w', 604_800_000], ['90s', 90_000],
  ['0m', null], ['15', null], ['1.5h', null], ['m', null], ['-5m', null], ['99999999w', null], [15, null], ['', null],
])('the span %j has %j ms', (text, ms) => {
  expect(parseSpan(text)).toBe(ms);
}); // prettier-ignore

test('instants without an offset are UTC; anything else is not a number', () => {
  expect(parseInstant('2026-11-23T09:00')).toBe(Date.parse('2026-11-23T09:00:00Z'));
  expect(parseInstant('2026-11-23')).toBe(Date.parse('2026-11-23T00:00:00Z'));
  expect(parseInstant('2026-11-23T12:00:00+03:00')).toBe(Date.parse('2026-11-23T09:00:00Z'));
  for (const wrong of ['23.11.2026', 'now', '2026-13-01', 5, null, '2026-11-23x'])
    expect(parseInstant(wrong)).toBeNaN();
});

test('rates', () => {
  expect(parseRate('1/1h')).toEqual({ runs: 1, perMs: 3_600_000 });
  expect(parseRate('90/m')).toEqual({ runs: 90, perMs: 60_000 });
  for (const wrong of ['0/1h', '1', '1/', '/1h', '1/0s', 5]) expect(parseRate(wrong)).toBeNull();
});

describe('nets', () => {
  const inside = (address: string, net: string): boolean => {
    const parsed = parseNet(net);
    return parsed !== null && isInNets(address, [parsed]);
  };

  test.each([
    ['10.255.0.1', '10.0.0.0/8', true], ['11.0.0.1', '10.0.0.0/8', false], ['1.2.3.4', '0.0.0.0/0', true], ['1.2.3.4', '1.2.3.4', true],
    ['2001:db8::1', '2001:db8::/32', true], ['2001:db9::1', '2001:db8::/32', false], ['::1', '::/0', true], ['1.2.3.4', '::/0', false],
    ['::ffff:10.1.1.1', '10.0.0.0/8', true], ['1.2.3', '0.0.0.0/0', false], ['01.2.3.4', '0.0.0.0/0', false], ['1:2', '::/0', false],
  ] as const)('%s in %s: %s', (address, net, expected) => {
    expect(inside(address, net)).toBe(expected);
  }); // prettier-ignore

  test.each(['10.0.0.0/33', '10.0.0/8', 'x', '::1/129', '1.2.3.4/', '1::2::3/8', '10.0.0.0/8/8'])(
    '%s is no net',
    (net) => {
      expect(parseNet(net)).toBeNull();
    },
  );
});

test('cron expressions of five fields', () => {
  for (const right of [
    '0 9 * * mon-fri',
    '*/15 * * * *',
    '0 0 1,15 jan-jun 0-6/2',
    '59 23 29 2 *',
    '0 0 * * 7',
  ])
    expect(cronProblem(right)).toBeNull();
  for (const wrong of [
    '',
    '* * * *',
    '* * * * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * * 13 *',
    '* * * * 8',
    '5-1 * * * *',
    '*/0 * * * *',
    'a * * * *',
    '0 0 30 feb *',
  ]) {
    expect({ wrong, problem: cronProblem(wrong) }).not.toEqual({ wrong, problem: null });
  }
});

test('structural keys tell null, empty, omitted and types apart', () => {
  const values = [
    null,
    '',
    { empty: true },
    0,
    '0',
    false,
    'false',
    [],
    [[]],
    [null],
    ['a', 'b'],
    ['ab'],
    ['a,b'],
    {},
    { a: 1 },
    { a: '1' },
    -1,
    's1:a',
  ];

  expect(new Set(values.map(structuralKey)).size).toBe(values.length);
  expect(structuralKey({ a: 1, b: 2 })).toBe(structuralKey({ b: 2, a: 1 }));
});

describe('patterns', () => {
  test.each([
    ['\\S\\W\\pL\\p{Lu}', '\\S\\W\\pL\\p{Lu}'],
    ['ŞİKAYET', 'şikayet'],
    ['(?P<Name>X)', '(?P<Name>x)'],
    ['(?U)A+', '(?U)a+'],
    ['[A-Z]', '[A-Z]'],
    ['[Şx]', '[Şxşx]'],
    ['\\QA.B\\E', 'a\\.b'],
  ])('%s is folded to %s', (source, expected) => {
    expect(foldPattern(source, 'plain')).toBe(expected);
  });

  test.each([
    ['disk.*full', ['disk', 'full']],
    ['^vpn$', ['vpn']],
    ['VPN+ x', ['vpn', ' x']],
    ['ab?c*de{2}f', []],
    ['(abc)def', ['def']],
    ['abc|def', []],
    ['abc( |$)def?', ['abc', 'de']],
    ['(ab|cd)|ef', []],
    ['ab\\|cd', ['ab', 'cd']],
    ['abc(?:x)', []],
    ['[abc]def', ['def']],
    ['\\bvpn\\d+gate', ['gate', 'vpn']],
  ])('every match of %s holds %j', (source, expected) => {
    expect(requiredLiterals(source, 'plain')).toEqual(expected);
  });
});

test.each(['vpn', '^re:', 'word( |$)', '(vpn|wi-fi|lan)', 'a$b', '(a|ab)(c|bcd)$', 'x|', '()', 'i', 'K'])(
  'the plain pattern %s means the same as in re2',
  (source) => {
    const compiled = compilePattern(source, 'plain');
    const dice = new Dice(3);
    const texts = Array.from({ length: 300 }, () =>
      fold(
        dice
          .some(['vpn', 're:', 'word', ' ', 'a', 'b', 'cd', 'ab', 'lan', 'x', '\n', 'İ', 'K'], 0, 4)
          .join(''),
      ),
    );

    const ours = texts.map((text) => !isPatternProblem(compiled) && compiled.test(text));

    expect(ours).toEqual(texts.map((text) => RE2JS.compile(fold(source), RE2JS.CASE_INSENSITIVE).test(text)));
  },
);

test.each([0, 1 << 18])('many texts are found in one pass (table limit %d)', (limit) => {
  const dice = new Dice(5);
  for (let round = 0; round < 60; round += 1) {
    const needles = [
      ...new Set(
        Array.from({ length: 1 + dice.below(12) }, () =>
          dice.some(['a', 'b', 'ş', 'ab', 'i'], 1, 4).join(''),
        ),
      ),
    ];
    const text = dice
      .some(['a', 'b', 'c', 'A', 'B', 'I', ...dice.some(['ş', 'Ş', '😀', '\u0307', 'c'])], 0, 30)
      .join('');
    const folding = dice.pick(['plain', 'turkic'] as const);
    const automaton = new AhoCorasick(
      new Map(needles.map((needle, index) => [needle, [index]])),
      folding,
      limit,
    );

    const found: number[] = [];
    automaton.scan(text, found);

    expect(new Set(found)).toEqual(
      new Set(needles.flatMap((needle, index) => (fold(text, folding).includes(needle) ? [index] : []))),
    );
  }
});
