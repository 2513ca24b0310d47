const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
/** Nobody means to silence a ticket for longer. */
const LONGEST_MS = 31 * 86_400_000;

/** `90s`, `1h30m`, `2d` as milliseconds; null for anything else. */
export function parseSpan(text: string): number | null {
  if (!/^(?:\d{1,5}[smhdw])+$/.test(text)) return null;
  let ms = 0;
  for (const [, count = '', unit = ''] of text.matchAll(/(\d+)([smhdw])/g))
    ms += Number(count) * (UNITS[unit] ?? 0);
  return ms > 0 && ms <= LONGEST_MS ? ms : null;
}
