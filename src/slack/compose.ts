import type { StepTask } from '../act/task.ts';
import type { ActionParams } from '../match/rule.ts';
import type { Database } from '../record/database.ts';
import {
  findRoot,
  insertMessage,
  readTicketView,
  readTicketViews,
  type MessageKey,
  type MessageKind,
} from '../record/slack-messages.ts';
import { markCarried, readCarried, wakeStepsIn, type WaitingPost } from '../record/slack-turns.ts';
import type { SlackApi, SlackMessage, SlackTarget } from './api.ts';
import { refused } from './api.ts';
import { drawCard, drawDigest, hashDrawn, headline, type CardState } from './card.ts';
import { drawOwnBlocks } from './own-blocks.ts';
import { drawOperations, isOperations } from './operations-blocks.ts';
import { cardStateOf, cardStateOfEvent } from './state.ts';
import { cutMrkdwn, MAX_SECTION } from './text.ts';
import type { Turned } from './turns.ts';

/**
 * What a `slack.post` becomes: the ticket's one message, news in its thread, a digest for all that wait, or a plain
 * message where there is no ticket.
 */

export interface Place {
  readonly channel: string;
  /** The ticket's message there. */
  readonly root: MessageKey | null;
}

/** Kept with the intent, so that whoever finds the message after a crash finishes the same way. */
export type Plan = {
  readonly kind: MessageKind | 'reply' | 'plain';
  readonly thread: string | null;
  readonly buttons: readonly string[];
  readonly lines: readonly string[];
  readonly hash: string | null;
  readonly lead: string;
};

export interface Composed {
  readonly message: Pick<SlackMessage, 'text' | 'blocks' | 'thread'>;
  readonly plan: Plan;
}

interface ComposeDeps {
  readonly database: Database;
}

/** Where a post goes; null: into the thread of a ticket that has no message. @throws ActionError */
export async function placeOf(
  task: StepTask,
  params: ActionParams['slack.post'],
  deps: ComposeDeps & { readonly slack: SlackApi },
): Promise<Place | null> {
  const { connectionId, ticketId } = task.claimed;
  const { db } = deps.database;
  if (params.thread === 'ticket') {
    const root = ticketId === null ? null : await findRoot(db, connectionId, ticketId, null);
    return root === null ? null : { channel: root.channel, root };
  }
  const channel = await deps.slack.resolve(targetOf(task, params), task.signal);
  const root = ticketId === null ? null : await findRoot(db, connectionId, ticketId, channel);
  return { channel, root };
}

/** A name taken from a ticket reaches only channels that Deskhand was invited to. */
export function targetOf(task: StepTask, params: { channel?: string; user?: string }): SlackTarget {
  if (params.user !== undefined) return { user: task.renderer.text(params.user, 'none').trim() };
  if (params.channel === undefined) throw refused('slack.post needs a channel or a user');
  if (!params.channel.includes('{')) return { channel: params.channel };
  const channel = task.renderer.text(params.channel, 'none').trim();
  if (!/^#?[\p{L}\p{N}._-]{1,80}$/u.test(channel)) throw refused('the rule’s text gave no channel name');
  return { channel, joined: true };
}

/** Draws the message for this turn. */
export async function compose(
  task: StepTask,
  params: ActionParams['slack.post'],
  what: { readonly text: string; readonly place: Place; readonly turn: Turned },
  deps: ComposeDeps,
): Promise<Composed> {
  const { text, place, turn } = what;
  const base = { buttons: params.buttons, lines: [], hash: null, lead: text } as const;
  if (isOperations(task.rule.id)) {
    const drawn = drawOperations(task.event);
    return { message: drawn, plan: { ...base, kind: 'plain', thread: null } };
  }
  if (turn.others.length > 0) return composeDigest(task, what, deps);
  if (place.root !== null) {
    const thread = place.root.ts;
    return {
      message: { text: cutMrkdwn(text, MAX_SECTION), thread },
      plan: { ...base, kind: 'reply', thread },
    };
  }
  const state = await stateOf(task, text, deps);
  if (params.blocks !== undefined) {
    const drawn = drawOwnBlocks(task.renderer, params.blocks, text, state, params.buttons);
    return { message: drawn, plan: { ...base, kind: 'fixed', thread: null } };
  }
  if (state === null) {
    return {
      message: { text: cutMrkdwn(text, MAX_SECTION) },
      plan: { ...base, kind: 'plain', thread: null },
    };
  }
  const drawn = drawCard(state, params.buttons);
  return { message: drawn, plan: { ...base, kind: 'card', thread: null, hash: hashDrawn(drawn) } };
}

async function stateOf(task: StepTask, lead: string, deps: ComposeDeps): Promise<CardState | null> {
  const { connectionId, ticketId } = task.claimed;
  if (ticketId === null) return null;
  const view = await readTicketView(deps.database.db, connectionId, ticketId);
  if (view?.seen === true) return cardStateOf(view, lead);
  const { ticket, connection } = task.event;
  return ticket === null ? null : cardStateOfEvent({ connectionId, connection, ticket }, lead);
}

/** All that waits in one message: first news of a ticket as its row, the rest as lines. */
async function composeDigest(
  task: StepTask,
  what: { readonly text: string; readonly place: Place; readonly turn: Turned },
  deps: ComposeDeps,
): Promise<Composed> {
  const posts = [ownPost(task, what.text), ...what.turn.others];
  const { rows, lines } = await arrange(posts, what.place.channel, deps.database);
  const drawn = drawDigest(rows, lines);
  const plan = {
    kind: 'digest',
    thread: null,
    buttons: [],
    lines,
    hash: hashDrawn(drawn),
    lead: what.text,
  } as const;
  return { message: drawn, plan };
}

function ownPost(task: StepTask, line: string): WaitingPost {
  const { stepId, connectionId, ticketId } = task.claimed;
  return { stepId, connectionId, ticketId, line, carriedBy: stepId, ts: null };
}

async function arrange(
  posts: readonly WaitingPost[],
  channel: string,
  database: Database,
): Promise<{ rows: CardState[]; lines: string[] }> {
  const tickets = posts.flatMap(({ connectionId, ticketId }) =>
    ticketId === null ? [] : [{ connectionId, ticketId }],
  );
  const views = await readTicketViews(database.db, tickets);
  const byTicket = new Map(views.map((view) => [`${view.connectionId}:${view.ticketId}`, view]));
  const rows: CardState[] = [];
  const lines: string[] = [];
  const shown = new Set<string>();
  for (const { connectionId, ticketId, line } of posts) {
    const key = `${connectionId}:${ticketId ?? ''}`;
    const view = byTicket.get(key);
    const root = ticketId === null ? null : await findRoot(database.db, connectionId, ticketId, channel);
    if (view?.seen === true && root === null && !shown.has(key)) rows.push(cardStateOf(view, line));
    else lines.push(view?.seen === true ? `${headline(cardStateOf(view), 60)} ${line}` : line);
    shown.add(key);
  }
  return { rows, lines };
}

/** The message stands: remember it with its tickets, and wake whoever it speaks for. Repeating it changes nothing. */
export async function finishPost(
  task: StepTask,
  at: MessageKey,
  plan: Plan,
  database: Database,
): Promise<void> {
  const { stepId, connectionId, ticketId } = task.claimed;
  await database.transaction(async (tx) => {
    const others = await readCarried(tx, stepId);
    if (plan.kind === 'card' || plan.kind === 'digest' || plan.kind === 'fixed') {
      const posts = [{ connectionId, ticketId, line: plan.lead }, ...(plan.kind === 'digest' ? others : [])];
      const seen = new Set<string>();
      const roots = posts.flatMap((post) => {
        const key = `${post.connectionId}:${post.ticketId ?? ''}`;
        if (post.ticketId === null || seen.has(key)) return [];
        seen.add(key);
        return [{ connectionId: post.connectionId, ticketId: post.ticketId, lead: post.line }];
      });
      const { kind, buttons, lines, hash } = plan;
      await insertMessage(tx, { ...at, stepId, kind, buttons, lines, drawnHash: hash, roots });
    }
    await wakeStepsIn(tx, await markCarried(tx, stepId, at.ts));
  });
}
