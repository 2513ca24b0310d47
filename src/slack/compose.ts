import type { StepTask } from '../act/task.ts';
import type { SlaSource } from '../ingest/timers.ts';
import type { ActionParams } from '../match/rule.ts';
import type { Database } from '../record/database.ts';
import { findAlike, findRoot, type MessageKind, type RootMessage } from '../record/slack-messages.ts';
import type { WaitingPost } from '../record/slack-turns.ts';
import type { SlackApi, SlackMessage, SlackTarget } from './api.ts';
import { refused } from './api.ts';
import { drawCard, drawDigest, hashDrawn, headline, ticketRef, type CardState } from './card.ts';
import { likenessOf } from './likeness.ts';
import { drawOwnBlocks } from './own-blocks.ts';
import { drawOperations, isOperations } from './operations-blocks.ts';
import { ownPost, ticketPosts } from './posts.ts';
import { readStates } from './read-states.ts';
import { cutMrkdwn, MAX_SECTION } from './text.ts';
import type { Turned } from './turns.ts';

/**
 * What a `slack.post` becomes: the ticket's one message, in the channel or under that of a ticket like it, news in its
 * thread, a digest for all that wait, or a plain message where there is no ticket.
 */

export interface Place {
  readonly channel: string;
  /** The ticket's message there. */
  readonly root: RootMessage | null;
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

export interface ComposeDeps {
  readonly database: Database;
  /** For deadlines of our own. */
  readonly store: SlaSource;
  /** How long after a ticket's message others that resemble it go under it; default 0: never. */
  readonly similarWithinMs?: number;
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
  const [state] = await statesOf(task, text, deps);
  if (place.root !== null) {
    const { thread, shared } = place.root;
    const told = shared && state != null ? `${headline(state, SHORT_TITLE)} ${text}` : text;
    return {
      message: { text: cutMrkdwn(told, MAX_SECTION), thread },
      plan: { ...base, kind: 'reply', thread },
    };
  }
  if (params.blocks !== undefined) {
    const drawn = drawOwnBlocks(task.renderer, params.blocks, text, state ?? null, params.buttons);
    return { message: drawn, plan: { ...base, kind: 'layout', thread: null, hash: hashDrawn(drawn) } };
  }
  if (state == null) {
    return {
      message: { text: cutMrkdwn(text, MAX_SECTION) },
      plan: { ...base, kind: 'plain', thread: null },
    };
  }
  const drawn = drawCard(state, params.buttons);
  const thread = await threadFor([state], place.channel, deps);
  return { message: { ...drawn, thread }, plan: { ...base, kind: 'card', thread, hash: hashDrawn(drawn) } };
}

/** Of a title in front of news. */
const SHORT_TITLE = 60;

async function statesOf(
  { claimed: { connectionId, ticketId } }: StepTask,
  lead: string,
  deps: ComposeDeps,
): Promise<readonly (CardState | null)[]> {
  return ticketId === null
    ? []
    : readStates(deps.database.db, [{ connectionId, ticketId, lead }], deps.store);
}

/** The message under which all of these go, because they resemble its ticket; null: into the channel. */
async function threadFor(
  states: readonly CardState[],
  channel: string,
  { database, similarWithinMs = 0 }: ComposeDeps,
): Promise<string | null> {
  let thread: string | null = null;
  for (const { connectionId, ticket } of similarWithinMs > 0 ? states : []) {
    const likeness = likenessOf(ticket);
    if (likeness === null) return null;
    const found = await findAlike(database.db, { channel, connectionId, likeness }, similarWithinMs);
    if (found === null || (thread !== null && thread !== found)) return null;
    thread = found;
  }
  return thread;
}

/** All that waits in one message: first news of a ticket as its row, the rest as lines. */
async function composeDigest(
  task: StepTask,
  what: { readonly text: string; readonly place: Place; readonly turn: Turned },
  deps: ComposeDeps,
): Promise<Composed> {
  const { channel } = what.place;
  const { rows, lines } = await arrange([ownPost(task, what.text), ...what.turn.others], channel, deps);
  const drawn = drawDigest(rows, lines);
  const thread = lines.length > 0 ? null : await threadFor(rows, channel, deps);
  const plan = {
    kind: 'digest',
    thread,
    buttons: [],
    lines,
    hash: hashDrawn(drawn),
    lead: what.text,
  } as const;
  return { message: { ...drawn, thread }, plan };
}

async function arrange(
  posts: readonly WaitingPost[],
  channel: string,
  { database: { db }, store }: ComposeDeps,
): Promise<{ rows: CardState[]; lines: string[] }> {
  const known = (await readStates(db, ticketPosts(posts), store)).filter((state) => state !== null);
  const byTicket = new Map(known.map((state) => [ticketRef(state.connectionId, state.ticket.id), state]));
  const rows: CardState[] = [];
  const lines: string[] = [];
  const shown = new Set<string>();
  for (const { connectionId, ticketId, line } of posts) {
    const ref = ticketId === null ? null : ticketRef(connectionId, ticketId);
    const state = ref === null ? undefined : byTicket.get(ref);
    if (ref === null || state === undefined) {
      lines.push(line);
      continue;
    }
    const first = !shown.has(ref) && (await findRoot(db, connectionId, ticketId ?? '', channel)) === null;
    if (first) rows.push({ ...state, lead: line });
    else lines.push(`${headline(state, SHORT_TITLE)} ${line}`);
    shown.add(ref);
  }
  return { rows, lines };
}
