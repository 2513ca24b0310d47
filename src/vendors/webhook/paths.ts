/**
 * Paths into a sender's JSON: `$.alert.labels[0].name`, dots and `[n]` only. Compiled once, because they run for
 * every delivery. Pure.
 */

/** Reads the value at a path; undefined when something on the way is missing. Own properties only. */
export type Read = (body: unknown) => unknown;

const PATH = /^\$(?:\.[^.[\]\s]+|\[\d{1,6}\])+$/;
const SEGMENT = /\.([^.[\]\s]+)|\[(\d+)\]/g;

/** True for a path that {@link compilePath} takes. */
export function isPath(text: string): boolean {
  return PATH.test(text);
}

/** @param path a valid path, see {@link isPath} */
export function compilePath(path: string): Read {
  const keys = [...path.matchAll(SEGMENT)].map(([, name, index]) => name ?? Number(index));
  const [first] = keys;
  if (keys.length === 1 && first !== undefined) return (body) => step(body, first);
  return (body) => {
    let value = body;
    for (const key of keys) {
      value = step(value, key);
      if (value === undefined) return undefined;
    }
    return value;
  };
}

function step(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (typeof key === 'number') return Array.isArray(value) ? value[key] : undefined;
  return Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}
