import { Pool } from 'undici';
import { VendorError, type VendorReason } from '../../errors.ts';
import type { CallContext, CallLane, Json, VendorIo } from '../vendor.ts';
import { ACTION_PATIENCE_MS } from '../budget.ts';
import { AbsenceDetector } from './absence.ts';
import {
  AnswerError,
  headerOf,
  looksLikePage,
  MAX_ANSWER_BYTES,
  readBody,
  readJson,
  serverNowOf,
  type AnswerBody,
} from './answer.ts';
import {
  classifyStatus,
  isGatewayStatus,
  parseRetryAfter,
  RateLimitBackoff,
  type StatusMeaning,
  type StatusOverrides,
} from './classify.ts';
import { exchange, ExchangeError, type ExchangeAnswer, type ExchangeFailure } from './exchange.ts';
import { createRedact, excerpt, type Redact } from './redact.ts';
import { SlowDetector } from './slow.ts';
import { htmlToText } from './text.ts';

/**
 * One connection's way to its vendor: takes a call from the budget, sends it, and turns whatever comes back into
 * an answer or a {@link VendorError} that says what happened. It never retries and never follows a redirect.
 */

/** Query or form fields. Arrays become repeated keys; undefined is left out. */
export type Params = Readonly<
  Record<string, string | number | boolean | readonly (string | number)[] | undefined>
>;

export interface VendorCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the base URL, without leading slash. */
  readonly path: string;
  readonly query?: Params;
  /** At most one of `form` and `json`. */
  readonly form?: Params;
  readonly json?: Json;
  /** Default: `default`. */
  readonly budget?: string;
  /** Default: false for GET, else true. Decides the time-out and how an odd answer is taken. */
  readonly write?: boolean;
  /** Meanings of statuses for this call, before the connection's. */
  readonly statuses?: StatusOverrides;
}

export interface VendorAnswer {
  readonly status: number;
  readonly text: string;
  /** The vendor's clock in epoch ms, from its `Date` header; null when it sends none. */
  readonly serverNow: number | null;
  /** @throws VendorError `unreadable` when the text is no JSON, or HTML ("wrong url?") */
  json(): unknown;
}

export interface VendorHttp {
  /** @throws VendorError */
  call(call: VendorCall, context: CallContext): Promise<VendorAnswer>;
  /** An error of this connection, redacted: for refusals that the adapter itself decides. */
  error(message: string, reason: VendorReason, more?: { notApplied?: boolean; cause?: unknown }): VendorError;
  close(): Promise<void>;
}

/** What a body said went wrong. */
export interface BodyFailure extends StatusMeaning {
  /** The vendor's own words. */
  readonly message: string;
  /** All instances are silent until then, epoch ms. */
  readonly silentUntil?: number;
}

export interface VendorHttpOptions {
  /** Vendor id, and its name as people write it. */
  readonly vendor: { readonly id: string; readonly name: string };
  /** Origin and base path, without a slash at the end. */
  readonly baseUrl: string;
  /** Sent with every call. */
  readonly headers: Readonly<Record<string, string>>;
  /** Everything that must never be seen in a message. */
  readonly secrets: readonly string[];
  readonly io: VendorIo;
  /** PEM text of a private certificate authority. */
  readonly ca?: string | undefined;
  readonly statuses?: StatusOverrides;
  /** A failure that the vendor tells in the body, whatever the status; null: none. It comes before the status. */
  readonly failureIn?: (call: VendorCall, text: string) => BodyFailure | null;
  /** How long to be silent after an answer that refuses the credentials; 0: not at all. */
  readonly authSilenceMs?: number;
  /** How long to be silent while the desk answers nobody. Default 15 s. */
  readonly awaySilenceMs?: number;
  /** Total time of a read. Default 60 s (integration reference 3.1). */
  readonly readTimeoutMs?: number;
  /** Total time of a write, its wait for our own budget included. Default 20 s (engine.md 5). */
  readonly writeTimeoutMs?: number;
}

/** Sockets per connection: vendors limit calls per minute, so a few are plenty, and a hanging one blocks few. */
const SOCKETS = 4;
const CONNECT_TIMEOUT_MS = 10_000;
/** Silence after answers that are slow as a whole. */
const SLOW_SILENCE_MS = 30_000;
/** Long enough to cost a desk that is down nothing, short enough to be there soon after it is back. */
const AWAY_SILENCE_MS = 15_000;
/** Failures that say nothing of the request: nobody was there to read it. */
const WITHOUT_ANSWER: ReadonlySet<ExchangeFailure> = new Set(['timeout', 'unreachable', 'broken']);

/**
 * How long a call waits for its turn in our own budget. Without this a read of many tickets, or a step of several calls,
 * would give up in the middle and begin again, over and over; whoever has a deadline waits less.
 */
const PATIENCE_MS: Readonly<Record<CallLane, number>> = {
  escalation: ACTION_PATIENCE_MS,
  action: ACTION_PATIENCE_MS,
  poll: 60_000,
  backfill: 120_000,
};

/** Opens the pool; makes no call. */
export function createVendorHttp(options: VendorHttpOptions): VendorHttp {
  return new Client(options);
}

class Client implements VendorHttp {
  readonly #options: VendorHttpOptions;
  readonly #io: VendorIo;
  readonly #redact: Redact;
  readonly #origin: string;
  readonly #basePath: string;
  readonly #pool: Pool;
  readonly #backoff = new RateLimitBackoff();
  readonly #slow = new SlowDetector();
  readonly #absence = new AbsenceDetector();
  /** Until when this process is silent, by the monotonic clock: calls that are already queued must hear of it too. */
  #silentUntil = 0;
  #silentBecause = '';

  constructor(options: VendorHttpOptions) {
    const base = new URL(options.baseUrl);
    this.#options = options;
    this.#io = options.io;
    this.#redact = createRedact(options.secrets);
    this.#origin = base.origin;
    this.#basePath = base.pathname.replace(/\/+$/, '');
    this.#pool = new Pool(base.origin, {
      connections: SOCKETS,
      pipelining: 1,
      // The exchange has one total deadline; undici's own would only add a second opinion.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: CONNECT_TIMEOUT_MS, ...(options.ca === undefined ? {} : { ca: options.ca }) },
    });
  }

  async call(call: VendorCall, context: CallContext): Promise<VendorAnswer> {
    this.#checkSilence();
    const calledAt = this.#io.clock.monotonic();
    await this.#spend(call.budget ?? 'default', context);
    // The turn may have come only after somebody else was refused.
    this.#checkSilence();
    const startedAt = this.#io.clock.monotonic();
    const raw = await this.#exchange(call, context, { startedAt, waitedMs: startedAt - calledAt });
    const awayUntil = isGatewayStatus(raw.status) ? await this.#noteMissed(startedAt) : this.#noteAnswered();
    const answer = await this.#read(call, raw);
    const told = this.#options.failureIn?.(call, answer.text) ?? null;
    if (told !== null) throw await this.#bodyFailure(call, raw.status, told);
    if (raw.status < 200 || raw.status >= 300) throw await this.#refusal(call, raw, answer, awayUntil);
    this.#backoff.reset();
    await this.#noteLatency(this.#io.clock.monotonic() - startedAt);
    return answer;
  }

  error(
    message: string,
    reason: VendorReason,
    more: { notApplied?: boolean; cause?: unknown } = {},
  ): VendorError {
    return this.#error(`: ${message}`, { reason, ...more });
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  /** @throws VendorError `rate_limited` when the turn does not come in time */
  async #spend(budget: string, context: CallContext): Promise<void> {
    const { clock } = this.#io;
    const giveUpAt = clock.now() + PATIENCE_MS[context.lane];
    for (;;) {
      try {
        return await this.#io.spend(budget, context.lane);
      } catch (error) {
        const turnAt = error instanceof VendorError ? error.retryAt : undefined;
        if (turnAt === undefined || turnAt > giveUpAt || context.signal.aborted) throw error;
        await clock.sleep(Math.max(turnAt - clock.now(), 1), context.signal);
      }
    }
  }

  /** Three calls with a refused password are a lock-out: those behind the first one are not made. */
  #checkSilence(): void {
    const { clock } = this.#io;
    const leftMs = this.#silentUntil - clock.monotonic();
    if (leftMs <= 0) return;
    throw this.#error(`: silent for a while (${this.#silentBecause})`, {
      reason: 'rate_limited',
      notApplied: true,
      retryAt: clock.now() + leftMs,
    });
  }

  async #exchange(
    call: VendorCall,
    context: CallContext,
    { startedAt, waitedMs }: { readonly startedAt: number; readonly waitedMs: number },
  ): Promise<ExchangeAnswer> {
    const write = call.write ?? call.method !== 'GET';
    const { readTimeoutMs = 60_000, writeTimeoutMs = 20_000 } = this.#options;
    // A process that was frozen while it waited for its turn goes on here before any timer of its own: by now another
    // instance may have taken the step for not sent, and sent it.
    const leftMs = write ? writeTimeoutMs - waitedMs : readTimeoutMs;
    if (leftMs <= 0) throw this.#transportError(call, new ExchangeError('timeout', false));
    const body = bodyOf(call);
    try {
      return await exchange(this.#pool, {
        origin: this.#origin,
        path: this.#path(call),
        method: call.method,
        headers: {
          accept: 'application/json, text/plain;q=0.9, */*;q=0.5',
          'accept-encoding': 'gzip',
          'user-agent': 'deskhand',
          ...this.#options.headers,
          ...(body === null ? {} : { 'content-type': body.type }),
        },
        body: body?.text ?? null,
        signal: context.signal,
        timeoutMs: leftMs,
        maxBytes: MAX_ANSWER_BYTES,
        whenTooLarge: 'fail',
      });
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      const awayUntil = WITHOUT_ANSWER.has(error.failure) ? await this.#noteMissed(startedAt) : undefined;
      throw this.#transportError(call, error, awayUntil);
    }
  }

  /**
   * Every call that hangs keeps a socket, a worker and an attempt of its step: where nobody was answered, the desk is
   * let alone for some seconds, then tried again.
   *
   * @returns until when the desk is let alone, epoch ms
   */
  async #noteMissed(startedAt: number): Promise<number | undefined> {
    if (!this.#absence.missed(startedAt)) return undefined;
    const until = this.#io.clock.now() + (this.#options.awaySilenceMs ?? AWAY_SILENCE_MS);
    await this.#silence(until, 'the desk does not answer', false);
    return until;
  }

  #noteAnswered(): undefined {
    this.#absence.answered(this.#io.clock.monotonic());
  }

  #path(call: VendorCall): string {
    const query = call.query === undefined ? '' : encodeParams(call.query);
    return `${this.#basePath}/${call.path}${query === '' ? '' : `?${query}`}`;
  }

  #transportError(call: VendorCall, error: ExchangeError, retryAt?: number): VendorError {
    const detail = error.cause instanceof Error ? ` (${causeText(error.cause)})` : '';
    return this.#error(` ${call.method} ${call.path}: ${error.message}${detail}`, {
      reason: error.failure === 'too_large' ? 'unreadable' : 'timeout',
      notApplied: !error.sent,
      retryAt,
      cause: error,
    });
  }

  async #read(call: VendorCall, raw: ExchangeAnswer): Promise<VendorAnswer> {
    try {
      const body = await readBody(raw);
      return {
        status: raw.status,
        text: body.text,
        serverNow: serverNowOf(raw),
        json: () => this.#json(call, body),
      };
    } catch (error) {
      if (!(error instanceof AnswerError)) throw error;
      throw this.#unreadable(call, error.message, error);
    }
  }

  #json(call: VendorCall, body: AnswerBody): unknown {
    if (looksLikePage(body.text)) {
      throw this.#unreadable(call, `a page instead of JSON, "${this.#excerpt(body.text)}": wrong url?`);
    }
    try {
      return readJson(body);
    } catch (cause) {
      throw this.#unreadable(call, `not JSON: "${this.#excerpt(body.text)}"`, cause);
    }
  }

  async #refusal(
    call: VendorCall,
    raw: ExchangeAnswer,
    answer: VendorAnswer,
    awayUntil: number | undefined,
  ): Promise<VendorError> {
    const { status } = raw;
    if (status >= 300 && status < 400) {
      const target = excerpt(headerOf(raw, 'location') ?? 'nowhere', this.#redact);
      return this.#unreadable(call, `a redirect to ${target}: wrong url?`, undefined, status);
    }
    const { reason, notApplied } = call.statuses?.[status] ?? classifyStatus(status, this.#options.statuses);
    const retryAt = (await this.#quieten(reason, raw, answer.serverNow)) ?? awayUntil;
    const said = this.#excerpt(answer.text);
    return this.#error(` ${call.method} ${call.path} answered ${status}${said === '' ? '' : `: ${said}`}`, {
      reason,
      notApplied,
      status,
      retryAt,
    });
  }

  async #bodyFailure(call: VendorCall, status: number, told: BodyFailure): Promise<VendorError> {
    const { reason, notApplied, silentUntil } = told;
    const said = this.#excerpt(told.message);
    if (silentUntil !== undefined) await this.#silence(silentUntil, said, reason === 'rate_limited');
    return this.#error(` ${call.method} ${call.path} answered: ${said}`, {
      reason,
      notApplied,
      status,
      retryAt: silentUntil,
    });
  }

  /** Tells all instances to be silent where the answer asks for it. @returns when to come back, epoch ms */
  async #quieten(
    reason: VendorReason,
    raw: ExchangeAnswer,
    serverNow: number | null,
  ): Promise<number | undefined> {
    const now = this.#io.clock.now();
    const asked = parseRetryAfter(headerOf(raw, 'retry-after'), now, serverNow) ?? undefined;
    const { authSilenceMs = 0 } = this.#options;
    if (reason === 'rate_limited') {
      const until = asked ?? this.#backoff.strike(now);
      await this.#silence(until, `rate limit (${raw.status})`, true);
      return until;
    }
    if (reason === 'auth' && authSilenceMs > 0) {
      const until = Math.max(now + authSilenceMs, asked ?? 0);
      await this.#silence(until, `credentials refused (${raw.status})`, false);
      return until;
    }
    return asked;
  }

  /** The vendor's answer is the news; a failure to spread it must not replace it. */
  async #silence(untilMs: number, reason: string, overLimit: boolean): Promise<void> {
    const { clock } = this.#io;
    this.#silentUntil = clock.monotonic() + untilMs - clock.now();
    this.#silentBecause = reason;
    try {
      await this.#io.silence(untilMs, reason, overLimit);
    } catch (error) {
      this.#io.warn('could not store the silence that the vendor asked for', { reason, error });
    }
  }

  async #noteLatency(tookMs: number): Promise<void> {
    const slow = this.#slow.note(tookMs);
    if (slow === null) return;
    this.#io.warn('answers are slow as a whole: taken for throttling', slow);
    await this.#silence(this.#io.clock.now() + SLOW_SILENCE_MS, 'slow answers', false);
  }

  #excerpt(text: string): string {
    return excerpt(htmlToText(text.slice(0, 4000)), this.#redact);
  }

  #unreadable(call: VendorCall, what: string, cause?: unknown, status?: number): VendorError {
    return this.#error(` ${call.method} ${call.path}: ${what}`, { reason: 'unreadable', cause, status });
  }

  /** @param message what follows the vendor's name: ` GET rows …` or `: …` */
  #error(
    message: string,
    more: {
      reason: VendorReason;
      notApplied?: boolean;
      retryAt?: number | undefined;
      status?: number | undefined;
      cause?: unknown;
    },
  ): VendorError {
    const { vendor, io } = this.#options;
    return new VendorError(this.#redact(`${vendor.name}${message}`), {
      ...more,
      vendor: vendor.id,
      connection: io.connection,
    });
  }
}

/** System errors carry a code (`ECONNREFUSED`), several at once an empty message. */
function causeText(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const message = error.message === '' ? error.name : error.message;
  return code === '' || message.includes(code) ? message : `${code} ${message}`;
}

function bodyOf(call: VendorCall): { readonly type: string; readonly text: string } | null {
  if (call.form !== undefined) {
    return { type: 'application/x-www-form-urlencoded', text: encodeParams(call.form) };
  }
  return call.json === undefined ? null : { type: 'application/json', text: JSON.stringify(call.json) };
}

/** `a=1&b=x&b=y`. */
export function encodeParams(params: Params): string {
  const result = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined) continue;
    if (typeof value !== 'object') result.append(name, String(value));
    else for (const item of value) result.append(name, String(item));
  }
  return result.toString();
}
