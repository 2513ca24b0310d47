import type { Database } from '../../record/database.ts';
import { acknowledgeTicket, endWaitingRuns } from '../../record/attention.ts';
import { decided, type Resolution, type StepTask } from '../task.ts';

/** Marks the ticket as taken, so that escalations of it end. */
export async function acknowledge(
  task: StepTask,
  deps: { readonly database: Database },
): Promise<Resolution> {
  const { claimed, event } = task;
  if (event.ticket_id === null) return decided('skipped', 'the event has no ticket');
  const ticketId = event.ticket_id;
  const by = `rule ${task.rule.id}`;
  const changed = await deps.database.transaction(async (tx) => {
    if (!(await acknowledgeTicket(tx, claimed.connectionId, ticketId, by))) return false;
    await endWaitingRuns(tx, claimed.connectionId, ticketId, `acknowledged by ${by}`);
    return true;
  });
  return changed ? decided('done', null) : decided('skipped', 'already so');
}
