/**
 * InvGate's answers come in several wrappings, which differ by call and by version (integration reference 2.2). This
 * is the one place that opens them. Pure.
 */

export type Opened =
  /** Rows, with the key of the next page where there is one. */
  | { readonly kind: 'rows'; readonly rows: readonly unknown[]; readonly nextKey: string | null }
  /** A page of bare request ids. */
  | {
      readonly kind: 'ids';
      readonly ids: readonly unknown[];
      readonly limit: number | null;
      readonly total: number | null;
    }
  /** One thing, not wrapped; also a write's `{status: "OK"}`. */
  | { readonly kind: 'object'; readonly object: Readonly<Record<string, unknown>> }
  /** A failure, whether HTTP said so or not. `status` is the number some of them carry. */
  | { readonly kind: 'error'; readonly message: string; readonly status: number | null }
  | { readonly kind: 'other' };

/** Opens whatever wrapping a parsed answer has. */
export function openEnvelope(value: unknown): Opened {
  if (Array.isArray(value)) return { kind: 'rows', rows: value, nextKey: null };
  if (!isRecord(value)) return { kind: 'other' };
  const failure = failureIn(value);
  if (failure !== null) return failure;
  if (Array.isArray(value['requestIds'])) {
    const { requestIds, limit, total } = value;
    return { kind: 'ids', ids: requestIds, limit: countOf(limit), total: countOf(total) };
  }
  const inner = value['data'] ?? value['requests'];
  const rows = inner === undefined ? (allKeyed(value) ? Object.values(value) : null) : listOf(inner);
  if (rows === null) return { kind: 'object', object: value };
  return { kind: 'rows', rows, nextKey: keyOf(value['next_page_key']) };
}

/** `status` is text in envelopes ("OK", "ERROR"; one call writes `Status`) and a number in the bodies of HTTP errors. */
function failureIn(value: Readonly<Record<string, unknown>>): Opened | null {
  const status = value['status'] ?? value['Status'];
  const text = [value['info'], value['error']].find((part) => typeof part === 'string' && part !== '');
  const message = typeof text === 'string' ? text : 'ERROR without a reason';
  if (typeof status === 'string' && status.toUpperCase() === 'ERROR') {
    return { kind: 'error', message, status: null };
  }
  const isHttp = typeof status === 'number' && status >= 400 && 'error' in value;
  return isHttp ? { kind: 'error', message, status } : null;
}

/** A list, or PHP's way of one: an object keyed by id. Empty objects come as `[]`. */
function listOf(value: unknown): readonly unknown[] | null {
  if (Array.isArray(value)) return value;
  return isRecord(value) && (allKeyed(value) || Object.keys(value).length === 0)
    ? Object.values(value)
    : null;
}

function allKeyed(value: Readonly<Record<string, unknown>>): boolean {
  const entries = Object.entries(value);
  return entries.length > 0 && entries.every(([key, item]) => /^\d+$/.test(key) && isRecord(item));
}

function keyOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

function countOf(value: unknown): number | null {
  const count = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : null;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
