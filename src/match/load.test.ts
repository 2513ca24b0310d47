import { describe, expect, test } from 'vitest';
import { loadRules, NOTHING_KNOWN } from './load.ts';
import type { Rule } from './rule.ts';
import { KNOWN } from './testing/known.ts';

const load = (text: string, known = KNOWN): ReturnType<typeof loadRules> =>
  loadRules([{ file: 'r.yaml', text }], known);
const warnings = (text: string): string[] =>
  load(text).problems.map(({ severity, message }) => `${severity}: ${message}`);
const rest = '\nthen: [{ slack.post: { channel: "#a", text: x } }]\n';

function only(text: string): Rule {
  const { rules, problems } = load(text, NOTHING_KNOWN);
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  const [rule] = rules;
  if (rule === undefined) throw new Error('no rule');
  return rule;
}

test('a rule that writes nothing gets every default', () => {
  expect(only('id: a\nthen: [acknowledge]\n')).toEqual({
    id: 'a',
    name: 'a',
    on: ['ticket.created', 'ticket.updated'],
    onWritten: false,
    when: {},
    while: null,
    then: [{ action: 'acknowledge', path: '0', required: false, params: {} }],
    limit: { perTicket: { runs: 5, perMs: 3_600_000 }, perTicketIsDefault: true, perRule: null },
    order: 100,
    stop: false,
    mode: 'live',
    own: false,
    late: false,
    schedule: null,
    tests: [],
  });
});

test('steps come normalised, with their paths', () => {
  const { then } = only(`id: a
when: { title: x }
then:
  - wait: 1h30m
  - wait: { for: 4h, calendar: office }
  - close:
    required: true
  - wait_for: customer
  - reassign: { agent: none }
  - reassign: { queue: 7, agent: { rotate: [a, 5] } }
  - tag: { add: [vip] }
  - emit: { type: escalated }
  - repeat: { every: 1h, at_most: 2, do: [acknowledge, { comment: { text: hi } }] }
  - slack.ask: { user: a, text: ok?, answers: { Yes: [acknowledge], No: [{ wait: 5m }] }, within: 1h, default: No }
  - http.post: { url: "https://a.test/{{ ticket.id }}", secret: "\${KEY}" }
`);

  const shown = then.map((step) => [step.path, step.action, step.required, step.params]);
  const acknowledge = (path: string): object => ({
    action: 'acknowledge',
    path,
    required: false,
    params: {},
  });
  expect(shown).toEqual([
    ['0', 'wait', false, { for: { ms: 5_400_000 } }],
    ['1', 'wait', false, { for: { ms: 14_400_000, calendar: 'office' } }],
    ['2', 'close', true, {}],
    ['3', 'wait_for', false, { who: 'customer' }],
    ['4', 'reassign', false, { agent: { kind: 'none' } }],
    ['5', 'reassign', false, { queue: '7', agent: { kind: 'rotate', people: ['a', '5'] } }],
    ['6', 'tag', false, { add: ['vip'], remove: [] }],
    ['7', 'emit', false, { type: 'custom.escalated', data: {} }],
    [
      '8',
      'repeat',
      false,
      {
        every: { ms: 3_600_000 },
        at_most: 2,
        do: [
          acknowledge('8.do.0'),
          { action: 'comment', path: '8.do.1', required: false, params: { text: 'hi', public: false } },
        ],
      },
    ],
    [
      '9',
      'slack.ask',
      false,
      {
        user: 'a',
        text: 'ok?',
        answers: {
          Yes: [acknowledge('9.answers.Yes.0')],
          No: [{ action: 'wait', path: '9.answers.No.0', required: false, params: { for: { ms: 300_000 } } }],
        },
        within: { ms: 3_600_000 },
        default: 'No',
      },
    ],
    [
      '10',
      'http.post',
      false,
      { url: 'https://a.test/{{ ticket.id }}', secret: '${KEY}', headers: {}, resend: 'same_id' },
    ],
  ]);
});

test('rules of all files come by order, then id; empty documents and comments are nothing', () => {
  const { rules, problems } = loadRules(
    [
      { file: 'a.yaml', text: `id: b${rest}---\n# nothing\n---\nid: a\norder: 7${rest}` },
      { file: 'b.yaml', text: `id: a2${rest}` },
      { file: 'c.yaml', text: '# only a comment\n' },
    ],
    NOTHING_KNOWN,
  );

  expect(problems).toEqual([]);
  expect(rules.map(({ id }) => id)).toEqual(['a', 'a2', 'b']);
});

test('YAML 1.2: no and on are words', () => {
  expect(only(`id: a\nwhen: { title: no, tags: { has: [on, off, yes] } }${rest}`).when).toEqual({
    title: 'no',
    tags: { has: ['on', 'off', 'yes'] },
  });
});

describe('warnings', () => {
  test.each([
    [
      'a lone negative',
      `id: a\nwhen: { category: { not: x } }${rest}`,
      'also matches tickets without the field: add { present: true }',
    ],
    ['a rule that writes everywhere', 'id: a\nthen: [{ comment: { text: x } }]\n', 'no condition narrows it'],
    [
      'only wide conditions',
      'id: a\nwhen: { connection: acme-jitbit }\nthen: [{ comment: { text: x } }]\n',
      'no condition narrows it',
    ],
    [
      'bounds the wrong way round',
      `id: a\nwhen: { priority: { between: [high, low] } }${rest}`,
      'can never match',
    ],
    [
      'conditions that exclude each other',
      `id: a\nwhen: { phase: open, all: [{ phase: [new, closed] }] }${rest}`,
      'exclude each other',
    ],
    [
      'empty and a value',
      `id: a\nwhen: { title: { empty: true, contains: x } }${rest}`,
      'cannot be empty and have a value',
    ],
    [
      'a change of a created ticket',
      `id: a\non: ticket.created\nwhen: { title: { changed: true } }${rest}`,
      'has not changed on a created ticket',
    ],
    [
      'an event type that on leaves out',
      `id: a\nwhen: { event.type: comment.added }${rest}`,
      '"on" does not list',
    ],
    [
      'a connection that is not configured',
      `id: a\nwhen: { connection: acme-jitbt }${rest}`,
      'Did you mean "acme-jitbit"?',
    ],
    ['an event type close to ours', `id: a\non: ticket_created${rest}`, 'Did you mean "ticket.created"?'],
    ['an empty map in a group', `id: a\nwhen: { any: [{}] }${rest}`, 'always true'],
    [
      'a plain secret',
      'id: a\nwhen: { title: x }\nthen: [{ http.post: { url: "https://a.test/", secret: abc } }]\n',
      'readable by all',
    ],
    [
      'an action that some connection cannot do',
      'id: a\nwhen: { title: x }\nthen: [{ tag: { add: [a] } }]\n',
      'GoToAssist (acme-goto) does not support "tag". ',
    ],
  ])('%s', (_, text, message) => {
    const found = warnings(text);

    expect(found.join('\n')).toContain(message);
    expect(found.every((line) => line.startsWith('warning'))).toBe(true);
    expect(load(text).rules).toHaveLength(1);
  });

  test.each([
    ['a negative beside a positive', `id: a\nwhen: { category: { not: x, present: true } }${rest}`],
    ['a negative under none', `id: a\nwhen: { none: [{ category: { not: x } }] }${rest}`],
    ['a negative on what is always there', `id: a\nwhen: { phase: { not_in: [closed] } }${rest}`],
  ])('none for %s', (_, text) => {
    expect(warnings(text)).toEqual([]);
  });
});

describe('capabilities', () => {
  const error = (when: string, step: string): string | undefined =>
    load(`id: a\nwhen: ${when}\nthen:\n  - ${step}\n`).problems.find(({ severity }) => severity === 'error')
      ?.message;

  test('a named connection must support the action and its parameters', () => {
    expect(error('{ connection: acme-goto, title: x }', 'tag: { add: [a] }')).toBe(
      'GoToAssist (acme-goto) does not support "tag".',
    );
    expect(error('{ connection: [acme-jitbit, acme-goto], title: x }', 'reassign: { queue: a }')).toBe(
      'GoToAssist (acme-goto) does not support "queue" of "reassign".',
    );
    expect(error('{ connection: acme-goto, title: x }', 'comment: { text: a, public: true }')).toContain(
      '"public" of "comment"',
    );
    expect(error('{ connection: acme-goto, title: x }', 'comment: { text: a }')).toBeUndefined();
    expect(
      error(
        '{ connection: acme-goto, title: x }',
        'repeat: { every: 1h, at_most: 2, do: [{ tag: { add: [a] } }] }',
      ),
    ).toContain('does not support "tag"');
    expect(error('{ title: x }', 'create_ticket: { connection: acme-goto, title: a, text: b }')).toContain(
      'GoToAssist (acme-goto) does not support "create_ticket"',
    );
  });

  test('the vendor condition narrows which connections count', () => {
    expect(warnings('id: a\nwhen: { vendor: jitbit, title: x }\nthen: [{ tag: { add: [a] } }]\n')).toEqual(
      [],
    );
  });
});

test('without a configuration nothing is checked that only it can tell', () => {
  const { problems } = load(
    `id: a\nwhen: { connection: any, requester: { in_list: vips } }${rest}`,
    NOTHING_KNOWN,
  );

  expect(problems.map(({ message }) => message)).toEqual([
    'The list "vips" is unknown without a configuration.',
  ]);
});
