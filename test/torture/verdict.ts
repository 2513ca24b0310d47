/** What a scenario found. */
export interface Verdict {
  readonly scenario: string;
  /** How often something was killed, cut, frozen or restarted. */
  readonly killed: number;
  /** What was answered 2xx or read past. */
  readonly acknowledged: number;
  readonly lost: number;
  readonly twice: number;
  /** Other figures that had to be reached and were not; empty when all is well. */
  readonly missed: readonly string[];
  /** What else was measured. */
  readonly note: string;
}

/** Collects the figures that a scenario must reach besides 0 lost and 0 twice. */
export interface Demands {
  readonly missed: readonly string[];
  /** Notes `what` as missed unless it holds. */
  readonly demand: (holds: boolean, what: string) => void;
}

export function createDemands(): Demands {
  const missed: string[] = [];
  return {
    missed,
    demand: (holds, what) => {
      if (!holds) missed.push(what);
    },
  };
}

/** One line per scenario. */
export function lineOf(name: string, verdict: Verdict): string {
  const { scenario, killed, acknowledged, lost, twice, note, missed } = verdict;
  const all = missed.length === 0 ? '' : `; MISSED: ${missed.join(', ')}`;
  return `${scenario} (${name}): killed ${killed} times, acknowledged ${acknowledged}, lost ${lost}, twice ${twice}; ${note}${all}`;
}

/** The q-th quantile, 0 ≤ q ≤ 1, of unsorted numbers; 0 of none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}
