import { toInstant } from '../../clock.ts';
import type { DeskAction, PlannedWrite } from '../vendor.ts';
import { noteWrite } from './plan-append.ts';
import {
  newUpdate,
  setField,
  toId,
  updateWrite,
  writtenTime,
  type OpenTicket,
  type Planner,
} from './write.ts';

/** Actions that move an incident through its life (guide, "Update Incident", points of interest). */

type Move = Extract<DeskAction, { action: 'close' | 'resolve' | 'reopen' }>;

/** Guide: 0 is "Resolved", 1 "Permanently Fixed", 2 "Other Reason". */
const CLOSURE_RESOLVED = 0;

/** @throws VendorError `refused` */
export function planMove(action: Move, ticket: OpenTicket, planner: Planner): PlannedWrite | null {
  if (planner.done.has('status')) return null;
  const { phase = 'unknown' } = ticket.observed;
  switch (action.action) {
    case 'close':
      return phase === 'closed' ? null : closeWrite(action.text ?? '', ticket, planner);
    case 'resolve':
      return phase === 'closed' || phase === 'resolved'
        ? null
        : resolveWrite(action.text ?? '', ticket, planner);
    case 'reopen':
      return phase === 'closed' || phase === 'resolved'
        ? reopenWrite(action.text ?? '', ticket, planner)
        : null;
  }
}

/** "ensure closed_at, closure_code and closure_comment are all present": the text is the closure's comment. */
function closeWrite(text: string, ticket: OpenTicket, planner: Planner): PlannedWrite | null {
  const update = newUpdate();
  update.body['closed_at'] = now(planner);
  update.body['closure_code'] = CLOSURE_RESOLVED;
  update.body['closure_comment'] = text === '' ? 'Closed.' : text;
  update.body['closed_by_user_id'] = toId(planner.authorId);
  setField(update, 'phase', ticket.observed.phase, 'closed');
  for (const field of ['status', 'closed_at', 'resolved_at']) update.alsoChanges.add(field);
  return updateWrite('status', 'transition', ticket.id, update);
}

/** "ensure resolution and resolved_at are both present": first the resolution, a note, then the time. */
function resolveWrite(text: string, ticket: OpenTicket, planner: Planner): PlannedWrite | null {
  if (!planner.done.has('resolution')) {
    return noteWrite(
      'resolution',
      'resolutions',
      ticket.id,
      text === '' ? 'Resolved.' : text,
      planner.authorId,
    );
  }
  const update = newUpdate();
  update.body['resolved_at'] = now(planner);
  update.body['resolved_by_user_id'] = toId(planner.authorId);
  setField(update, 'phase', ticket.observed.phase, 'resolved');
  for (const field of ['status', 'resolved_at']) update.alsoChanges.add(field);
  return updateWrite('status', 'transition', ticket.id, update);
}

/** "ensure closed_at and closure_code are null"; a client sends empty texts, which `send` tries where nulls do nothing. */
function reopenWrite(text: string, ticket: OpenTicket, planner: Planner): PlannedWrite | null {
  if (text !== '' && !planner.done.has('comment')) {
    return noteWrite('comment', 'comments', ticket.id, text, planner.authorId);
  }
  const update = newUpdate();
  update.body['closed_at'] = null;
  update.body['closure_code'] = null;
  if (ticket.observed.phase === 'resolved') update.body['resolved_at'] = null;
  setField(update, 'phase', ticket.observed.phase, 'open');
  for (const field of ['status', 'closed_at', 'resolved_at']) update.alsoChanges.add(field);
  return updateWrite('status', 'transition', ticket.id, update);
}

function now({ reader }: Planner): string {
  return writtenTime(toInstant(reader.io.clock.now()), reader.mapping.settings.write_time_zone);
}
