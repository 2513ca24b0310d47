import { pause } from './stage.ts';

/** Senders of webhooks who do what careful senders do: the same delivery until somebody says 2xx. */
export interface Senders {
  /** Delivery ids that were answered 2xx. */
  readonly acknowledged: ReadonlySet<string>;
  /** How often each status was answered; 0: refused or cut. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Answers 503 that named no Retry-After. */
  readonly withoutRetryAfter: number;
  /** Longest wait for an answer, ms. */
  readonly slowestMs: number;
  /** Posts each of these, in this order, several at a time. Resolves when all are answered 2xx. */
  post(ids: Iterable<string>): Promise<void>;
  /** Ends all posting at the next answer. */
  stop(): void;
}

export interface SendersOptions {
  /** Where to; asked before each post, so that it follows restarts. */
  readonly port: () => number;
  readonly senders?: number;
  /** How long an answer may take. Default 5 s. */
  readonly timeoutMs?: number;
  readonly body?: (id: string) => object;
}

export const HOOK_TOKEN = 'torture-secret';

/** The connection that {@link createSenders} posts to, in `deskhand.yaml`. */
export const MONITORING = `
  monitoring:
    vendor: webhook
    verify: { scheme: bearer, secret: ${HOOK_TOKEN} }
    ticket: { id: $.id, title: $.title }
`;

export function createSenders(options: SendersOptions): Senders {
  const { port, senders = 16, timeoutMs = 5_000 } = options;
  const body = options.body ?? ((id) => ({ id, title: `torture ${id}` }));
  const acknowledged = new Set<string>();
  const statuses = new Map<number, number>();
  const counts = { withoutRetryAfter: 0, slowestMs: 0 };
  let stopped = false;

  async function post(id: string): Promise<number> {
    const startedAt = performance.now();
    try {
      const response = await fetch(`http://127.0.0.1:${port()}/hooks/monitoring`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${HOOK_TOKEN}`,
          'webhook-id': id,
          'content-type': 'application/json',
        },
        body: JSON.stringify(body(id)),
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.arrayBuffer();
      if (response.status === 503 && response.headers.get('retry-after') === null)
        counts.withoutRetryAfter += 1;
      return response.status;
    } catch {
      return 0;
    } finally {
      counts.slowestMs = Math.max(counts.slowestMs, performance.now() - startedAt);
    }
  }

  async function postUntilTaken(id: string): Promise<void> {
    while (!stopped) {
      const status = await post(id);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status >= 200 && status < 300) {
        acknowledged.add(id);
        return;
      }
      await pause(20);
    }
  }

  return {
    acknowledged,
    statuses,
    get withoutRetryAfter() {
      return counts.withoutRetryAfter;
    },
    get slowestMs() {
      return counts.slowestMs;
    },
    async post(ids) {
      const next = ids[Symbol.iterator]();
      const sender = async (): Promise<void> => {
        for (let one = next.next(); one.done !== true; one = next.next()) await postUntilTaken(one.value);
      };
      await Promise.all(Array.from({ length: senders }, sender));
    },
    stop: () => void (stopped = true),
  };
}

/** `a-1`, `a-2`, … */
export function deliveryIds(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
}
