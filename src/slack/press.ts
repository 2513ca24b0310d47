import type { Log } from '../log.ts';
import { parseSpan } from './spans.ts';
import { acknowledgeTicket, endWaitingRuns, hurryPostponed, snoozeTicket } from '../record/attention.ts';
import { databaseNow, type Database, type Tx } from '../record/database.ts';
import { nominate } from '../record/nominations.ts';
import { touchMessages } from '../record/slack-messages.ts';
import { hurryWaits, insertPress, type NewPress } from '../record/slack-presses.ts';
import type { SlackApi } from './api.ts';
import { placeOrder, type OrderDeps } from './orders.ts';
import type { Actor, PeopleOptions } from './people.ts';

/**
 * What a person does to a ticket from Slack: one transaction stores the act with its effect, or with the run that will
 * have it. The same act delivered twice changes nothing; two people who press the same are both answered truthfully.
 */
export interface ActDeps extends OrderDeps {
  readonly database: Database;
  readonly api: SlackApi;
  readonly people: PeopleOptions;
  readonly log: Log;
  readonly wakeActions: () => void;
  /** True while a person stopped every action. */
  readonly paused: () => boolean;
}

export type ActKind =
  'acknowledge' | 'assign' | 'snooze' | 'escalate' | 'close' | 'comment' | 'comment-public';

export interface Act {
  readonly key: string;
  readonly kind: ActKind;
  readonly actor: Actor;
  readonly connectionId: number;
  readonly ticketId: string;
  /** Where it was done, to answer there. */
  readonly channel: string | null;
  readonly ts: string | null;
  /** Of a snooze: how long (`1h`), `off` ends it. */
  readonly span?: string;
  /** Of a comment. */
  readonly text?: string;
  /** Whom to assign, where it is not the person itself. */
  readonly agent?: string;
}

export interface Acted {
  /** False: this very act was stored before. */
  readonly fresh: boolean;
  readonly state: NewPress['state'];
  /** For the person, literal. */
  readonly message: string;
}

type Effect = Pick<NewPress, 'state' | 'detail' | 'runId'>;

/** Stores the act and its effect. @throws what the database throws: then nothing was done */
export async function act(what: Act, deps: ActDeps): Promise<Acted> {
  const { actor, connectionId, ticketId } = what;
  const person = actor.email ?? actor.userId;
  if (!actor.allowed) {
    deps.log.warn(
      { user: actor.userId, action: what.kind, connection: connectionId, ticket: ticketId },
      'refused in Slack',
    );
  }
  const acted = await deps.database
    .transaction(async (tx): Promise<Acted> => {
      const { key, kind: action, channel, ts } = what;
      const base = { key, userId: actor.userId, person, action, connectionId, ticketId, channel, ts };
      const refusal = refusalOf(what);
      const effect = refusal ?? (await effectOf(what, person, tx, deps));
      const fresh = await insertPress(tx, { ...base, ...effect });
      // A repeat rolls its effect back, whatever that was.
      if (!fresh) throw new RepeatedAct(what.key);
      // A refused person's press is on record, but is no news for the ticket's message.
      if (refusal === null) await touchMessages(tx, [{ connectionId, ticketId }]);
      return { fresh: true, state: effect.state, message: messageOf(effect, deps.paused()) };
    })
    .catch((error: unknown) => {
      if (!(error instanceof RepeatedAct)) throw error;
      return { fresh: false, state: 'done', message: 'That was done already.' } as const;
    });
  if (acted.fresh && acted.state === 'pending') deps.wakeActions();
  return acted;
}

function messageOf({ state, detail }: Effect, paused: boolean): string {
  const waits = state === 'pending' && paused ? ' Everything is paused: it is done when actions go on.' : '';
  return `${detail ?? 'Done.'}${waits}`;
}

class RepeatedAct extends Error {
  override readonly name = 'RepeatedAct';
}

function refusalOf({ actor, kind, agent }: Act): Effect | null {
  const refused = (detail: string): Effect => ({ state: 'refused', detail, runId: null });
  if (!actor.allowed) return refused(actor.reason ?? 'You may not do this.');
  if (kind === 'assign' && actor.email === null && agent === undefined) {
    return refused(
      'Slack does not tell your e-mail, so the desk does not know you. An operator can map you under slack.users.',
    );
  }
  return null;
}

async function effectOf(what: Act, person: string, tx: Tx, deps: ActDeps): Promise<Effect> {
  const { connectionId, ticketId } = what;
  const done = (detail: string): Effect => ({ state: 'done', detail, runId: null });
  switch (what.kind) {
    case 'acknowledge': {
      const first = await acknowledgeTicket(tx, connectionId, ticketId, person);
      if (first) await endWaitingRuns(tx, connectionId, ticketId, `acknowledged by ${person}`);
      return done(first ? 'Acknowledged: it is yours.' : 'Somebody acknowledged it before you.');
    }
    case 'snooze':
      return done(await snooze(what, tx));
    case 'escalate': {
      const hurried = await hurryWaits(tx, connectionId, ticketId);
      if (hurried > 0) deps.wakeActions();
      const runId = await order('escalate', what, person, tx, deps);
      const waiting = `${hurried} waiting ${hurried === 1 ? 'escalation goes' : 'escalations go'} on now.`;
      const none = 'No escalation is waiting; rules on custom.escalated were told.';
      return { state: 'pending', detail: hurried > 0 ? waiting : none, runId };
    }
    case 'assign':
      await acknowledgeTicket(tx, connectionId, ticketId, what.agent ?? person);
      return pending(
        `⏳ ${what.agent ?? person} is being assigned`,
        await order('assign', what, person, tx, deps),
      );
    case 'close':
      return pending(`⏳ ${person} closes it`, await order('close', what, person, tx, deps));
    case 'comment':
    case 'comment-public':
      return pending(`⏳ ${person} comments`, await order(what.kind, what, person, tx, deps));
  }
}

function pending(detail: string, runId: string): Effect {
  return { state: 'pending', detail, runId };
}

async function order(
  kind: 'assign' | 'close' | 'comment' | 'comment-public' | 'escalate',
  what: Act,
  person: string,
  tx: Tx,
  deps: ActDeps,
): Promise<string> {
  const { connectionId, ticketId, text } = what;
  return placeOrder(
    tx,
    { kind, connectionId, ticketId, person: what.agent ?? person, ...(text === undefined ? {} : { text }) },
    deps,
  );
}

async function snooze({ connectionId, ticketId, span }: Act, tx: Tx): Promise<string> {
  if (span === 'off') {
    await snoozeTicket(tx, connectionId, ticketId, null);
    await hurryPostponed(tx, connectionId, ticketId);
    return 'The snooze is over.';
  }
  const ms = parseSpan(span ?? '') ?? 3_600_000;
  await snoozeTicket(tx, connectionId, ticketId, (await databaseNow(tx)) + ms);
  return `Snoozed for ${span ?? '1h'}: Slack is quiet about it, the desk goes on.`;
}

/** The desk was written to: look at the ticket again soon, so that its message follows. */
export async function lookAgain(tx: Tx, connectionId: number, ticketId: string): Promise<void> {
  await nominate(tx, [{ connectionId, ticketId, via: 'action' }], 0);
}
