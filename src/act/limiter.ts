/**
 * Room per target: steps under way at once. Small for desks, which limit by the minute: many at once would each get a
 * call and none of them the next one. Large for receivers.
 */
const ROOM: readonly (readonly [prefix: string, room: number])[] = [
  ['http ', 64],
  ['slack', 16],
  ['connection ', 4],
];
const ROOM_ELSEWHERE = 16;
/** What a call is taken to last before one has ended. */
const FIRST_GUESS_MS = 500;
/** How much of the estimate the latest call makes. */
const WEIGHT = 0.2;
/** Nobody is sent away for longer: a target that hung may be well again at any moment. */
const LONGEST_MS = 60_000;
const SPREAD_MS = 500;
/** Where calls are this quick, waiting for a place costs less than coming back from the database. */
const QUICK_MS = 100;

/** Keeps one target from taking all hands, and its queue from being gone through over and over. */
export interface Limiter {
  /**
   * Waits for a place where calls are quick, with as many others as there are places at most.
   *
   * @returns how to leave again, or when to come back: about when a place is free for whoever asked so far
   */
  enter(target: string): Promise<Place | { readonly inMs: number }>;
}

interface Place {
  leave(): void;
}

interface Target {
  inside: number;
  readonly waiting: ((place: Place) => void)[];
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

  function placeIn(target: Target): Place {
    const enteredAt = monotonic();
    return {
      leave() {
        target.callMs += WEIGHT * (monotonic() - enteredAt - target.callMs);
        const next = target.waiting.shift();
        if (next === undefined) target.inside -= 1;
        else next(placeIn(target));
      },
    };
  }

  return {
    async enter(name) {
      const now = monotonic();
      const target = targets.get(name) ?? { inside: 0, waiting: [], callMs: FIRST_GUESS_MS, freeAt: now };
      targets.set(name, target);
      const room = ROOM.find(([prefix]) => name.startsWith(prefix))?.[1] ?? ROOM_ELSEWHERE;
      if (target.inside < room) {
        target.inside += 1;
        return placeIn(target);
      }
      if (target.callMs <= QUICK_MS && target.waiting.length < room) {
        return new Promise((resolve) => target.waiting.push(resolve));
      }
      const waitMs = Math.min(LONGEST_MS, Math.max(0, target.freeAt - now) + target.callMs / room);
      target.freeAt = now + waitMs;
      return { inMs: waitMs + random() * SPREAD_MS };
    },
  };
}
