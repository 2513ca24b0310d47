/**
 * Group commit: things that arrive together share one transaction. The group adapts: while nothing is in flight an
 * item leaves at once, under load a group is whatever gathered meanwhile.
 */
export interface BatcherOptions {
  readonly maxItems: number;
  /** Groups being committed at the same time. Two keep the database busy while one waits for its fsync. */
  readonly inFlight: number;
  /** How long a group that might leave waits for others, in ms, by the size of the one before; default: not at all. */
  readonly gatherMs?: (before: number) => number;
}

export interface Batcher<Item, Result> {
  /** Resolves when the item's group was flushed; rejects with the group's error. */
  add(item: Item): Promise<Result>;
  /** Items waiting or in flight. */
  readonly size: number;
  /** Resolves when nothing is left. */
  drain(): Promise<void>;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * @param flush gets a group, returns one result per item in the same order
 */
export function createBatcher<Item, Result>(
  flush: (items: readonly Item[]) => Promise<readonly Result[]>,
  options: BatcherOptions,
): Batcher<Item, Result> {
  const waiting: Waiting<Item, Result>[] = [];
  const idle: (() => void)[] = [];
  let groups = 0;
  let items = 0;
  let scheduled = false;
  let before = 0;

  async function run(group: readonly Waiting<Item, Result>[]): Promise<void> {
    groups += 1;
    before = group.length;
    try {
      const results = await flush(group.map((entry) => entry.item));
      group.forEach((entry, index) => entry.resolve(results[index] as Result));
    } catch (error) {
      for (const entry of group) entry.reject(error);
    } finally {
      groups -= 1;
      items -= group.length;
      if (items === 0) for (const wake of idle.splice(0)) wake();
      if (waiting.length > 0) schedule();
    }
  }

  /** At least one turn of the event loop later, so that what arrived together leaves together. */
  function schedule(): void {
    if (scheduled || groups >= options.inFlight) return;
    scheduled = true;
    const gatherMs = waiting.length < options.maxItems ? (options.gatherMs?.(before) ?? 0) : 0;
    if (gatherMs > 0) setTimeout(start, gatherMs);
    else setImmediate(start);
  }

  function start(): void {
    scheduled = false;
    while (groups < options.inFlight && waiting.length > 0) {
      void run(waiting.splice(0, options.maxItems));
    }
  }

  return {
    add(item) {
      items += 1;
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        schedule();
      });
    },
    get size() {
      return items;
    },
    drain: () => (items === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve))),
  };
}
