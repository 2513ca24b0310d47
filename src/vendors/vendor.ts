import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { TriggerFired } from '../event.ts';
import type { DeskActionName } from '../match/rule.ts';
import type { Comment, Instant, ObservedTicket } from '../ticket.ts';

/**
 * What Deskhand asks of a vendor: a few verbs and declared capabilities. An adapter says what the desk said; it
 * never decides whether to retry, never keeps state that a restart would lose, and never writes unless told to.
 */

export { normaliseText, sameText } from './http/text.ts';

/** JSON that survives a round trip through Postgres. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Priority of a call on the connection's shared budget, highest first (engine: budgets). */
export type CallLane = 'escalation' | 'action' | 'poll' | 'backfill';
export const CALL_LANES = ['escalation', 'action', 'poll', 'backfill'] as const satisfies readonly CallLane[];

export interface CallContext {
  readonly lane: CallLane;
  /** Aborts the call; an aborted write has an unknown outcome. */
  readonly signal: AbortSignal;
}

/** A token bucket that keeps `rate + 2 × burst` calls per `perMs` at most, whatever the server's window is. */
export interface BudgetSpec {
  readonly rate: number;
  readonly burst: number;
  readonly perMs: number;
  /**
   * The vendor does not say its limit: the budget is halved when it refuses calls as too many, and grows by a tenth
   * per hour without a refusal up to so many percent of what stands here. Default: it stays as it is.
   */
  readonly adapts?: { readonly mostPercent: number };
}

/** What Deskhand lends an adapter. */
export interface VendorIo {
  /** Connection name, for errors and logs. */
  readonly connection: string;
  readonly clock: Clock;
  /**
   * Takes one call from the connection's budget, shared by all instances.
   * @throws VendorError `rate_limited` with `retryAt` and `notApplied` when the lane has nothing left
   */
  spend(budget: string, lane: CallLane): Promise<void>;
  /**
   * Tells all instances that the vendor asked for silence until then (epoch ms), and why.
   *
   * @param overLimit it refused a call as one too many, which halves a budget that adapts
   */
  silence(untilMs: number, reason: string, overLimit: boolean): Promise<void>;
  /** A finding worth an operator's eye; logged, and shown in status. */
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface FeedSpec {
  readonly name: string;
  readonly cursor: 'window' | 'timestamp' | 'date';
  readonly pollEveryMs: number;
  /** How far back the vendor lets us look; null: any time. Older changes than this are a gap. */
  readonly windowMs: number | null;
  /** Whether the adapter can read what lies before the window in another way, given {@link FeedPosition.gap}. Default false. */
  readonly healsGaps?: boolean;
  /** Whether each walk wants {@link FeedPosition.unfinished}. Default false. */
  readonly wantsUnfinished?: boolean;
  /**
   * What a complete walk means, default `changed`: the rows that changed. After a walk that lists `open`, a
   * ticket stored as not final and absent from it was closed, merged or deleted: read it by id.
   */
  readonly lists?: 'changed' | 'open';
  /**
   * Settings that decide what this feed shows, besides address, user, view, services and search, which do for all:
   * with another value it begins with a new silent baseline. Default: none.
   */
  readonly startsOverWith?: readonly string[];
  /**
   * Another feed of this vendor with the same change tokens: a row that this one shows with the token stored for
   * that one is not news. Default: none.
   */
  readonly versionsOf?: string;
}

export interface Capabilities {
  readonly feeds: readonly FeedSpec[];
  /** Supported actions with the parameters each takes; a missing action or parameter is refused when a rule is loaded. */
  readonly actions: Readonly<Partial<Record<DeskActionName, readonly string[]>>>;
  /** Whether a posted comment's id comes back; where not, `reference: auto` adds a visible reference. */
  readonly commentIdReturned: boolean;
  /** How the desk renders a comment: `html` gets escaped values, `plain` gets text as it is. */
  readonly textFormat: 'plain' | 'html';
  /** Named budgets; `default` is always there. Numbers carry their source in the vendor's folder. */
  readonly budgets: { readonly default: BudgetSpec } & Readonly<Record<string, BudgetSpec>>;
}

/** One row of a feed: enough to see that a ticket changed. */
export interface TicketRow {
  readonly observed: ObservedTicket;
  /** Change token of this list; equal to the stored one means nothing to do. */
  readonly version: string;
}

/** Something that is an event by itself and no difference between two snapshots. */
export interface Occurrence {
  readonly key: string;
  readonly type: string;
  readonly ticketId: string | null;
  readonly occurredAt: Instant | null;
  readonly trigger: TriggerFired | null;
  readonly body: Json;
}

export interface FeedPage {
  readonly rows: readonly TicketRow[];
  readonly occurrences: readonly Occurrence[];
  /** Where the walk goes on; null: this was its last page. */
  readonly next: Json | null;
  /** The feed's cursor as this page leaves it; saved with the walk's last page. */
  readonly cursor: Json;
  /**
   * Why this feed sees changes slower than it should: the fallback that it had to take, for an operator. Counts with
   * the walk's last page; default none.
   */
  readonly degraded?: string;
}

export interface FeedPosition {
  /** The cursor saved by the last complete walk; null: never walked (baseline). */
  readonly cursor: Json | null;
  /** `next` of the page before; null: first page. */
  readonly next: Json | null;
  /** True while the feed's silent baseline is walked: all tickets that are not closed. */
  readonly baseline: boolean;
  /**
   * Stored tickets that may still change, for feeds that want them: those that their list lacks were closed, merged
   * or deleted, and the feed reads them itself. Empty during the baseline.
   */
  readonly unfinished?: readonly string[];
  /** Set when nobody looked for longer than the feed's window: what lies between, for feeds that heal gaps. */
  readonly gap?: FeedGap | null;
}

/** A span that the feed itself does not show any more. */
export interface FeedGap {
  readonly from: Instant;
  readonly to: Instant;
}

/** A ticket read by id. `comments` is null when they were not asked for. */
export type TicketRead =
  | { readonly gone: true; readonly id: string }
  | {
      readonly gone: false;
      readonly id: string;
      readonly observed: ObservedTicket;
      readonly comments: readonly Comment[] | null;
    };

/** Parts of a ticket beyond what every read gives: `comments`, `tags`, `description`, `custom`, `requester.email`, … */
export type Needs = ReadonlySet<string>;

/** A step's action with every template rendered and every choice made; names are still names. */
export type DeskAction =
  | {
      readonly action: 'reassign';
      readonly queue?: string;
      /** Null takes the assignee away. */ readonly agent?: string | null;
    }
  | { readonly action: 'comment'; readonly text: string; readonly public: boolean }
  | {
      readonly action: 'set';
      readonly priority?: string;
      readonly category?: string;
      readonly type?: string;
      readonly status?: string;
      readonly title?: string;
      readonly due_at?: Instant | null;
      readonly custom?: Readonly<Record<string, string | number | boolean | null>>;
    }
  | { readonly action: 'tag' | 'watch'; readonly add: readonly string[]; readonly remove: readonly string[] }
  | { readonly action: 'close' | 'resolve' | 'reopen'; readonly text?: string }
  | { readonly action: 'wait_for'; readonly who: 'customer' | 'agent' | { readonly until: Instant } }
  | {
      readonly action: 'create_ticket';
      readonly title: string;
      readonly text: string;
      readonly category?: string;
      readonly priority?: string;
      readonly type?: string;
      readonly queue?: string;
      readonly requester?: string;
    }
  | {
      readonly action: 'task';
      readonly title: string;
      readonly note?: string;
      readonly queue?: string;
      readonly agent?: string;
      readonly due_at?: Instant;
    }
  | { readonly action: 'time_entry'; readonly minutes: number; readonly note?: string }
  | { readonly action: 'link'; readonly to: string }
  | {
      readonly action: 'approve';
      readonly approval?: string;
      readonly vote: 'accept' | 'reject';
      readonly text?: string;
    }
  | {
      readonly action: 'breaking_news';
      readonly title: string;
      readonly text: string;
      readonly severity?: 'low' | 'medium' | 'high';
      readonly queues?: readonly string[];
    };

/**
 * One call that changes something. An action may need several (close with a text is a comment and a
 * transition): the executor asks for the next one until there is none, and commits each intent first.
 */
export interface PlannedWrite {
  /** Name of this part within the action, stable over retries: `assignee`, `comment`, `custom.tier`. */
  readonly part: string;
  readonly kind: 'state' | 'append' | 'transition';
  /**
   * Fields this write sets, as they read in the snapshot before and as they will read back; empty for appends.
   * Values have the shape of `Change`: priority is its level, lists are whole, `custom.<name>` is the bare value;
   * named things and persons are as in the ticket and are the same when their ids are (names may be null).
   */
  readonly sets: Readonly<Record<string, { readonly from: Json; readonly to: Json }>>;
  /** Fields that the desk itself moves along with this write, to values nobody can foretell: `closed_at` on a close. */
  readonly alsoChanges?: readonly string[];
  /** For appends: the text that will be found again (plain, with reference), and where to list. */
  readonly append: { readonly children: string; readonly text: string } | null;
  /** All that `send` and `listChildren` need, in any process; holds no secret. */
  readonly request: Json;
}

/**
 * What kind of child a write's `append.children` names: `comments:1042` lists comments, `tickets` tickets. The same
 * words in every vendor: own comments and own tickets are recognised by them.
 */
export function childKind(children: string): string {
  return children.split(':', 1)[0] ?? children;
}

/** Something an append made or might have made. */
export interface Child {
  readonly id: string;
  /** Null: the desk does not say who; then text, time and reference decide. */
  readonly authorId: string | null;
  /** Null: the desk does not say when; such a child has an id that it cannot have had before the send. */
  readonly at: Instant | null;
  /** As the desk returned it, markup included: compare with `sameText`. */
  readonly text: string;
}

export interface SendResult {
  /** Id of what was created, where the vendor tells it. */
  readonly childId: string | null;
}

export interface SelfTest {
  /** Our own user's id at the vendor; authors our comments. Null where the vendor has none. */
  readonly botUserId: string | null;
  /** Findings for status: server version, probes that failed, fallbacks taken. */
  readonly findings: readonly string[];
}

export interface Adapter {
  /** One authenticated call that changes nothing. @throws VendorError `auth`, `unreadable` ("wrong url?"), … */
  selfTest(context: CallContext): Promise<SelfTest>;
  /** Reads one page of a feed. @throws VendorError */
  readPage(feed: string, position: FeedPosition, needs: Needs, context: CallContext): Promise<FeedPage>;
  /** Completes changed rows of a page with what `needs` names and comments. Order and count follow `rows`. @throws VendorError */
  readChanged(rows: readonly TicketRow[], needs: Needs, context: CallContext): Promise<readonly TicketRead[]>;
  /** Reads one ticket by id, for nudges and before writes. @throws VendorError, but `gone` is a value */
  readTicket(ticketId: string, needs: Needs, context: CallContext): Promise<TicketRead>;
  /**
   * The next write that the action still needs on this ticket, or null when it already is so.
   * @param done parts of this step that were sent and confirmed before
   * @param ticket null only for `create_ticket` and `breaking_news`
   * @throws VendorError `refused` for a name that does not resolve, with the nearest names
   */
  nextWrite(
    action: DeskAction,
    ticket: (TicketRead & { readonly gone: false }) | null,
    done: ReadonlySet<string>,
    context: CallContext,
  ): Promise<PlannedWrite | null>;
  /** Performs a planned write once. @throws VendorError; `notApplied` tells whether it may simply be tried again */
  send(write: PlannedWrite, context: CallContext): Promise<SendResult>;
  /** Lists what an append could have made, newest last; null: cannot be listed. @throws VendorError */
  listChildren(write: PlannedWrite, context: CallContext): Promise<readonly Child[] | null>;
  /** Ends keep-alive sockets. */
  close(): Promise<void>;
}

/** An inbound webhook's body, already authenticated. */
export interface InboundBody {
  readonly contentType: string;
  readonly bytes: Uint8Array;
  /** The text, when the bytes are UTF-8. */
  readonly text: string;
}

/** A webhook that only says "look at this ticket"; nothing else in it is trusted. */
export interface NudgeInbound {
  readonly kind: 'nudge';
  /** Ticket ids named in the body; empty: the sender's template is wrong. */
  ticketIds(body: InboundBody): readonly string[];
  /** The hook can outrun the vendor's own visibility: wait this long before reading. */
  readonly readAfterMs: number;
}

/** A webhook whose JSON is the event. */
export interface EventInbound<Settings> {
  readonly kind: 'event';
  /** Maps a parsed body; unmapped values stay in `body`. */
  map(body: Readonly<Record<string, unknown>>, settings: Settings): InboundEvent;
}

export interface InboundEvent {
  /** `event.type` of the body, or `webhook.received`. */
  readonly type: string;
  /** `event.key` of the body where configured and present. */
  readonly key: string | null;
  readonly ticket: ObservedTicket | null;
}

export interface Vendor<Settings = unknown> {
  readonly id: string;
  /** As people write it: `Jitbit`. */
  readonly name: string;
  /** The connection's keys beyond the common ones (design: configuration); takes those of `common-settings.ts` too. */
  readonly settings: z.ZodType<Settings>;
  readonly capabilities: Capabilities;
  readonly inbound: NudgeInbound | EventInbound<Settings> | null;
  /** Null for vendors that only send (`webhook`). */
  readonly connect: Connect<Settings> | null;
}

/**
 * Opens a connection; no call is made yet. Settings are what this vendor's own schema gave, with the keys of
 * `common-settings.ts` merged in. Written as a method so that a registry may hold vendors of different settings.
 */
export type Connect<Settings> = { connect(settings: Settings, io: VendorIo): Adapter }['connect'];
