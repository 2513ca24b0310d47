import type { DeskEvent } from '../event.ts';
import { foldings, perFolding } from './per-folding.ts';
import { Explainer } from './explainer.ts';
import { fieldsReadBy } from './fields-read.ts';
import type { Folding } from './fold.ts';
import { type Gate, gateOf, ruleNamedIn } from './gate.ts';
import { Engine, type IndexedRule } from './index/engine.ts';
import type { Explanation, Leaf, Match, Matcher, MatchSettings, Verdict } from './matcher.ts';
import { byOrder, hasTimeOperator, parseWhen } from './parsed-rule.ts';
import { PlainEngine } from './plain-engine.ts';
import { EventReader } from './reader.ts';
import type { Rule } from './rule.ts';

/** Below this many rules trying all in turn is faster (`npm run bench -- match`). */
const INDEX_FROM = 20;
interface Side {
  readonly engine: Engine | PlainEngine;
  readonly explainer: Explainer;
}

/** The matcher: gates, order and `stop` around an engine that decides conditions. */
export class RuleMatcher implements Matcher {
  readonly rules: readonly Rule[];
  readonly #settings: MatchSettings;
  readonly #folding: (event: DeskEvent) => Folding;
  readonly #positions: ReadonlyMap<string, number>;
  readonly #matches: readonly Match[];
  readonly #bits: Int32Array;
  /** What {@link match} needs of each rule, without a look at the rule. */
  readonly #flags: Uint8Array;
  readonly #timed: ReadonlySet<number>;
  /** Rules that may hear clock events, which are rare and name their rule. */
  readonly #clocked: readonly number[];
  readonly #stopping: readonly number[];
  readonly #side: (folding: Folding) => Side;
  readonly #fieldsRead = new Map<string, ReadonlySet<string>>();

  constructor(rules: readonly Rule[], settings: MatchSettings, sample: readonly DeskEvent[]) {
    this.rules = [...rules].sort(byOrder);
    this.#settings = settings;
    this.#folding = foldings(settings);
    this.#positions = new Map(this.rules.map(({ id }, position) => [id, position]));
    const indexed: IndexedRule[] = this.rules.map((rule) => ({ rule, node: parseWhen(rule) }));
    this.#timed = new Set(indexed.flatMap(({ node }, position) => (hasTimeOperator(node) ? [position] : [])));
    this.#clocked = this.#where((rule, position) => this.#timed.has(position) || isClocked(rule));
    this.#stopping = this.#where(stops);
    this.#bits = new Int32Array((this.rules.length >> 5) + 1);
    this.#matches = this.rules.map((rule) => ({ rule }));
    this.#flags = Uint8Array.from(this.rules, flagsOf);
    const first = this.#build('plain', indexed, sample);
    const other = perFolding((folding) =>
      this.#build(
        folding,
        this.rules.map((rule) => ({ rule, node: parseWhen(rule) })),
        sample,
      ),
    );
    this.#side = (folding) => (folding === 'plain' ? first : other(folding));
  }

  #build(folding: Folding, rules: readonly IndexedRule[], sample: readonly DeskEvent[]): Side {
    const Kind = rules.length < INDEX_FROM ? PlainEngine : Engine;
    const engine = new Kind(rules, folding, this.#settings, sample);
    return { engine, explainer: new Explainer((leaf) => engine.testOf(leaf), engine.slots, this.#settings) };
  }

  #where(accepts: (rule: Rule, position: number) => boolean): readonly number[] {
    return this.rules.flatMap((rule, position) => (accepts(rule, position) ? [position] : []));
  }

  match(event: DeskEvent, now: number): readonly Match[] {
    const { engine } = this.#side(this.#folding(event));
    const clock = event.type === 'ticket.time' || event.type === 'schedule.fired';
    const found = clock ? this.#matchClock(engine, event, now) : engine.match(event, now);
    if (found.length > 1) sortPositions(found, this.#bits);
    const matches: Match[] = [];
    for (const position of found) {
      const flags = this.#flags[position] ?? OFF;
      if ((flags & OFF) !== 0 || (event.own && (flags & OWN) === 0)) continue;
      const match = this.#matches[position];
      if (match !== undefined) matches.push(match);
      if ((flags & STOP) !== 0) break;
    }
    return matches;
  }

  #matchClock(engine: Side['engine'], event: DeskEvent, now: number): number[] {
    const kind = event.type === 'ticket.time' ? 'time' : 'schedule';
    const named = ruleNamedIn(event.key, kind);
    const position = named === null ? undefined : this.#positions.get(named);
    // A rule that lists `schedule.fired` itself hears every schedule.
    const candidates = position === undefined || kind === 'schedule' ? this.#clocked : [position];
    engine.mark(event, now);
    return candidates.filter((candidate) => this.#gate(candidate, event) === null && engine.holds(candidate));
  }

  #gate(position: number, event: DeskEvent): Gate {
    const rule = this.rules[position];
    return rule === undefined ? 'off' : gateOf(rule, this.#timed.has(position), event);
  }

  explain(ruleId: string, event: DeskEvent, now: number): Explanation {
    const position = this.#positions.get(ruleId);
    const rule = position === undefined ? undefined : this.rules[position];
    if (position === undefined || rule === undefined)
      return { rule: ruleId, verdict: 'no match', reason: 'no such rule', leaves: [] };
    const folding = this.#folding(event);
    const { holds, leaves } = this.#explain(position, new EventReader(event, now, folding));
    const gate = this.#gate(position, event);
    const stoppedBy = gate === null && holds ? this.#stoppedBy(position, event, now, folding) : null;
    return explanationOf(rule, gate, holds, stoppedBy, leaves);
  }

  #explain(position: number, reader: EventReader): Verdict {
    const { engine, explainer } = this.#side(reader.folding);
    const node = engine.nodeOf(position);
    return node === undefined ? { holds: false, leaves: [] } : explainer.explain(node, reader);
  }

  /** The first earlier rule that matches and stops; only those that can stop are looked at. */
  #stoppedBy(position: number, event: DeskEvent, now: number, folding: Folding): string | null {
    const earlier = this.#stopping.filter((other) => other < position && this.#gate(other, event) === null);
    if (earlier.length === 0) return null;
    const { engine } = this.#side(folding);
    engine.mark(event, now);
    const found = earlier.find((other) => engine.holds(other));
    return found === undefined ? null : (this.rules[found]?.id ?? null);
  }

  nearMisses(event: DeskEvent, now: number, limit: number): readonly Explanation[] {
    const folding = this.#folding(event);
    const reader = new EventReader(event, now, folding);
    const { engine, explainer } = this.#side(folding);
    const found: Explanation[] = [];
    for (const [position, rule] of this.rules.entries()) {
      if (found.length >= limit) break;
      const node = engine.nodeOf(position);
      if (node === undefined || this.#gate(position, event) !== null || !explainer.isNearMiss(node, reader))
        continue;
      found.push(this.explain(rule.id, event, now));
    }
    return found;
  }

  fieldsRead(connection: string): ReadonlySet<string> {
    const known = this.#fieldsRead.get(connection);
    if (known !== undefined) return known;
    const fields = fieldsReadBy(
      this.rules.map((rule) => ({ rule, node: parseWhen(rule) })),
      connection,
    );
    this.#fieldsRead.set(connection, fields);
    return fields;
  }
}

/**
 * Sorts positions in place, a few by insertion, more by setting bits and reading them back: several times faster
 * than a sort that calls back.
 *
 * @param bits one bit per position, all clear; clear again afterwards
 */
function sortPositions(positions: number[], bits: Int32Array): void {
  if (positions.length > 12) {
    sortByBits(positions, bits);
    return;
  }
  for (let i = 1; i < positions.length; i += 1) {
    const value = positions[i] ?? 0;
    let at = i;
    for (let before = positions[at - 1] ?? 0; at > 0 && before > value; before = positions[at - 1] ?? 0) {
      positions[at] = before;
      at -= 1;
    }
    positions[at] = value;
  }
}

function sortByBits(positions: number[], bits: Int32Array): void {
  for (let i = 0; i < positions.length; i += 1) {
    const position = positions[i] ?? 0;
    bits[position >> 5] = (bits[position >> 5] ?? 0) | (1 << (position & 31));
  }
  let next = 0;
  for (let word = 0; word < bits.length; word += 1) {
    for (let rest = bits[word] ?? 0; rest !== 0; rest &= rest - 1) {
      positions[next] = (word << 5) | (31 - Math.clz32(rest & -rest));
      next += 1;
    }
    bits[word] = 0;
  }
}

const OFF = 1;
const OWN = 2;
const STOP = 4;

function flagsOf(rule: Rule): number {
  return (rule.mode === 'off' ? OFF : 0) | (rule.own ? OWN : 0) | (stops(rule) ? STOP : 0);
}

function isClocked(rule: Rule): boolean {
  return rule.schedule !== null || rule.on.includes('ticket.time') || rule.on.includes('schedule.fired');
}

/** A shadow rule must not change what live rules do, so its `stop` does not count. */
export function stops(rule: Rule): boolean {
  return rule.stop && rule.mode === 'live';
}

/** The verdict, with the first reason that holds in the order in which the matcher asks. */
function explanationOf(
  rule: Rule,
  gate: Gate,
  holds: boolean,
  stoppedBy: string | null,
  leaves: readonly Leaf[],
): Explanation {
  const no = (reason: string): Explanation => ({ rule: rule.id, verdict: 'no match', reason, leaves });
  if (gate !== null) return no(gate);
  if (!holds) return no('conditions');
  if (stoppedBy !== null) return no(`stopped by rule ${stoppedBy}`);
  return {
    rule: rule.id,
    verdict: 'match',
    reason: rule.mode === 'shadow' ? 'shadow' : 'all conditions hold',
    leaves,
  };
}
