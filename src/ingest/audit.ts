import { toInstant } from '../clock.ts';
import { databaseNow, type Database } from '../record/database.ts';
import { findOverdue, type Overdue } from '../record/audit.ts';
import type { Log } from '../log.ts';
import { DESKHAND_CONNECTION, ownEvent } from './own-events.ts';
import { storeGroup, type StoreDeps } from './store-event.ts';

/**
 * Deskhand looks after itself: is there anything that should have run by now and did not? If so at two looks in a row,
 * it says so as an operations event, once an hour; as long as there is nothing, it calls the heartbeat URL, so that
 * somebody outside notices when it stops. One look alone says little: right after a downtime, or a clock that jumped
 * ahead, everything is late and about to be done.
 */

export interface AuditDeps {
  readonly database: Database;
  readonly store: StoreDeps;
  readonly log: Log;
  /** True while a person stopped every action: being late is then wanted. */
  readonly paused: () => boolean;
  /** Called while all is well; null: nobody asked for it. */
  readonly heartbeat: (() => Promise<void>) | null;
  readonly onFound: (overdue: Overdue) => void;
}

/** Late enough to be a fault: an instance that died is taken over within half a minute. */
const GRACE_MS = 2 * 60_000;
const HOUR_MS = 3_600_000;

export interface Audit {
  /** One look. @returns what is overdue */
  runOnce(): Promise<Overdue>;
}

export function createAudit(deps: AuditDeps): Audit {
  let suspected = false;
  return {
    async runOnce() {
      const overdue = await findOverdue(deps.database.db, GRACE_MS);
      deps.onFound(overdue);
      const all = overdue.steps + overdue.timers + overdue.schedules + overdue.stuckRuns;
      const wrong = all > 0 && !deps.paused();
      if (!wrong) await beat(deps);
      else if (suspected) await report(overdue, deps);
      suspected = wrong;
      return overdue;
    },
  };
}

async function report(overdue: Overdue, deps: AuditDeps): Promise<void> {
  const now = await databaseNow(deps.database.db);
  const hour = toInstant(now - (now % HOUR_MS));
  const draft = ownEvent(
    {
      type: 'audit.overdue',
      key: `audit:${hour}`,
      connectionId: DESKHAND_CONNECTION,
      connection: 'deskhand',
      vendor: 'deskhand',
      body: { ...overdue },
    },
    deps.store,
  );
  const { stored } = await storeGroup(deps.database, [draft], deps.store);
  if (stored[0]?.duplicate === false) {
    deps.log.error({ ...overdue }, 'work that was due has not been done');
  }
}

async function beat({ heartbeat, log }: AuditDeps): Promise<void> {
  try {
    await heartbeat?.();
  } catch (error) {
    log.warn({ err: error }, 'the heartbeat URL was not reached');
  }
}

/** Calls an address that the operator gave. @throws Error when it does not answer 2xx within 10 s */
export function createHeartbeat(url: string): () => Promise<void> {
  return async () => {
    const answer = await fetch(url, { signal: AbortSignal.timeout(10_000), redirect: 'follow' });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`the heartbeat URL answered ${answer.status}`);
  };
}
