import type { LeafNode, Node } from '../condition.ts';
import type { Condition } from './conditions.ts';

/**
 * Rule bodies: the condition tree with negation pushed down to the leaves, and its form as flat integers.
 */

export type Body =
  | { readonly kind: 'literal'; readonly condition: Condition; readonly negated: boolean }
  | { readonly kind: 'and' | 'or'; readonly members: readonly Body[] };

/** Pushes negation down to literals. `has_all` becomes one literal per element. */
export function toBody(
  node: Node,
  conditionOf: (leaf: Pick<LeafNode, 'field' | 'test'>) => Condition,
  negate = false,
): Body {
  if (node.type === 'leaf') return leafBody(node.leaf, conditionOf, node.leaf.negated !== negate);
  const inverted = (node.group === 'none') !== negate;
  const members = node.members.map((member) => toBody(member, conditionOf, inverted));
  // all: and · any: or · none: and of the negated; negating the whole swaps and with or.
  const conjunction = (node.group === 'any') === negate;
  return join(conjunction ? 'and' : 'or', members);
}

function leafBody(
  leaf: LeafNode,
  conditionOf: (leaf: Pick<LeafNode, 'field' | 'test'>) => Condition,
  negated: boolean,
): Body {
  if (leaf.test.kind !== 'has_all') return { kind: 'literal', condition: conditionOf(leaf), negated };
  const members = leaf.test.values.map((value): Body => {
    const condition = conditionOf({ field: leaf.field, test: { kind: 'equals', values: [value] } });
    return { kind: 'literal', condition, negated };
  });
  return join(negated ? 'or' : 'and', members);
}

/** Joins bodies, lifting members of the same kind. No members: an empty `and` is true, an empty `or` false. */
export function join(kind: 'and' | 'or', members: readonly Body[]): Body {
  const lifted = members.flatMap((member) => (member.kind === kind ? member.members : [member]));
  const [only] = lifted;
  return lifted.length === 1 && only !== undefined ? only : { kind, members: lifted };
}

/**
 * Words of rule code. A word from 0 on is a literal (`condition << 1 | negated`) without which the rule does not
 * match; most rules are nothing but those.
 */
export const ACCEPT = -1;
export const REJECT = -2;
/** A literal and where to go on when it is false; else what follows. */
export const BRANCH = -3;
/** Where to go on. */
export const JUMP = -4;

/** From a rule's start to its event types, and to its condition. */
export const TO_TYPE = 1;
export const TO_CONDITION = 2;

/** Code of bodies, one after the other. */
export class BodyCode {
  readonly #code: number[] = [];

  /**
   * Appends a rule and returns where it starts: a header (`rule << 1`, plus 1 if it may be reached more than once per
   * event), the literal of its event types, then its body. All that a walk needs lies side by side.
   */
  add(rule: number, type: Condition, body: Body, several: boolean): number {
    const start = this.#code.length;
    this.#code.push((rule << 1) | (several ? 1 : 0), type.id << 1);
    this.#emit(body, null);
    this.#code.push(ACCEPT);
    return start;
  }

  finish(): Int32Array {
    return Int32Array.from(this.#code);
  }

  /**
   * Emits code that falls through when the body holds.
   *
   * @param fails collects the places of targets for when it does not; null: then nothing matches
   */
  #emit(body: Body, fails: number[] | null): void {
    if (body.kind === 'literal') {
      const literal = (body.condition.id << 1) | (body.negated ? 1 : 0);
      if (fails === null) this.#code.push(literal);
      else fails.push(this.#branch(literal));
      return;
    }
    if (body.kind === 'and') {
      for (const member of body.members) this.#emit(member, fails);
      return;
    }
    const holds: number[] = [];
    for (const member of body.members) {
      if (member.kind === 'literal') {
        // "Jump when the opposite is false" is "jump when it holds".
        holds.push(this.#branch((member.condition.id << 1) | (member.negated ? 0 : 1)));
        continue;
      }
      const misses: number[] = [];
      this.#emit(member, misses);
      holds.push(this.#jump());
      this.#land(misses);
    }
    if (fails === null) this.#code.push(REJECT);
    else fails.push(this.#jump());
    this.#land(holds);
  }

  /** Returns the place of the target. */
  #branch(literal: number): number {
    return this.#code.push(BRANCH, literal, 0) - 1;
  }

  #jump(): number {
    return this.#code.push(JUMP, 0) - 1;
  }

  /** Makes these targets the next word. */
  #land(targets: readonly number[]): void {
    for (const at of targets) this.#code[at] = this.#code.length;
  }
}
