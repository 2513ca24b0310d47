import type { Connection } from '../connections.ts';
import type { DeskEvent } from '../event.ts';
import type { Rule, Step } from '../match/rule.ts';
import type { SpawnedStep } from '../record/outcomes.ts';
import type { ClaimedStep } from '../record/steps.ts';
import type { Intent, Part, StepState } from '../record/tables.ts';
import type { CallContext, CallLane, Json, PlannedWrite } from '../vendors/vendor.ts';
import type { FailureReason } from './retry.ts';
import type { Renderer } from './render.ts';

/** A claimed step with everything it needs, on its way through one try. */
export interface StepTask {
  readonly claimed: ClaimedStep;
  readonly event: DeskEvent;
  readonly rule: Rule;
  readonly step: Step;
  /** The event's connection; null when it is not configured here any more. */
  readonly connection: Connection | null;
  readonly renderer: Renderer;
  /** app_now() as this process knows it: the claim's, moved on by the monotonic clock. Epoch ms. */
  now(): number;
  /** Aborts when the process stops for good. */
  readonly signal: AbortSignal;
  /** What its calls to the desk are made with. */
  readonly calls: StepCalls;
  /**
   * Commits that a call is about to be made.
   *
   * @returns how to send, or null when the lease was lost and nothing may be sent
   */
  intend(intent: NewSend): Promise<Sending | null>;
}

/**
 * A step that has begun to call its desk goes before those that have not: else many would get a call of a scarce budget
 * each, and none of them the rest.
 */
export class StepCalls implements CallContext {
  readonly signal: AbortSignal;
  #lane: CallLane;

  constructor(lane: 'action' | 'escalation', signal: AbortSignal) {
    this.#lane = lane;
    this.signal = signal;
  }
  get lane(): CallLane {
    return this.#lane;
  }
  /** A call was made. */
  begin(): void {
    this.#lane = 'escalation';
  }
}

export interface NewSend {
  readonly write: PlannedWrite | null;
  readonly before: readonly string[];
  readonly parts: Parts;
  readonly extra?: Json;
}

/** A committed intent. */
export interface Sending {
  readonly intent: Intent;
  /** Ends at the hard deadline or when the process stops. */
  readonly signal: AbortSignal;
  /** True if the deadline passed before the call began (a frozen process): do not send. */
  expired(): boolean;
}

/** Parts sent and confirmed: the child each made, and of which kind, where it made one. */
export type Parts = Readonly<Record<string, Part>>;

/** What one try came to. */
export interface Resolution {
  readonly state: StepState;
  readonly reason: string | null;
  /** In how many ms the step is due again; null: decided. */
  readonly dueInMs: number | null;
  readonly intent?: Intent | null;
  readonly parts?: Parts;
  readonly result?: Json | null;
  /** The call behind it, if one was made. */
  readonly attempt?: {
    readonly state: 'succeeded' | 'refused' | 'unknown';
    readonly reason: string | null;
  } | null;
  /** Later because a person said so (paused, snoozed, silenced): that time does not count against the step. */
  readonly held?: boolean;
  /** A call that gives its attempt back. */
  readonly uncounted?: boolean;
  readonly endRun?: string;
  readonly progress?: { readonly waited?: boolean; readonly wrote?: boolean };
  readonly writes?: 'answered' | 'refused';
  /** Steps that come next because of this one. */
  readonly spawn?: readonly SpawnedStep[];
}

/** The lease was lost meanwhile: nothing is recorded, the new owner finds out by verifying. */
export const LEASE_LOST = 'lease lost';

/** A call to something that is no desk failed; it says whether it can have had an effect. */
export class ActionError extends Error {
  override readonly name = 'ActionError';
  readonly reason: FailureReason;
  readonly notApplied: boolean;
  readonly retryAt: number | null;

  constructor(
    message: string,
    options: { reason: FailureReason; notApplied: boolean; retryAt?: number | null; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.reason = options.reason;
    this.notApplied = options.notApplied;
    this.retryAt = options.retryAt ?? null;
  }
}

export function decided(
  state: 'done' | 'skipped' | 'suppressed' | 'uncertain' | 'dead',
  reason: string | null,
  more: Partial<Resolution> = {},
): Resolution {
  return { state, reason, dueInMs: null, ...more };
}

export function later(
  state: 'waiting' | 'postponed' | 'pending' | 'sending',
  inMs: number,
  reason: string,
  more: Partial<Resolution> = {},
): Resolution {
  return { state, reason, dueInMs: inMs, ...more };
}
