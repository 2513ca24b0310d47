import { describe, expect, test } from 'vitest';
import { type Escape, parseTemplate, render, TemplateError } from './template.ts';

const SCOPE = {
  ticket: {
    title: 'a < b & "c" \u202etxt.exe\u200b\u0007',
    priority: { id: '1', name: null, level: 'high' },
    category: { id: '22', name: 'Printer', path: 'Hardware > Printer' },
    requester: { id: '20', name: null, email: 'cus@client.test', kind: 'requester' },
    assignee: null,
    tags: ['vip', '<b>'],
    custom: { tier: { id: '2903', name: 'tier', value: 'gold' } },
  },
  changes: { priority: { from: 'normal', to: 'high', by: 'agent' } },
  oncall: { network: 'nora@acme.com' },
};

const show = (text: string, escape: Escape = 'none'): string => render(parseTemplate(text), SCOPE, escape);

describe('printing', () => {
  test.each([
    ['{{ ticket.priority }}', 'high'],
    [
      '{{ ticket.category }} / {{ ticket.category.path }} / {{ ticket.category.id }}',
      'Printer / Hardware > Printer / 22',
    ],
    ['{{ ticket.requester }}', 'cus@client.test'],
    ['{{ ticket.requester | upcase }}', 'CUS@CLIENT.TEST'],
    ['[{{ ticket.assignee }}]', '[]'],
    ['{{ ticket.assignee | default: "nobody" }}', 'nobody'],
    ['{{ ticket.custom.tier }}', 'gold'],
    ['{{ ticket.tags }}', 'vip, <b>'],
    ['{{ changes.priority.from }} → {{ changes.priority.to }}', 'normal → high'],
    ['{{ oncall.network }}', 'nora@acme.com'],
    ['{% if ticket.priority == "high" %}yes{% endif %}', 'yes'],
    ['{% if ticket.category == "printer" %}yes{% endif %}', 'yes'],
    ['{% if ticket.assignee %}yes{% else %}no{% endif %}', 'no'],
    ['{% for tag in ticket.tags %}{{ forloop.index }}{{ tag }};{% endfor %}', '1vip;2<b>;'],
    ['{{ ticket.queue }}{{ event.key }}', ''],
    ['{{ "2026-11-23T09:00:00Z" | date: "%H:%M", "Europe/Istanbul" }}', '12:00'],
  ])('%s prints %j', (text, expected) => {
    expect(show(text)).toBe(expected);
  });
});

describe('escaping values, never the text around them', () => {
  test.each([
    ['slack', '*<!here>* {{ ticket.tags }}', '*<!here>* vip, &lt;b&gt;'],
    ['slack', '{{ ticket.title }}', 'a &lt; b &amp; "c" txt.exe'],
    ['html', '<p>{{ ticket.title | slice: 0, 11 }}</p>', '<p>a &lt; b &amp; &quot;c&quot;</p>'],
    ['url', 'https://a.test/?q={{ ticket.tags[1] }}&x=1', 'https://a.test/?q=%3Cb%3E&x=1'],
    ['json', '{"t":"{{ ticket.title | slice: 0, 11 }}"}', '{"t":"a < b & \\"c\\""}'],
    ['none', '{{ ticket.tags[1] }}', '<b>'],
  ] as const)('%s: %s', (escape, text, expected) => {
    expect(show(text, escape)).toBe(expected);
  });

  test('one parsed text can go to several places', () => {
    const template = parseTemplate('{{ ticket.tags[1] }}');

    expect([render(template, SCOPE, 'slack'), render(template, SCOPE, 'none')]).toEqual(['&lt;b&gt;', '<b>']);
  });

  test('a template in a ticket’s text is text (input 75)', () => {
    const hostile = '{{ secrets.x }} {% assign a = 1 %} ${HOME}';

    expect(render(parseTemplate('{{ body.x }}'), { body: { x: hostile } }, 'none')).toBe(hostile);
  });

  test('half a surrogate pair does not break a URL', () => {
    expect(render(parseTemplate('{{ body.x }}'), { body: { x: '\ud800' } }, 'url')).toBe('%EF%BF%BD');
  });
});

test.each([
  ['{{ ticket.titel }}', 'Unknown name "ticket.titel". "ticket" has other names. Did you mean "title"?'],
  ['{{ user.name }}', 'Texts know event, ticket'],
  ['{{ run.started_at }}', 'Unknown name "run.started_at". "run" has id.'],
  ['{{ connection.url }}', 'Unknown name "connection.url". "connection" has name, vendor.'],
  ['{{ ticket.title | shout }}', 'Unknown filter "shout"'],
  ['{{ ticket.title | sample }}', 'Unknown filter "sample"'],
  ['{% nope %}', 'Unknown tag "nope"'],
  ['a\n{% if %}', '(line 2 of the text)'],
  ['x'.repeat(40_000), 'longer than 32 KB'],
])('%.40j is refused: %s', (text, message) => {
  expect(() => parseTemplate(text)).toThrow(TemplateError);
  expect(() => parseTemplate(text)).toThrow(message);
});

test('a rendered text has a limit', () => {
  expect(() => render(parseTemplate('{{ body.x }}'), { body: { x: 'x'.repeat(300_000) } }, 'none')).toThrow(
    '256 KB',
  );
});
