import type { BodyFailure, VendorCall } from '../http/client.ts';
import { parseJson } from '../../json.ts';

/**
 * What stands around every answer: `{result, version, status, errors}`, with `status: "Failed"` and errors inside a
 * 200 (guide, "Response Codes & Status": "detect a particular error by its [Exxx] number"). Pure.
 */

const HOUR_MS = 3_600_000;
/** After the hour has turned, so that not all connections come back in the same second. */
const LEAST_JITTER_MS = 5_000;
const JITTER_MS = 60_000;

export interface HourClock {
  /** Epoch ms. */
  readonly now: number;
  /** When the first of an unbroken row of E902 came; null: none before. */
  readonly firstAt: number | null;
  /** Spreads connections over the first minute of the hour. */
  readonly seed: string;
}

/** A failure that a body tells, or null. Whatever is no failure of GoToAssist's own is left to the status. */
export function failureIn(call: VendorCall, text: string, clock: () => HourClock): BodyFailure | null {
  const errors = errorsIn(text);
  if (errors === null) return null;
  const message = errors.join('; ') || 'Failed without a reason';
  const code = /\[(E\d{3})\]/.exec(message)?.[1];
  switch (code) {
    case 'E902':
      return { reason: 'rate_limited', notApplied: true, message, silentUntil: nextHour(clock()) };
    case 'E906':
      return { reason: 'auth', notApplied: true, message };
    case 'E400':
      // "API call specific error": all that can be wrong with reading one thing by its number is the number.
      return { reason: readsOne(call) ? 'not_found' : 'refused', notApplied: true, message };
    case undefined:
    default:
      return { reason: 'vendor_fault', notApplied: false, message };
  }
}

function readsOne(call: VendorCall): boolean {
  return call.method === 'GET' && /\/\d+(?:\/watches)?\.json$/.test(call.path);
}

/** The errors of a failed call; null: it is none. */
function errorsIn(text: string): readonly string[] | null {
  if (!/"(?:errors|Failed)"/.test(text)) return null;
  const body = parsed(text);
  if (!isObject(body)) return null;
  const { status, errors } = body;
  const listed = Array.isArray(errors) ? errors : [];
  if (status !== 'Failed' && listed.length === 0) return null;
  return listed.map((one: unknown) =>
    isObject(one) && typeof one['error'] === 'string' ? one['error'] : JSON.stringify(one),
  );
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

/** E902 is "for this hour": until the next one begins; if it comes again then, an hour from the first. */
function nextHour({ now, firstAt, seed }: HourClock): number {
  const turn = (Math.floor(now / HOUR_MS) + 1) * HOUR_MS;
  const persists = firstAt !== null && firstAt < turn - HOUR_MS && firstAt + HOUR_MS > now;
  return (persists ? firstAt + HOUR_MS : turn) + jitter(seed);
}

function jitter(seed: string): number {
  const sum = Buffer.from(seed).reduce((total, byte) => (total * 31 + byte) % 100_003, 7);
  return LEAST_JITTER_MS + (sum % JITTER_MS);
}

/** What a success says, unwrapped; undefined: this is no answer of GoToAssist's. */
export function resultIn(body: unknown): unknown {
  if (!isObject(body) || body['status'] !== 'Success') return undefined;
  if ('result' in body) return unwrap(body['result']);
  // The guide's example of "Show Problem" has no `result`: the problem stands beside `version` and `status`.
  const { status: _status, version: _version, ...rest } = body;
  return Object.keys(rest).length === 0 ? undefined : unwrap(rest);
}

/**
 * The same object is wrapped in one call and bare in the next (`watches:[{watch:{…}}]`): an object with a single key
 * whose value is an object is that object. What people named themselves is left alone.
 */
export function unwrap(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrap);
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (only !== undefined && entries.length === 1 && isObject(only[1])) return unwrap(only[1]);
  return Object.fromEntries(
    entries.map(([key, inner]) => [key, key === 'additional_values' ? inner : unwrap(inner)]),
  );
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
