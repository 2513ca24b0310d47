import { toInstant } from '../clock.ts';
import type { DeskEvent } from '../event.ts';
import type { TicketView } from '../match/moments.ts';
import type { Database, Tx } from '../record/database.ts';
import {
  dropTimersOfOthers,
  firesPast,
  moveScan,
  planScans,
  readOpenTickets,
  replaceTimers,
  settleTimers,
  takeDueTimers,
  takeScan,
  type Arm,
  type DueTimer,
  type Scan,
  type TicketRef,
  type TimedTicket,
} from '../record/timers.ts';
import type { RuleBook } from '../rules/active.ts';
import type { EventDraft } from './event-draft.ts';
import { inRuleSet, storeEvents, type StoreDeps } from './store-event.ts';
import { armsOf, OVERDUE, overdueMoment, storedView, type TimedConnection } from './timers.ts';

/**
 * The clock's side of ingest: timers whose moment came are evaluated anew on the stored ticket and become events,
 * `ticket.time` for one rule or `ticket.overdue` for all that listen. The key of such an event is its moment, so that
 * it fires once, whatever the clock does and however many instances tick. A timer is only a wake-up: it is set to the
 * rule's next moment, or removed, in the transaction of the event.
 */

export interface TickDeps {
  readonly database: Database;
  readonly store: StoreDeps;
  readonly connections: ReadonlyMap<number, TimedConnection>;
  /** There are new runs: wake the executor. */
  readonly onRuns: () => void;
}

export interface TickResult {
  readonly fired: number;
  /** True if more timers are due. */
  readonly more: boolean;
  /** How late the oldest fired moment was, ms. */
  readonly latenessMs: number;
}

const TIMERS_PER_TICK = 200;
const TICKETS_PER_SCAN = 200;
const DROPPED_AT_ONCE = 1_000;

/** Fires what is due, at most one batch. */
export async function tickOnce(deps: TickDeps): Promise<TickResult> {
  const { database, store, connections } = deps;
  const result = await inRuleSet(database, store.active, async (tx, book) => {
    const { now, timers } = await takeDueTimers(tx, [...connections.keys()], TIMERS_PER_TICK);
    if (timers.length === 0) return { fired: 0, more: false, latenessMs: 0, runs: 0 };
    const looks = timers.map((timer) => lookAt(timer, book, deps, now));
    const drafts = looks.flatMap(({ draft }) => (draft === null ? [] : [draft]));
    const { stored, runs } = await storeEvents(tx, book, drafts, { ...store, now: () => now });
    for (const { draft, at } of looks.flatMap(({ missed }) => missed)) {
      // Matched as of its moment: by now the conditions are false.
      await storeEvents(tx, book, [draft], { ...store, now: () => at });
    }
    await settleTimers(
      tx,
      looks.map(({ nextAt }, index) => ({ ...refOf(timers[index]), nextAt })),
    );
    const fired = stored.filter(({ duplicate }) => !duplicate).length;
    const latenessMs = Math.max(0, ...timers.map((timer) => now - timer.dueAt));
    return { fired, runs, latenessMs, more: timers.length === TIMERS_PER_TICK };
  });
  if (result.runs > 0) deps.onRuns();
  return result;
}

function refOf(timer: DueTimer | undefined): TicketRef & { readonly ruleId: string } {
  if (timer === undefined) throw new Error('a look without its timer');
  return { connectionId: timer.connectionId, ticketId: timer.ticketId, ruleId: timer.ruleId };
}

interface Look {
  readonly draft: EventDraft | null;
  /** Moments that came and went while nobody looked. */
  readonly missed: readonly { readonly at: number; readonly draft: EventDraft }[];
  readonly nextAt: number | null;
}

/** Evaluates a rule on the ticket as it stands: does it hold, since when, and when is the next look. */
function lookAt(timer: DueTimer, book: RuleBook, deps: TickDeps, now: number): Look {
  const view = viewOf(timer, deps, now);
  if (view === null) return { draft: null, missed: [], nextAt: null };
  const { since, next } = outlookOf(timer.ruleId, view, book, now);
  return {
    draft: since === null ? null : momentDraft(timer, view, since, deps, now),
    missed: momentsUntil(timer, view, book, now)
      .filter((at) => at !== since)
      .map((at) => ({ at, draft: missedDraft(timer, view, at, deps, now) })),
    nextAt: next,
  };
}

/** More windows than that in one downtime say nothing new. */
const MISSED_AT_MOST = 20;

/** The moments from the timer's own on at which the conditions became true. */
function momentsUntil(timer: DueTimer, view: TicketView, book: RuleBook, now: number): readonly number[] {
  const found: number[] = [];
  let at: number | null = timer.dueAt;
  while (at !== null && at <= now && found.length < MISSED_AT_MOST) {
    const { since, next } = outlookOf(timer.ruleId, view, book, at);
    if (since === at) found.push(at);
    at = next;
  }
  return found;
}

/** A window such as `within` that was over before anybody looked: nothing is done, but it is on record. */
function missedDraft(timer: DueTimer, view: TicketView, at: number, deps: TickDeps, now: number): EventDraft {
  const { event, ...draft } = momentDraft(timer, view, at, deps, now);
  // A key of its own: a clock that was ahead and comes back has the moment before it again.
  const key = `${event.key}:missed`;
  return {
    ...draft,
    event: { ...event, key, late: true },
    keys: [{ key, renewAfterMs: null }],
    suppress: `missed: when Deskhand looked, at ${toInstant(now)}, its time was over`,
  };
}

function outlookOf(
  ruleId: string,
  view: TicketView,
  book: RuleBook,
  now: number,
): { readonly since: number | null; readonly next: number | null } {
  if (ruleId !== OVERDUE) return book.moments.outlook(ruleId, view, now);
  const { ticket } = view.event;
  const at = ticket === null || !book.hearsOverdue ? null : overdueMoment(ticket);
  if (at === null) return { since: null, next: null };
  return at <= now ? { since: at, next: null } : { since: null, next: at };
}

function viewOf(stored: TimedTicket, deps: TickDeps, now: number): TicketView | null {
  const connection = deps.connections.get(stored.connectionId);
  if (connection === undefined) return null;
  return storedView(stored, connection, deps.store.sla?.get(connection.name) ?? null, now);
}

/** @param moment since when the conditions hold: the same for every instance and after every restart */
function momentDraft(
  { connectionId, ticketId, ruleId }: TicketRef & { readonly ruleId: string },
  { event }: TicketView,
  moment: number,
  deps: TickDeps,
  now: number,
): EventDraft {
  const lateAfterMs = deps.connections.get(connectionId)?.lateAfterMs ?? 0;
  const overdue = ruleId === OVERDUE;
  const key = overdue
    ? `overdue:${ticketId}:${toInstant(moment - 1)}`
    : `time:${ruleId}:${ticketId}:${toInstant(moment)}`;
  const fired: DeskEvent = {
    ...event,
    key,
    type: overdue ? 'ticket.overdue' : 'ticket.time',
    occurred_at: toInstant(moment),
    observed_at: toInstant(now),
    late: now - moment > lateAfterMs,
  };
  return {
    id: deps.store.newId(),
    connectionId,
    event: fired,
    raw: null,
    depth: 0,
    causedBy: null,
    keys: [{ key, renewAfterMs: null }],
  };
}

/** Follows the active rule set: timers of rules that are gone or off are cancelled, new versions scanned. */
export interface TimerScans {
  /** One step: notices another set, or scans a page. @returns true if there is more to do */
  runOnce(): Promise<boolean>;
}

export function createTimerScans(deps: TickDeps): TimerScans {
  let followed: number | null = null;
  return {
    async runOnce() {
      const book = deps.store.active.current();
      if (book.setId === null) return false;
      if (book.setId !== followed) {
        if (await followRules(deps.database, book, book.setId)) return true;
        followed = book.setId;
      }
      return scanOnce(deps);
    },
  };
}

/** @returns true if there are more timers to cancel */
async function followRules(database: Database, book: RuleBook, setId: number): Promise<boolean> {
  const versions = book.moments.rules.map((rule) => ({
    ruleId: rule.id,
    versionId: book.versionOf.get(rule.id) ?? 0,
  }));
  const all = book.hearsOverdue ? [...versions, { ruleId: OVERDUE, versionId: 0 }] : versions;
  const dropped = await dropTimersOfOthers(
    database.db,
    all.map(({ ruleId }) => ruleId),
    DROPPED_AT_ONCE,
  );
  if (dropped === DROPPED_AT_ONCE) return true;
  if (all.length > 0) await planScans(database.db, all, await firesPast(database.db, setId));
  return false;
}

/** Looks at one page of open tickets for a newly active rule version. */
async function scanOnce(deps: TickDeps): Promise<boolean> {
  const result = await inRuleSet(deps.database, deps.store.active, async (tx, book) => {
    const scan = await takeScan(tx);
    if (scan === null) return { more: false, runs: 0 };
    const tickets = await readOpenTickets(tx, scan, TICKETS_PER_SCAN);
    const runs = await scanPage(tx, book, scan, tickets, deps);
    await moveScan(tx, scan.ruleId, tickets.at(-1) ?? null);
    return { more: true, runs };
  });
  if (result.runs > 0) deps.onRuns();
  return result.more;
}

/** Arms what is to come; what was past when the rule became active is recorded as suppressed, unless told to fire. */
async function scanPage(
  tx: Tx,
  book: RuleBook,
  scan: Scan,
  tickets: readonly TimedTicket[],
  deps: TickDeps,
): Promise<number> {
  const now = deps.store.now();
  const arms: Arm[] = [];
  const past: EventDraft[] = [];
  for (const ticket of tickets) {
    const view = viewOf(ticket, deps, now);
    if (view === null) continue;
    const subject = { connectionId: ticket.connectionId, event: view.event };
    arms.push(...armsOf(book, subject, null, now).filter(({ ruleId }) => ruleId === scan.ruleId));
    const { since } = outlookOf(scan.ruleId, view, book, now);
    if (since === null) continue;
    const draft = momentDraft({ ...ticket, ruleId: scan.ruleId }, view, since, deps, now);
    // A moment after the activation was missed while nobody ran: it fires, late.
    const history = !scan.firePast && since < scan.sinceAt.getTime();
    past.push(history ? { ...draft, suppress: 'before rule' } : draft);
  }
  await replaceTimers(tx, tickets, arms, scan.ruleId);
  return (await storeEvents(tx, book, past, deps.store)).runs;
}
