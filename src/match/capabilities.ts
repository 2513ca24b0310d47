import { leavesOf, type LeafNode, type Node } from './condition.ts';
import { fold } from './fold.ts';
import type { KnownNames } from './params.ts';
import type { Path, Report } from './report.ts';
import { DESK_ACTIONS, type DeskActionName, type Rule, type Step } from './rule.ts';

/**
 * Checks that the desks that a rule can reach support its actions: an error where the rule names the connection,
 * a warning where it names none.
 */

type Connections = NonNullable<KnownNames['connections']>;

export function checkCapabilities(
  rule: Rule,
  when: Node | null,
  known: KnownNames['connections'],
  report: Report,
): void {
  if (known === null) return;
  const reach = reachOf(when, known);
  for (const { step, path } of stepsWithPaths(rule.then, ['then'])) {
    if (!isDeskAction(step.action)) continue;
    const own = step.action === 'create_ticket' ? step.params.connection : undefined;
    const names = own === undefined ? reach.names : [own];
    const missing = names.flatMap((name) => missingAt(name, known, step));
    if (missing.length === 0) continue;
    const message = missing.join(' ');
    if (own !== undefined || reach.named) report.error(path, message, 'key');
    else report.warning(path, `${message} The step is suppressed there.`, 'key');
  }
}

/** The connections that a rule can match on, by its own conditions on `connection` and `vendor`. */
function reachOf(when: Node | null, known: Connections): { names: readonly string[]; named: boolean } {
  const leaves = when === null ? [] : requiredLeaves(when);
  const allows = (field: string, value: string): boolean =>
    leaves
      .filter((leaf) => leaf.field.name === field && leaf.test.kind === 'equals')
      .every(
        ({ test, negated }) =>
          test.kind === 'equals' &&
          test.values.some((wanted) => fold(String(wanted)) === fold(value)) !== negated,
      );
  const names = Object.entries(known)
    .filter(([name, { vendor }]) => allows('connection', name) && allows('vendor', vendor))
    .map(([name]) => name);
  return { names, named: leaves.some((leaf) => leaf.field.name === 'connection' && !leaf.negated) };
}

/** Leaves that must hold whenever the condition does. */
export function requiredLeaves(node: Node): readonly LeafNode[] {
  if (node.type === 'leaf') return [node.leaf];
  if (node.group === 'all' || (node.group === 'any' && node.members.length === 1))
    return node.members.flatMap(requiredLeaves);
  return [];
}

function missingAt(name: string, known: Connections, step: Step): readonly string[] {
  const connection = known[name];
  if (connection === undefined) return [];
  const supported = connection.actions[step.action];
  if (supported === undefined)
    return [`${connection.vendorName} (${name}) does not support "${step.action}".`];
  return parametersOf(step)
    .filter((key) => !supported.includes(key))
    .map((key) => `${connection.vendorName} (${name}) does not support "${key}" of "${step.action}".`);
}

/**
 * Parameters of a step that its desk must support, as capabilities name them: `wait_for` by what is waited for. The
 * connection of create_ticket is ours, and a private comment is every desk's default.
 */
export function parametersOf(step: Step): readonly string[] {
  if (step.action === 'wait_for') return ['until' in step.params ? 'until' : step.params.who];
  return Object.entries(step.params)
    .filter(([key, value]) => {
      if (step.action === 'create_ticket' && key === 'connection') return false;
      if (step.action === 'comment' && key === 'public') return value === true;
      return value !== undefined && (!Array.isArray(value) || value.length > 0);
    })
    .map(([key]) => key);
}

function isDeskAction(action: string): action is DeskActionName {
  return (DESK_ACTIONS as readonly string[]).includes(action);
}

/** All steps with where they stand in the file. */
function* stepsWithPaths(steps: readonly Step[], path: Path): Generator<{ step: Step; path: Path }> {
  for (const [index, step] of steps.entries()) {
    const here = [...path, index, step.action];
    yield { step, path: here };
    if (step.action === 'repeat') yield* stepsWithPaths(step.params.do, [...here, 'do']);
    if (step.action !== 'slack.ask') continue;
    for (const [label, inner] of Object.entries(step.params.answers))
      yield* stepsWithPaths(inner, [...here, 'answers', label]);
  }
}

export function hasLeaves(node: Node): boolean {
  return !leavesOf(node).next().done;
}
