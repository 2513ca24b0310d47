import { expect, test } from 'vitest';
import { seededRandom } from '../../src/demo/simulators/support/random.ts';
import { openDatabase } from '../../src/record/database.ts';
import { publishRules } from '../../src/rules/publish.ts';
import { createTestDatabase } from '../support/database.ts';
import { bossdeskStage } from './bossdesk.ts';
import { PropertyClock } from './clock.ts';
import { gotoassistStage } from './gotoassist.ts';
import { knownNames, startProcess } from './process.ts';
import { SILENT } from '../support/silent-log.ts';
import type { Stage } from './stage.ts';

/** What an hour of ordinary polling costs: 200 touched tickets a day are eight an hour. */

const MINUTE_MS = 60_000;
const START = Date.parse('2026-11-23T08:00:00Z');
const TOUCHED = 8;

/** The calls of one walk of the feed of changes. */
interface Walk {
  readonly calls: number;
  /** Tickets that were touched since the walk before. */
  readonly touched: number;
}

async function hourOf(stage: Stage, isList: RegExp): Promise<{ walks: readonly Walk[]; busiest: number }> {
  const cloned = await createTestDatabase();
  const clock = await PropertyClock.install(cloned.url, START);
  const database = openDatabase({ url: cloned.url, poolSize: 4 });
  const desk = await stage.open(clock, { tickets: 25, random: seededRandom(3) });
  await publishRules(database, [{ file: 'rules.yaml', text: stage.rule }], knownNames(stage), {
    when: 'changed',
    by: 'test',
  });
  const process = await startProcess({ stage, settings: desk.settings, database, clock, log: SILENT });
  const seen: { readonly at: number; readonly call: string }[] = [];
  try {
    // The baseline, the daily probes, and an hour for the budget to be full again.
    await clock.advance(60 * MINUTE_MS);
    while (await process.poll());
    await clock.advance(60 * MINUTE_MS);
    while (await process.poll());
    desk.onRequest((call) => void seen.push({ at: clock.now(), call: `${call.name}?${call.query}` }));

    const walks: Walk[] = [];
    let touched = 0;
    for (let minute = 1; minute <= 60; minute++) {
      if (minute % 7 === 0) {
        desk.change();
        touched += 1;
      }
      await clock.advance(MINUTE_MS);
      for (;;) {
        const before = seen.length;
        if (!(await process.poll())) break;
        const calls = seen.slice(before);
        if (!calls.some(({ call }) => isList.test(decodeURIComponent(call)))) continue;
        walks.push({ calls: calls.length, touched });
        touched = 0;
      }
    }
    return { walks, busiest: busiestOf(seen, stage.limit.perMs) };
  } finally {
    await process.close();
    await desk.close();
    await database.close();
    await clock.close();
    await cloned.drop();
  }
}

/** The most calls in any such span. */
function busiestOf(seen: readonly { readonly at: number }[], perMs: number): number {
  return Math.max(...seen.map(({ at }) => seen.filter((one) => one.at > at - perMs && one.at <= at).length));
}

test.each([
  // Every ten minutes what changed in the last ten is read again, and the last change before that.
  { stage: bossdeskStage, isList: /^tickets\?.*updated_at_gteq/, polls: 59, rereads: TOUCHED + 6 },
  { stage: gotoassistStage, isList: /^incidents\.json\?.*last_active_at/, polls: 6, rereads: 0 },
])(
  '$stage.name: an idle poll is one call, a changed ticket one more',
  async ({ stage, isList, polls, rereads }) => {
    const { walks, busiest } = await hourOf(stage, isList);

    const calls = walks.reduce((sum, walk) => sum + walk.calls, 0);
    const idle = walks.filter((walk) => walk.calls === 1);
    expect(walks.reduce((sum, walk) => sum + walk.touched, 0)).toBe(TOUCHED);
    expect(walks.length).toBeGreaterThanOrEqual(polls);
    expect(idle.length).toBeGreaterThanOrEqual(walks.length - TOUCHED - rereads);
    expect(calls).toBeLessThanOrEqual(walks.length + TOUCHED + rereads);
    expect(calls).toBeGreaterThan(walks.length);
    expect(busiest).toBeLessThanOrEqual(stage.limit.calls);
  },
  120_000,
);
