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
  /** Pairs: a literal that must hold too, and where the rule's code starts. */
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
  const code = new BodyCode();
  const starts = new Int32Array(bodies.length);
  for (const rule of byAccess(accesses)) {
    const [body, type] = [bodies[rule], types[rule]];
    if (body === undefined || type === undefined) throw new TypeError('every rule has event types');
    starts[rule] = code.add(rule, type, orderBody(body, frequency), (accesses[rule]?.length ?? 0) > 1);
  }
  const accessStarts = startsOf(accesses, marked);
  const entries = new Int32Array(accessStarts[marked] ?? 0);
  const next = accessStarts.slice();
  for (const [rule, access] of accesses.entries()) {
    const only = access.length === 1 ? access[0] : undefined;
    const probe = probeOf(bodies[rule], only, frequency) ?? (types[rule]?.id ?? 0) << 1;
    for (const { id } of access) {
      const at = next[id] ?? 0;
      entries[at] = probe;
      entries[at + 1] = starts[rule] ?? 0;
      next[id] = at + 2;
    }
  }
  return { code: code.finish(), starts, accessStarts, entries };
}

/** Rules of one access condition side by side: they are walked together, and memory is read in lines. */
function byAccess(accesses: readonly (readonly Condition[])[]): readonly number[] {
  const first = Int32Array.from(accesses, ([condition]) => condition?.id ?? -1);
  return [...accesses.keys()].sort((a, b) => (first[a] ?? 0) - (first[b] ?? 0));
}

function accessOfRule(body: Body, type: Condition | undefined, frequency: Frequency): readonly Condition[] {
  const byType = type === undefined ? null : { conditions: [type], frequency: frequency(type) };
  return rarer(byType, accessOf(body, frequency))?.conditions ?? [];
}

/** Running totals of entries per condition, two numbers each. */
function startsOf(accesses: readonly (readonly Condition[])[], marked: number): Int32Array {
  const starts = new Int32Array(marked + 1);
  for (const access of accesses) for (const { id } of access) starts[id + 1] = (starts[id + 1] ?? 0) + 2;
  for (let id = 0; id < marked; id += 1) starts[id + 1] = (starts[id + 1] ?? 0) + (starts[id] ?? 0);
  return starts;
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
