import type { Database } from '../../record/database.ts';
import { acknowledgeTicket } from '../../record/attention.ts';
import { decided, type Resolution, type StepTask } from '../task.ts';

/** Marks the ticket as taken, so that escalations of it end. */
export async function acknowledge(
  task: StepTask,
  deps: { readonly database: Database },
): Promise<Resolution> {
  const { claimed, event } = task;
  if (event.ticket_id === null) return decided('skipped', 'the event has no ticket');
  const changed = await acknowledgeTicket(
    deps.database.db,
    claimed.connectionId,
    event.ticket_id,
    `rule ${task.rule.id}`,
  );
  return changed ? decided('done', null) : decided('skipped', 'already so');
}
