import type { Call } from '../../src/demo/simulators/support/calls.ts';
import { seededRandom } from '../../src/demo/simulators/support/random.ts';
import { openDatabase } from '../../src/record/database.ts';
import { publishRules } from '../../src/rules/publish.ts';
import { PropertyClock } from './clock.ts';
import { knownNames, startProcess } from './process.ts';
import { SILENT } from '../support/silent-log.ts';
import type { Stage } from './stage.ts';

const MINUTE_MS = 60_000;
/** Every so many minutes a ticket is touched: 200 a day. */
const TOUCHED_EVERY = 7;

/** Few, so that the test is quick; old, so that no list of new ones shows them. */
const TICKETS = 60;
const OLD_MS = 3 * 60 * MINUTE_MS;

/** What an ordinary hour cost (performance.md, P8). */
export interface Hour {
  /** Calls by name, in minutes in which nothing had happened. */
  readonly idle: Readonly<Record<string, number>>;
  readonly busy: Readonly<Record<string, number>>;
  readonly touched: number;
}

/** Polls for an hour in which people touch 200 tickets a day. */
export async function ordinaryHour(stage: Stage, databaseUrl: string): Promise<Hour> {
  const clock = await PropertyClock.install(databaseUrl, Date.parse('2026-11-23T08:00:00Z'));
  const database = openDatabase({ url: databaseUrl, poolSize: 4 });
  const desk = await stage.open(clock, { tickets: TICKETS, random: seededRandom(1) });
  await clock.advance(OLD_MS);
  await publishRules(database, [{ file: 'rules.yaml', text: stage.rule }], knownNames(stage), {
    when: 'changed',
    by: 'test',
  });
  const process = await startProcess({ stage, settings: desk.settings, database, clock, log: SILENT });
  let calls: Record<string, number> = {};
  desk.onRequest((call: Call) => void (calls[call.name] = (calls[call.name] ?? 0) + 1));
  const minute = async (): Promise<Record<string, number>> => {
    calls = {};
    await clock.advance(MINUTE_MS);
    while (await process.poll());
    return calls;
  };
  try {
    // The baseline, the first look at everything else, and an ordinary change.
    for (let past = 0; past < 20; past++) {
      if (past === 5) desk.change();
      await minute();
    }
    const hour = { idle: {}, busy: {}, touched: 0 };
    for (let past = 0; past < 60; past++) {
      const isBusy = past % TOUCHED_EVERY === 3;
      if (isBusy) hour.touched += [desk.change()].flat().length;
      add(isBusy ? hour.busy : hour.idle, await minute());
    }
    return hour;
  } finally {
    await process.close();
    await desk.close();
    await database.close();
    await clock.close();
  }
}

function add(sum: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + count;
}
