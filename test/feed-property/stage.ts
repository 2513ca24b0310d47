import type { Faults } from '../../src/demo/simulators/support/faults.ts';
import type { Random } from '../../src/demo/simulators/support/random.ts';
import type { DeskClock, RequestHook } from '../../src/demo/simulators/support/server.ts';
import type { Vendor } from '../../src/vendors/vendor.ts';

/**
 * What the property needs of a vendor: a simulated desk where people change things, and what each change must give.
 * Everything else (time, restarts, outage, budget, judgement) is the same for all.
 */
export interface Stage {
  /** As it is called on the command line and in the report. */
  readonly name: string;
  readonly vendor: Vendor;
  /** Poll intervals other than the vendor's, ms by feed; default none. */
  readonly poll?: Readonly<Record<string, number>>;
  /** What the vendor allows: more calls than this in any such span are over the budget. */
  readonly limit: { readonly calls: number; readonly perMs: number };
  /** Tickets that need a second page of its lists, for the short version. Default 100. */
  readonly pageOf?: number;
  /** Longest pause between two moments in which people work, ms. Default 15 s; more where few calls are allowed. */
  readonly pauseMs?: number;
  /** YAML of a rule that reads what the desk is to be watched for and never matches. */
  readonly rule: string;
  /** Starts a desk on this clock. `tickets` of them are there when Deskhand sees it first. */
  open(clock: DeskClock, options: { readonly tickets: number; readonly random: Random }): Promise<StageDesk>;
}

export interface StageDesk {
  /** For the vendor's settings schema: address and credentials. */
  readonly settings: unknown;
  readonly faults: Faults;
  /** Ids of the tickets there are now. */
  readonly tickets: readonly string[];
  /** One change by a person, or one that changes many tickets at once. */
  change(): Made | readonly Made[];
  /** The ticket as Deskhand should tell it; null: it does not exist (any more). */
  look(ticketId: string): Look | null;
  onRequest(hook: RequestHook): void;
  close(): Promise<void>;
}

/** One change at the desk, and how it must show. */
export interface Made {
  /** For messages: `priority`, `comment`. */
  readonly what: string;
  readonly ticketId: string;
  /** A complete walk of this feed that began later than the change (and `afterMs` more) has told it. */
  readonly shownBy: string;
  readonly afterMs?: number;
  /** The feed looks only at tickets that are not finished (by what it knows or by what the desk says). Default false. */
  readonly onlyOpen?: boolean;
  /** Keys of the events that it gives by itself: `created:12`, `comment:12:7`, `trigger:3`. */
  readonly keys?: readonly string[];
  /** The feed shows it only so long: afterwards a `feed.gap` over that time may stand for it. Default: for ever. */
  readonly windowMs?: number;
}

/**
 * Fields as an event's ticket should have them: named things and persons by id, priority by level, lists sorted and
 * joined with commas, `custom.<name>` by value. `phase` must be among them.
 */
export type Look = Readonly<Record<string, string | null>> & { readonly phase: string };
