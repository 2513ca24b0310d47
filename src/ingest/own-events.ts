import { toInstant } from '../clock.ts';
import type { DeskEvent, Via } from '../event.ts';
import type { Rule } from '../match/rule.ts';
import type { IdSource } from '../record/ids.ts';
import type { Occurrence } from '../vendors/vendor.ts';
import type { EventDraft } from './event-draft.ts';

/** What an event of Deskhand's own needs from its surroundings. */
interface OwnEventDeps {
  readonly newId: IdSource;
  readonly now: () => number;
}

/** Row 0 of `connections`: Deskhand itself. */
export const DESKHAND_CONNECTION = 0;

export interface OwnEventOptions {
  readonly type: string;
  readonly key: string;
  readonly connectionId: number;
  readonly connection: string;
  readonly vendor: string;
  readonly ticketId?: string | null;
  readonly ticket?: DeskEvent['ticket'];
  readonly via?: Via;
  readonly feed?: string | null;
  /** Said in `body`. */
  readonly body: unknown;
  readonly depth?: number;
  readonly causedBy?: string | null;
}

/** An event that no vendor sent: breakers, gaps, connection troubles, `emit`. */
export function ownEvent(options: OwnEventOptions, deps: OwnEventDeps): EventDraft {
  const observedAt = toInstant(deps.now());
  return {
    id: deps.newId(),
    connectionId: options.connectionId,
    raw: Buffer.from(JSON.stringify(options.body)),
    depth: options.depth ?? 0,
    causedBy: options.causedBy ?? null,
    keys: [{ key: options.key, renewAfterMs: null }],
    event: {
      key: options.key,
      type: options.type,
      connection: options.connection,
      vendor: options.vendor,
      ticket_id: options.ticketId ?? null,
      occurred_at: observedAt,
      observed_at: observedAt,
      late: false,
      replay: false,
      via: options.via ?? 'action',
      feed: options.feed ?? null,
      own: false,
      unknown: [],
      actor: null,
      aspects: [],
      changes: null,
      comment: null,
      trigger: null,
      ticket: options.ticket ?? null,
      body: options.body,
    },
  };
}

/** A rule ran too often on one ticket and is silent there for a while. */
export function mutedEvent(draft: EventDraft, rule: Rule, deps: OwnEventDeps): EventDraft {
  return ownEvent(
    {
      type: 'rule.muted',
      key: `muted:${rule.id}:${draft.id}`,
      connectionId: draft.connectionId,
      connection: draft.event.connection,
      vendor: draft.event.vendor,
      body: {
        rule: rule.id,
        ticket_id: draft.event.ticket_id,
        limit: rule.limit.perTicket,
        chain: { event: draft.id, key: draft.event.key, caused_by_step: draft.causedBy, depth: draft.depth },
      },
      depth: draft.depth + 1,
    },
    deps,
  );
}

/** A rule ran too often over all tickets and waits for a person. */
export function pausedEvent(draft: EventDraft, rule: Rule, deps: OwnEventDeps): EventDraft {
  return ownEvent(
    {
      type: 'rule.paused',
      key: `paused:${rule.id}:${draft.id}`,
      connectionId: DESKHAND_CONNECTION,
      connection: 'deskhand',
      vendor: 'deskhand',
      body: { rule: rule.id, reason: 'per_rule limit', limit: rule.limit.perRule },
      depth: draft.depth + 1,
    },
    deps,
  );
}

/** A vendor's own event: a trigger that fired, breaking news. */
export function occurrenceEvent(
  occurrence: Occurrence,
  context: {
    readonly connectionId: number;
    readonly connection: string;
    readonly vendor: string;
    readonly feed: string | null;
    readonly lateAfterMs: number;
  },
  deps: OwnEventDeps,
): EventDraft {
  const draft = ownEvent(
    {
      type: occurrence.type,
      key: occurrence.key,
      connectionId: context.connectionId,
      connection: context.connection,
      vendor: context.vendor,
      ticketId: occurrence.ticketId,
      via: 'feed',
      feed: context.feed,
      body: occurrence.body,
    },
    deps,
  );
  const at = occurrence.occurredAt === null ? null : Date.parse(occurrence.occurredAt);
  return {
    ...draft,
    event: {
      ...draft.event,
      occurred_at: occurrence.occurredAt,
      late: at !== null && deps.now() - at > context.lateAfterMs,
      trigger: occurrence.trigger,
    },
  };
}
