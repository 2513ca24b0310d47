import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import type { Database } from './record/database.ts';
import { resumeAfterJump } from './record/clock-jumps.ts';
import { freeFeeds } from './record/feeds.ts';
import {
  beat,
  holdLife,
  readPulses,
  registerInstance,
  removeInstances,
  unknownOwners,
  type Pulse,
} from './record/instances.ts';
import { freeLanes } from './record/lanes.ts';
import type { StandingSession } from './record/standing-session.ts';

/**
 * This process among others: its heartbeat counter, the session by which the database vouches for it, and taking over
 * what dead ones held. An instance is dead when its counter did not move for 15 s of our own monotonic time (frozen,
 * cut off), or when its session was gone at two looks in a row (killed); no wall clock is asked. Whoever is wrongly
 * taken for dead records nothing more under the leases it lost, so that a wrong guess costs time and nothing else.
 */
export interface Instance {
  readonly id: string;
  /** Moves our counter. Every 3 s. @returns false if others took us for dead */
  beat(): Promise<boolean>;
  /** Frees what dead instances hold. Every half second. */
  takeOver(): Promise<void>;
  /** Gives everything back. */
  leave(): Promise<void>;
}

export interface InstanceDeps {
  readonly database: Database;
  /** Open as long as this process lives. */
  readonly session: StandingSession;
  readonly clock: Clock;
  readonly log: Log;
  /** Host and process, for people. */
  readonly name: string;
  /** True where no other instance can live (the embedded database has one owner): older ones are dead. */
  readonly alone: boolean;
}

const DEAD_AFTER_MS = 15_000;
/** A session that broke is opened again within this time, so one that stays away has nobody. */
const GONE_AFTER_MS = 500;
const LANES_AT_ONCE = 1_000;

/** Registers this process. */
export async function joinInstances(id: string, deps: InstanceDeps): Promise<Instance> {
  const { session } = deps;
  const { db } = deps.database;
  const seen = new Map<string, Seen>();
  const sessionKey = await holdLife(session, id);
  // Where our own session broke, so did those of others: they get their time to come back.
  await session.onEach(async () => seen.clear());
  await registerInstance(db, id, deps.name, sessionKey());
  if (deps.alone) {
    const others = [...(await readPulses(db)).keys()].filter((other) => other !== id);
    await takeOver(others, deps);
  } else await findDead();

  async function findDead(): Promise<readonly string[]> {
    const now = deps.clock.monotonic();
    const pulses = await readPulses(db);
    for (const known of seen.keys()) if (!pulses.has(known)) seen.delete(known);
    return [...pulses].flatMap(([other, pulse]) => {
      const last = lastSeen(seen.get(other), pulse, now);
      seen.set(other, last);
      const isDead =
        now - last.beatAt >= DEAD_AFTER_MS || (last.goneAt !== null && now - last.goneAt >= GONE_AFTER_MS);
      return isDead && other !== id ? [other] : [];
    });
  }

  return {
    id,
    async beat() {
      // Before our own heartbeat wipes out where the clock was.
      if (await deps.database.transaction(resumeAfterJump))
        deps.log.warn({}, 'the clock went back: what was due by it is due now');
      const alive = await beat(db, id);
      if (!alive) await registerInstance(db, id, deps.name, sessionKey());
      await takeOver(await unknownOwners(db), deps);
      return alive;
    },
    takeOver: async () => takeOver(await findDead(), deps),
    async leave() {
      await takeOver([id], deps);
    },
  };
}

interface Seen {
  readonly beats: number;
  /** Since when the counter stands, since when the session is gone: monotonic. */
  readonly beatAt: number;
  readonly goneAt: number | null;
}

function lastSeen(before: Seen | undefined, { beats, sessionGone }: Pulse, now: number): Seen {
  return {
    beats,
    beatAt: before?.beats === beats ? before.beatAt : now,
    goneAt: sessionGone ? (before?.goneAt ?? now) : null,
  };
}

/** Frees lanes and feeds of instances that are gone, then forgets them. */
async function takeOver(gone: readonly string[], deps: InstanceDeps): Promise<void> {
  const { database } = deps;
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
