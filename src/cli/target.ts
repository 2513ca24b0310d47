import { usageError, type Arguments } from './arguments.ts';

/** What `pause` and `resume` are about. */
export type Target =
  | { readonly kind: 'all'; readonly text: string }
  | { readonly kind: 'rule' | 'connection'; readonly name: string; readonly text: string };

/** @throws ConfigError unless exactly one thing is named */
export function readTarget(given: Arguments, command: string): Target {
  const [kind, name, ...more] = given.positionals;
  if (given.flag('all') && kind === undefined) return { kind: 'all', text: 'every action' };
  const named = (kind === 'rule' || kind === 'connection') && name !== undefined && more.length === 0;
  if (!named || given.flag('all')) {
    throw usageError(`expected: ${command} rule ID, ${command} connection NAME, or ${command} --all`);
  }
  return { kind, name, text: `${kind} ${name}` };
}
