import type { ActionParams } from '../../match/rule.ts';
import { ownEvent } from '../../ingest/own-events.ts';
import { storeGroup, type StoreDeps } from '../../ingest/store-event.ts';
import type { Database } from '../../record/database.ts';
import { decided, type Resolution, type StepTask } from '../task.ts';

export interface EmitDeps {
  readonly database: Database;
  readonly store: StoreDeps;
}

/** Stores an event that later rules see. Its key is the step, so that a repeated try stores nothing. */
export async function emit(
  task: StepTask,
  params: ActionParams['emit'],
  deps: EmitDeps,
): Promise<Resolution> {
  const { claimed, event } = task;
  const data = task.renderer.json(params.data) as Readonly<Record<string, unknown>>;
  const draft = ownEvent(
    {
      type: params.type.startsWith('custom.') ? params.type : `custom.${params.type}`,
      key: `emit:${claimed.stepId}`,
      connectionId: claimed.connectionId,
      connection: event.connection,
      vendor: event.vendor,
      ticketId: event.ticket_id,
      ticket: event.ticket,
      body: data,
      depth: claimed.depth + 1,
      causedBy: claimed.stepId,
    },
    deps.store,
  );
  const { stored } = await storeGroup(deps.database, [draft], deps.store);
  return decided('done', null, { result: { event: stored[0]?.eventId ?? draft.id } });
}
