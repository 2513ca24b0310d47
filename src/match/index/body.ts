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

/** The end of a body: it holds. */
export const ACCEPT = -1;
/** Jumps whatever holds. */
export const JUMP = -2;
/** From a rule's start to its event types, and to its condition. */
export const TO_TYPE = 1;
export const TO_CONDITION = 3;
/** Jump target: it does not hold. */
export const REJECT = -1;

/**
 * Code of bodies: pairs of a literal (`condition << 1 | negated`) and where to go on when it is false; when it is
 * true the next pair follows.
 */
export class BodyCode {
  readonly #code: number[] = [];

  /**
   * Appends a rule and returns where it starts: a header (`rule << 1`, plus 1 if it may be reached more than once per
   * event), the literal of its event types, then its body. All that a walk needs lies side by side.
   */
  add(rule: number, type: Condition, body: Body, several: boolean): number {
    const start = this.#code.length;
    this.#code.push((rule << 1) | (several ? 1 : 0));
    const fails: number[] = [this.#push(type.id << 1)];
    this.#emit(body, fails);
    this.#code.push(ACCEPT, 0);
    for (const at of fails) this.#code[at] = REJECT;
    return start;
  }

  finish(): Int32Array {
    return Int32Array.from(this.#code);
  }

  /** Emits code that falls through when the body holds; `fails` collects the places of jumps for when it does not. */
  #emit(body: Body, fails: number[]): void {
    if (body.kind === 'literal') {
      fails.push(this.#push((body.condition.id << 1) | (body.negated ? 1 : 0)));
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
        holds.push(this.#push((member.condition.id << 1) | (member.negated ? 0 : 1)));
        continue;
      }
      const misses: number[] = [];
      this.#emit(member, misses);
      holds.push(this.#push(JUMP));
      for (const at of misses) this.#code[at] = this.#code.length;
    }
    fails.push(this.#push(JUMP));
    for (const at of holds) this.#code[at] = this.#code.length;
  }

  /** Returns the place of the jump target. */
  #push(literal: number): number {
    this.#code.push(literal, 0);
    return this.#code.length - 1;
  }
}
