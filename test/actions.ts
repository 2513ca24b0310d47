import type { Adapter, DeskAction, PlannedWrite } from '../src/vendors/vendor.ts';
import { contractContext } from './vendor-contract.ts';

/** Actions on a simulated desk as the executor performs them, for the vendors' own tests. */

const WITHOUT_TICKET: readonly string[] = ['create_ticket', 'breaking_news'];

/** The next write of an action, after JSON: it is stored, and may be sent by another process. */
export async function planOn(
  adapter: Adapter,
  ticketId: string,
  action: DeskAction,
  done: readonly string[] = [],
): Promise<PlannedWrite | null> {
  const needsNone = WITHOUT_TICKET.includes(action.action);
  const ticket = needsNone ? null : await adapter.readTicket(ticketId, new Set(), contractContext());
  if (ticket?.gone === true) throw new Error(`ticket ${ticketId} is gone`);
  const write = await adapter.nextWrite(action, ticket, new Set(done), contractContext());
  return JSON.parse(JSON.stringify(write)) as PlannedWrite | null;
}

/** Plans and sends until nothing is left. @returns what was sent */
export async function performOn(
  adapter: Adapter,
  ticketId: string,
  action: DeskAction,
): Promise<readonly PlannedWrite[]> {
  const writes: PlannedWrite[] = [];
  for (;;) {
    const done = writes.map((one) => one.part);
    const write = await planOn(adapter, ticketId, action, done);
    if (write === null) return writes;
    await adapter.send(write, contractContext());
    writes.push(write);
  }
}
