import { FINAL_PHASES } from '../../ticket.ts';
import { foldName } from '../names.ts';
import type { DeskAction, PlannedWrite } from '../vendor.ts';
import type { FoundName } from './lookups.ts';
import { phaseByName } from './map.ts';
import { commentWrite } from './plan-append.ts';
import { setExtendedStatus } from './update.ts';
import { newUpdate, setField, updateWrite, type OpenTicket, type Planner } from './write.ts';

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
  const isFinal = FINAL_PHASES.includes(ticket.observed.phase ?? 'unknown');
  if (action.action === 'reopen' ? !isFinal : isFinal) return null;
  if (action.text !== undefined && action.text !== '' && !planner.done.has('comment')) {
    return commentWrite(ticket.id, action.text, false);
  }
  // BOSSDesk knows no "resolved": an extended status that the configuration maps to it, else it closes.
  const resolved = action.action === 'resolve' ? await statusOfPhase('resolved', planner) : null;
  if (resolved !== null) return extendedWrite(resolved, 'resolved', ticket, planner);
  const onlyResolved = action.action === 'reopen' && ticket.observed.status?.id !== 'closed';
  if (onlyResolved) return extendedWrite(null, null, ticket, planner);
  return moveWrite(action.action === 'reopen' ? 'reopen' : 'close', ticket);
}

/** Manual, "Closing a ticket", "Reopening a ticket": the body is `{}`; 422 says why not. Null: it is so already. */
export function moveWrite(move: 'close' | 'reopen', ticket: OpenTicket): PlannedWrite | null {
  const { observed } = ticket;
  const closed = observed.status?.id === 'closed';
  if (closed === (move === 'close')) return null;
  const update = newUpdate();
  // The phase after reopening follows from agent and extended status.
  if (move === 'close') setField(update, 'phase', observed.phase, 'closed');
  return {
    part: 'status',
    kind: 'transition',
    sets: update.sets,
    alsoChanges: ['status', 'resolved_at', 'closed_at', ...(move === 'close' ? [] : ['phase'])],
    append: null,
    request: { method: 'PATCH', path: `tickets/${ticket.id}/${move}`, body: {} },
  };
}

function extendedWrite(
  status: FoundName | null,
  phase: 'resolved' | 'waiting' | null,
  ticket: OpenTicket,
  planner: Planner,
): PlannedWrite | null {
  const update = newUpdate();
  setExtendedStatus(update, status, phase, ticket, planner);
  return updateWrite('status', 'transition', ticket, update, planner);
}

/** The first extended status that `phases` maps to `waiting`; waiting for an agent is none at all. */
export async function planWait(
  action: WaitFor,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  const { client } = planner.reader;
  if (planner.done.has('status')) return null;
  if (action.who !== 'customer' && action.who !== 'agent') {
    throw client.refused('wait_for until: BOSSDesk has no waiting with a time');
  }
  const waits = ticket.observed.phase === 'waiting';
  if (waits === (action.who === 'customer')) return null;
  if (action.who === 'agent') return extendedWrite(null, null, ticket, planner);
  const status = await statusOfPhase('waiting', planner);
  if (status !== null) return extendedWrite(status, 'waiting', ticket, planner);
  throw client.refused(
    'wait_for: no extended status is mapped to waiting; give one under phases, e.g. { Waiting on Customer: waiting }',
  );
}

/** The extended status that the configuration names first for a phase. */
async function statusOfPhase(phase: 'resolved' | 'waiting', planner: Planner): Promise<FoundName | null> {
  const { lookups, mapping } = planner.reader;
  const names = Object.entries(mapping.settings.phases ?? {}).filter(([, to]) => to === phase);
  if (names.length === 0) return null;
  const all = await lookups.all('extended status', planner.context);
  const first = names[0]?.[0] ?? '';
  const exact = all.find((status) => foldName(status.name ?? '') === foldName(first));
  return exact ?? all.find((status) => phaseByName(status, mapping.settings) === phase) ?? null;
}
