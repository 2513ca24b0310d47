import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type EngineResult, Engine as JsonRulesEngine } from 'json-rules-engine';
import { LogicEngine } from 'json-logic-engine';
import type { DeskEvent } from '../src/event.ts';
import { compileNode } from '../src/match/closures.ts';
import { compileRules } from '../src/match/compile.ts';
import type { LeafTest } from '../src/match/leaf-test.ts';
import { NO_SETTINGS } from '../src/match/matcher.ts';
import { parseWhen } from '../src/match/parsed-rule.ts';
import { EventReader, FieldSlots } from '../src/match/reader.ts';
import type { ConditionMap, Rule } from '../src/match/rule.ts';
import type { Figure } from './report.ts';
import { Dice, rule as ruleOf } from '../src/match/testing/generate.ts';

/**
 * Rule matching: ours, the same conditions as closures tried in turn, json-logic-engine and json-rules-engine, in
 * one process on the same rules and events. The other libraries get facts that are already flat and folded, so
 * that only matching is measured. Prints microseconds of CPU per event, medians of five rounds.
 */

const SIZES = [10, 100, 1_000, 10_000];
const EVENTS = 2_000;
const ROUNDS = 5;
/** CPU spent per round and system; slow systems do at least one event. */
const ROUND_MS = 150;
const NOW = Date.parse('2026-11-23T10:00:00.000Z');
const LEVELS = ['low', 'normal', 'high', 'urgent', 'critical'];

/** One condition, in a form that every system can be given. */
type Spec =
  | { readonly kind: 'equals'; readonly field: string; readonly fact: string; readonly value: string }
  | { readonly kind: 'in'; readonly field: string; readonly fact: string; readonly values: readonly string[] }
  | { readonly kind: 'priority'; readonly level: string }
  | { readonly kind: 'contains'; readonly text: string }
  | { readonly kind: 'regex'; readonly source: string }
  | { readonly kind: 'domain'; readonly domain: string }
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'unassigned' }
  | { readonly kind: 'changed'; readonly field: string; readonly from: string | null; readonly to: string }
  | { readonly kind: 'below'; readonly value: number };

interface SpecRule {
  readonly all: readonly Spec[];
  readonly any: readonly Spec[];
  readonly none: readonly Spec[];
}

/** P4: measures and prints the table. */
export async function matchBench(): Promise<readonly Figure[]> {
  // A seed whose rule sets match about as often as those of the goals.
  const dice = new Dice(20_261_103);
  const vocabulary = makeVocabulary(dice);
  const events = Array.from({ length: EVENTS }, () => makeEvent(dice, vocabulary));
  const facts = events.map(factsOf);
  console.log(
    `${EVENTS} events of ${Math.round(JSON.stringify(events).length / EVENTS)} B; µs of CPU per event, median of ${ROUNDS}`,
  );
  const rows: (readonly string[])[] = [];
  const sizes: Measured[] = [];
  for (const size of SIZES) {
    const specs = Array.from({ length: size }, () => makeRule(dice, vocabulary));
    const rules = specs.map((spec, index) => ruleOf(`rule-${index}`, toWhen(spec)));
    const result = await measureSize(specs, rules, events, facts);
    sizes.push(result);
    rows.push(row(size, result));
  }
  print(
    [
      'rules',
      'ours',
      'closures',
      'json-logic',
      'json-rules',
      'closures/ours',
      'matches',
      'build ms',
      'build MB',
      'explain µs',
    ],
    rows,
  );
  measurePatterns();
  return figures(sizes);
}

function figures(sizes: readonly Measured[]): readonly Figure[] {
  const [, hundred, thousand, tenThousand] = sizes;
  if (hundred === undefined || thousand === undefined || tenThousand === undefined) return [];
  const explain = Math.max(...sizes.map((size) => size.explain));
  return [
    {
      id: 'P4',
      name: 'closure loop ÷ ours, 1,000 rules',
      value: thousand.ratio,
      unit: '',
      goal: { atLeast: 25 },
    },
    {
      id: 'P4',
      name: 'closure loop ÷ ours, 10,000 rules (aim)',
      value: tenThousand.ratio,
      unit: '',
      goal: { atLeast: 400 },
    },
    {
      id: 'P4',
      name: 'cost(10,000 rules) ÷ cost(100)',
      value: tenThousand.ours / hundred.ours,
      unit: '',
      goal: { atMost: 7 },
    },
    {
      id: 'P4',
      name: 'build of 10,000 rules',
      value: tenThousand.buildMs,
      unit: 'ms',
      goal: { atMost: 500 },
    },
    { id: 'P4', name: 'build of 10,000 rules', value: tenThousand.buildMb, unit: 'MB', goal: { atMost: 12 } },
    { id: 'P4', name: 'explain, a rule', value: explain, unit: 'µs', goal: { atMost: 15 } },
  ];
}

interface Measured {
  readonly ours: number;
  readonly closures: number;
  /** Closures ÷ ours, the median over the rounds. */
  readonly ratio: number;
  readonly logic: number;
  readonly jsonRules: number;
  readonly matches: number;
  readonly buildMs: number;
  readonly buildMb: number;
  readonly explain: number;
}

function row(size: number, m: Measured): readonly string[] {
  return [
    size.toLocaleString('en'),
    m.ours.toFixed(2),
    m.closures.toFixed(1),
    m.logic.toFixed(1),
    m.jsonRules.toFixed(0),
    `${m.ratio.toFixed(1)}x`,
    m.matches.toFixed(2),
    m.buildMs.toFixed(0),
    m.buildMb.toFixed(1),
    m.explain.toFixed(1),
  ];
}

async function measureSize(
  specs: readonly SpecRule[],
  rules: readonly Rule[],
  events: readonly DeskEvent[],
  facts: readonly Facts[],
): Promise<Measured> {
  const sample = events.slice(0, 500);
  const built = measureBuild(() => compileRules(rules, NO_SETTINGS, sample));
  const matcher = built.value;
  const closures = closureLoop(rules);
  const logic = jsonLogicLoop(specs);
  const jsonRules = jsonRulesLoop(specs);
  let matches = 0;
  for (const [index, event] of events.entries()) {
    const count = matcher.match(event, NOW).length;
    matches += count;
    if (index >= 20) continue;
    const fact = facts[index] ?? {};
    const others = [closures(event), logic(fact), ...(index < 2 ? [await jsonRules(fact)] : [])];
    if (others.some((other) => other !== count))
      throw new Error(`systems disagree on event ${index}: ${count}, ${others.join(', ')}`);
  }
  const explained = (index: number): number =>
    matcher.explain(rules[(index * 7) % rules.length]?.id ?? '', events[index] as DeskEvent, NOW).leaves
      .length;
  const rounds = await perEvent(
    [
      (index) => matcher.match(events[index] as DeskEvent, NOW).length,
      (index) => closures(events[index] as DeskEvent),
      (index) => logic(facts[index] as Facts),
      async (index) => jsonRules(facts[index] as Facts),
      explained,
    ],
    events.length,
  );
  const [ours = [], closureRounds = [], logicRounds = [], jsonRounds = [], explainRounds = []] = rounds;
  return {
    ours: median(ours),
    closures: median(closureRounds),
    ratio: median(closureRounds.map((cost, round) => cost / (ours[round] ?? NaN))),
    logic: median(logicRounds),
    jsonRules: median(jsonRounds),
    matches: matches / events.length,
    buildMs: built.ms,
    buildMb: built.mb,
    explain: median(explainRounds),
  };
}

/** Median build time of five, and what the last one holds. */
function measureBuild<T>(build: () => T): { value: T; ms: number; mb: number } {
  const times: number[] = [];
  build();
  const before = heapUsed();
  let value = build();
  const mb = (heapUsed() - before) / 1e6;
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = process.cpuUsage();
    value = build();
    times.push(cpuMs(start));
  }
  return { value, ms: median(times), mb };
}

/** Heap and typed arrays after a full collection. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const { heapUsed: heap, arrayBuffers } = process.memoryUsage();
  return heap + arrayBuffers;
}

/**
 * Median cost per event of several systems, in µs of CPU. They are measured in turn, round by round, so that a noisy
 * neighbour meets all of them.
 */
async function perEvent(
  works: readonly ((index: number) => unknown)[],
  events: number,
): Promise<readonly (readonly number[])[]> {
  const batches = works.map(() => 1);
  const rounds: number[][] = works.map(() => []);
  // The first round warms up and finds how often the clock must be read.
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [system, work] of works.entries()) {
      const { done, ms } = await measureRound(work, events, batches[system] ?? 1);
      batches[system] = Math.max(1, Math.min(2_000, Math.floor(done / 10)));
      if (round >= 0) rounds[system]?.push((ms * 1_000) / done);
    }
  }
  return rounds;
}

async function measureRound(
  work: (index: number) => unknown,
  events: number,
  batch: number,
): Promise<{ done: number; ms: number }> {
  const start = process.cpuUsage();
  let done = 0;
  let index = 0;
  do {
    for (let i = 0; i < batch; i += 1) {
      const result = work(index);
      if (result instanceof Promise) await result;
      index = index + 1 === events ? 0 : index + 1;
    }
    done += batch;
  } while (cpuMs(start) < ROUND_MS);
  return { done, ms: cpuMs(start) };
}

function cpuMs(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function closureLoop(rules: readonly Rule[]): (event: DeskEvent) => number {
  const slots = new FieldSlots();
  const compiled = rules.map((rule): { rule: Rule; test: LeafTest } => ({
    rule,
    test: compileNode(parseWhen(rule), slots, 'plain', NO_SETTINGS),
  }));
  return (event) => {
    const reader = new EventReader(event, NOW, 'plain');
    let count = 0;
    for (const { rule, test } of compiled) if (rule.on.includes(event.type) && test(reader)) count += 1;
    return count;
  };
}

interface Vocabulary {
  readonly connections: readonly string[];
  readonly statuses: readonly string[];
  readonly categories: readonly string[];
  readonly words: readonly string[];
  readonly domains: readonly string[];
  readonly tags: readonly string[];
  readonly queues: readonly string[];
  readonly tiers: readonly string[];
}

function makeVocabulary(dice: Dice): Vocabulary {
  const word = (): string =>
    Array.from({ length: 2 + dice.below(3) }, () =>
      dice.pick(['ka', 'ne', 'to', 'ri', 'mu', 'sel', 'dor', 'vi', 'pan', 'gu']),
    ).join('');
  const list = (count: number, prefix = ''): string[] =>
    Array.from({ length: count }, (_, index) => `${prefix}${word()}${index}`);
  return {
    connections: list(6, 'desk-'),
    statuses: list(10),
    categories: list(60),
    words: list(400),
    domains: list(200).map((name) => `${name}.com`),
    tags: list(100),
    queues: list(40),
    tiers: ['gold', 'silver', 'bronze', 'none', 'trial', 'partner'],
  };
}

/** Two to four conditions, 12 % of the rules with `any`, 10 % with `none` (rule-matching: the mix). */
function makeRule(dice: Dice, v: Vocabulary): SpecRule {
  const all: Spec[] = [];
  if (dice.chance(0.6))
    all.push({ kind: 'equals', field: 'connection', fact: 'connection', value: dice.pick(v.connections) });
  const count = 2 + dice.below(3);
  while (all.length < count) {
    const spec = makeSpec(dice, v);
    if (!all.some((other) => nameOf(other) === nameOf(spec))) all.push(spec);
  }
  return {
    all,
    any: dice.chance(0.12) ? [makeSpec(dice, v), makeSpec(dice, v)] : [],
    none: dice.chance(0.1) ? [makeSpec(dice, v)] : [],
  };
}

/** The field of a condition: one map holds each once. */
function nameOf(spec: Spec): string {
  if (spec.kind === 'contains' || spec.kind === 'regex') return 'title';
  return spec.kind === 'equals' || spec.kind === 'in' || spec.kind === 'changed' ? spec.field : spec.kind;
}

function makeSpec(dice: Dice, v: Vocabulary): Spec {
  if (dice.chance(0.04))
    return {
      kind: 'regex',
      source: dice.pick([
        `${dice.pick(v.words)}.*${dice.pick(v.words)}`,
        `^${dice.pick(v.words)}`,
        `${dice.pick(v.words)}( |$)`,
      ]),
    };
  switch (dice.below(10)) {
    case 0:
      return { kind: 'equals', field: 'status', fact: 'status', value: dice.pick(v.statuses) };
    case 1:
    case 2:
      return { kind: 'in', field: 'category', fact: 'category', values: dice.some(v.categories, 1, 4) };
    case 3:
      return { kind: 'priority', level: dice.pick(LEVELS.slice(1)) };
    case 4:
      return { kind: 'contains', text: dice.pick(v.words) };
    case 5:
      return { kind: 'domain', domain: dice.pick(v.domains) };
    case 6:
      return { kind: 'tag', tag: dice.pick(v.tags) };
    case 7:
      return dice.chance(0.5) ? { kind: 'unassigned' } : { kind: 'below', value: dice.below(100) };
    case 8:
      return {
        kind: 'changed',
        field: dice.pick(['queue', 'status']),
        from: null,
        to: dice.pick(dice.chance(0.5) ? v.queues : v.statuses),
      };
    default:
      return { kind: 'equals', field: 'custom.tier', fact: 'tier', value: dice.pick(v.tiers) };
  }
}

function toWhen({ all, any, none }: SpecRule): ConditionMap {
  return {
    ...Object.assign({}, ...all.map(condition)),
    ...(any.length > 0 ? { any: any.map(condition) } : {}),
    ...(none.length > 0 ? { none: none.map(condition) } : {}),
  };
}

function condition(spec: Spec): ConditionMap {
  switch (spec.kind) {
    case 'equals':
      return { [spec.field]: spec.value };
    case 'in':
      return { [spec.field]: spec.values };
    case 'priority':
      return { priority: { at_least: spec.level } };
    case 'contains':
      return { title: { contains: spec.text } };
    case 'regex':
      return { title: { matches: spec.source } };
    case 'domain':
      return { 'requester.email': { domain: spec.domain } };
    case 'tag':
      return { tags: { has: spec.tag } };
    case 'unassigned':
      return { assignee: { empty: true } };
    case 'changed':
      return {
        [spec.field]: { changed: spec.from === null ? { to: spec.to } : { from: spec.from, to: spec.to } },
      };
    case 'below':
      return { 'custom.sla left': { below: spec.value } };
  }
}

/** An event as people write it for `match`: what does not apply is left out. About 670 B of JSON. */
function makeEvent(dice: Dice, v: Vocabulary): DeskEvent {
  const named = (name: string, index: number): unknown => ({ id: String(index), name });
  const changed = dice.chance(0.6)
    ? { queue: { from: named(dice.pick(v.queues), 1), to: named(dice.pick(v.queues), 2), by: 'agent' } }
    : {};
  const status = dice.pick(v.statuses);
  return {
    key: `updated:${dice.below(1e6)}:7`,
    type: 'ticket.updated',
    connection: dice.pick(v.connections),
    vendor: 'jitbit',
    own: false,
    changes: dice.chance(0.3)
      ? { ...changed, status: { from: named(dice.pick(v.statuses), 1), to: named(status, 2), by: 'agent' } }
      : changed,
    ticket: {
      id: String(dice.below(1e6)),
      title: dice.some(v.words, 3, 6).join(' '),
      status: named(status, 4),
      priority: { id: '1', level: dice.pick(LEVELS) },
      category: { id: '22', name: dice.pick(v.categories) },
      assignee: dice.chance(0.4) ? null : { id: '7', name: 'Nora', email: 'nora@desk.test' },
      requester: { id: '20', name: 'Cus Tomer', email: `cus@mail.${dice.pick(v.domains)}` },
      tags: dice.some(v.tags, 0, 3),
      custom: {
        tier: { id: '2903', name: 'tier', value: dice.pick(v.tiers) },
        'sla left': { id: '2904', name: 'sla left', value: dice.below(500) },
      },
    },
  } as unknown as DeskEvent;
}

type Facts = Readonly<Record<string, unknown>>;

/** An event as the other libraries get it. */
function factsOf(event: DeskEvent): Facts {
  const { ticket, changes } = event;
  const custom = ticket?.custom ?? {};
  return {
    connection: event.connection,
    status: ticket?.status?.name ?? '',
    category: ticket?.category?.name ?? '',
    priority: LEVELS.indexOf(ticket?.priority?.level ?? ''),
    title: (ticket?.title ?? '').toLowerCase(),
    email: (ticket?.requester?.email ?? '').toLowerCase(),
    tags: ticket?.tags ?? [],
    unassigned: ticket?.assignee === null,
    tier: custom['tier']?.value ?? '',
    slaLeft: custom['sla left']?.value ?? null,
    queueTo: nameIn(changes?.['queue']?.to),
    statusTo: nameIn(changes?.['status']?.to),
  };
}

function nameIn(value: unknown): string {
  return (value as { name?: string } | undefined)?.name ?? '';
}

function jsonLogicLoop(rules: readonly SpecRule[]): (facts: Facts) => number {
  const engine = new LogicEngine();
  engine.addMethod('regex', ([text, source]: [string, string]) => new RegExp(source, 'i').test(text));
  engine.addMethod(
    'domain',
    ([email, domain]: [string, string]) => email.endsWith(`.${domain}`) || email.endsWith(`@${domain}`),
  );
  const built = rules.map(({ all, any, none }) => {
    const and: unknown[] = all.map(logicOf);
    if (any.length > 0) and.push({ or: any.map(logicOf) });
    if (none.length > 0) and.push({ '!': { or: none.map(logicOf) } });
    return engine.build({ and }) as (facts: Facts) => unknown;
  });
  return (facts) => {
    let count = 0;
    for (const rule of built) if (rule(facts) === true) count += 1;
    return count;
  };
}

function logicOf(spec: Spec): unknown {
  const fact = (name: string): unknown => ({ var: name });
  switch (spec.kind) {
    case 'equals':
      return { '===': [fact(spec.fact), spec.value] };
    case 'in':
      return { in: [fact(spec.fact), spec.values] };
    case 'priority':
      return { '>=': [fact('priority'), LEVELS.indexOf(spec.level)] };
    case 'contains':
      return { in: [spec.text, fact('title')] };
    case 'regex':
      return { regex: [fact('title'), spec.source] };
    case 'domain':
      return { domain: [fact('email'), spec.domain] };
    case 'tag':
      return { in: [spec.tag, fact('tags')] };
    case 'unassigned':
      return { '===': [fact('unassigned'), true] };
    case 'changed':
      return { '===': [fact(`${spec.field}To`), spec.to] };
    case 'below':
      return { '<': [fact('slaLeft'), spec.value] };
  }
}

function jsonRulesLoop(rules: readonly SpecRule[]): (facts: Facts) => Promise<number> {
  const engine = new JsonRulesEngine();
  engine.addOperator('hasText', (text: string, needle: string) => text.includes(needle));
  engine.addOperator('regex', (text: string, source: string) => new RegExp(source, 'i').test(text));
  engine.addOperator(
    'domain',
    (email: string, domain: string) => email.endsWith(`.${domain}`) || email.endsWith(`@${domain}`),
  );
  for (const [index, { all, any, none }] of rules.entries()) {
    const conditions = [
      ...all.map(jsonRuleOf),
      ...(any.length > 0 ? [{ any: any.map(jsonRuleOf) }] : []),
      ...(none.length > 0 ? [{ not: { any: none.map(jsonRuleOf) } }] : []),
    ];
    engine.addRule({ conditions: { all: conditions }, event: { type: `rule-${index}` } });
  }
  return async (facts) => {
    const result: EngineResult = await engine.run({ ...facts });
    return result.events.length;
  };
}

function jsonRuleOf(spec: Spec): { fact: string; operator: string; value: unknown } {
  switch (spec.kind) {
    case 'equals':
      return { fact: spec.fact, operator: 'equal', value: spec.value };
    case 'in':
      return { fact: spec.fact, operator: 'in', value: spec.values };
    case 'priority':
      return { fact: 'priority', operator: 'greaterThanInclusive', value: LEVELS.indexOf(spec.level) };
    case 'contains':
      return { fact: 'title', operator: 'hasText', value: spec.text };
    case 'regex':
      return { fact: 'title', operator: 'regex', value: spec.source };
    case 'domain':
      return { fact: 'email', operator: 'domain', value: spec.domain };
    case 'tag':
      return { fact: 'tags', operator: 'contains', value: spec.tag };
    case 'unassigned':
      return { fact: 'unassigned', operator: 'equal', value: true };
    case 'changed':
      return { fact: `${spec.field}To`, operator: 'equal', value: spec.to };
    case 'below':
      return { fact: 'slaLeft', operator: 'lessThan', value: spec.value };
  }
}

/** Patterns that make backtracking engines run for ages. */
function measurePatterns(): void {
  for (const source of ['(a+)+$', '^(a+)+$', '(.*a){20}', '(x+x+)+y']) {
    const matcher = compileRules([ruleOf('pattern', { title: { matches: source } })], NO_SETTINGS);
    const times = Array.from({ length: ROUNDS + 1 }, () => {
      const event = {
        ticket: { title: `${'a'.repeat(28)}!` },
        type: 'ticket.updated',
        connection: 'x',
      } as unknown as DeskEvent;
      const start = performance.now();
      matcher.match(event, NOW);
      return performance.now() - start;
    });
    console.log(`${source.padEnd(10)} on 28 characters: ${median(times).toFixed(3)} ms`);
  }
}

function print(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((cells) => (cells[column] ?? '').length)),
  );
  for (const cells of [head, ...rows])
    console.log(cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '));
}
