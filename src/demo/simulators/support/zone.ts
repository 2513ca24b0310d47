/** The calendar date (`YYYY-MM-DD`) of an instant in an IANA zone. */
export function dateIn(zone: string, at: number): string {
  return wallClock(zone, at).slice(0, 10);
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
