import type { z } from 'zod';

/** Answers of another shape than expected, told so that a person can see which. Pure. */

/** Thrown by {@link readShape}; clients turn it into a VendorError `unreadable`. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

/**
 * Parses a value leniently by `schema`.
 *
 * @throws ShapeError that names what was expected and the keys seen, never their contents
 */
export function readShape<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const expected = `${issue?.path.join('.') ?? ''} (${issue?.message ?? 'unknown'})`;
  throw new ShapeError(`unexpected shape: expected ${expected}, got ${describeShape(value)}`);
}

/** The shape of a value without its contents. */
export function describeShape(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value !== 'object') return `a ${typeof value}`;
  const keys = Object.keys(value)
    .slice(0, 20)
    .map((key) => key.slice(0, 40));
  return `an object with the keys ${keys.join(', ') || '(none)'}`;
}
