import type { Connection } from '../connections.ts';
import { compileCondition } from '../match/compile.ts';
import { withFreshTicket, type MatchSettings } from '../match/matcher.ts';
import type { ActionParams, ConditionMap, Rule, Span } from '../match/rule.ts';
import { readTicketRow } from '../record/tickets.ts';
import { lastDecision } from '../record/waits.ts';
import type { Database } from '../record/database.ts';
import { presentTicket, type Ticket } from '../ticket.ts';
import type { ActiveRules } from '../rules/active.ts';
import type { StoreDeps } from '../ingest/store-event.ts';
import { ownSla, ownSlaFrom } from '../ingest/timers.ts';
import { acknowledge } from './actions/acknowledge.ts';
import { emit } from './actions/emit.ts';
import { repeat, waitsFirst } from './actions/repeat.ts';
import { httpPost, type HttpPostDeps } from './actions/http-post.ts';
import { slackAsk } from './actions/slack-ask.ts';
import { slackPost, type SlackPostDeps } from './actions/slack-post.ts';
import { isOwnRule } from '../slack/own-rules.ts';
import { performDeskAction } from './desk-action.ts';
import { isDeskStep, renderDeskAction, unsupported, type DeskStep } from './desk-params.ts';
import { afterFailure, judgeError, stillUnknown } from './failure.ts';
import { conditionToRecheck, DEFAULT_WHILE, lateGate } from './gates.ts';
import { decided, later, LEASE_LOST, type Resolution, type StepTask } from './task.ts';

/**
 * One try of one step: is it still wanted, then the action. In comes a claimed step, out goes a resolution with its
 * reason; what a vendor, Slack or a receiver says never throws past here.
 */

export interface PerformDeps extends HttpPostDeps, SlackPostDeps {
  readonly database: Database;
  readonly store: StoreDeps;
  readonly active: ActiveRules;
  readonly settings: MatchSettings;
  readonly connections: ReadonlyMap<number, Connection>;
  /** True while a person stopped writes to this connection; default never. */
  readonly connectionPaused?: (id: number) => boolean;
  /** Signs visible references; made at the first migration. */
  readonly referenceKey: string;
}

/** A silence may be ended early: that soon its runs go on. */
const SILENCE_LOOK_MS = 60_000;

type Tried = Resolution | typeof LEASE_LOST;

export async function performStep(task: StepTask, deps: PerformDeps): Promise<Tried> {
  const tried = await tryStep(task, deps);
  return task.claimed.state === 'sending' && tried !== LEASE_LOST ? keepDoubt(task, tried, deps) : tried;
}

/** Where looking up a send failed, the send is still in doubt: it is neither sent again nor given up as not sent. */
function keepDoubt(task: StepTask, tried: Resolution, deps: PerformDeps): Resolution {
  const { intent } = task.claimed;
  // Whoever settled the send says so by its parts or by an intent.
  if (intent === null || tried.intent !== undefined || tried.parts !== undefined) return tried;
  const reason = tried.reason ?? '';
  if (tried.state === 'dead') return decided('uncertain', `the outcome is unknown: ${reason}`, { intent });
  if (tried.state !== 'pending' && tried.state !== 'postponed') return tried;
  const retryAt = tried.dueInMs === null ? null : task.now() + tried.dueInMs;
  const settleMs = isDeskStep(task.step) ? (task.connection?.settleMs ?? deps.settleMs) : deps.settleMs;
  return stillUnknown(task, intent, settleMs, { reason: 'timeout', message: reason, retryAt });
}

async function tryStep(task: StepTask, deps: PerformDeps): Promise<Tried> {
  try {
    // A send that may have happened is settled first, whatever the rule says by now.
    if (task.claimed.state !== 'sending') {
      const stop = (await stillWanted(task, deps)) ?? restOf(task, deps);
      if (stop !== null) return stop;
    }
    return await act(task, deps);
  } catch (error) {
    return afterFailure(task, judgeError(error));
  }
}

/** Why the step is not taken now, or null. */
async function stillWanted(task: StepTask, deps: PerformDeps): Promise<Resolution | null> {
  const { claimed, rule, step, event } = task;
  const book = deps.active.current();
  const active = book.matcher.rules.find((candidate) => candidate.id === claimed.ruleId);
  if (book.setId !== null && !isOwnRule(claimed.ruleId) && (active === undefined || active.mode === 'off')) {
    const reason = active === undefined ? 'the rule was deleted' : 'the rule is off';
    return decided('skipped', reason, { endRun: reason });
  }
  const paused = book.paused.get(claimed.ruleId);
  // A wait that is over stays one: it does not begin anew after the pause.
  const held = claimed.state === 'waiting' ? 'waiting' : 'postponed';
  if (paused !== undefined) return rests(held, 5_000, `rule paused: ${paused}`);

  const late = lateGate(step, rule, event);
  if (late !== null) return decided('suppressed', late);
  if (step.action === 'wait' || (step.action === 'repeat' && waitsFirst(task))) return null;
  return (await silenced(task, deps)) ?? (await recheck(task, deps)) ?? (await snoozed(task, deps));
}

/** A person wants it so: no attempt is used, and the time does not count against the step. */
function rests(state: 'waiting' | 'postponed', inMs: number, reason: string): Resolution {
  return later(state, inMs, reason, { uncounted: true, held: true });
}

/** In a silence runs under way rest too. What a person ordered in Slack, and what Deskhand says of itself, goes on. */
async function silenced(task: StepTask, deps: PerformDeps): Promise<Resolution | null> {
  const { claimed, event } = task;
  const { silencedBy } = deps.store;
  if (silencedBy === undefined || isOwnRule(claimed.ruleId)) return null;
  // The event shows the ticket as it was before the wait.
  const ticket = claimed.progress.waited === true ? await storedTicket(task, deps) : null;
  const reason = silencedBy(ticket === null ? event : withFreshTicket(event, ticket), task.now());
  const state = claimed.state === 'waiting' ? 'waiting' : 'postponed';
  return reason === null ? null : rests(state, SILENCE_LOOK_MS, reason);
}

/** The ticket as it was seen last; null where the desk's tickets are not stored. */
async function storedTicket({ claimed, event }: StepTask, deps: PerformDeps): Promise<Ticket | null> {
  if (event.ticket_id === null) return null;
  const row = await readTicketRow(deps.database.db, claimed.connectionId, event.ticket_id);
  if (row === null || row.unseen) return null;
  const sla = ownSlaFrom(deps.store)(event.connection, row.snapshot, row.slaClock);
  return presentTicket(row.snapshot, { ...row, sla }).ticket;
}

/** A person snoozed the ticket: what goes to Slack waits, what goes to the desk does not. */
async function snoozed({ claimed, step, event }: StepTask, deps: PerformDeps): Promise<Resolution | null> {
  if (event.ticket_id === null || !step.action.startsWith('slack.') || claimed.state === 'waiting')
    return null;
  const row = await readTicketRow(deps.database.db, claimed.connectionId, event.ticket_id);
  if (row?.snoozed !== true || row.snoozedUntil === null) return null;
  const until = row.snoozedUntil.getTime();
  const reason = `snoozed until ${row.snoozedUntil.toISOString()}`;
  return rests('postponed', Math.max(1_000, until - claimed.now), reason);
}

/** `while` after a wait, the state part of `when` before the first write of an old event, on the fresh ticket. */
async function recheck(task: StepTask, deps: PerformDeps): Promise<Resolution | null> {
  const { claimed, rule, event } = task;
  // The clock speaks of a stored state that may be a poll old: before it acts, the desk is asked.
  const ageMs = event.via === 'clock' ? Infinity : task.now() - claimed.eventAt.getTime();
  const waited = claimed.state === 'waiting' && task.step.action === 'repeat';
  // What this very step has done already counts as written: it must not stop at its own doing.
  const wrote = claimed.progress.wrote === true || Object.keys(claimed.parts).length > 0;
  const progress = waited ? { waited } : { ...claimed.progress, wrote };
  const which = conditionToRecheck(progress, ageMs);
  if (which === null || event.ticket_id === null) return null;
  const ticket = await freshTicket(task, deps);
  if (ticket === null) return decided('skipped', 'the ticket is gone', { endRun: 'the ticket is gone' });
  const map: ConditionMap = which === 'when' ? rule.when : (rule.while ?? DEFAULT_WHILE);
  const condition = compileCondition(map, deps.settings);
  // Where the clock went back since, what it was time for stays so.
  const now = Math.max(task.now(), Date.parse(event.observed_at));
  if (condition.test(withFreshTicket(event, ticket), now)) return null;
  const reason = which === 'when' ? 'the conditions no longer hold' : 'while no longer holds';
  return decided('skipped', reason, { endRun: reason });
}

/** The ticket as the desk has it now; as the event had it where there is no desk to ask. */
async function freshTicket(task: StepTask, deps: PerformDeps): Promise<Ticket | null> {
  const { claimed, event, connection } = task;
  const ticketId = event.ticket_id ?? '';
  const row = await readTicketRow(deps.database.db, claimed.connectionId, ticketId);
  const own = {
    acknowledged: row?.acknowledged ?? false,
    snoozed: row?.snoozed ?? false,
    revision: row?.revision ?? 0,
  };
  if (connection?.adapter == null) return event.ticket === null ? null : { ...event.ticket, ...own };
  const needs = deps.active.current().matcher.fieldsRead(connection.name);
  const read = await connection.adapter.readTicket(ticketId, needs, task.calls);
  task.calls.begin();
  if (read.gone) return null;
  const observed = { ...row?.snapshot, ...read.observed };
  const plan = deps.store.sla?.get(connection.name) ?? null;
  return presentTicket(observed, { ...own, sla: ownSla(observed, row?.slaClock ?? null, plan, task.now()) })
    .ticket;
}

/** Reasons that lie in the connection, not in the step. */
function restOf(task: StepTask, deps: PerformDeps): Resolution | null {
  if (!isDeskStep(task.step)) return null;
  const connection = connectionOf(task, task.step, deps);
  if (connection === null) return decided('dead', 'the connection is not configured any more');
  if (deps.connectionPaused?.(connection.id) === true) {
    return rests('postponed', 5_000, 'the connection rests: paused, silent or stopped');
  }
  const reason = unsupported(connection, task.step);
  return reason === null ? null : decided('suppressed', reason);
}

function connectionOf(task: StepTask, step: DeskStep, deps: PerformDeps): Connection | null {
  const named = step.action === 'create_ticket' ? step.params.connection : undefined;
  if (named === undefined) return task.connection;
  return [...deps.connections.values()].find((connection) => connection.name === named) ?? null;
}

async function act(task: StepTask, deps: PerformDeps): Promise<Tried> {
  const { step } = task;
  if (isDeskStep(step)) {
    const connection = connectionOf(task, step, deps);
    if (connection === null) return decided('dead', 'the connection is not configured any more');
    const action = await renderDeskAction(task, step, connection, deps.database, deps.referenceKey);
    return performDeskAction(task, connection, action, needsOf(task.rule), deps);
  }
  switch (step.action) {
    case 'slack.post':
      return slackPost(task, step.params, deps);
    case 'http.post':
      return httpPost(task, step.params, deps);
    case 'wait':
      return wait(task, step.params.for, deps);
    case 'emit':
      return emit(task, step.params, deps);
    case 'acknowledge':
      return acknowledge(task, deps);
    case 'slack.ask':
      return slackAsk(task, step.params, withinOf(task, step.params, deps), deps);
    case 'repeat':
      return repeat(
        task,
        step.params,
        waitsFirst(task) ? await spanFromLast(task, step.params.every, deps) : null,
        deps.store.newId,
      );
  }
}

/** Parts that writing needs besides what every read gives. */
function needsOf(rule: Rule): ReadonlySet<string> {
  const needs = new Set<string>();
  for (const step of rule.then) {
    if (step.action === 'tag') needs.add('tags');
    if (step.action === 'watch') needs.add('watchers');
    if (step.action === 'set' && step.params.custom !== undefined) needs.add('custom');
  }
  return needs;
}

async function wait(task: StepTask, span: Span, deps: PerformDeps): Promise<Resolution> {
  if (task.claimed.state === 'waiting') return decided('done', null, { progress: { waited: true } });
  const ms = await spanFromLast(task, span, deps);
  if (ms === null) return decided('dead', 'the calendar is not configured any more');
  return later('waiting', ms, 'waits');
}

/**
 * Milliseconds from now until so much time has passed since the step before was decided: a person pinged late still
 * gets the whole time, and nobody gets more because we were busy.
 */
async function spanFromLast(task: StepTask, span: Span, deps: PerformDeps): Promise<number | null> {
  const { claimed } = task;
  const since = await lastDecision(deps.database.db, claimed);
  // The clock may have gone back since: nobody waits for the time in between again.
  return spanFrom(Math.min(since ?? claimed.now - claimed.lagMs, task.now()), span, task, deps);
}

/** How long a question waits for its answer: undefined for ever, null without that calendar. */
function withinOf(
  task: StepTask,
  { within }: ActionParams['slack.ask'],
  deps: PerformDeps,
): number | null | undefined {
  return within === undefined ? undefined : spanFromNow(task, within, deps);
}

/** Milliseconds from now until so much time, or working time, has passed; null without that calendar. */
function spanFromNow(task: StepTask, span: Span, deps: PerformDeps): number | null {
  return spanFrom(task.now(), span, task, deps);
}

function spanFrom(since: number, { ms, calendar }: Span, task: StepTask, deps: PerformDeps): number | null {
  const at =
    calendar === undefined ? since + ms : (deps.settings.addWorkingMs?.(calendar, since, ms) ?? null);
  return at === null ? null : at - task.now();
}
