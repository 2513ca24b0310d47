/** The instants at which a calendar date (`YYYY-MM-DD`) begins and ends in an IANA zone. */
export function dayIn(zone: string, date: string): { readonly from: number; readonly until: number } {
  const next = new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
  return { from: parseIn(zone, date), until: parseIn(zone, next) };
}

/** Reads a date or date-time as a server in `zone` does: text without an offset is local there. NaN if unreadable. */
export function parseIn(zone: string, value: string): number {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?(Z|[+-]\d{2}:?\d{2})?$/i.exec(
    value.trim(),
  );
  if (match === null) return Number.NaN;
  const [, date = '', time = '00:00', offset] = match;
  if (offset !== undefined) return Date.parse(`${date}T${time}${offset}`);
  const asUtc = Date.parse(`${date}T${time}Z`);
  const first = asUtc - offsetOf(zone, asUtc);
  return asUtc - offsetOf(zone, first);
}

function offsetOf(zone: string, at: number): number {
  return Date.parse(`${wallClock(zone, at)}Z`) - Math.floor(at / 1000) * 1000;
}

function wallClock(zone: string, at: number): string {
  const style = { dateStyle: 'short', timeStyle: 'medium', timeZone: zone, hourCycle: 'h23' } as const;
  return new Intl.DateTimeFormat('sv-SE', style).format(at).replace(' ', 'T');
}
