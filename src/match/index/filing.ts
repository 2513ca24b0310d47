import { accessOf, type Frequency, orderBody, rarer } from './access.ts';
import { type Body, BodyCode } from './body.ts';
import type { Condition } from './conditions.ts';

/** Files every rule under its access conditions; a rule that can be true without one goes under its event types. */

export interface Filing {
  readonly code: Int32Array;
  /** Where each rule's code starts. */
  readonly starts: Int32Array;
  /** Entries of condition c stand from `accessStarts[c]` on. */
  readonly accessStarts: Int32Array;
  /** Groups: a literal that must hold too, where the group ends, and where the code of each of its rules starts. */
  readonly entries: Int32Array;
}

/** @param marked number of marked conditions */
export function fileRules(
  bodies: readonly Body[],
  types: readonly Condition[],
  frequency: Frequency,
  marked: number,
): Filing {
  const accesses = bodies.map((body, rule) => accessOfRule(body, types[rule], frequency));
  const filed = accesses.flatMap((access, rule) => {
    const only = access.length === 1 ? access[0] : undefined;
    const probe = probeOf(bodies[rule], only, frequency) ?? (types[rule]?.id ?? 0) << 1;
    return access.map(({ id }): Filed => ({ condition: id, probe, rule }));
  });
  filed.sort((a, b) => a.condition - b.condition || a.probe - b.probe || a.rule - b.rule);
  const code = new BodyCode();
  const starts = new Int32Array(bodies.length);
  // Rules of one group side by side: they are walked together, and memory is read in lines.
  for (const rule of new Set([...filed.map((one) => one.rule), ...bodies.keys()])) {
    const [body, type] = [bodies[rule], types[rule]];
    if (body === undefined || type === undefined) throw new TypeError('every rule has event types');
    starts[rule] = code.add(rule, type, orderBody(body, frequency), (accesses[rule]?.length ?? 0) > 1);
  }
  return { code: code.finish(), starts, ...groupsOf(filed, starts, marked) };
}

/** A rule under one of its access conditions. */
interface Filed {
  readonly condition: number;
  /** As in code: `condition << 1 | negated`. */
  readonly probe: number;
  readonly rule: number;
}

/** @param filed in the order of their conditions, then probes */
function groupsOf(
  filed: readonly Filed[],
  starts: Int32Array,
  marked: number,
): Pick<Filing, 'accessStarts' | 'entries'> {
  const accessStarts = new Int32Array(marked + 1);
  const entries: number[] = [];
  let end = -1;
  for (const [at, { condition, probe, rule }] of filed.entries()) {
    const before = filed[at - 1];
    if (before?.condition !== condition || before.probe !== probe) end = entries.push(probe, 0) - 1;
    entries[end] = entries.push(starts[rule] ?? 0);
    accessStarts[condition + 1] = entries.length;
  }
  for (let id = 0; id < marked; id += 1) {
    accessStarts[id + 1] = Math.max(accessStarts[id + 1] ?? 0, accessStarts[id] ?? 0);
  }
  return { accessStarts, entries: Int32Array.from(entries) };
}

function accessOfRule(body: Body, type: Condition | undefined, frequency: Frequency): readonly Condition[] {
  const byType = type === undefined ? null : { conditions: [type], frequency: frequency(type) };
  return rarer(byType, accessOf(body, frequency))?.conditions ?? [];
}

/** The marked literal other than the access condition that a body needs and that is least likely to hold. */
function probeOf(body: Body | undefined, access: Condition | undefined, frequency: Frequency): number | null {
  const members = body?.kind === 'and' ? body.members : body?.kind === 'literal' ? [body] : [];
  let best: number | null = null;
  let rarest = Infinity;
  for (const member of members) {
    if (member.kind !== 'literal' || member.condition.lazy || member.condition === access) continue;
    const share = frequency(member.condition);
    const holds = member.negated ? 1 - share : share;
    if (holds >= rarest) continue;
    rarest = holds;
    best = (member.condition.id << 1) | (member.negated ? 1 : 0);
  }
  return best;
}
