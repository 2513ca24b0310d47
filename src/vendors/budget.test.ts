import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  budgetFor,
  grownShare,
  halvedShare,
  ACTION_PATIENCE_MS,
  keptBy,
  shareOf,
  splitBudget,
  takeToken,
  type Bucket,
} from './budget.ts';
import type { BudgetSpec, CallLane } from './vendor.ts';

/** One connection's budget as `connections.ts` spends it: the polls' floor first, then what all lanes share. */
class Spending {
  readonly granted: number[] = [];
  readonly #floorSpec: BudgetSpec;
  readonly #sharedSpec: BudgetSpec;
  #floor: Bucket;
  #shared: Bucket;

  constructor(spec: BudgetSpec, at: number) {
    ({ floor: this.#floorSpec, shared: this.#sharedSpec } = splitBudget(spec));
    this.#floor = { tokens: spec.burst, refilledAt: at };
    this.#shared = { tokens: spec.burst, refilledAt: at };
  }

  /** @param real when it happens; `clock` may say something else */
  ask(lane: CallLane, clock: number, real: number): number {
    if (lane === 'poll') {
      const floor = takeToken(this.#floor, this.#floorSpec, 0, clock);
      this.#floor = floor.state;
      if (floor.result === 0) return this.#grant(real);
    }
    const shared = takeToken(this.#shared, this.#sharedSpec, keptBy(lane, this.#sharedSpec), clock);
    this.#shared = shared.state;
    return shared.result === 0 ? this.#grant(real) : shared.result;
  }

  #grant(real: number): number {
    this.granted.push(real);
    return 0;
  }

  /** The most calls in any window of that length. */
  most(windowMs: number): number {
    const times = this.granted;
    let start = 0;
    let most = 0;
    for (let end = 0; end < times.length; end++) {
      while ((times[end] ?? 0) - (times[start] ?? 0) >= windowMs) start += 1;
      most = Math.max(most, end - start + 1);
    }
    return most;
  }
}

const LANES = ['escalation', 'action', 'poll', 'backfill'] as const;

describe('never more than N calls in any minute', () => {
  const asks = fc.array(fc.record({ lane: fc.constantFrom(...LANES), afterMs: fc.nat({ max: 400 }) }), {
    minLength: 300,
    maxLength: 1_500,
  });

  test.each([
    ['Jitbit’s 90', { rate: 65, burst: 10, perMs: 60_000 }, 90],
    ['Jitbit’s 60 for searches', { rate: 45, burst: 5, perMs: 60_000 }, 60],
    ['an operator’s 90/m', budgetFor(90, 60_000), 90],
    ['an operator’s 30/m', budgetFor(30, 60_000), 30],
  ])('%s, whatever is asked and when', (_, spec, limit) => {
    fc.assert(
      fc.property(asks, (sequence) => {
        const spending = new Spending(spec, 0);
        let now = 0;
        for (const { lane, afterMs } of sequence) {
          now += afterMs;
          spending.ask(lane, now, now);
        }
        expect(spending.most(60_000)).toBeLessThanOrEqual(limit);
      }),
      { numRuns: 60 },
    );
  });

  test('also for small rates, where a burst cannot be divided', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), asks, (calls, sequence) => {
        const spending = new Spending(budgetFor(calls, 60_000), 0);
        let now = 0;
        for (const { lane, afterMs } of sequence) {
          now += afterMs;
          spending.ask(lane, now, now);
        }
        expect(spending.most(60_000)).toBeLessThanOrEqual(calls);
      }),
      { numRuns: 60 },
    );
  });

  test('also when the clock is set back again and again', () => {
    fc.assert(
      fc.property(
        asks,
        fc.array(fc.nat({ max: 7_200_000 }), { minLength: 1, maxLength: 5 }),
        (sequence, jumps) => {
          const spending = new Spending({ rate: 65, burst: 10, perMs: 60_000 }, 0);
          let [now, back] = [10_000_000, 0];
          sequence.forEach(({ lane, afterMs }, index) => {
            now += afterMs;
            if (index % 200 === 199) back += jumps[(index / 200) | 0] ?? 0;
            spending.ask(lane, now - back, now);
          });
          expect(spending.most(60_000)).toBeLessThanOrEqual(90);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('an operator’s rate', () => {
  test('keeps rate plus two bursts within 95 % of it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 100_000 }), (calls) => {
        const { rate, burst } = budgetFor(calls, 60_000);
        expect(rate + 2 * burst).toBeLessThanOrEqual(0.95 * calls);
        expect(rate).toBeGreaterThan(0);
      }),
    );
  });
});

describe('lanes', () => {
  const SPEC = { rate: 65, burst: 10, perMs: 60_000 };
  const count = (spending: Spending, lane: CallLane): number => {
    let calls = 0;
    while (spending.ask(lane, 0, 0) === 0) calls += 1;
    return calls;
  };

  test('polls still get their floor when actions took all they may', () => {
    const spending = new Spending(SPEC, 0);
    count(spending, 'action');

    expect(count(spending, 'poll')).toBeGreaterThan(0);
  });

  test('an escalation still gets through when everything else took all it may', () => {
    const spending = new Spending(SPEC, 0);
    for (const lane of ['backfill', 'poll', 'action'] as const) count(spending, lane);

    expect(spending.ask('escalation', 0, 0)).toBe(0);
  });

  test('the wait that is told is enough, and not much more', () => {
    const spending = new Spending(SPEC, 0);
    count(spending, 'escalation');
    const waitMs = spending.ask('escalation', 0, 0);

    expect(spending.ask('escalation', waitMs - 2, 0)).toBeGreaterThan(0);
    expect(spending.ask('escalation', waitMs, 0)).toBe(0);
  });

  test.each([
    ['Jitbit’s minute', SPEC, 60_000],
    ['GoToAssist’s hour', { rate: 45, burst: 6, perMs: 3_600_000 }, 3_600_000],
    ['half of that', shareOf({ rate: 45, burst: 6, perMs: 3_600_000 }, 50), 3_600_000],
  ])(
    '%s: actions of four calls get done, however many begin and whatever else is asked',
    (_, spec, perMs) => {
      const spending = new Spending(spec, 0);
      const steps = [1, 2, 3, 4].map(() => ({ made: 0, since: 0 }));
      const counts = { done: 0, wasted: 0 };
      for (let now = 0; now < 10 * perMs; now += perMs / 3_600) {
        spending.ask('poll', now, now);
        for (const step of steps) {
          if (spending.ask(step.made === 0 ? 'action' : 'escalation', now, now) === 0) {
            Object.assign(step, { made: step.made + 1, since: now });
          } else if (step.made > 0 && now - step.since > ACTION_PATIENCE_MS) {
            counts.wasted += step.made;
            step.made = 0;
          }
          if (step.made < 4) continue;
          counts.done += 1;
          step.made = 0;
        }
        spending.ask('backfill', now, now);
      }

      // What the polls leave of ten spans.
      const most = (10 * spec.rate * 0.8) / 4;
      expect(counts.done).toBeGreaterThan(most / 2);
      expect(counts.wasted).toBeLessThan(counts.done);
    },
  );

  test('a bucket of one still serves every lane', () => {
    const tiny = { rate: 3, burst: 1, perMs: 60_000 };

    for (const lane of LANES) expect(new Spending(tiny, 0).ask(lane, 0, 0)).toBe(0);
  });
});

describe('a budget whose limit the vendor does not say', () => {
  const HOUR = 3_600_000;
  const SPEC = { rate: 45, burst: 6, perMs: HOUR };

  test('is halved by each refusal, down to a quarter', () => {
    const shares = [1, 2, 3].reduce(
      (made, hour) => [...made, halvedShare(made.at(-1) ?? START, hour * HOUR)],
      [START],
    );

    expect(shares.map(({ percent }) => percent)).toEqual([100, 50, 25, 25]);
  });

  test.each([
    [59 * 60_000, 50, 0],
    [HOUR, 55, HOUR],
    [2.5 * HOUR, 60.5, 2 * HOUR],
    [100 * HOUR, 400, 100 * HOUR],
    [-HOUR, 50, -HOUR],
  ])('grows by a tenth per clean hour: %i ms after the refusal', (after, percent, since) => {
    const grown = grownShare({ percent: 50, since: 0 }, 400, after);

    expect(grown.percent).toBeCloseTo(percent);
    expect(grown.since).toBe(since);
  });

  test('keeps the same share of the limit, and can always be divided', () => {
    fc.assert(
      fc.property(fc.integer({ min: 25, max: 400 }), (percent) => {
        const { rate, burst } = shareOf(SPEC, percent);
        expect(rate + 2 * burst).toBeLessThanOrEqual((0.95 * 60 * percent) / 100 + 1e-9);
        expect(burst).toBeGreaterThanOrEqual(2);
        expect(rate).toBeGreaterThan(0);
      }),
    );
    expect(shareOf(SPEC, 100)).toBe(SPEC);
  });

  test('is never exceeded in any hour, whatever the share', () => {
    for (const percent of [25, 50, 60.5, 110, 400]) {
      const spending = new Spending(shareOf(SPEC, percent), 0);
      for (let now = 0; now < 6 * HOUR; now += 1_000) {
        for (const lane of LANES) spending.ask(lane, now, now);
      }
      expect(spending.most(HOUR)).toBeLessThanOrEqual((60 * percent) / 100);
    }
  });
});

const START = { percent: 100, since: 0 };
