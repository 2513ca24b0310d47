import type { Tx } from '../record/database.ts';
import { madeBySteps } from '../record/children.ts';
import { readCreatesUnderWay, type OwnWrite } from '../record/tickets.ts';
import type { Comment, ObservedTicket } from '../ticket.ts';
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
  /** The step that created this ticket, which was not known before, or null. */
  ticket(ticket: ObservedTicket): Cause | null;
}

/** Who we are on a connection. */
interface Bot {
  readonly connectionId: number;
  /** Null: the desk does not say. */
  readonly botUserId: string | null;
}

/**
 * A comment is ours by its returned id, or by our account and the sent text; a forged reference is not enough. A poll
 * may see what we made before its answer came with the id: until then the text alone has to do where nobody says which
 * account is ours, and a new ticket is ours by its text or its creator.
 *
 * @param unseen whether one of the reads is of a ticket that was not known before
 */
export async function findOwnChildren(
  tx: Tx,
  context: Bot,
  reads: readonly TicketRead[],
  unseen: boolean,
  writes: readonly OwnWrite[],
): Promise<OwnChildren> {
  const { connectionId, botUserId } = context;
  const comments = reads.flatMap((read) =>
    read.gone || read.comments === null ? [] : read.comments.filter((comment) => mayBeOurs(comment, context)),
  );
  const [posted, created, making] = await Promise.all([
    madeBySteps(
      tx,
      connectionId,
      'comments',
      comments.map((comment) => comment.id),
    ),
    madeBySteps(
      tx,
      connectionId,
      'tickets',
      reads.map((read) => read.id),
    ),
    unseen ? readCreatesUnderWay(tx, connectionId) : [],
  ]);
  const texts = writes.filter((write) => write.field.startsWith('comment'));
  return {
    comment(ticketId, comment) {
      const byId = posted.get(comment.id) ?? null;
      if (byId !== null) return byId;
      const mayBe = (write: OwnWrite): boolean =>
        botUserId === null ? write.answeredSeq === null : isBot(comment, context);
      const isOurs = (write: OwnWrite): boolean =>
        write.ticketId === ticketId && mayBe(write) && isText(write.value, comment.text);
      return texts.find(isOurs) ?? null;
    },
    ticket(ticket) {
      const byId = created.get(ticket.id) ?? null;
      if (byId !== null) return byId;
      const byText = making.find((write) => isText(write.value, ticket.description ?? null));
      const isByUs = botUserId !== null && ticket.creator?.id === botUserId;
      return byText ?? (isByUs ? making[0] : undefined) ?? null;
    },
  };
}

/** The sent text, as the desk gives it back: stored as it was, escaped, or wrapped in markup. */
function isText(sent: unknown, shown: string | null): boolean {
  return typeof sent === 'string' && sameText(sent, shown ?? '');
}

/** Where a desk does not say which user we are, its comments are known by the ids that it returned. */
function mayBeOurs(comment: Comment, context: Bot): boolean {
  return context.botUserId === null || isBot(comment, context);
}

function isBot(comment: Comment, context: Bot): boolean {
  return context.botUserId !== null && comment.author?.id === context.botUserId;
}
