import { didYouMean } from '../did-you-mean.ts';

/** Where in the file something stands. */
export type Path = readonly (string | number)[];

/** Collects one mistake; the caller knows file, line and column. */
export type Complain = (path: Path, message: string, what?: 'key' | 'value') => void;

/**
 * Puts environment variables in the place of `${NAME}` in every value. Keys stay as they are, and what a variable
 * holds is never read as YAML or expanded again.
 *
 * @param complain told of variables that are missing or empty
 */
export function expandVariables(
  value: unknown,
  env: Readonly<Record<string, string | undefined>>,
  complain: Complain,
  path: Path = [],
): unknown {
  if (typeof value === 'string') return expandText(value, env, (message) => complain(path, message));
  if (Array.isArray(value)) {
    return value.map((item, index) => expandVariables(item, env, complain, [...path, index]));
  }
  if (typeof value !== 'object' || value === null) return value;
  // fromEntries defines keys, so that one named __proto__ stays an ordinary one.
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, expandVariables(item, env, complain, [...path, key])]),
  );
}

function expandText(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  complain: (message: string) => void,
): string {
  return text.replace(/\$\{([^}]*)(\}?)/g, (whole, name: string, close: string) => {
    if (close === '' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      complain('expected ${NAME}, the name of an environment variable');
      return whole;
    }
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value === undefined) {
      complain(`the environment variable ${name} is not set.${didYouMean(name, Object.keys(env))}`);
    } else if (value === '') complain(`the environment variable ${name} is empty`);
    return value ?? '';
  });
}
