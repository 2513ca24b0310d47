import { systemClock } from '../../clock.ts';
import type { Call } from './support/calls.ts';
import { json, type Reply } from './support/reply.ts';
import { startSimulator, type DeskClock, type Simulator } from './support/server.ts';

export interface ReceiverOptions {
  /** Default: the system clock. */
  readonly clock?: DeskClock;
  /** What a request is answered with (default 200 `{"ok":true}`). */
  readonly answer?: (call: Call) => Reply;
}

/** The other end of `http.post`: takes everything and counts by `webhook-id`, as a receiver that de-duplicates. */
export interface Receiver extends Simulator {
  /** The base; every path below it is accepted. */
  readonly url: string;
  /** Requests that took effect, by `webhook-id`; those without one count under ''. */
  readonly received: ReadonlyMap<string, number>;
}

export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const received = new Map<string, number>();
  const answer = options.answer ?? (() => json({ ok: true }));
  const simulator = await startSimulator({
    clock: options.clock ?? systemClock,
    base: '',
    handle: (call) => {
      const id = call.headers['webhook-id'] ?? '';
      received.set(id, (received.get(id) ?? 0) + 1);
      return answer(call);
    },
  });
  return Object.assign(simulator, { url: simulator.origin, received });
}
