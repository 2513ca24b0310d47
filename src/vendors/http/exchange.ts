import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

/**
 * One HTTP request and its whole answer, for vendors and for `http.post`. What undici's own `request` does not
 * tell and we must know: whether a failed request was ever written to a socket. Redirects are never followed.
 */

export type ExchangeFailure =
  /** The caller's signal. */
  | 'aborted'
  /** The total time is over. */
  | 'timeout'
  /** Name not resolved, connection refused, TLS refused, invalid header: nothing was written. */
  | 'unreachable'
  /** The connection broke, or what came is not HTTP. */
  | 'broken'
  | 'too_large';

export class ExchangeError extends Error {
  override readonly name = 'ExchangeError';
  readonly failure: ExchangeFailure;
  /** False only if not one byte of the request can have been written. */
  readonly sent: boolean;

  constructor(failure: ExchangeFailure, sent: boolean, cause?: unknown) {
    super(FAILURE_TEXT[failure], { cause });
    this.failure = failure;
    this.sent = sent;
  }
}

const FAILURE_TEXT = {
  aborted: 'aborted',
  timeout: 'no complete answer in time',
  unreachable: 'not reachable',
  broken: 'the connection broke',
  too_large: 'the answer is too large',
} as const satisfies Record<ExchangeFailure, string>;

export interface ExchangeRequest {
  readonly origin: string;
  /** Path with query. */
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
  readonly signal: AbortSignal | null;
  /** For connecting, waiting for a free socket, sending and receiving together. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** What a longer body does: an error, or an answer that ends there. */
  readonly whenTooLarge: 'fail' | 'cut';
}

export interface ExchangeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** @throws ExchangeError */
export function exchange(dispatcher: Dispatcher, request: ExchangeRequest): Promise<ExchangeAnswer> {
  return new Promise((resolve, reject) => {
    new Exchange(request, resolve, reject).start(dispatcher);
  });
}

/** Undici's handler for one exchange. Settles once; whatever comes later is ignored. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: ExchangeRequest;
  readonly #resolve: (answer: ExchangeAnswer) => void;
  readonly #reject: (error: ExchangeError) => void;
  readonly #chunks: Buffer[] = [];
  readonly #onAbort = (): void => this.#cancel('aborted');
  readonly #startedAt = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #settled = false;
  #bytes = 0;
  #status = 0;
  #headers: IncomingHttpHeaders = {};

  constructor(
    request: ExchangeRequest,
    resolve: (answer: ExchangeAnswer) => void,
    reject: (error: ExchangeError) => void,
  ) {
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(dispatcher: Dispatcher): void {
    const { origin, path, method, headers, body, signal, timeoutMs } = this.#request;
    if (signal?.aborted === true) return this.#fail('aborted');
    this.#timer = setTimeout(() => this.#cancel('timeout'), timeoutMs);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    try {
      dispatcher.dispatch({ origin, path, method, headers, body }, this);
    } catch (error) {
      this.#fail('unreachable', error);
    }
  }

  /** Undici calls this synchronously before it writes the first byte. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    // The process may have been frozen since, and what its timers would say comes only after this.
    if (performance.now() - this.#startedAt >= this.#request.timeoutMs) this.#fail('timeout');
    if (this.#settled) {
      controller.abort(new ExchangeError('aborted', false));
      return;
    }
    this.#controller = controller;
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return;
    const room = this.#request.maxBytes - this.#bytes;
    this.#bytes += chunk.length;
    if (chunk.length <= room) {
      this.#chunks.push(chunk);
      return;
    }
    if (this.#request.whenTooLarge === 'fail') {
      this.#cancel('too_large');
      return;
    }
    this.#chunks.push(chunk.subarray(0, room));
    this.#succeed();
    this.#controller?.abort(new ExchangeError('too_large', true));
  }

  onResponseEnd(): void {
    this.#succeed();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(this.#controller === undefined ? 'unreachable' : 'broken', error);
  }

  #cancel(failure: ExchangeFailure): void {
    const controller = this.#controller;
    this.#fail(failure);
    controller?.abort(new ExchangeError(failure, true));
  }

  #succeed(): void {
    if (!this.#settle()) return;
    const body = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    this.#resolve({ status: this.#status, headers: this.#headers, body });
  }

  #fail(failure: ExchangeFailure, cause?: unknown): void {
    if (this.#settle()) this.#reject(new ExchangeError(failure, this.#controller !== undefined, cause));
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#request.signal?.removeEventListener('abort', this.#onAbort);
    return true;
  }
}
