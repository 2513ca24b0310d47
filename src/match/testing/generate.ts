import type { DeskEvent } from '../../event.ts';
import type { ConditionMap, Rule, RuleMode } from '../rule.ts';

/** Seeded generators of rules and events: a random one, and an adversarial one that seeks the odd cases. */

/** Mulberry32: small, seeded, good enough to choose with. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(list: readonly [T, ...T[]] | readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  some<T>(list: readonly T[], least = 1, most = 3): T[] {
    return Array.from({ length: least + this.below(most - least + 1) }, () => this.pick(list));
  }
}

export const NOW = Date.parse('2026-11-23T10:00:00.000Z');

const WORDS = [
  'vpn',
  'VPN',
  'Wi-Fi',
  'disk',
  'Diskfull',
  'şikayet',
  'ŞİKAYET',
  'ısı',
  'ISI',
  'ＶＰＮ',
  'Straße',
  'STRASSE',
  'a',
  'aa',
  'aab',
  'ΟΔΟΣ',
  'οδος',
  '9',
  'x_y',
  '😀',
];
const NAMES = [
  'Network',
  'network',
  'Hardware',
  'Hardware > Printer',
  'Printer',
  '3',
  '22',
  'VIP',
  'İzmir',
  'izmir',
  '',
];
const MAILS = [
  'ceo@acme.com',
  'CEO@ACME.COM',
  'x@mail.acme.com',
  'y@notacme.com',
  'acme.com',
  'z@acme.com.',
  '@acme.com',
  'bob',
];
const LEVELS = ['low', 'normal', 'high', 'urgent', 'critical'];
const TIMES = [
  '2026-11-23T09:00:00.000Z',
  '2026-11-23T10:00:00.000Z',
  '2026-11-23T10:30:00.000Z',
  '2026-11-20',
  '2027-01-01',
  'soon',
];
const PHASES = ['new', 'open', 'waiting', 'resolved', 'closed'];
const TYPES = ['ticket.created', 'ticket.updated', 'comment.added', 'webhook.received'];
const PATTERNS = [
  'disk',
  '^vpn',
  'v.n',
  'disk.*full',
  'a+b',
  '(vpn|wifi)',
  '\\bvpn\\b',
  'x?y',
  'full$',
  'ısı',
  'aab?',
];
const ADDRESSES = ['10.1.2.3', '10.9.9.9', '192.168.0.1', 'no address', '10.1.2'];

/** A rule without anything that conditions do not need. */
export function rule(id: string, when: ConditionMap, more: Partial<Rule> = {}): Rule {
  return {
    id,
    name: id,
    on: ['ticket.created', 'ticket.updated'],
    onWritten: false,
    when,
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
    ...more,
  };
}

/** Conditions on one field, as written in a rule. */
function fieldCondition(dice: Dice): ConditionMap {
  const field = dice.pick(FIELD_MAKERS);
  return field(dice);
}

const TEXT_FIELDS = [
  'title',
  'description',
  'comment.text',
  'custom.tier',
  'tags',
  'category',
  'requester',
  'body.host',
];

const FIELD_MAKERS: readonly ((dice: Dice) => ConditionMap)[] = [
  (dice) => ({
    connection: dice.chance(0.5) ? dice.pick(['a', 'b', 'tr']) : dice.some(['a', 'b', 'tr', 'A']),
  }),
  (dice) => ({ phase: dice.pick(PHASES) }),
  (dice) => ({ status: dice.pick([9, 'Open', 'open', 'İn process', '9']) }),
  (dice) => ({ category: dice.chance(0.5) ? dice.some(NAMES) : { not_in: dice.some(NAMES) } }),
  (dice) => ({ queue: { [dice.pick(['not', 'is', 'has'])]: dice.pick([...NAMES, 3]) } }),
  (dice) => ({ priority: { [dice.pick(['at_least', 'at_most', 'above', 'below'])]: dice.pick(LEVELS) } }),
  (dice) => ({ priority: { between: [dice.pick(LEVELS), dice.pick(LEVELS)] } }),
  (dice) => ({ priority: dice.pick([...LEVELS, 'High', 'P1']) }),
  (dice) => ({
    [dice.pick(TEXT_FIELDS)]: {
      [dice.pick(['contains', 'not_contains', 'words', 'starts_with', 'ends_with', 'exact'])]: dice.chance(
        0.5,
      )
        ? dice.pick(WORDS)
        : dice.some(WORDS),
    },
  }),
  (dice) => ({ [dice.pick(TEXT_FIELDS)]: { contains_all: dice.some(WORDS) } }),
  (dice) => ({
    [dice.pick(TEXT_FIELDS)]: {
      like: dice.pick(['*', 'disk*full', '?pn', '*vpn*', 'a*a*b', 'v?n*', '**', '?']),
    },
  }),
  (dice) => ({
    [dice.pick(TEXT_FIELDS)]: { matches: dice.chance(0.7) ? dice.pick(PATTERNS) : dice.some(PATTERNS) },
  }),
  (dice) => ({
    [dice.pick(['requester.email', 'requester', 'custom.tier'])]: {
      domain: dice.pick(['acme.com', 'com', 'mail.acme.com', 'bob', 'ACME.com']),
    },
  }),
  (dice) => ({ requester: { in_list: dice.pick(['vips', 'none', 'unknown']) } }),
  (dice) => ({
    tags: { [dice.pick(['has', 'has_none'])]: dice.chance(0.5) ? dice.pick(WORDS) : dice.some(WORDS) },
  }),
  (dice) => ({
    [dice.pick(['tags', 'custom.list', 'category'])]: {
      [dice.pick(['has_all', 'only'])]: dice.some(WORDS.concat(NAMES)),
    },
  }),
  (dice) => ({
    [dice.pick([
      'assignee',
      'tags',
      'title',
      'custom.tier',
      'custom.none',
      'due_at',
      'comment.text',
      'body.host',
      'category',
    ])]: { [dice.pick(['empty', 'present'])]: dice.chance(0.5) },
  }),
  (dice) => ({ [dice.pick(CHANGED_FIELDS)]: { changed: true } }),
  (dice) => ({ [dice.pick(CHANGED_FIELDS)]: { unchanged: true } }),
  (dice) => changedCondition(dice),
  (dice) => ({
    [dice.pick(['due_at', 'created_at', 'sla.resolution_due_at'])]: {
      [dice.pick(['older_than', 'within'])]: dice.pick(['30m', '1h', '3d', '1h30m']),
    },
  }),
  (dice) => ({ [dice.pick(['due_at', 'custom.tier'])]: { overdue: true } }),
  (dice) => ({
    [dice.pick(['due_at', 'custom.tier'])]: {
      [dice.pick(['at_least', 'below'])]: dice.pick(TIMES.slice(0, 5)),
    },
  }),
  (dice) => ({
    [dice.pick(['custom.number', 'custom.list', 'body.count'])]: {
      [dice.pick(['at_least', 'at_most', 'above', 'below'])]: dice.pick([0, 1, 5, -1]),
    },
  }),
  (dice) => ({ 'custom.number': { between: [dice.pick([0, 1]), dice.pick([1, 5])] } }),
  (dice) => ({
    [dice.pick(['custom.number', 'custom.tier', 'body.count'])]: dice.pick([
      0,
      1,
      5,
      '1',
      true,
      false,
      'gold',
    ]),
  }),
  (dice) => ({ 'body.host': { cidr: dice.pick(['10.0.0.0/8', '10.1.2.3', '0.0.0.0/0']) } }),
  (dice) => ({ [dice.pick(['acknowledged', 'late', 'comment.public'])]: dice.chance(0.5) }),
  (dice) => ({ 'event.type': dice.pick(TYPES) }),
];

const CHANGED_FIELDS = [
  'priority',
  'status',
  'category',
  'tags',
  'assignee',
  'custom.tier',
  'custom.TIER',
  'title',
  'queue',
];

function changedCondition(dice: Dice): ConditionMap {
  const field = dice.pick(CHANGED_FIELDS);
  const values: readonly string[] = field === 'priority' ? LEVELS : field === 'tags' ? WORDS : NAMES;
  const side = (): unknown => {
    const kind = dice.below(4);
    if (kind === 0) return { empty: dice.chance(0.5) };
    return kind === 1 ? dice.some(values) : dice.pick(values);
  };
  const changed: Record<string, unknown> = {};
  if (dice.chance(0.5)) changed['from'] = side();
  if (dice.chance(0.6)) changed['to'] = side();
  if (dice.chance(0.2)) changed['by'] = dice.pick(['agent', 'requester', 'self', 'unknown']);
  return { [field]: { changed: Object.keys(changed).length === 0 ? true : changed } };
}

function conditions(dice: Dice, depth: number, share: number): ConditionMap {
  const map: Record<string, unknown> = {};
  const count = dice.pick([0, 1, 1, 2, 3]);
  for (let i = 0; i < count; i += 1) {
    for (const [field, value] of Object.entries(fieldCondition(dice))) map[field] = value;
  }
  if (depth > 0 && dice.chance(share)) {
    map[dice.pick(['all', 'any', 'none'])] = Array.from({ length: 1 + dice.below(3) }, () =>
      conditions(dice, depth - 1, share),
    );
  }
  return map;
}

/** Rules of ordinary make. */
export function randomRules(dice: Dice, count: number): Rule[] {
  return Array.from({ length: count }, (_, index) => {
    const on = dice.some(TYPES);
    const written = dice.chance(0.4);
    const modes: readonly RuleMode[] = ['live', 'live', 'live', 'shadow', 'off'];
    return rule(`r${index}`, conditions(dice, 3, 0.35), {
      ...(written ? { on, onWritten: true } : {}),
      order: dice.pick([100, 100, 10, 200]),
      stop: dice.chance(0.01),
      mode: dice.pick(modes),
      own: dice.chance(0.2),
    });
  });
}

/** Rules that are nothing but odd: any-only, scan-only, negative-only, nested without a condition, everything at once. */
export function adversarialRules(dice: Dice, count: number): Rule[] {
  const makers: readonly (() => ConditionMap)[] = [
    () => ({}),
    () => ({ any: [fieldCondition(dice), fieldCondition(dice)] }),
    () => ({ any: [{ any: [{ any: [fieldCondition(dice)] }] }] }),
    () => ({ any: [{}, fieldCondition(dice)] }),
    () => ({ none: [{}] }),
    () => ({ none: [{ none: [fieldCondition(dice), fieldCondition(dice)] }] }),
    () => ({
      none: [{ all: [fieldCondition(dice), fieldCondition(dice)] }],
      any: [{ none: [fieldCondition(dice)] }],
    }),
    () => ({ all: [{}, { all: [{}] }] }),
    () => ({ due_at: { older_than: '1m' } }),
    () => ({ title: { matches: 'a*' } }),
    () => ({ title: { like: '*' } }),
    () => ({ tags: { has_all: dice.some(WORDS, 1, 3), has_none: dice.some(WORDS) } }),
    () => ({ none: [{ tags: { has_all: dice.some(WORDS, 2, 3) } }] }),
    () => ({ title: { contains: 'a', not_contains: 'aa' } }),
    () => ({ title: { contains: ['a', 'aa', 'aab'], contains_all: ['a', 'b'] } }),
    () => ({ 'custom.tier': { changed: { from: { empty: true } } } }),
    () => ({ 'custom.tier': { changed: { from: '' } } }),
    () => ({ 'custom.tier': { changed: { to: 'gold' } } }),
    () => ({
      'custom.tier': { empty: true },
      any: [{ 'custom.none': { empty: true } }, { 'custom.tier': { present: true } }],
    }),
    () => ({ any: [{ title: { matches: 'disk.*full' } }, { title: { words: 'vpn' } }] }),
    () => ({
      any: [{ title: { contains: 'vpn' }, tags: { has_none: 'vpn' } }, { priority: { below: 'high' } }],
    }),
    () => changedCondition(dice),
    () => fieldCondition(dice),
  ];
  return Array.from({ length: count }, (_, index) => {
    const written = dice.chance(0.5);
    return rule(`x${index}`, dice.pick(makers)(), {
      order: dice.pick([100, 10]),
      ...(written ? { on: dice.some(TYPES), onWritten: true } : {}),
    });
  });
}

type Odd = (dice: Dice) => unknown;

/** Values that no adapter should send. */
const ODD: readonly unknown[] = [
  null,
  undefined,
  '',
  [],
  [null],
  [null, ''],
  {},
  NaN,
  0,
  -0,
  false,
  true,
  'a',
  ['aab', null, 3],
  [['deep']],
  { name: null },
  { id: 9 },
  [{ name: 'Network' }],
  1e300,
];

function named(dice: Dice): unknown {
  if (dice.chance(0.2)) return null;
  return {
    id: dice.pick(['3', '9', '22']),
    name: dice.pick([...NAMES, 'Open', 'in process']),
    path: dice.chance(0.3) ? 'Hardware > Printer' : null,
  };
}

function person(dice: Dice): unknown {
  if (dice.chance(0.3)) return null;
  return { id: dice.pick(['3', '20']), name: dice.pick(NAMES), email: dice.pick(MAILS), kind: 'requester' };
}

const MAKERS: Readonly<Record<string, Odd>> = {
  title: (dice) => dice.some(WORDS, 0, 3).join(' '),
  description: (dice) => (dice.chance(0.5) ? null : dice.some(WORDS, 1, 6).join('-')),
  status: named,
  phase: (dice) => dice.pick(PHASES),
  priority: (dice) =>
    dice.chance(0.2)
      ? null
      : { id: '1', name: dice.pick(['High', 'P1', 'low']), level: dice.pick([...LEVELS, null]) },
  category: named,
  queue: named,
  assignee: person,
  requester: person,
  tags: (dice) => dice.some(WORDS, 0, 3),
  due_at: (dice) => dice.pick([...TIMES, null]),
  created_at: (dice) => dice.pick(TIMES),
  acknowledged: (dice) => dice.chance(0.5),
};

/** @param odd share of fields that hold something that no adapter should send, or nothing at all */
export function randomEvent(dice: Dice, odd: number): DeskEvent {
  const ticket: Record<string, unknown> = { id: '1042', sla: { resolution_due_at: dice.pick(TIMES) } };
  for (const [field, make] of Object.entries(MAKERS)) {
    if (dice.chance(odd)) ticket[field] = dice.pick(ODD);
    else if (!dice.chance(0.1)) ticket[field] = make(dice);
  }
  ticket['custom'] = customFields(dice, odd);
  const event = {
    key: 'k',
    type: dice.pick(TYPES),
    connection: dice.pick(['a', 'b', 'tr', 'A']),
    vendor: 'jitbit',
    observed_at: '2026-11-23T10:00:00.000Z',
    late: dice.chance(0.2),
    own: dice.chance(0.1),
    unknown: [],
    actor: person(dice),
    changes: dice.chance(0.2) ? null : changes(dice, odd),
    comment: dice.chance(0.5)
      ? null
      : { text: dice.some(WORDS).join(' '), author: person(dice), public: dice.chance(0.5) },
    trigger: null,
    ticket: dice.chance(odd / 4) ? null : ticket,
    body: dice.chance(0.3)
      ? null
      : { host: dice.pick([...ADDRESSES, ...WORDS]), count: dice.pick([0, 1, '1', null]) },
  };
  return event as unknown as DeskEvent;
}

function customFields(dice: Dice, odd: number): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  if (dice.chance(0.8))
    fields[dice.pick(['tier', 'Tier'])] = entry(
      dice,
      dice.pick(['gold', 'GOLD', '', 'acme.com', '2026-11-20']),
      odd,
    );
  if (dice.chance(0.6)) fields['number'] = entry(dice, dice.pick([0, 1, 3, 5, -0]), odd);
  if (dice.chance(0.5)) fields['list'] = entry(dice, dice.pick([['a', 'vpn'], [1, null, 'x'], []]), odd);
  if (dice.chance(0.2))
    fields['other'] = { id: '2903', name: 'tier', value: dice.pick(['gold', 'VPN', null]) };
  return fields;
}

function entry(dice: Dice, value: unknown, odd: number): unknown {
  const shown = dice.chance(odd) ? dice.pick(ODD) : value;
  return dice.chance(0.7) ? { id: '77', name: null, value: shown } : shown;
}

function changes(dice: Dice, odd: number): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const field of CHANGED_FIELDS) {
    if (!dice.chance(0.35)) continue;
    const make = MAKERS[field] ?? ((other: Dice) => other.pick(NAMES));
    const value = (): unknown => {
      if (dice.chance(odd)) return dice.pick(ODD);
      if (field === 'priority') return dice.pick(LEVELS);
      return dice.chance(0.2) ? null : make(dice);
    };
    const from = value();
    const after = value();
    // Lists mostly grow: only what is new counts as reached.
    const to =
      Array.isArray(from) && Array.isArray(after) ? [...(from as unknown[]), ...(after as unknown[])] : after;
    const by = dice.pick(['agent', 'requester', 'self', 'unknown']);
    result[field] = dice.chance(odd / 3) ? null : { from, to, by };
  }
  return result;
}
