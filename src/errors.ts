/**
 * Errors that cross folders. Suppressed, postponed and stopped-by-shutdown are outcomes with a reason,
 * not errors. No message carries a secret or the query of a URL.
 */

/** What happened at a vendor, told by its adapter; when to try again is decided by `act/retry.ts`. */
export type VendorReason =
  /** Credentials refused (401, 403, GoToAssist E906): the connection stops. */
  | 'auth'
  /** 429, GoToAssist E902, or our own budget: wait, no attempt used. */
  | 'rate_limited'
  /** BOSSDesk 409: refetch and plan again. */
  | 'conflict'
  /** The vendor understood and said no: permanent. */
  | 'refused'
  | 'not_found'
  /** 5xx, or a failure body without a known code. */
  | 'vendor_fault'
  /** No answer in time, or the connection broke. */
  | 'timeout'
  /** An answer that is not what the API document promises. */
  | 'unreadable';

export interface VendorErrorOptions {
  readonly reason: VendorReason;
  readonly vendor: string;
  readonly connection: string;
  /** Epoch milliseconds before which there is no point in trying again. */
  readonly retryAt?: number | undefined;
  /**
   * True if the request certainly did not reach the vendor's code (refused connection, budget, name not
   * resolved, a 4xx answer): a write may be tried again without verification. Default false.
   */
  readonly notApplied?: boolean | undefined;
  readonly status?: number | undefined;
  readonly cause?: unknown;
}

export class VendorError extends Error {
  override readonly name = 'VendorError';
  readonly reason: VendorReason;
  readonly vendor: string;
  readonly connection: string;
  readonly retryAt: number | undefined;
  readonly notApplied: boolean;
  readonly status: number | undefined;

  constructor(message: string, options: VendorErrorOptions) {
    super(message, { cause: options.cause });
    this.reason = options.reason;
    this.vendor = options.vendor;
    this.connection = options.connection;
    this.retryAt = options.retryAt;
    this.notApplied = options.notApplied ?? false;
    this.status = options.status;
  }
}

/** One mistake in a file that a person wrote. Line and column start at 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Dotted path of the key, e.g. `connections.acme.poll`. */
  readonly path: string;
  /** What is wrong, what was expected, and a suggestion where one is near. */
  readonly message: string;
  /** Warnings do not refuse the file. */
  readonly severity: 'error' | 'warning';
}

/** `file:line:column: message (path)`, one line, fit for a terminal and for editors that jump to places. */
export function formatProblem(problem: Problem): string {
  const severity = problem.severity === 'warning' ? 'warning: ' : '';
  return `${problem.file}:${problem.line}:${problem.column}: ${severity}${problem.message}`;
}

/** The configuration cannot be used. Lists every problem at once; thrown only at start. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}

/** A rule set cannot be used; the last good one stays. Lists every problem at once. */
export class RuleError extends Error {
  override readonly name = 'RuleError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}

/** The text of anything thrown, for logs and records. */
export function messageOf(error: unknown): string {
  // A name with several addresses, none of which answers, fails without a text of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
