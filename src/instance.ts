import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import type { Database } from './record/database.ts';
import { resumeAfterJump } from './record/clock-jumps.ts';
import { freeFeeds } from './record/feeds.ts';
import { beat, readBeats, registerInstance, removeInstances, unknownOwners } from './record/instances.ts';
import { freeLanes } from './record/lanes.ts';

/**
 * This process among others: its heartbeat counter, and taking over what dead ones held. An instance is dead when
 * its counter did not move for 15 s of our own monotonic time; no wall clock is asked.
 */
export interface Instance {
  readonly id: string;
  /** Moves our counter and frees what dead instances hold. Every 3 s. @returns false if others took us for dead */
  runOnce(): Promise<boolean>;
  /** Gives everything back. */
  leave(): Promise<void>;
}

export interface InstanceDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** Host and process, for people. */
  readonly name: string;
  /** True where no other instance can live (the embedded database has one owner): older ones are dead. */
  readonly alone: boolean;
}

const DEAD_AFTER_MS = 15_000;
const LANES_AT_ONCE = 1_000;

/** Registers this process. */
export async function joinInstances(id: string, deps: InstanceDeps): Promise<Instance> {
  const { db } = deps.database;
  const seen = new Map<string, { beats: number; since: number }>();
  await registerInstance(db, id, deps.name);
  if (deps.alone) {
    const others = [...(await readBeats(db)).keys()].filter((other) => other !== id);
    await takeOver(others, deps);
  }

  async function findDead(): Promise<readonly string[]> {
    const now = deps.clock.monotonic();
    const beats = await readBeats(db);
    for (const known of seen.keys()) if (!beats.has(known)) seen.delete(known);
    const dead: string[] = [];
    for (const [other, count] of beats) {
      const last = seen.get(other);
      if (last === undefined || last.beats !== count) seen.set(other, { beats: count, since: now });
      else if (other !== id && now - last.since >= DEAD_AFTER_MS) dead.push(other);
    }
    return dead;
  }

  return {
    id,
    async runOnce() {
      // Before our own heartbeat wipes out where the clock was.
      if (await deps.database.transaction(resumeAfterJump))
        deps.log.warn({}, 'the clock went back: what was due by it is due now');
      const alive = await beat(db, id);
      if (!alive) await registerInstance(db, id, deps.name);
      await takeOver(await findDead(), deps);
      return alive;
    },
    async leave() {
      await takeOver([id], deps);
    },
  };
}

/** Frees lanes and feeds of instances that are gone, then forgets them. */
async function takeOver(dead: readonly string[], deps: InstanceDeps): Promise<void> {
  const { database } = deps;
  const gone = [...dead, ...(await unknownOwners(database.db))];
  if (gone.length === 0) return;
  let lanes = 0;
  for (;;) {
    const freed = await database.transaction((tx) => freeLanes(tx, gone, LANES_AT_ONCE));
    lanes += freed;
    if (freed < LANES_AT_ONCE) break;
  }
  await database.transaction((tx) => freeFeeds(tx, gone));
  await removeInstances(database.db, gone);
  if (lanes > 0) deps.log.info({ instances: gone.length, lanes }, 'took over from instances that are gone');
}
