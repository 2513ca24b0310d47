/** Ids are numbers in text, and may be beyond 2^53. Pure. */

/** Orders ids as numbers. */
export function compareIds(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

export function greatestId(ids: readonly string[], least: string): string {
  return ids.reduce((max, id) => (compareIds(id, max) > 0 ? id : max), least);
}

/** `count` ids from `first` on. */
export function idsFrom(first: string, count: number): readonly string[] {
  const start = BigInt(first);
  return Array.from({ length: count }, (_, index) => String(start + BigInt(index)));
}

export function addToId(id: string, count: number): string {
  return String(BigInt(id) + BigInt(count));
}

/** Groups of at most `size`, in order. */
export function chunksOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
