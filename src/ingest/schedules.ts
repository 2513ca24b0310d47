import { toInstant } from '../clock.ts';
import { databaseNow, type Database } from '../record/database.ts';
import { moveSchedules, replaceSchedules, takeDueSchedules, type ScheduleRow } from '../record/schedules.ts';
import type { RuleBook } from '../rules/active.ts';
import { nextRun } from '../sla/cron.ts';
import { DESKHAND_CONNECTION, ownEvent } from './own-events.ts';
import type { EventDraft } from './event-draft.ts';
import { inRuleSet, storeEvents, type StoreDeps } from './store-event.ts';

/**
 * `schedule:` rules. The database holds each rule's next run and hands it to one instance; the event's key is the
 * run's moment, so it happens once. Runs that a downtime skipped are one run, late.
 */

export interface ScheduleDeps {
  readonly database: Database;
  readonly store: StoreDeps;
  readonly onRuns: () => void;
}

export interface Schedules {
  /** Follows the active rules and fires what is due. @returns runs fired */
  runOnce(): Promise<number>;
}

/** A run that is later than this is marked so. */
const LATE_AFTER_MS = 15 * 60_000;

export function createSchedules(deps: ScheduleDeps): Schedules {
  let followed: number | null = null;
  return {
    async runOnce() {
      const book = deps.store.active.current();
      if (book.setId === null) return 0;
      if (book.setId !== followed) {
        await replaceSchedules(deps.database.db, schedulesOf(book, await databaseNow(deps.database.db)));
        followed = book.setId;
      }
      return fireDue(deps);
    },
  };
}

function schedulesOf(book: RuleBook, now: number): readonly ScheduleRow[] {
  return book.matcher.rules.flatMap((rule) => {
    if (rule.schedule === null || rule.mode === 'off') return [];
    const { cron, timeZone } = rule.schedule;
    const nextAt = nextRun(cron, timeZone, now);
    return nextAt === null ? [] : [{ ruleId: rule.id, cron, timeZone, nextAt }];
  });
}

async function fireDue(deps: ScheduleDeps): Promise<number> {
  const { database, store } = deps;
  const result = await inRuleSet(database, store.active, async (tx, book) => {
    const { now, rows } = await takeDueSchedules(tx);
    if (rows.length === 0) return { fired: 0, runs: 0 };
    const at = { ...store, now: () => now };
    const drafts = rows.map((row) => draftOf(row, now, at));
    const { stored, runs } = await storeEvents(tx, book, drafts, at);
    await moveSchedules(
      tx,
      rows.map(({ ruleId, cron, timeZone }) => ({ ruleId, nextAt: nextRun(cron, timeZone, now) })),
    );
    return { fired: stored.filter(({ duplicate }) => !duplicate).length, runs };
  });
  if (result.runs > 0) deps.onRuns();
  return result.fired;
}

function draftOf(row: ScheduleRow, now: number, store: StoreDeps): EventDraft {
  const draft = ownEvent(
    {
      type: 'schedule.fired',
      key: `schedule:${row.ruleId}:${toInstant(row.nextAt)}`,
      connectionId: DESKHAND_CONNECTION,
      connection: 'deskhand',
      vendor: 'deskhand',
      via: 'clock',
      body: { rule: row.ruleId, schedule: row.cron, time_zone: row.timeZone },
    },
    store,
  );
  const late = now - row.nextAt > LATE_AFTER_MS;
  return { ...draft, event: { ...draft.event, occurred_at: toInstant(row.nextAt), late } };
}
