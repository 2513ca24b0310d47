import type { Tx } from '../record/database.ts';
import { madeBySteps } from '../record/children.ts';
import type { OwnWrite } from '../record/tickets.ts';
import type { Comment } from '../ticket.ts';
import { sameText } from '../vendors/http/text.ts';
import type { TicketRead } from '../vendors/vendor.ts';

/** Which comments and tickets that a desk shows were made by steps of ours. */

/** The step of ours that made something, and how deep in a chain it stood. */
export interface Cause {
  readonly stepId: string;
  readonly depth: number;
}

export interface OwnChildren {
  /** The step that posted this comment, or null. */
  comment(ticketId: string, comment: Comment): Cause | null;
  /** The step that created this ticket, or null. */
  ticket(ticketId: string): Cause | null;
}

/** Who we are on a connection. */
interface Bot {
  readonly connectionId: number;
  /** Null: the desk does not say. */
  readonly botUserId: string | null;
}

/** A comment is ours by its returned id, or by our account and the sent text; a forged reference is not enough. */
export async function findOwnChildren(
  tx: Tx,
  context: Bot,
  reads: readonly TicketRead[],
  writes: readonly OwnWrite[],
): Promise<OwnChildren> {
  const comments = reads.flatMap((read) =>
    read.gone || read.comments === null ? [] : read.comments.filter((comment) => mayBeOurs(comment, context)),
  );
  const [posted, created] = await Promise.all([
    madeBySteps(
      tx,
      context.connectionId,
      'comments',
      comments.map((comment) => comment.id),
    ),
    madeBySteps(
      tx,
      context.connectionId,
      'tickets',
      reads.map((read) => read.id),
    ),
  ]);
  const texts = writes.filter((write) => write.field.startsWith('comment'));
  return {
    comment(ticketId, comment) {
      const byId = posted.get(comment.id) ?? null;
      if (byId !== null || !isBot(comment, context)) return byId;
      return texts.find((write) => write.ticketId === ticketId && isText(write.value, comment)) ?? null;
    },
    ticket: (ticketId) => created.get(ticketId) ?? null,
  };
}

/** The sent text, as the desk gives it back: stored as it was, escaped, or wrapped in markup. */
function isText(sent: unknown, comment: Comment): boolean {
  return typeof sent === 'string' && sameText(sent, comment.text ?? '');
}

/** Where a desk does not say which user we are, its comments are known by the ids that it returned. */
function mayBeOurs(comment: Comment, context: Bot): boolean {
  return context.botUserId === null || isBot(comment, context);
}

function isBot(comment: Comment, context: Bot): boolean {
  return context.botUserId !== null && comment.author?.id === context.botUserId;
}
