import type { DeskEvent } from '../event.ts';
import { compileCondition } from '../match/compile.ts';
import type { Condition, MatchSettings } from '../match/matcher.ts';
import type { ConditionMap } from '../match/rule.ts';
import type { Database } from '../record/database.ts';
import { readSilences } from '../record/silences.ts';

/** A span in which nobody acts on some events. */
export interface Silence {
  /** Empty: every event. */
  readonly when: ConditionMap;
  /** Epoch ms; the end does not belong to it. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly reason: string;
}

/** Silences of the configuration and of people. What they cover is recorded as suppressed, with the reason. */
export interface Silences {
  /** Why nobody is to act on this event now; null if no silence covers it. */
  readonly silencedBy: (event: DeskEvent, now: number) => string | null;
  /** Reads what people added or ended. */
  readonly refresh: () => Promise<void>;
}

interface Compiled extends Silence {
  readonly condition: Condition | null;
}

/** @param configured silences of `deskhand.yaml`, checked when it was read */
export function createSilences(
  database: Database,
  configured: readonly Silence[],
  settings: MatchSettings,
): Silences {
  const compile = (silence: Silence): Compiled => ({
    ...silence,
    condition: Object.keys(silence.when).length === 0 ? null : compileCondition(silence.when, settings),
  });
  const fixed = configured.map(compile);
  const known = new Map<string, Compiled>();

  return {
    silencedBy(event, now) {
      for (const silence of [...fixed, ...known.values()]) {
        if (now < silence.fromMs || now >= silence.untilMs) continue;
        if (silence.condition === null || silence.condition.test(event, now)) {
          return `silenced: ${silence.reason}`;
        }
      }
      return null;
    },
    async refresh() {
      const rows = await readSilences(database.db);
      const ids = new Set(rows.map((row) => row.id));
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
      for (const { id, when, from_at: from, until_at: until, reason } of rows) {
        if (known.has(id)) continue;
        known.set(id, compile({ when, reason, fromMs: from.getTime(), untilMs: until.getTime() }));
      }
    },
  };
}
