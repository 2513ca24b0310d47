import type { Hands, TakenStep } from '../../src/ingest/store-new.ts';

/** A worker that has no room: every step waits to be claimed. */
export const NO_HANDS: Hands = {
  instanceId: '00000000-0000-7000-8000-000000000000',
  keep: () => new Set(),
  take: () => undefined,
  letGo: () => undefined,
};

/** A worker that takes what it is given and does nothing with it. */
export function openHands(instanceId: string): Hands & { readonly taken: TakenStep[] } {
  const taken: TakenStep[] = [];
  return {
    instanceId,
    taken,
    keep: (lanes) => lanes,
    take: (_, steps) => taken.push(...steps),
    letGo: () => undefined,
  };
}
