/** Room per target: calls under way at once. Small for desks, which limit by the minute; large for receivers. */
const ROOM: readonly (readonly [prefix: string, room: number])[] = [
  ['http ', 64],
  ['slack', 16],
  ['connection ', 16],
];
const ROOM_ELSEWHERE = 16;
/** What a call is taken to last before one has ended. */
const FIRST_GUESS_MS = 500;
/** How much of the estimate the latest call makes. */
const WEIGHT = 0.2;
/** Nobody is sent away for longer: a target that hung may be well again at any moment. */
const LONGEST_MS = 60_000;
const SPREAD_MS = 500;

/** Keeps one target from taking all hands, and its queue from being gone through over and over. */
export interface Limiter {
  /** @returns how to leave again, or when to come back: about when a place is free for whoever asked so far */
  enter(target: string): { readonly leave: () => void } | { readonly inMs: number };
}

interface Target {
  inside: number;
  callMs: number;
  /** When the next place is free that nobody was promised. */
  freeAt: number;
}

/**
 * @param monotonic ms
 * @param random 0 ≤ random < 1
 */
export function createLimiter(monotonic: () => number, random: () => number = Math.random): Limiter {
  const targets = new Map<string, Target>();
  return {
    enter(name) {
      const now = monotonic();
      const target = targets.get(name) ?? { inside: 0, callMs: FIRST_GUESS_MS, freeAt: now };
      targets.set(name, target);
      const room = ROOM.find(([prefix]) => name.startsWith(prefix))?.[1] ?? ROOM_ELSEWHERE;
      if (target.inside >= room) {
        const waitMs = Math.min(LONGEST_MS, Math.max(0, target.freeAt - now) + target.callMs / room);
        target.freeAt = now + waitMs;
        return { inMs: waitMs + random() * SPREAD_MS };
      }
      target.inside += 1;
      const leave = (): void => {
        target.inside -= 1;
        target.callMs += WEIGHT * (monotonic() - now - target.callMs);
      };
      return { leave };
    },
  };
}
