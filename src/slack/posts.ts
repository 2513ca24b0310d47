import type { StepTask } from '../act/task.ts';
import type { WaitingPost } from '../record/slack-turns.ts';

/** Posts of several steps that one message speaks for. */

/** The step's own post among those that it takes along. */
export function ownPost(task: StepTask, line: string): WaitingPost {
  const { stepId, connectionId, ticketId } = task.claimed;
  return { stepId, connectionId, ticketId, line, carriedBy: stepId, ts: null };
}

/** A post that is about a ticket. */
export interface TicketPost {
  readonly connectionId: number;
  readonly ticketId: string;
  readonly lead: string;
}

/** Those that are about a ticket, with their text as its lead. */
export function ticketPosts(posts: readonly WaitingPost[]): readonly TicketPost[] {
  return posts.flatMap(({ connectionId, ticketId, line }) =>
    ticketId === null ? [] : [{ connectionId, ticketId, lead: line }],
  );
}
