/**
 * A rule after loading: validated, durations in milliseconds, every step with its path. This document is what
 * Postgres keeps as an immutable version (`rule_versions.doc`), what the matcher compiles and what the executor
 * reads its parameters from. Text is an uncompiled Liquid template unless a comment says "literal".
 */

export const ACTION_NAMES = [
  'reassign',
  'comment',
  'set',
  'tag',
  'watch',
  'close',
  'resolve',
  'reopen',
  'wait_for',
  'create_ticket',
  'task',
  'time_entry',
  'link',
  'approve',
  'breaking_news',
  'slack.post',
  'slack.ask',
  'http.post',
  'emit',
  'wait',
  'repeat',
  'acknowledge',
] as const;
export type ActionName = (typeof ACTION_NAMES)[number];

/** Actions that a desk performs; the others are Deskhand's own. */
export const DESK_ACTIONS = [
  'reassign',
  'comment',
  'set',
  'tag',
  'watch',
  'close',
  'resolve',
  'reopen',
  'wait_for',
  'create_ticket',
  'task',
  'time_entry',
  'link',
  'approve',
  'breaking_news',
] as const satisfies readonly ActionName[];
export type DeskActionName = (typeof DESK_ACTIONS)[number];

/** A span: plain milliseconds, or counted on a calendar's working time. */
export interface Span {
  readonly ms: number;
  /** Name of a configured calendar (literal). */
  readonly calendar?: string;
}

/** Whom to assign: a person (template), nobody, the next of a rotation, or whoever has the fewest open tickets. */
export type AgentChoice =
  | { readonly kind: 'person'; readonly person: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'rotate'; readonly people: readonly string[] }
  | { readonly kind: 'least_open'; readonly people: readonly string[] };

export type SlackButton = 'acknowledge' | 'assign' | 'snooze' | 'escalate' | 'close';
export const SLACK_BUTTONS = [
  'acknowledge',
  'assign',
  'snooze',
  'escalate',
  'close',
] as const satisfies readonly SlackButton[];

/** Parameters of each action. */
export interface ActionParams {
  reassign: { readonly queue?: string; readonly agent?: AgentChoice };
  comment: { readonly text: string; readonly public: boolean };
  set: {
    readonly priority?: string;
    readonly category?: string;
    readonly type?: string;
    readonly status?: string;
    readonly title?: string;
    readonly due_at?: string;
    readonly custom?: Readonly<Record<string, string | number | boolean | null>>;
  };
  tag: { readonly add: readonly string[]; readonly remove: readonly string[] };
  watch: { readonly add: readonly string[]; readonly remove: readonly string[] };
  close: { readonly text?: string };
  resolve: { readonly text?: string };
  reopen: { readonly text?: string };
  wait_for: { readonly who: 'customer' | 'agent' } | { readonly until: string };
  create_ticket: {
    /** Literal connection name; default: the event's. */
    readonly connection?: string;
    readonly title: string;
    readonly text: string;
    readonly category?: string;
    readonly priority?: string;
    readonly type?: string;
    readonly queue?: string;
    readonly requester?: string;
  };
  task: {
    readonly title: string;
    readonly note?: string;
    readonly queue?: string;
    readonly agent?: string;
    readonly due_at?: string;
  };
  time_entry: { readonly minutes: number; readonly note?: string };
  link: { readonly to: string };
  approve: { readonly approval?: string; readonly vote: 'accept' | 'reject'; readonly text?: string };
  breaking_news: {
    readonly title: string;
    readonly text: string;
    readonly severity?: 'low' | 'medium' | 'high';
    readonly queues?: readonly string[];
  };
  'slack.post': {
    readonly channel?: string;
    readonly user?: string;
    readonly thread?: 'ticket';
    readonly text: string;
    readonly blocks?: readonly unknown[];
    readonly buttons: readonly SlackButton[];
  };
  'slack.ask': {
    readonly channel?: string;
    readonly user?: string;
    readonly text: string;
    /** Label → steps; their paths are `<this path>.answers.<label>.<n>`. */
    readonly answers: Readonly<Record<string, readonly Step[]>>;
    readonly within?: Span;
    readonly default?: string;
  };
  'http.post': {
    /** Template whose scheme and host are literal. */
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    /** JSON whose strings are templates; missing: the event with `rule`. */
    readonly json?: unknown;
    /** Stored as written (`${NAME}`), resolved when sent. */
    readonly secret?: string;
    readonly resend: 'same_id' | 'never';
  };
  emit: { readonly type: string; readonly data: Readonly<Record<string, unknown>> };
  wait: { readonly for: Span };
  repeat: { readonly every: Span; readonly at_most: number; readonly do: readonly Step[] };
  acknowledge: Readonly<Record<string, never>>;
}

/** One action of a rule. `path` is its place: `0`, `3`, `2.do.0`. */
export type Step = {
  readonly [A in ActionName]: {
    readonly action: A;
    readonly path: string;
    /** After `dead` or `uncertain` of a required step the run ends. */
    readonly required: boolean;
    readonly params: ActionParams[A];
  };
}[ActionName];

export type RuleMode = 'live' | 'shadow' | 'off';

export interface RateLimit {
  readonly runs: number;
  readonly perMs: number;
}

export interface RuleTest {
  /** The event as written: surfaces.md's input form. */
  readonly event: unknown;
  readonly expect:
    | 'none'
    | {
        readonly matched?: boolean;
        readonly actions?: readonly string[];
        readonly rendered?: readonly string[];
      };
  readonly line: number;
}

export interface Rule {
  readonly id: string;
  readonly name: string;
  /** Event types; empty for a scheduled rule. */
  readonly on: readonly string[];
  /** True if `on` was written: then a first state counts as reached (rule-matching.md 5, `changed`). */
  readonly onWritten: boolean;
  /** The condition map as written and validated; compiled by the matcher. */
  readonly when: ConditionMap;
  /** Null: no `while` written; the executor's default applies to runs with a wait. */
  readonly while: ConditionMap | null;
  readonly then: readonly Step[];
  readonly limit: {
    readonly perTicket: RateLimit;
    readonly perTicketIsDefault: boolean;
    readonly perRule: RateLimit | null;
  };
  readonly order: number;
  readonly stop: boolean;
  readonly mode: RuleMode;
  /** Also match changes that Deskhand itself made. */
  readonly own: boolean;
  /** Also take customer-visible steps on late events. */
  readonly late: boolean;
  readonly schedule: { readonly cron: string; readonly timeZone: string } | null;
  readonly tests: readonly RuleTest[];
}

/** `when` and `while` as plain JSON, in the language of docs/rules.md. */
export type ConditionMap = Readonly<Record<string, unknown>>;
