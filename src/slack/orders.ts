import type { Connection } from '../connections.ts';
import { ownEvent } from '../ingest/own-events.ts';
import { planRun } from '../ingest/plan.ts';
import type { StoreDeps } from '../ingest/store-event.ts';
import type { Tx } from '../record/database.ts';
import { insertEvents } from '../record/events.ts';
import { insertRuns } from '../record/runs.ts';
import { readTicketView } from '../record/slack-messages.ts';
import { ownRuleVersion } from '../record/slack-presses.ts';
import { ownRule, type OrderKind } from './own-rules.ts';
import { cardStateOf } from './state.ts';

/** What is to be done at the desk because a person said so in Slack. */
export interface Order {
  readonly kind: OrderKind;
  readonly connectionId: number;
  readonly ticketId: string;
  /** E-mail, else the Slack id, of who said so. */
  readonly person: string;
  readonly text?: string;
}

export interface OrderDeps {
  readonly store: StoreDeps;
  readonly connections: ReadonlyMap<number, Connection>;
}

/** Stores an order as an event with one run, in the caller's transaction. @returns the run's id */
export async function placeOrder(tx: Tx, order: Order, deps: OrderDeps): Promise<string> {
  const { connectionId, ticketId } = order;
  const rule = ownRule(order.kind);
  const [versionId, view] = [
    await ownRuleVersion(tx, rule),
    await readTicketView(tx, connectionId, ticketId),
  ];
  const connection = deps.connections.get(connectionId);
  const eventKey = deps.store.newId();
  const draft = ownEvent(
    {
      type: 'slack.ordered',
      key: `slack:${eventKey}`,
      connectionId,
      connection: connection?.name ?? '',
      vendor: connection?.vendor.id ?? '',
      ticketId,
      ticket: view === null ? null : cardStateOf(view, deps.store).ticket,
      body: { agent: order.person, text: order.text ?? null },
    },
    deps.store,
  );
  const origin = {
    eventId: draft.id,
    eventAt: draft.event.observed_at,
    connectionId,
    ticketId,
    depth: 0,
    replayNo: 0,
  };
  const decision = { state: 'active', reason: null, mute: false, pause: false } as const;
  const { run, steps } = planRun(origin, rule, versionId, decision, deps.store.newId);
  await insertEvents(tx, null, [draft]);
  await insertRuns(tx, [run], steps);
  return run.id;
}
