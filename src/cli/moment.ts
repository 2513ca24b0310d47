import { parseDuration } from '../config.ts';
import { parseInstant } from '../match/span.ts';
import { usageError } from './arguments.ts';

/** A time to come: `2h`, `2026-12-01T22:00+03:00`. @throws ConfigError for anything else */
export function readMoment(text: string, option: string, now: number): number {
  const span = parseDuration(text);
  const at = span === null ? parseInstant(text) : now + span;
  if (Number.isNaN(at)) {
    throw usageError(`${option}: expected a time or a duration from now such as 2h, got ${text}`);
  }
  return at;
}

/** Who does it: the name of the account, as far as the shell tells. */
export function whoAmI(env: Readonly<Record<string, string | undefined>>): string {
  return env['SUDO_USER'] ?? env['USER'] ?? env['LOGNAME'] ?? 'the command line';
}
