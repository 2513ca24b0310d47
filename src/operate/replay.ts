import { planRun, decideRun } from '../ingest/plan.ts';
import { inRuleSet, type StoreDeps } from '../ingest/store-event.ts';
import type { Database, Tx } from '../record/database.ts';
import { findEvent, findEventIds, readEventSpan, type ShownEvent } from '../record/operate/events.ts';
import { isUuid } from '../record/operate/page.ts';
import { lockForReplay } from '../record/operate/replay.ts';
import { insertRuns, type NewRun, type NewStep } from '../record/runs.ts';
import type { RuleBook } from '../rules/active.ts';
import { OperateError } from './error.ts';

/**
 * Matches stored events again, with the rules of today, as new runs. The old runs stay as they are. A person asked
 * for it, so limits and mutes do not count; a paused rule holds its runs, and before its first write each run looks
 * at the ticket as it is now.
 */
export interface Replayed {
  readonly events: number;
  readonly runs: readonly {
    readonly id: string;
    readonly rule: string;
    readonly event_id: string;
    readonly replay_no: number;
    readonly state: string;
  }[];
}

export interface ReplayDeps {
  readonly database: Database;
  readonly store: StoreDeps;
}

export interface ReplayRequest {
  /** An event's key or id. */
  readonly event?: string | undefined;
  /** Narrows a key to one connection. */
  readonly connection?: string | undefined;
  /** All events observed since then. */
  readonly since?: Date | undefined;
}

const BATCH = 200;

/** @throws OperateError when the event is unknown or its key stands for several */
export async function replay(
  request: ReplayRequest,
  deps: ReplayDeps,
  onProgress: (events: number) => void = () => undefined,
): Promise<Replayed> {
  if (request.event !== undefined) {
    const event = await findByKey(deps.database, request.event, request.connection ?? null);
    return replayEvents([event], deps);
  }
  const { since } = request;
  if (since === undefined) throw new OperateError('bad_request', 'say which event, or since when');
  const until = new Date(deps.store.now() + 1);
  const runs: Replayed['runs'][number][] = [];
  let events = 0;
  let afterId: string | null = null;
  for (;;) {
    const span: readonly ShownEvent[] = await readEventSpan(deps.database.db, {
      from: since,
      until,
      afterId,
      limit: BATCH,
    });
    const result = await replayEvents(span, deps);
    events += result.events;
    runs.push(...result.runs);
    afterId = span.at(-1)?.id ?? null;
    onProgress(events);
    if (span.length < BATCH) return { events, runs };
  }
}

async function findByKey(database: Database, key: string, connection: string | null): Promise<ShownEvent> {
  const { db } = database;
  if (isUuid(key)) {
    const event = await findEvent(db, key);
    if (event !== null) return event;
  }
  const made = /^hook:(.+)$/.exec(key)?.[1];
  // The ledger knows a delivery's id by another name than the event that was made of it.
  const keys = [key, ...(key.startsWith('delivery:') ? [`delivery\n${key.slice('delivery:'.length)}`] : [])];
  const ids = made !== undefined && isUuid(made) ? [made] : await findEventIds(db, keys, connection);
  const found = (await Promise.all(ids.map((id) => findEvent(db, id)))).filter((event) => event !== null);
  const [event] = found;
  if (event === undefined) throw new OperateError('not_found', `there is no event ${key}`);
  if (found.length > 1) {
    const names = found.map((each) => each.event.connection).join(', ');
    throw new OperateError('bad_request', `${names} have an event ${key} each: name the connection`);
  }
  return event;
}

async function replayEvents(events: readonly ShownEvent[], deps: ReplayDeps): Promise<Replayed> {
  if (events.length === 0) return { events: 0, runs: [] };
  return inRuleSet(deps.database, deps.store.active, async (tx, book) => {
    const planned = await plan(tx, book, events, deps);
    await insertRuns(tx, planned.runs, planned.steps);
    const runs = planned.runs.map((run) => ({
      id: run.id,
      rule: run.ruleId,
      event_id: run.eventId,
      replay_no: run.replayNo,
      state: run.state,
    }));
    return { events: events.length, runs };
  });
}

async function plan(
  tx: Tx,
  book: RuleBook,
  events: readonly ShownEvent[],
  deps: ReplayDeps,
): Promise<{ readonly runs: readonly NewRun[]; readonly steps: readonly NewStep[] }> {
  const last = await lockForReplay(
    tx,
    events.map((event) => ({ id: event.id, at: event.observedAt })),
  );
  const runs: NewRun[] = [];
  const steps: NewStep[] = [];
  for (const stored of events) {
    const replayNo = last.get(stored.id);
    if (replayNo === undefined) continue;
    // Judged at the moment when it happened: `older_than` and the like keep the event's truth.
    for (const { rule } of book.matcher.match(stored.event, stored.observedAt.getTime())) {
      const decision = decideRun(rule, {
        depth: stored.depth,
        paused: book.paused.has(rule.id),
        recentRuns: null,
        muted: false,
        recentRunsOfRule: null,
      });
      const versionId = book.versionOf.get(rule.id);
      if (versionId === undefined) throw new Error(`rule ${rule.id} has no stored version`);
      const made = planRun(
        {
          eventId: stored.id,
          eventAt: stored.event.observed_at,
          connectionId: stored.connectionId,
          ticketId: stored.event.ticket_id,
          depth: stored.depth,
          replayNo: replayNo + 1,
        },
        rule,
        versionId,
        decision,
        deps.store.newId,
      );
      runs.push(made.run);
      steps.push(...made.steps);
    }
  }
  return { runs, steps };
}
