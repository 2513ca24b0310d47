import type { StepTask } from '../act/task.ts';
import type { Database, Tx } from '../record/database.ts';
import {
  insertMessage,
  touchMessages,
  type MessageKey,
  type MessageKind,
  type NewRoot,
} from '../record/slack-messages.ts';
import { markCarried, readCarried, wakeStepsIn } from '../record/slack-turns.ts';
import { ticketRef } from './card.ts';
import type { Plan } from './compose.ts';
import { likenessOf } from './likeness.ts';
import { ownPost, ticketPosts, type TicketPost } from './posts.ts';
import { readStates } from './read-states.ts';

/** What follows when a message stands, whoever found out that it does. */

/** The message stands: remember it with its tickets, and wake whoever it speaks for. Repeating it changes nothing. */
export async function finishPost(
  task: StepTask,
  at: MessageKey,
  plan: Plan,
  database: Database,
): Promise<void> {
  const { stepId, connectionId, ticketId } = task.claimed;
  const { kind, thread, buttons, lines, hash } = plan;
  await database.transaction(async (tx) => {
    const others = await readCarried(tx, stepId);
    if (kind === 'card' || kind === 'digest' || kind === 'layout') {
      const carried = kind === 'digest' ? others : [];
      const posts = ticketPosts([ownPost(task, plan.lead), ...carried]);
      const roots = await rootsOf(tx, posts, kind);
      await insertMessage(tx, { ...at, stepId, kind, thread, buttons, lines, drawnHash: hash, roots });
    }
    // What is known of a ticket only by its events has changed with this one.
    if (kind === 'reply' && ticketId !== null) await touchMessages(tx, [{ connectionId, ticketId }]);
    await wakeStepsIn(tx, await markCarried(tx, stepId, at.ts));
  });
}

async function rootsOf(tx: Tx, posts: readonly TicketPost[], kind: MessageKind): Promise<readonly NewRoot[]> {
  const firsts = new Map<string, TicketPost>();
  for (const post of posts) {
    const ref = ticketRef(post.connectionId, post.ticketId);
    if (!firsts.has(ref)) firsts.set(ref, post);
  }
  const wanted = [...firsts.values()];
  const states = await readStates(tx, wanted, null);
  return wanted.map((post, index) => {
    const state = states[index] ?? null;
    // A layout of the rule's own has no place for the count of what stands under it.
    return { ...post, likeness: state === null || kind === 'layout' ? null : likenessOf(state.ticket) };
  });
}
