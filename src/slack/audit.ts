import type { Database } from '../record/database.ts';
import { insertPress } from '../record/slack-presses.ts';
import type { Press } from './bodies.ts';

/** Remembers an act that concerns no ticket: who did what, when, and whether it counted. */
export async function insertAudit(
  database: Database,
  press: Pick<Press, 'userId' | 'actionTs' | 'actionId' | 'channel' | 'ts'>,
  person: string,
  action: string,
  counted: boolean,
): Promise<void> {
  await database.transaction((tx) =>
    insertPress(tx, {
      key: `press:${press.userId}:${press.actionTs}:${press.actionId}`,
      userId: press.userId,
      person,
      action: action.slice(0, 200),
      connectionId: null,
      ticketId: null,
      channel: press.channel,
      ts: press.ts,
      runId: null,
      state: counted ? 'done' : 'refused',
      detail: null,
    }),
  );
}
