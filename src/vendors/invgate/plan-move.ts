import { FINAL_PHASES } from '../../ticket.ts';
import type { DeskAction, PlannedWrite } from '../vendor.ts';
import { phaseOf, STATUS } from './map.ts';
import { commentWrite, setStatusTo, solutionWrite } from './plan-append.ts';
import { defuse } from './text.ts';
import { stateWrite, type OpenTicket, type Planner, type Sets } from './write.ts';

/**
 * Moving a request through its life. InvGate has no call that sets a status: each can only be reached by a transition
 * of its own (integration reference 2.5, "set status").
 */

type Move = Extract<DeskAction, { action: 'close' | 'resolve' | 'reopen' }>;
type WaitFor = Extract<DeskAction, { action: 'wait_for' }>;

/** What a solution says when the rule gives no text: the call requires one, and the customer sees it. */
const DEFAULT_SOLUTION = 'Solved.';
/** Manual, `incident.solution.accept`: a rating is required, and a comment below 4. */
const RATING = '5';

/** Where a request in this status can go. */
const CLOSED_FOR_GOOD: readonly string[] = [STATUS.closed, STATUS.rejected, STATUS.cancelled];

export function planMove(action: Move, ticket: OpenTicket, planner: Planner): Promise<PlannedWrite | null> {
  if (planner.done.has('status')) return Promise.resolve(null);
  switch (action.action) {
    case 'resolve':
      return planResolve(action.text, ticket, planner);
    case 'close':
      return planClose(action.text, ticket, planner);
    case 'reopen':
      return planReopen(action.text, ticket, planner);
  }
}

function statusOf(ticket: OpenTicket): string {
  return ticket.observed.status?.id ?? '';
}

async function planResolve(
  text: string | undefined,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  const isDone = statusOf(ticket) === STATUS.solved || CLOSED_FOR_GOOD.includes(statusOf(ticket));
  if (isDone || planner.done.has('solution')) return null;
  return solutionWrite(ticket, orDefault(text), planner);
}

function orDefault(text: string | undefined): string {
  return text === undefined || text.trim() === '' ? DEFAULT_SOLUTION : text;
}

/** Only a solved request can be closed: the solution is given, then accepted. */
async function planClose(
  text: string | undefined,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (CLOSED_FOR_GOOD.includes(statusOf(ticket))) return null;
  const wasSolved = statusOf(ticket) === STATUS.solved;
  if (!wasSolved && !planner.done.has('solution')) return solutionWrite(ticket, orDefault(text), planner);
  const comment = text === undefined || planner.done.has('solution') ? {} : { comment: defuse(text) };
  const sets: Sets = {};
  setStatusTo(sets, STATUS.closed, 'closed', ticket);
  const form = { id: ticket.id, rating: RATING, ...comment };
  const alsoChanges = ['closed_at', 'resolved_at'];
  return stateWrite('status', 'transition', 'PUT incident.solution.accept', form, { sets, alsoChanges });
}

/** The text first, as an internal comment; then the transition. */
async function planReopen(
  text: string | undefined,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (!FINAL_PHASES.includes(ticket.observed.phase ?? 'unknown')) return null;
  if (text !== undefined && text.trim() !== '' && !planner.done.has('comment')) {
    return commentWrite(ticket.id, text, false, planner);
  }
  const sets: Sets = {};
  setStatusTo(
    sets,
    STATUS.open,
    phaseOf({ id: STATUS.open, name: null }, planner.reader.mapping.settings),
    ticket,
  );
  const form = { request_id: ticket.id, author_id: await planner.author() };
  const alsoChanges = ['closed_at', 'resolved_at'];
  return stateWrite('status', 'transition', 'PUT incident.reopen', form, { sets, alsoChanges });
}

/** `set: { status: … }`: the transition that leads there, or a refusal that says what does. */
export async function planStatus(
  name: string,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  const { client, lookups } = planner.reader;
  const wanted = await lookups.attribute('status', name, planner.context);
  if (statusOf(ticket) === wanted || planner.done.has('status')) return null;
  switch (wanted) {
    case STATUS.solved:
      return planResolve(undefined, ticket, planner);
    case STATUS.closed:
      return planClose(undefined, ticket, planner);
    case STATUS.rejected:
      return endWrite('POST incident.reject', STATUS.rejected, 'rejected', ticket, planner);
    case STATUS.cancelled:
      return endWrite('POST incident.cancel', STATUS.cancelled, 'cancelled', ticket, planner);
    case STATUS.waiting:
      return waitWrite('customer', ticket);
    case STATUS.pending:
      return waitWrite('agent', ticket);
    case STATUS.open:
      if (FINAL_PHASES.includes(ticket.observed.phase ?? 'unknown'))
        return planReopen(undefined, ticket, planner);
      throw client.refused(
        `set status "${name}": only a finished request can be reopened; use reassign or wait_for`,
      );
    default:
      throw client.refused(`set status "${name}": no call of InvGate's leads to this status`);
  }
}

async function endWrite(
  call: 'POST incident.reject' | 'POST incident.cancel',
  statusId: string,
  phase: 'rejected' | 'cancelled',
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite> {
  const { client } = planner.reader;
  if (client.lacks(call)) throw client.refused(`set status: this version of InvGate has no ${call}`);
  const sets: Sets = {};
  setStatusTo(sets, statusId, phase, ticket);
  const form = { request_id: ticket.id, author_id: await planner.author() };
  const alsoChanges = ['closed_at', 'resolved_at'];
  return stateWrite('status', 'transition', call, form, { sets, alsoChanges });
}

/** Waiting for the customer, for an agent, or for a date (manual, `incident.waitingfor.*`). */
export function planWait(action: WaitFor, ticket: OpenTicket, planner: Planner): PlannedWrite | null {
  if (planner.done.has('status')) return null;
  const { client } = planner.reader;
  if (FINAL_PHASES.includes(ticket.observed.phase ?? 'unknown')) {
    throw client.refused('wait_for: a finished request waits for nobody; reopen it first');
  }
  return waitWrite(action.who, ticket);
}

/**
 * What a waiting request waits for is not told, so one that waits already counts as waiting for the customer; a date
 * is always set. Waiting for an agent is Pending, on some desks Waiting: not documented, so nothing is promised.
 */
function waitWrite(who: WaitFor['who'], ticket: OpenTicket): PlannedWrite | null {
  const form = { request_id: ticket.id };
  const sets: Sets = {};
  if (who === 'agent') {
    if (statusOf(ticket) === STATUS.pending) return null;
    const alsoChanges = ['status', 'phase'];
    return stateWrite('status', 'transition', 'POST incident.waitingfor.agent', form, { alsoChanges });
  }
  setStatusTo(sets, STATUS.waiting, 'waiting', ticket);
  if (who === 'customer') {
    if (statusOf(ticket) === STATUS.waiting) return null;
    return stateWrite('status', 'transition', 'POST incident.waitingfor.customer', form, { sets });
  }
  const timestamp = String(Math.floor(Date.parse(who.until) / 1000));
  return stateWrite('status', 'state', 'POST incident.waitingfor.date', { ...form, timestamp }, { sets });
}
