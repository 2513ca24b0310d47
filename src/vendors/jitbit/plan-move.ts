import type { DeskAction, PlannedWrite } from '../vendor.ts';
import { STATUS_CLOSED, STATUS_IN_PROCESS } from './map.ts';
import { commentWrite } from './plan-append.ts';
import { isFinal, setStatus } from './update.ts';
import { newUpdate, updateWrite, type OpenTicket, type Planner } from './write.ts';

/** Actions that move a ticket through its life. */

type Move = Extract<DeskAction, { action: 'close' | 'resolve' | 'reopen' }>;
type WaitFor = Extract<DeskAction, { action: 'wait_for' }>;

/** Close, resolve and reopen: the text first, as an internal comment, then the move. */
export async function planMove(
  action: Move,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (planner.done.has('status')) return null;
  const phase = ticket.observed.phase ?? 'unknown';
  const target = action.action === 'resolve' ? await resolvedStatus(planner) : STATUS_CLOSED;
  const reopens = action.action === 'reopen';
  if (reopens ? !isFinal(phase) : isFinal(phase)) return null;
  if (action.text !== undefined && action.text !== '' && !planner.done.has('comment')) {
    return commentWrite(ticket.id, action.text, false);
  }
  const update = newUpdate();
  setStatus(update, reopens ? STATUS_IN_PROCESS : target, ticket, planner);
  if (reopens || target !== STATUS_CLOSED) return updateWrite('status', 'transition', ticket.id, update);
  return updateWrite('status', 'transition', ticket.id, { ...update, form: {} }, 'Close');
}

/** Jitbit knows no "resolved": a status that the configuration maps to it, else Closed. */
async function resolvedStatus(planner: Planner): Promise<string> {
  const status = await planner.reader.lookups.statuses.withPhase('resolved', planner.context);
  return status?.id ?? STATUS_CLOSED;
}

/** The first status that `phases` maps to `waiting`; waiting for an agent is Jitbit's "In process". */
export async function planWait(
  action: WaitFor,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  const { client, lookups } = planner.reader;
  if (planner.done.has('status')) return null;
  if (action.who !== 'customer' && action.who !== 'agent') {
    throw client.refused('wait_for until: Jitbit has no waiting with a time');
  }
  const waiting =
    action.who === 'customer' ? await lookups.statuses.withPhase('waiting', planner.context) : null;
  if (action.who === 'customer' && waiting === null) {
    throw client.refused(
      'wait_for: no status is mapped to waiting; give one under phases, e.g. { On hold: waiting }',
    );
  }
  const wantedPhase = action.who === 'customer' ? 'waiting' : 'open';
  if (ticket.observed.phase === wantedPhase) return null;
  const update = newUpdate();
  setStatus(update, waiting?.id ?? STATUS_IN_PROCESS, ticket, planner);
  return updateWrite('status', 'transition', ticket.id, update);
}
