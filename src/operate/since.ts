import { parseDuration } from '../config.ts';
import { OperateError } from './error.ts';

/** A time, or a span before now. @throws OperateError */
export function parseSince(text: string, now: number): Date {
  const span = parseDuration(text);
  const at = span === null ? Date.parse(text) : now - span;
  if (Number.isNaN(at)) {
    throw new OperateError('bad_request', `expected a time or a duration such as 30d, got ${text}`);
  }
  return new Date(at);
}
