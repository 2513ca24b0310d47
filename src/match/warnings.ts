import { requiredLeaves } from './capabilities.ts';
import { leavesOf, type LeafNode, type Node } from './condition.ts';
import { fold } from './fold.ts';
import type { Report } from './report.ts';
import { DESK_ACTIONS, type Rule } from './rule.ts';
import { allSteps } from './steps.ts';

/** Warnings about rules that load but hardly mean what they say. */
export function warnAboutConditions(rule: Rule, when: Node, report: Report): void {
  warnAboutLoneNegatives(when, report);
  warnIfNeverTrue(rule, when, report);
  warnIfTooWide(rule, when, report);
}

const LONE = new Set(['not', 'not_in', 'not_contains', 'has_none']);

/** A negative is true without a value too; a positive condition on the same field, or `present`, rules that out. */
function warnAboutLoneNegatives(when: Node, report: Report): void {
  const positive = new Set(
    [...leavesOf(when)]
      .filter((leaf) => !leaf.negated || leaf.operator === 'present')
      .map((leaf) => leaf.field.name),
  );
  for (const leaf of leavesOf(when)) {
    const { field, operator } = leaf;
    if (!LONE.has(operator) || field.always || positive.has(field.name) || leaf.groups.includes('none'))
      continue;
    const path =
      leaf.groups.length === 0 ? ['when', field.name, operator] : ['when', leaf.groups[0] ?? 'all'];
    report.warning(
      path,
      `"${field.name}: { ${operator}: .. }" also matches tickets without the field: add { present: true }.`,
      'key',
    );
  }
}

function warnIfNeverTrue(rule: Rule, when: Node, report: Report): void {
  const leaves = requiredLeaves(when);
  for (const leaf of leaves) {
    const reason = neverTrue(rule, leaf, leaves);
    if (reason !== null) {
      report.warning(['when', leaf.field.name], `This rule can never match: ${reason}.`, 'key');
      return;
    }
  }
}

function neverTrue(rule: Rule, leaf: LeafNode, leaves: readonly LeafNode[]): string | null {
  const { field, test } = leaf;
  const name = field.name;
  if (test.kind === 'range' && test.low !== null && test.high !== null && test.low.at > test.high.at) {
    return `the lower bound of "${name}" is above the upper`;
  }
  if (name === 'event.type' && test.kind === 'equals' && !leaf.negated && rule.schedule === null) {
    if (!test.values.some((type) => rule.on.includes(String(type))))
      return '"event.type" asks for a type that "on" does not list';
  }
  if (
    test.kind === 'changed' &&
    !leaf.negated &&
    !test.first &&
    rule.on.length === 1 &&
    rule.on[0] === 'ticket.created'
  ) {
    return `"${name}" has not changed on a created ticket`;
  }
  return contradiction(leaf, leaves);
}

/** Two conditions on one field that exclude each other. */
function contradiction(leaf: LeafNode, leaves: readonly LeafNode[]): string | null {
  const { field, test, negated } = leaf;
  const single = field.kind !== 'list' && field.kind !== 'any';
  for (const other of leaves) {
    if (other === leaf || other.field.name !== field.name) continue;
    if (
      test.kind === 'empty' &&
      !negated &&
      other.test.kind !== 'empty' &&
      other.test.kind !== 'changed' &&
      !other.negated
    ) {
      return `"${field.name}" cannot be empty and have a value`;
    }
    if (test.kind === 'empty' && other.test.kind === 'empty' && negated !== other.negated)
      return `"${field.name}" cannot be empty and present`;
    // Named things and persons go by several names, so two different ones may be the same thing.
    const oneName =
      field.kind === 'text' || field.kind === 'word' || field.kind === 'id' || field.kind === 'boolean';
    if (!single || !oneName || test.kind !== 'equals' || other.test.kind !== 'equals' || negated) continue;
    const wanted = new Set(test.values.map((value) => fold(String(value))));
    const others = other.test.values.map((value) => fold(String(value)));
    const possible = other.negated
      ? [...wanted].some((value) => !others.includes(value))
      : others.some((value) => wanted.has(value));
    if (!possible) return `the conditions on "${field.name}" exclude each other`;
  }
  return null;
}

/** Conditions on these still leave every ticket of a desk. */
const WIDE = new Set(['connection', 'vendor', 'event.type', 'late']);

function warnIfTooWide(rule: Rule, when: Node, report: Report): void {
  if (
    rule.schedule !== null ||
    rule.on.every((type) => !type.startsWith('ticket.') && type !== 'comment.added')
  )
    return;
  const narrowing = [...leavesOf(when)].some(
    (leaf) => !leaf.negated && !leaf.groups.includes('none') && !WIDE.has(leaf.field.name),
  );
  const write = [...allSteps(rule.then)].find((step) =>
    (DESK_ACTIONS as readonly string[]).includes(step.action),
  );
  if (narrowing || write === undefined) return;
  report.warning(
    ['then'],
    `This rule writes ("${write.action}") on every ${rule.on.join(' and ')} event: no condition narrows it.`,
    'key',
  );
}
