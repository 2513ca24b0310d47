import { toInstant } from '../../clock.ts';
import type { Instant } from '../../ticket.ts';

/**
 * Dates as the four desks write them (integration reference 1.5). An invalid one is null and reported, never an
 * error: one bad date must not stop a feed.
 */

export interface DateParserOptions {
  /** IANA zone of times without one. Default UTC. */
  readonly timeZone?: string | undefined;
  /** Called with each value that is neither empty nor a date. */
  readonly onInvalid?: (value: unknown) => void;
}

/** null, undefined, "", 0, "0" and "0000-00-00…" are null without complaint. */
export type DateParser = (value: unknown) => Instant | null;

/** Numbers from here on are milliseconds: as seconds they would lie beyond the year 5138. */
const FIRST_MILLISECONDS = 1e11;

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i;

/** Makes the date parser of a connection. */
export function createDateParser(options: DateParserOptions = {}): DateParser {
  const zone = createZone(options.timeZone ?? 'UTC');
  return (value) => {
    if (isEmptyDate(value)) return null;
    const ms = toEpoch(value, zone);
    if (ms !== null) return toInstant(ms);
    options.onInvalid?.(value);
    return null;
  };
}

function isEmptyDate(value: unknown): boolean {
  if (value === null || value === undefined || value === 0) return true;
  if (typeof value !== 'string') return false;
  const text = value.trim();
  return text === '' || text === '0' || text.startsWith('0000-00-00');
}

function toEpoch(value: unknown, zone: Zone): number | null {
  if (typeof value === 'number') return fromNumber(value);
  if (typeof value !== 'string') return null;
  const text = value.trim();
  if (/^\d{1,13}(?:\.\d+)?$/.test(text)) return fromNumber(Number(text));
  return fromIso(text, zone);
}

function fromNumber(value: number): number | null {
  const ms = Math.trunc(Math.abs(value) >= FIRST_MILLISECONDS ? value : value * 1000);
  return ms > 0 && ms <= 8.64e15 ? ms : null;
}

function fromIso(text: string, zone: Zone): number | null {
  const match = ISO.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', offset] = match;
  const millis = fraction.padEnd(3, '0').slice(0, 3);
  const utc = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${millis}Z`);
  // Date.parse rolls 30 February over into March: the day must come back as it went in.
  if (Number.isNaN(utc) || new Date(utc).getUTCDate() !== Number(day)) return null;
  if (offset === undefined) return zone.toUtc(utc);
  return utc - offsetMs(offset);
}

function offsetMs(offset: string): number {
  if (offset.toUpperCase() === 'Z') return 0;
  const sign = offset.startsWith('-') ? -1 : 1;
  const digits = offset.slice(1).replace(':', '');
  return sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60_000;
}

/** Converts between UTC and the wall time of a zone, both as epoch ms. */
export interface Zone {
  /** The instant of a wall time; in the hour that occurs twice the first, in a gap the time after it. */
  toUtc(wallMs: number): number;
  toWall(utcMs: number): number;
}

/** @param timeZone IANA name, already validated */
export function createZone(timeZone: string): Zone {
  if (timeZone === 'UTC') return { toUtc: (ms) => ms, toWall: (ms) => ms };
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const toWall = (utcMs: number): number => {
    const part = Object.fromEntries(
      format.formatToParts(utcMs).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    const millis = ((utcMs % 1000) + 1000) % 1000;
    return Date.UTC(year, month - 1, day, hour, minute, second, millis);
  };
  const toUtc = (wallMs: number): number => {
    // An offset is at most 14 hours: those a day before and after are the only two in question.
    const before = toWall(wallMs - 86_400_000) - (wallMs - 86_400_000);
    const after = toWall(wallMs + 86_400_000) - (wallMs + 86_400_000);
    const first = wallMs - before;
    return toWall(first) === wallMs || before === after ? first : pickSecond(toWall, wallMs, after, first);
  };
  return { toUtc, toWall };
}

/** The zone's offset changed within the day: the later offset if it gives this wall time, else the gap's end. */
function pickSecond(toWall: (ms: number) => number, wallMs: number, after: number, first: number): number {
  const second = wallMs - after;
  return toWall(second) === wallMs ? second : first;
}

/** `2018-12-01T10:00:00` in a zone, without offset: how a desk that documents no zone is written to. */
export function toWallTime(instant: Instant, zone: Zone): string {
  return new Date(zone.toWall(Date.parse(instant))).toISOString().slice(0, 19);
}
