export const RUNS = ['asc', 'desc', 'mixed'] as const;
export type Run = (typeof RUNS)[number];

/** Which way values run; null: there are no two different ones. */
export function runOf(values: readonly number[]): Run | null {
  const steps = values.slice(1).map((value, index) => Math.sign(value - (values[index] ?? 0)));
  const rises = steps.includes(1);
  const falls = steps.includes(-1);
  if (rises && falls) return 'mixed';
  if (!rises && !falls) return null;
  return rises ? 'asc' : 'desc';
}

/**
 * Whether rows stand in their order because it was asked for: they run one way, and no other attribute does by which a
 * desk might list that ignores the order. A short list may be in order by chance.
 *
 * @param others values of those attributes, one list each
 */
export function isEvident(values: readonly number[], others: readonly (readonly number[])[]): boolean {
  const isRun = (some: readonly number[]): boolean => ['asc', 'desc'].includes(runOf(some) ?? '');
  return isRun(values) && !others.some(isRun);
}
