import { matchesCall, type Call, type CallMatcher } from './calls.ts';
import { defer } from './defer.ts';

/**
 * What can go wrong between us and a vendor. `applied` says whether the request takes effect all the same
 * (default false); kinds without it damage only the answer of a request that did take effect.
 */
export type Fault =
  /** Waits, then goes on as usual; with `applied` it takes effect at once and only the answer is late. */
  | { readonly kind: 'latency'; readonly ms: number; readonly applied?: boolean }
  /** Never answers. */
  | { readonly kind: 'hang'; readonly applied?: boolean }
  /** Resets the connection before anything took effect. */
  | { readonly kind: 'reset_before' }
  /** Stores what was asked, then resets the connection. */
  | { readonly kind: 'reset_after' }
  /** HTTP 429; Retry-After (seconds, or any text) only when given. */
  | { readonly kind: 'too_many'; readonly retryAfter?: number | string; readonly applied?: boolean }
  /** Any status with a body of our choice. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly body?: string;
      readonly type?: string;
      readonly applied?: boolean;
    }
  /** A proxy's HTML page with status 502. */
  | { readonly kind: 'bad_gateway'; readonly applied?: boolean }
  /** A sign-in page with status 200, as a wrong base address or an ended session gives. */
  | { readonly kind: 'login_page' }
  /** A complete answer with other values in it. */
  | { readonly kind: 'altered'; readonly alter: (body: string) => string }
  /** A complete HTTP answer whose body stops in the middle. */
  | { readonly kind: 'truncated' }
  /** The connection breaks in the middle of the body. */
  | { readonly kind: 'cut_off' }
  /** Bytes in another encoding than the header says. */
  | { readonly kind: 'wrong_charset'; readonly encoding?: 'latin1' | 'utf16le' }
  /** The body one byte at a time. */
  | { readonly kind: 'trickle'; readonly everyMs?: number };

/** A request stopped on its way until the test lets it go on: a time-out or a race without sleeping. */
export interface HeldCall {
  /** Resolves when a matching request stands at the gate; held `after`, it has taken effect by then. */
  readonly arrived: Promise<Call>;
  release(): void;
}

/** The fault switch of a simulator. */
export interface Faults {
  /** The next matching request meets this fault, the next `times` ones when given. Several queue up in order. */
  next(matcher: CallMatcher, fault: Fault, times?: number): void;
  /** Every matching request meets this fault until the returned function is called. */
  always(matcher: CallMatcher, fault: Fault): () => void;
  /** Holds the next matching request, before it takes effect or after (then only its answer waits). */
  hold(matcher: CallMatcher, side?: 'before' | 'after'): HeldCall;
  /** Removes all faults and lets held requests go on. */
  clear(): void;
}

/** A fault as the server sees it: a kind, or a gate that a test opens. */
export type ArmedFault = Fault | Gate;

interface Gate {
  readonly kind: 'gate';
  readonly applied: boolean;
  /** Called when the request has reached the gate. */
  readonly reached: (call: Call) => void;
  readonly open: Promise<void>;
}

export interface FaultSwitch extends Faults {
  take(call: Call): ArmedFault | null;
}

interface Armed {
  readonly matcher: CallMatcher;
  readonly fault: ArmedFault;
  left: number;
}

export function createFaults(): FaultSwitch {
  let armed: Armed[] = [];
  const releases = new Set<() => void>();
  const arm = (matcher: CallMatcher, fault: ArmedFault, left: number): Armed => {
    const entry = { matcher, fault, left };
    armed.push(entry);
    return entry;
  };
  return {
    next: (matcher, fault, times = 1) => void arm(matcher, fault, times),
    always: (matcher, fault) => {
      const entry = arm(matcher, fault, Number.POSITIVE_INFINITY);
      return () => void (entry.left = 0);
    },
    hold: (matcher, side = 'before') => {
      const opened = defer<void>();
      const arrival = defer<Call>();
      releases.add(opened.resolve);
      const gate = {
        kind: 'gate',
        applied: side === 'after',
        reached: arrival.resolve,
        open: opened.promise,
      } as const;
      arm(matcher, gate, 1);
      return { arrived: arrival.promise, release: opened.resolve };
    },
    clear: () => {
      armed = [];
      for (const release of releases) release();
      releases.clear();
    },
    take: (call) => {
      armed = armed.filter((entry) => entry.left > 0);
      const matching = armed.filter((entry) => matchesCall(entry.matcher, call));
      // A fault for the next request goes before a lasting one.
      const found = matching.find((entry) => entry.left !== Number.POSITIVE_INFINITY) ?? matching[0];
      if (found === undefined) return null;
      found.left -= 1;
      return found.fault;
    },
  };
}
