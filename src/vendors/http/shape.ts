import type { z } from 'zod';
import type { VendorHttp } from './client.ts';

/** Answers of another shape than expected, told so that a person can see which, and never their contents. */

/**
 * Parses an answer, or a part of one, leniently by `schema`.
 *
 * @param call what was asked, as an operator reads it
 * @throws VendorError `unreadable`, with what was expected and the keys seen
 */
export function readShape<T>(
  http: Pick<VendorHttp, 'error'>,
  call: string,
  schema: z.ZodType<T>,
  value: unknown,
): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const expected = `${issue?.path.join('.') || 'a row'} (${issue?.message ?? 'unknown'})`;
  throw http.error(unexpected(call, expected, value), 'unreadable');
}

/** An answer that is a list. @throws VendorError `unreadable` */
export function readList(http: Pick<VendorHttp, 'error'>, call: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw http.error(unexpected(call, 'a list', value), 'unreadable');
}

/** Says that a call was answered with something else. */
export function unexpected(call: string, expected: string, value: unknown): string {
  return `${call}: unexpected shape: expected ${expected}, got ${describeShape(value)}`;
}

function describeShape(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value !== 'object') return `a ${typeof value}`;
  const keys = Object.keys(value)
    .slice(0, 20)
    .map((key) => key.slice(0, 40));
  return `an object with the keys ${keys.join(', ') || '(none)'}`;
}
