/** One request as a simulator saw it. */
export interface Call {
  /** 1 for the first request of this simulator. */
  readonly number: number;
  /** Upper case. */
  readonly method: string;
  /** The path as it was sent, without the query. */
  readonly path: string;
  /** The path below the simulator's base in lower case, for matching: `tickets`, `incident.comment`, `tickets/12`. */
  readonly name: string;
  /** The query as it was sent, without the question mark. */
  readonly query: string;
  /** Query and form fields together; JSON bodies are in {@link body}. */
  readonly params: URLSearchParams;
  /** The parsed JSON body, or null when the body is not JSON. */
  readonly json: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The address the request came from. */
  readonly caller: string;
  /** By the simulator's clock. */
  readonly at: number;
  /** True once the simulator handled the request: what it asked for has been applied or refused by the desk itself. */
  handled: boolean;
  /** The status that was sent; null while none was. */
  status: number | null;
  /** The kind of the fault this request met; null for none. */
  fault: string | null;
}

/** The log of requests, in order of arrival, with the selections tests need. */
export interface Calls {
  /** The latest calls, at least the last 10,000. */
  readonly all: readonly Call[];
  /** Calls of one endpoint, `comment` or `POST comment`; case does not matter. */
  named(name: string): Call[];
  clear(): void;
}

/** What a fault or a selection applies to: `comment`, `POST comment`, a pattern over `METHOD name`, or a test. */
export type CallMatcher = string | RegExp | ((call: Call) => boolean);

export function matchesCall(matcher: CallMatcher, call: Call): boolean {
  if (typeof matcher === 'function') return matcher(call);
  if (matcher instanceof RegExp) return matcher.test(`${call.method} ${call.name}`);
  if (matcher === '*') return true;
  const wanted = matcher.toLowerCase();
  return wanted === call.name || wanted === `${call.method.toLowerCase()} ${call.name}`;
}

export interface CallLog extends Calls {
  add(call: Omit<Call, 'number'>): Call;
}

const keptCalls = 20_000;

export function createCallLog(): CallLog {
  const all: Call[] = [];
  let count = 0;
  return {
    all,
    named: (name) => all.filter((call) => matchesCall(name, call)),
    clear: () => {
      all.length = 0;
    },
    add: (call) => {
      const numbered = { ...call, number: ++count };
      if (all.length >= keptCalls) all.splice(0, keptCalls / 2);
      all.push(numbered);
      return numbered;
    },
  };
}
