import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ConfigError, messageOf } from '../errors.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/** What a command was called with. */
export interface Arguments {
  readonly positionals: readonly string[];
  text(name: string): string | undefined;
  flag(name: string): boolean;
}

/** @throws ConfigError for an unknown option or one without its value: exit 2 */
export function readArguments(args: readonly string[], options: Options): Arguments {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
      strict: true,
    });
    return {
      positionals,
      text: (name) => (typeof values[name] === 'string' ? values[name] : undefined),
      flag: (name) => values[name] === true,
    };
  } catch (error) {
    throw usageError(messageOf(error));
  }
}

/** A mistake in the call itself. */
export function usageError(message: string): ConfigError {
  return new ConfigError([
    { file: 'command line', line: 1, column: 1, path: '', message, severity: 'error' },
  ]);
}

/** @throws ConfigError when a required option is missing */
export function required(found: string | undefined, option: string): string {
  if (found === undefined) throw usageError(`${option} is missing`);
  return found;
}
