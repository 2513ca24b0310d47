import { planRun } from '../ingest/plan.ts';
import type { IdSource } from '../record/ids.ts';
import { sqlState, type Database } from '../record/database.ts';
import { insertRuns } from '../record/runs.ts';
import { untoldOperations, type OperationsEvent } from '../record/slack-operations.ts';
import { ownRuleVersion } from '../record/slack-presses.ts';
import { OPERATIONS_RULE } from './operations-blocks.ts';
import { operationsRule } from './own-rules.ts';

/**
 * Tells the operations channel what Deskhand says of itself. Each event becomes one run of a rule of our own, whose key
 * keeps several instances from telling it twice; from there it is posted like everything else.
 */
export interface OperationsDeps {
  readonly database: Database;
  readonly channel: string;
  readonly newId: IdSource;
  readonly wakeActions: () => void;
}

const AT_ONCE = 20;
/** Another instance planned this run at the same moment. */
const UNIQUE_VIOLATION = '23505';

export async function tellOperationsOnce(deps: OperationsDeps): Promise<boolean> {
  const events = await untoldOperations(deps.database.db, OPERATIONS_RULE, AT_ONCE);
  if (events.length === 0) return false;
  for (const event of events) {
    await plan(event, deps).catch((error: unknown) => {
      if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
    });
  }
  deps.wakeActions();
  return events.length === AT_ONCE;
}

async function plan({ id, at, connectionId }: OperationsEvent, deps: OperationsDeps): Promise<void> {
  const rule = operationsRule(deps.channel);
  const origin = {
    eventId: id,
    eventAt: at.toISOString(),
    connectionId,
    // No ticket: operations have no card, and no lane of a ticket waits for them.
    ticketId: null,
    depth: 0,
    replayNo: 0,
  };
  const decision = { state: 'active', reason: null, mute: false, pause: false } as const;
  await deps.database.transaction(async (tx) => {
    const versionId = await ownRuleVersion(tx, rule);
    const { run, steps } = planRun(origin, rule, versionId, decision, deps.newId);
    await insertRuns(tx, [run], steps);
  });
}
