import { decided, later, type Resolution, type StepTask } from '../act/task.ts';
import type { Database } from '../record/database.ts';
import { answeredButWaiting } from '../record/slack-presses.ts';
import {
  carrySelf,
  carryWaiting,
  countWaiting,
  endTurn,
  leaveQueue,
  queuePost,
  readCarried,
  readWaiting,
  releaseCarried,
  stateOfStep,
  takeTurn,
  wakeSteps,
  nextInQueues,
  type WaitingPost,
} from '../record/slack-turns.ts';
import { CHANNEL_PAUSE_MS, DIGEST_FROM, DIGEST_MOST, POST_PACE, QUEUE_LOOK_MS } from './pace.ts';

/**
 * Turns at a channel: whoever has one sends, the others wait, and when many wait they go along in one message. The
 * queue and the pace are in Postgres, so that any number of instances keep them together.
 */

/** The channel is ours for one call. */
export interface Turned {
  /** Posts of other steps that this message speaks for. */
  readonly others: readonly WaitingPost[];
}

/** @returns the turn, the message that spoke for this step already, or why it goes on waiting */
export async function askForTurn(
  task: StepTask,
  channel: string,
  queueAs: string | null,
  database: Database,
): Promise<Turned | { readonly ts: string } | Resolution> {
  const { stepId } = task.claimed;
  const followed = await follow(stepId, database);
  if (followed !== null) return followed;
  const turn = await database.transaction(async (tx) => {
    const granted = await takeTurn(tx, channel, POST_PACE);
    if (!granted.granted) return granted;
    const place = await readWaiting(tx, stepId);
    // Taken along between the two looks: the other one speaks.
    if (place?.carriedBy != null && place.carriedBy !== stepId) return { granted: false, inMs: 500 } as const;
    await carrySelf(tx, stepId);
    const kept = await readCarried(tx, stepId);
    if (queueAs === null || kept.length > 0) return { granted: true, others: kept } as const;
    const waiting = await countWaiting(tx, channel, stepId);
    const others = waiting < DIGEST_FROM ? [] : await carryWaiting(tx, channel, stepId, DIGEST_MOST);
    return { granted: true, others } as const;
  });
  if (turn.granted) return { others: 'others' in turn ? turn.others : [] };
  if (queueAs !== null) {
    const { connectionId, ticketId } = task.claimed;
    await queuePost(database.db, { stepId, channel, connectionId, ticketId, line: queueAs });
    return later('postponed', QUEUE_LOOK_MS, 'waits for its turn: one message per second and channel', {
      uncounted: true,
    });
  }
  return later('postponed', turn.inMs, 'waits for its turn: one message per second and channel', {
    uncounted: true,
  });
}

/** What became of the message that speaks for this step; null: none does. */
async function follow(stepId: string, database: Database): Promise<{ ts: string } | Resolution | null> {
  const place = await readWaiting(database.db, stepId);
  if (place === null || place.carriedBy === null || place.carriedBy === stepId) return null;
  if (place.ts !== null) {
    await leaveQueue(database.db, stepId);
    return { ts: place.ts };
  }
  const state = await stateOfStep(database.db, place.carriedBy);
  if (state === 'uncertain') {
    await leaveQueue(database.db, stepId);
    return decided('uncertain', 'it went along in a digest whose outcome is unknown');
  }
  if (state === 'pending' || state === 'postponed' || state === 'sending') {
    return later('postponed', 2_000, 'goes along in a digest', { uncounted: true });
  }
  await releaseCarried(database.db, stepId);
  return null;
}

/** The call is over. @param forMs Slack asked for a longer pause */
export async function freeChannel(database: Database, channel: string, forMs = 0): Promise<void> {
  await endTurn(database.db, channel, Math.max(CHANNEL_PAUSE_MS, forMs));
}

/** Wakes the head of every free channel's queue, and questions whose waking was missed. @returns how many */
export async function wakeQueues(database: Database): Promise<number> {
  const steps = [...(await nextInQueues(database.db)), ...(await answeredButWaiting(database.db))];
  await wakeSteps(database, steps);
  return steps.length;
}
