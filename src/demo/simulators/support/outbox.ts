/** One request a simulated desk sent to a web service; it is never sent again. */
export interface Delivery {
  readonly url: string;
  /** What made the desk send it, in the desk's own words. */
  readonly trigger: string;
  readonly ticketId: number;
  readonly body: string;
  /** The receiver's status; null until it answered, and for good when it could not be reached. */
  status: number | null;
}

/** Sends desks' outgoing calls: one try each, nobody hears of a failure. */
export interface Outbox {
  readonly deliveries: readonly Delivery[];
  send(delivery: Omit<Delivery, 'status'>, headers: Readonly<Record<string, string>>): void;
  /** Resolves when every delivery so far was answered or failed. */
  settled(): Promise<void>;
}

export function createOutbox(): Outbox {
  const deliveries: Delivery[] = [];
  const open = new Set<Promise<void>>();
  return {
    deliveries,
    send: (wanted, headers) => {
      const delivery = { ...wanted, status: null };
      deliveries.push(delivery);
      const sending = post(delivery, headers).finally(() => open.delete(sending));
      open.add(sending);
    },
    settled: async () => {
      while (open.size > 0) await Promise.all(open);
    },
  };
}

async function post(delivery: Delivery, headers: Readonly<Record<string, string>>): Promise<void> {
  try {
    const signal = AbortSignal.timeout(10_000);
    const response = await fetch(delivery.url, { method: 'POST', headers, body: delivery.body, signal });
    await response.arrayBuffer();
    delivery.status = response.status;
  } catch {
    delivery.status = null;
  }
}
