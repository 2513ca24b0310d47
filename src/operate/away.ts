import type { Log } from '../log.ts';
import { databaseNow, type Database } from '../record/database.ts';
import {
  countAway,
  feedsCaughtUp,
  readLastSign,
  readSending,
  type AwayCounts,
} from '../record/operate/away.ts';
import { writeSetting } from '../record/operate/status.ts';

/** What happened while no instance ran, found out after a start. Kept for `status`. */
export interface AwayReport extends AwayCounts {
  readonly started_at: string;
  /** Null: nothing ran before. */
  readonly away_since: string | null;
  readonly away_seconds: number;
  /** False: some feed was not read to its end yet. */
  readonly complete: boolean;
}

export interface AwayReporter {
  /** Reports once, when every feed has caught up or after two minutes. @returns the report, null before and after */
  runOnce(): Promise<AwayReport | null>;
}

const LONGEST_MS = 2 * 60_000;

/** Looks at what the process before left; call it before the instance joins and sends. */
export async function createAwayReporter(deps: {
  readonly database: Database;
  readonly log: Log;
}): Promise<AwayReporter> {
  const { db } = deps.database;
  const [startedAt, lastSign, sending] = await Promise.all([
    databaseNow(db),
    readLastSign(db),
    readSending(db),
  ]);
  const since = new Date(startedAt);
  let reported = false;

  return {
    async runOnce() {
      if (reported) return null;
      const complete = await feedsCaughtUp(db, since);
      if (!complete && (await databaseNow(db)) - startedAt < LONGEST_MS) return null;
      const report: AwayReport = {
        started_at: since.toISOString(),
        away_since: lastSign?.toISOString() ?? null,
        away_seconds:
          lastSign === null ? 0 : Math.max(0, Math.round((startedAt - lastSign.getTime()) / 1000)),
        complete,
        ...(await countAway(db, since, sending)),
      };
      await writeSetting(db, 'last_report', report);
      deps.log.info({ ...report }, 'while I was away');
      reported = true;
      return report;
    },
  };
}
