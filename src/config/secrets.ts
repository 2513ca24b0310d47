import type { Path } from './expand.ts';

/** Secrets are told by the names of their keys, so that a new vendor's are protected without being listed. */
const SECRET_KEY = /(?:^|_)(?:token|secret|secrets|password|passphrase|key)$/;

/** Parts of the configuration where such words are ordinary: paths into a body, names of people and states. */
const ORDINARY = new Set(['event', 'ticket', 'names', 'phases', 'lists', 'users']);

/** True if what stands at that path, or in the list there, is a secret. */
export function isSecretPath(path: Path): boolean {
  const name = path.findLast((part) => typeof part === 'string');
  const inside = path.slice(0, -1).some((part, index) => index !== 1 && ORDINARY.has(String(part)));
  return name !== undefined && !inside && SECRET_KEY.test(name);
}

/** Every secret in an expanded configuration, for the log's scrubber. */
export function collectSecrets(value: unknown, path: Path = []): string[] {
  if (typeof value === 'string') return isSecretPath(path) && value !== '' ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? value.map((item, index) => [index, item])
    : Object.entries(value);
  return entries.flatMap(([key, item]) => collectSecrets(item, [...path, key]));
}
