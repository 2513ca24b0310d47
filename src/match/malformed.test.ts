import { expect, test } from 'vitest';
import { loadRules } from './load.ts';
import { KNOWN } from './testing/known.ts';

/**
 * Malformed rules: each must be refused where the ‸ stands, with a message that says what was expected. Rows
 * give a whole document, or a line that stands under `when:` or in `then:` of an otherwise sound rule.
 */

const WHEN: readonly (readonly [string, string])[] = [
  ['‸titel: x', 'Unknown field "titel". Did you mean "title"?'],
  ['‸requester.mail: x', 'Unknown field "requester.mail". Did you mean "requester.email"?'],
  ['‸__proto__.x: y', 'Unknown field "__proto__.x"'],
  ['‸constructor: y', 'Unknown field "constructor"'],
  ['‸custom: y', 'Unknown field "custom". Write "custom.<name>"'],
  ['‸body: y', 'Unknown field "body"'],
  ['title: { ‸contians: vpn }', 'Unknown operator "contians" for "title". Did you mean "contains"?'],
  ['title: { ‸equals: vpn }', 'Unknown operator "equals"'],
  ['title: ‸{}', 'found an empty map'],
  ['title: ‸[]', 'empty list'],
  ['title: ‸5', '"title" is a text, found 5. Text needs quotes here.'],
  ['title: ‸true', '"title" is a text, found true'],
  ['title:‸', 'A value is missing'],
  ['title: [x, ‸null]', 'A value is missing. For "no value" write { empty: true }.'],
  ['title: { contains: ‸"" }', 'not empty'],
  ['title: { contains: [a, ‸""] }', 'not empty'],
  ['title: { contains: ‸[] }', 'empty list'],
  ['title: { contains: ‸5 }', 'Put it in quotes'],
  ['title: { contains_all: ‸vpn }', 'expects a list of texts'],
  ['title: { starts_with: ‸{ a: b } }', 'expects a text, found a map'],
  ['title: { ‸at_least: 5 }', '"at_least" works on numbers, priorities and times; "title" is a text'],
  ['title: { ‸older_than: 4h }', '"older_than" works on times'],
  ['title: { matches: ‸"a(?=b)" }', 'lookaround ((?=) is not in re2 syntax, at character 2'],
  ['title: { matches: ‸"(a)\\\\1" }', 'backreferences (\\1) are not in re2 syntax, at character 4'],
  ['title: { matches: ‸"(a" }', 'missing closing )'],
  ['title: { matches: ‸"[z-a]" }', 'invalid character class range'],
  ['title: { matches: [a, ‸"*"] }', 'missing argument to repetition operator'],
  [`title: { matches: ‸"${'a'.repeat(513)}" }`, 'at most 512'],
  ['title: { matches: ‸"x{1000}{1000}" }', 'nested repetition'],
  ['title: { in_list: ‸vip }', 'No list "vip" is configured. Did you mean "vips"?'],
  ['title: { in_list: ‸[vips] }', 'expects the name of a list'],
  ['title: { cidr: ‸10.0.0.0/33 }', 'Expected a net'],
  ['title: { domain: ‸"a b" }', 'expects a domain'],
  ['title: { empty: ‸yes }', 'expects true or false, found "yes"'],
  ['title: { present: ‸1 }', 'expects true or false'],
  ['title: { changed: ‸false }', '"changed" expects true or a map'],
  ['title: { changed: ‸{} }', '"changed" expects true or a map'],
  ['title: { changed: { ‸form: a } }', 'Unknown key "form" in "changed". Did you mean "from"?'],
  ['title: { changed: { by: ‸agnet } }', 'Did you mean "agent"?'],
  ['title: { changed: { from: ‸{ a: b } } }', '{ empty: true }'],
  ['updated_at: { ‸changed: true }', 'never part of an event'],
  ['body.x: { ‸changed: true }', 'never part of an event'],
  ['title: { unchanged: ‸false }', 'expects true, found false'],
  ['due_at: { overdue: ‸false }', 'expects true, found false'],
  ['due_at: { within: ‸30 }', 'expects a duration such as 15m'],
  ['due_at: { within: ‸30 minutes }', 'expects a duration'],
  ['due_at: { within: ‸0m }', 'expects a duration'],
  ['due_at: { within: { for: 4h, ‸calender: office } }', 'Did you mean "calendar"?'],
  [
    'due_at: { within: { for: 4h, calendar: ‸ofice } }',
    'No calendar "ofice" is configured. Did you mean "office"?',
  ],
  ['due_at: { within: { for: ‸2d, calendar: office } }', 'only hours and minutes'],
  ['due_at: { below: ‸tomorrow }', 'a time such as'],
  ['due_at: ‸soon', 'is a time such as'],
  ['priority: { at_least: ‸hihg }', 'Did you mean "high"?'],
  ['priority: { at_least: ‸3 }', 'expects one of low, normal, high, urgent, critical, found 3'],
  ['priority: { between: ‸[low] }', 'a list of two bounds'],
  ['priority: ‸3', '"priority" is a priority level or name'],
  ['custom.n: { at_least: ‸high }', 'expects a number or a time'],
  ['custom.n: { between: [1, ‸2026-01-01] }', 'two bounds of one kind'],
  ['phase: ‸opne', 'Did you mean "open"?'],
  ['awaiting: [agent, ‸boss]', 'is one of agent, customer, other'],
  ['acknowledged: ‸"yes"', 'is true or false'],
  ['tags: { has: ‸2026 }', 'Text needs quotes here'],
  ['tags: { has_all: ‸vip }', 'expects a list'],
  ['category: { not_in: ‸Network }', 'expects a list'],
  ['event.type: ‸ticket.craeted', 'Did you mean "ticket.created"?'],
  ['any: ‸[]', 'expects a list of condition maps, found an empty list'],
  ['any: ‸{ title: x }', 'expects a list of condition maps'],
  ['none: [‸title]', 'Expected a map of conditions, found "title"'],
  ['any: [{ all: [{ none: [{ ‸any: [{ title: x }] }] }] }]', 'nested 3 deep'],
];

const THEN: readonly (readonly [string, string])[] = [
  ['‸coment: { text: x }', 'Unknown action "coment". Did you mean "comment"?'],
  ['comment: ‸hello', 'expects a map with text, public'],
  ['‸comment: { public: true }', '"comment" needs "text"'],
  ['comment: { text: x, ‸pubic: true }', 'Did you mean "public"?'],
  ['comment: { text: x, public: ‸"yes" }', 'Expected true or false'],
  ['comment: { text: ‸"" }', 'found an empty one'],
  ['comment: { text: ‸5 }', 'Put it in quotes'],
  ['comment: { text: ‸"{{ ticket.titel }}" }', 'Unknown name "ticket.titel"'],
  ['comment: { text: ‸"{{ tickt.title }}" }', 'Did you mean "ticket"?'],
  ['comment: { text: ‸"{{ ticket.title | upcas }}" }', 'Unknown filter "upcas". Did you mean "upcase"?'],
  ['comment: { text: ‸"{{ ticket.title | raw }}" }', '"raw" is refused'],
  ['comment: { text: ‸"{{ ticket.title" }', 'not closed'],
  ['comment: { text: ‸"{% if x %}" }', 'not closed'],
  [`comment: { text: ‸"{% include 'a' %}" }`, '"include" is refused'],
  [`comment: { text: ‸"{% render 'a' %}" }`, '"render" is refused'],
  [`comment: { text: ‸"{% layout 'a' %}" }`, '"layout" is refused'],
  ['comment: { text: ‸"${TOKEN}" }', 'only replaced in "headers" and "secret"'],
  ['‸reassign: {}', 'needs at least one of queue, agent'],
  ['reassign: { agent: { ‸rotat: [a] } }', 'Did you mean "rotate"?'],
  ['reassign: { agent: { rotate: ‸[] } }', 'empty list'],
  ['‸set: {}', 'needs at least one of'],
  ['set: { custom: { tier: ‸[a] } }', 'Expected a text, number'],
  ['set: { due_at: ‸tomorrow }', 'Expected a time'],
  ['tag: { add: ‸vip }', 'Expected a list, found "vip"'],
  ['wait: ‸15', 'expects a duration'],
  ['wait: ‸15 minutes', 'expects a duration'],
  ['wait_for: ‸custmer', 'Did you mean "customer"?'],
  ['time_entry: { minutes: ‸0 }', 'whole number from 1'],
  ['approve: { vote: ‸yes }', 'one of accept, reject'],
  ['create_ticket: { title: a, text: b, connection: ‸acme-jitbt }', 'Did you mean "acme-jitbit"?'],
  ['‸slack.post: { text: x }', 'exactly one of channel, user, thread'],
  ['‸slack.post: { channel: "#a", user: b, text: x }', 'found channel and user'],
  ['slack.post: { channel: "#a", text: x, buttons: [‸acknowlege] }', 'Did you mean "acknowledge"?'],
  ['slack.post: { channel: "#a", text: ‸"{{ oncall.netwrk }}" }', 'Did you mean "network"?'],
  ['slack.ask: { channel: "#a", text: x, answers: ‸{} }', 'labels'],
  [
    'slack.ask: { channel: "#a", text: x, answers: { yes: ‸[] } }',
    'Expected a list of steps, found an empty list',
  ],
  [
    'slack.ask: { channel: "#a", text: x, within: 1h, default: ‸no, answers: { "yes": [acknowledge] } }',
    'must be one of the answers',
  ],
  ['http.post: { url: ‸ftp://a.com/ }', 'Expected http or https'],
  ['http.post: { url: ‸"https://{{ ticket.title }}/" }', 'host must be written out'],
  ['http.post: { url: ‸"https://a.{{ ticket.title }}/" }', 'host must be written out'],
  ['http.post: { url: ‸"{{ ticket.url }}" }', 'scheme and host are written out'],
  ['http.post: { url: ‸"https://me:pw@a.com/" }', 'no user or password'],
  ['http.post: { url: "https://a.com/", headers: { ‸"a b": c } }', 'cannot be set as a header'],
  ['http.post: { url: "https://a.com/", headers: { ‸Host: c } }', 'cannot be set as a header'],
  [
    'http.post: { url: "https://a.com/", headers: { X-Key: ‸"${HOOK_KEX}" } }',
    'HOOK_KEX is not set. Did you mean "HOOK_KEY"?',
  ],
  ['http.post: { url: "https://a.com/", resend: ‸always }', 'one of same_id, never'],
  ['emit: { type: ‸ticket.created }', 'cannot emit'],
  ['repeat: { every: 1h, at_most: ‸1000, do: [acknowledge] }', 'from 1 to 100'],
  ['repeat: { every: 1h, at_most: 2, do: [{ ‸wiat: 5m }] }', 'Did you mean "wait"?'],
  [
    'repeat: { every: 1h, at_most: 2, do: [{ ‸repeat: { every: 5m, at_most: 2, do: [acknowledge] } }] }',
    'cannot stand inside another "repeat"',
  ],
  [
    'slack.ask: { channel: "#a", text: x, answers: { do: [{ ‸repeat: { every: 5m, at_most: 2, do: [acknowledge] } }] } }',
    'cannot stand inside an answer of "slack.ask"',
  ],
  ['wait: 5m\n    ‸comment: { text: x }', 'One action per step'],
];

const RULES: readonly (readonly [string, string])[] = [
  ['id: a\n‸wehn: { title: x }\nthen: [acknowledge]', 'Unknown key "wehn". Did you mean "when"?'],
  ['‸name: x\nthen: [acknowledge]', 'needs an "id"'],
  ['id: ‸a b\nthen: [acknowledge]', 'Expected an id'],
  ['id: ‸7\nthen: [acknowledge]', 'Expected an id'],
  ['‸id: a', 'needs "then"'],
  ['id: a\nthen: ‸[]', 'Expected a list of steps, found an empty list'],
  ['id: a\nthen: ‸comment', 'Expected a list of steps'],
  ['id: a\nname: ‸"x\\ny"\nthen: [acknowledge]', 'Expected one line'],
  ['id: a\nname: ‸"\\e[31mred"\nthen: [acknowledge]', 'Expected one line'],
  ['id: a\non: ‸[]\nthen: [acknowledge]', 'empty list'],
  ['id: a\non: [‸ticket.craeted]\nthen: [acknowledge]', 'Did you mean "ticket.created"?'],
  ['id: a\non: ‸Ticket Created\nthen: [acknowledge]', 'no event type'],
  ['id: a\nwhen: ‸[title]\nthen: [acknowledge]', 'Expected a map of conditions'],
  ['id: a\nwhile: { ‸phse: open }\nthen: [acknowledge]', 'Did you mean "phase"?'],
  ['id: a\nlimit: ‸5/1h\nthen: [acknowledge]', 'per_ticket'],
  ['id: a\nlimit: { per_ticket: ‸5 per hour }\nthen: [acknowledge]', 'runs per duration'],
  ['id: a\nlimit: { ‸per_tickt: 5/1h }\nthen: [acknowledge]', 'Did you mean "per_ticket"?'],
  ['id: a\norder: ‸first\nthen: [acknowledge]', 'Expected a number'],
  ['id: a\nstop: ‸"no"\nthen: [acknowledge]', 'Expected true or false'],
  ['id: a\nmode: ‸shaddow\nthen: [acknowledge]', 'Did you mean "shadow"?'],
  ['id: a\nschedule: ‸"* * * * * *"\nthen: [acknowledge]', 'seconds are not supported'],
  ['id: a\nschedule: ‸"61 * * * *"\nthen: [acknowledge]', '"61" is no minute'],
  ['id: a\nschedule: ‸"0 0 31 2 *"\nthen: [acknowledge]', 'no such day'],
  ['id: a\nschedule: "0 9 * * *"\ntime_zone: ‸Europe/Istambul\nthen: [acknowledge]', 'time zone'],
  ['id: a\nschedule: "0 9 * * *"\n‸on: [ticket.created]\nthen: [acknowledge]', 'either "on" or "schedule"'],
  ['id: a\n‸time_zone: UTC\nthen: [acknowledge]', 'belongs to "schedule"'],
  ['id: a\nthen: [acknowledge]\ntests: [‸{ event: {} }]', 'needs "expect"'],
  [
    'id: a\nthen: [acknowledge]\ntests: [{ event: { ticket: { ‸titel: x } }, expect: none }]',
    'Unknown field "titel" in "ticket". Did you mean "title"?',
  ],
  ['id: a\nthen: [acknowledge]\ntests: [{ event: { ‸tpye: x }, expect: none }]', 'Did you mean "type"?'],
  [
    'id: a\nthen: [acknowledge]\ntests: [{ event: { type: x }, expect: [‸coment] }]',
    'Did you mean "comment"?',
  ],
  [
    'id: a\nthen: [acknowledge]\ntests: [{ event: { type: x }, expect: { ‸action: [comment] } }]',
    'Did you mean "actions"?',
  ],
  [
    'id: a\nthen: [acknowledge]\n---\nid: ‸a\nthen: [acknowledge]',
    'Duplicate rule id "a"; it stands in rules.yaml:1',
  ],
  ['id: a\n‸id: b\nthen: [acknowledge]', 'Duplicate key "id"'],
  ['‸- a', 'Expected a rule'],
  ['id: ‸!!js/function a\nthen: [acknowledge]', 'tags'],
];

const CASES = [
  ...RULES,
  ...WHEN.map(([line, message]) => [`id: a\nwhen:\n  ${line}\nthen:\n  - acknowledge\n`, message] as const),
  ...THEN.map(([line, message]) => [`id: a\nwhen: { title: x }\nthen:\n  - ${line}\n`, message] as const),
];

test.each(CASES)('refuses %j', (marked, message) => {
  const before = marked.slice(0, marked.indexOf('‸'));
  const text = marked.replace('‸', '');

  const { problems } = loadRules([{ file: 'rules.yaml', text }], KNOWN);

  const errors = problems.filter(({ severity }) => severity === 'error');
  expect(errors[0]?.message).toContain(message);
  expect(`${errors[0]?.line}:${errors[0]?.column}`).toBe(
    `${before.split('\n').length}:${(before.split('\n').at(-1) ?? '').length + 1}`,
  );
  expect(errors[0]?.message).not.toMatch(/\bat .*\.ts:|undefined/);
});

test('reports every mistake of every file at once, in the order of the files', () => {
  const files = [
    { file: 'b.yaml', text: 'id: one\nwehn: {}\nwhen: { titel: x, phase: opne }\nthen: [{ coment: {} }]\n' },
    { file: 'a.yaml', text: 'id: two\nthen: [{ wait: 5 }]\n---\nid: one\nthen: [acknowledge]\n' },
  ];

  const { problems } = loadRules(files, KNOWN);

  expect(problems.map(({ file, line, column, path }) => `${file}:${line}:${column} ${path}`)).toEqual([
    'b.yaml:2:1 wehn',
    'b.yaml:3:9 when.titel',
    'b.yaml:3:26 when.phase',
    'b.yaml:4:10 then.0.coment',
    'a.yaml:2:16 then.0.wait',
    'a.yaml:4:5 id',
  ]);
});
