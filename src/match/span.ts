import type { Span } from './rule.ts';

/**
 * Spans and instants as people write them in rules: `15m`, `1h30m`, `{ for: 4h, calendar: office }`,
 * `2026-11-23`, `2026-11-23T09:00Z`.
 */

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Ten years: longer is a slip, and timers beyond it would never be looked at again. */
const MAX_SPAN_MS = 3_650 * 86_400_000;

export const SPAN_PATTERN = '^([0-9]{1,9}[smhdw])+$';

/** Milliseconds of `90s`, `15m`, `4h`, `2d`, `1w`, `1h30m`; null for anything else, zero, or more than ten years. */
export function parseSpan(text: unknown): number | null {
  if (typeof text !== 'string' || text.length > 40 || !new RegExp(SPAN_PATTERN).test(text)) return null;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([smhdw])/g))
    ms += Number(count) * (UNIT_MS[unit ?? ''] ?? 0);
  return ms > 0 && ms <= MAX_SPAN_MS ? ms : null;
}

/** On a calendar a day has no fixed length, so only hours and minutes make sense there. */
export function isCalendarSpan(text: string): boolean {
  return /^([0-9]+[hm])+$/.test(text);
}

/** A span as written in a condition: text, or a map with a calendar. Null if it is neither. */
export function readSpan(written: unknown): Span | null {
  if (typeof written === 'string') {
    const ms = parseSpan(written);
    return ms === null ? null : { ms };
  }
  if (typeof written !== 'object' || written === null) return null;
  const { for: text, calendar } = written as { for?: unknown; calendar?: unknown };
  const ms = parseSpan(text);
  if (ms === null) return null;
  return typeof calendar === 'string' ? { ms, calendar } : { ms };
}

const INSTANT = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * Epoch milliseconds of an ISO 8601 date or date-time; NaN for anything else. Without an offset it is UTC, so
 * that the answer does not depend on where the process runs.
 */
export function parseInstant(text: unknown): number {
  if (typeof text !== 'string' || text.length < 10 || text.length > 40) return NaN;
  const found = INSTANT.exec(text);
  if (found === null) return NaN;
  return Date.parse(text.length === 10 || found[1] !== undefined ? text : `${text}Z`);
}

/** `1/1h`, `5/h` → runs per span; null if it is not one. */
export function parseRate(text: unknown): { runs: number; perMs: number } | null {
  const found = typeof text === 'string' ? /^(\d{1,6})\/(\S+)$/.exec(text) : null;
  const [, runs, per] = found ?? [];
  if (runs === undefined || per === undefined || Number(runs) === 0) return null;
  const perMs = parseSpan(/^[smhdw]$/.test(per) ? `1${per}` : per);
  return perMs === null ? null : { runs: Number(runs), perMs };
}
