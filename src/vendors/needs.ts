import type { Needs } from './vendor.ts';

/** True if any of the parts is needed, as a whole (`custom`) or in part (`custom.tier`). */
export function needsAny(needs: Needs, ...parts: readonly string[]): boolean {
  return parts.some((part) => needs.has(part) || [...needs].some((need) => need.startsWith(`${part}.`)));
}
