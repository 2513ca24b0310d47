import { expect, test } from 'vitest';
import { compileCondition, compileRules } from './compile.ts';
import { readEventInput } from './input.ts';
import { NO_SETTINGS } from './matcher.ts';
import { rule } from './testing/generate.ts';

const event = (more: object): ReturnType<typeof readEventInput>['event'] =>
  readEventInput({ type: 'ticket.updated', connection: 'acme', ...more }).event;

test('every leaf tells path, operator, wanted, got and truth, in the order written', () => {
  const matcher = compileRules(
    [
      rule('r', {
        title: { contains: ['vpn', 'wi-fi'] },
        'requester.email': { domain: 'acme.com' },
        none: [{ tags: { has: 'test' } }],
      }),
    ],
    NO_SETTINGS,
  );

  const explanation = matcher.explain(
    'r',
    event({ ticket: { title: 'Printer', requester: 'a@acme.com', tags: ['test'] } }),
    0,
  );

  expect(explanation).toEqual({
    rule: 'r',
    verdict: 'no match',
    reason: 'conditions',
    leaves: [
      {
        path: 'title',
        operator: 'contains',
        wanted: ['vpn', 'wi-fi'],
        got: 'Printer',
        truth: 'false',
        note: null,
        groups: [],
      },
      {
        path: 'requester.email',
        operator: 'domain',
        wanted: 'acme.com',
        got: 'a@acme.com',
        truth: 'true',
        note: null,
        groups: [],
      },
      {
        path: 'tags',
        operator: 'has',
        wanted: 'test',
        got: ['test'],
        truth: 'true',
        note: null,
        groups: ['none'],
      },
    ],
  });
});

test.each([
  ['absent', { category: 'x' }, { ticket: {} }, 'false', undefined],
  ['absent', { category: { not: 'x' } }, { ticket: {} }, 'true', undefined],
  ['wrong type', { 'custom.n': { above: 3 } }, { ticket: { custom: { n: 'many' } } }, 'false', 'many'],
  ['wrong type', { 'body.list': { contains: 'x' } }, { body: { list: { a: 1 } } }, 'false', { a: 1 }],
  [
    'never fetched',
    { tags: { has: 'x' } },
    { ticket: { tags: null }, unknown: ['tags'] },
    'unknown',
    undefined,
  ],
  [
    'never fetched',
    { 'requester.email': 'x' },
    { ticket: { requester: 'Nora' }, unknown: ['requester.email'] },
    'unknown',
    undefined,
  ],
  [
    'no earlier snapshot',
    { title: { changed: true } },
    { ticket: { title: 'x' }, changes: {}, unknown: ['title'] },
    'false',
    undefined,
  ],
  [
    'no configuration',
    { requester: { in_list: 'vips' } },
    { ticket: { requester: 'x' } },
    'unknown',
    { id: null, name: 'x', email: null, kind: 'unknown' },
  ],
  [
    'no configuration',
    { due_at: { within: { for: '1h', calendar: 'office' } } },
    { ticket: { due_at: '2026-11-23' } },
    'unknown',
    '2026-11-23',
  ],
  [null, { category: { empty: true } }, { ticket: {} }, 'true', undefined],
  [
    null,
    { title: { changed: { to: 'x' } } },
    { changes: { title: { from: 'a', to: 'b' } } },
    'false',
    { from: 'a', to: 'b', by: 'unknown' },
  ],
])('%s: %j', (note, when, input, truth, got) => {
  const { leaves } = compileCondition(when, NO_SETTINGS).explain(event(input), Date.parse('2026-11-23'));

  expect(leaves).toMatchObject([{ note, truth }]);
  expect(leaves[0]?.got).toEqual(got);
});

test('the verdict says which gate closed first', () => {
  const rules = [
    rule('first', {}, { stop: true, order: 1 }),
    rule('stopped', {}),
    rule('off', {}, { mode: 'off' }),
    rule('shadow', {}, { mode: 'shadow', order: 0 }),
    rule('comments', {}, { on: ['comment.added'] }),
    rule('unmet', { title: 'y' }),
  ];
  const matcher = compileRules(rules, NO_SETTINGS);
  const reason = (id: string, more: object = {}): string => {
    const { verdict, reason: because } = matcher.explain(id, event({ ticket: { title: 'x' }, ...more }), 0);
    return `${verdict}: ${because}`;
  };

  expect(reason('first')).toBe('match: all conditions hold');
  expect(reason('stopped')).toBe('no match: stopped by rule first');
  expect(reason('off')).toBe('no match: off');
  expect(reason('shadow')).toBe('match: shadow');
  expect(reason('comments')).toBe('no match: other event type');
  expect(reason('unmet')).toBe('no match: conditions');
  expect(reason('first', { own: true })).toBe('no match: own change');
  expect(reason('nobody')).toBe('no match: no such rule');
});

test('fieldsRead names what the rules of a connection read, in conditions and texts', () => {
  const comment = (text: string): ReturnType<typeof rule>['then'] => [
    { action: 'comment', path: '0', required: false, params: { text, public: false } },
  ];
  const matcher = compileRules(
    [
      rule(
        'a',
        { connection: 'acme', requester: 'x' },
        { then: comment('{{ ticket.description }} {{ comment.text }}') },
      ),
      rule('b', { connection: 'other', tags: { has: 'x' } }),
      rule('c', { 'custom.tier': 'gold' }, { while: { phase: 'open' } }),
      rule('d', { location: 'x' }, { mode: 'off' }),
    ],
    NO_SETTINGS,
  );

  expect([...matcher.fieldsRead('acme')].toSorted()).toEqual(
    [
      'comment',
      'comments',
      'custom',
      'custom.tier',
      'description',
      'phase',
      'requester',
      'requester.email',
    ].toSorted(),
  );
  expect(matcher.fieldsRead('other')).toContain('tags');
});
