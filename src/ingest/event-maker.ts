import { toInstant } from '../clock.ts';
import type { Change, DeskEvent, Via } from '../event.ts';
import type { StoredTicket } from '../record/tickets.ts';
import { presentTicket, type Comment, type ObservedTicket, type Person } from '../ticket.ts';
import { aspectsOf, DIFFED_FIELDS } from './diff.ts';
import type { EventDraft } from './event-draft.ts';
import type { Cause } from './own-children.ts';
import type { StoreDeps } from './store-event.ts';
import { ownSla } from './timers.ts';

/** Makes the events of one ticket, each with its key, from the state that was just read. */

/** Where what was read came from. */
export interface EventOrigin {
  readonly connectionId: number;
  readonly connection: string;
  readonly vendor: string;
  readonly feed: string | null;
  readonly via: Via;
  readonly lateAfterMs: number;
}

export interface EventMaker {
  created(revision: number, own: Cause | null): EventDraft;
  updated(revision: number, changes: Readonly<Record<string, Change>>, cause: Cause | null): EventDraft;
  firstUpdate(revision: number): EventDraft;
  comment(comment: Comment, revision: number, own: Cause | null): EventDraft;
  gone(revision: number): EventDraft;
  /** No event: the ticket as it stands. */
  seen(revision: number): EventDraft;
}

export function eventMaker(
  snapshot: ObservedTicket,
  row: StoredTicket,
  context: EventOrigin,
  deps: StoreDeps,
): EventMaker {
  const now = deps.now();
  const draft = (
    options: { key: string; type: string; occurredAt: string | null; revision: number } & Partial<DeskEvent>,
    cause: Cause | null = null,
  ): EventDraft => {
    const { occurredAt, revision, ...rest } = options;
    const { ticket, unknown } = presentTicket(snapshot, {
      acknowledged: row.acknowledged,
      snoozed: row.snoozed,
      revision,
      sla: ownSla(snapshot, row.slaClock, deps.sla?.get(context.connection) ?? null, now),
    });
    const occurred = occurredAt === null ? null : Date.parse(occurredAt);
    return {
      id: deps.newId(),
      connectionId: context.connectionId,
      raw: null,
      depth: cause === null ? 0 : cause.depth + 1,
      causedBy: cause?.stepId ?? null,
      keys: [{ key: options.key, renewAfterMs: null }],
      event: {
        connection: context.connection,
        vendor: context.vendor,
        ticket_id: row.ticketId,
        occurred_at: occurredAt,
        observed_at: toInstant(now),
        late: occurred !== null && now - occurred > context.lateAfterMs,
        replay: false,
        via: context.via,
        feed: context.feed,
        own: false,
        unknown,
        actor: null,
        aspects: [],
        changes: null,
        comment: null,
        trigger: null,
        ticket,
        body: null,
        ...rest,
      },
    };
  };
  const updatedAt = snapshot.updated_at ?? null;

  return {
    created: (revision, own) =>
      draft(
        {
          key: `created:${row.ticketId}`,
          type: 'ticket.created',
          occurredAt: snapshot.created_at ?? null,
          revision,
          own: own !== null,
          actor: actorOf(snapshot.creator ?? snapshot.requester, own !== null),
        },
        own,
      ),
    updated: (revision, changes, cause) => {
      const own = Object.values(changes).every((change) => change.by === 'self');
      return draft(
        {
          key: `updated:${row.ticketId}:${revision}`,
          type: 'ticket.updated',
          occurredAt: updatedAt,
          revision,
          changes,
          aspects: aspectsOf(changes),
          own,
          actor: actorOf(snapshot.last_updated_by, own),
        },
        cause,
      );
    },
    firstUpdate: (revision) =>
      draft({
        key: `updated:${row.ticketId}:${revision}`,
        type: 'ticket.updated',
        occurredAt: updatedAt,
        revision,
        changes: {},
        unknown: [...new Set([...presentTicket(snapshot, NOTHING_OF_OURS).unknown, ...DIFFED_FIELDS])],
      }),
    comment: (comment, revision, own) => {
      const author: Person | null =
        own === null || comment.author === null ? comment.author : { ...comment.author, kind: 'self' };
      return draft(
        {
          key: `comment:${row.ticketId}:${comment.id}`,
          type: 'comment.added',
          occurredAt: comment.at,
          revision,
          comment: { ...comment, author },
          actor: author,
          own: own !== null,
        },
        own,
      );
    },
    gone: (revision) =>
      draft({ key: `gone:${row.ticketId}:${revision}`, type: 'ticket.gone', occurredAt: null, revision }),
    seen: (revision) => draft({ key: '', type: 'ticket.time', occurredAt: null, revision }),
  };
}

const NOTHING_OF_OURS = { acknowledged: false, snoozed: false, revision: 0 };

function actorOf(person: Person | null | undefined, own: boolean): Person | null {
  if (person == null) return null;
  return own ? { ...person, kind: 'self' } : person;
}
