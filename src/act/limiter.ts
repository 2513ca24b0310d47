/** Room per target: calls under way at once. Small for desks, which limit by the minute; large for receivers. */
const ROOM: readonly (readonly [prefix: string, room: number])[] = [
  ['http ', 64],
  ['slack', 16],
  ['connection ', 16],
];

export interface Limiter {
  /** @returns how to leave again, or null when the target has no room */
  enter(target: string): (() => void) | null;
}

export function createLimiter(): Limiter {
  const inside = new Map<string, number>();
  return {
    enter(target) {
      const count = inside.get(target) ?? 0;
      const room = ROOM.find(([prefix]) => target.startsWith(prefix))?.[1] ?? 16;
      if (count >= room) return null;
      inside.set(target, count + 1);
      return () => {
        const left = (inside.get(target) ?? 1) - 1;
        if (left === 0) inside.delete(target);
        else inside.set(target, left);
      };
    },
  };
}
