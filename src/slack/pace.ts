import type { Pace } from '../record/slack-turns.ts';

/**
 * How fast Deskhand speaks, over all instances. Slack's rate limits page: about one message per second and channel,
 * several hundred messages a minute for a workspace, chat.update in tier 3 (50 a minute).
 */

/** After a call ended; Slack counts from when it arrived, which is earlier. */
export const CHANNEL_PAUSE_MS = 1_050;
/** A call that takes longer than this lets others go first: Slack's own limit then says when. */
const HOLD_MS = 8_000;

export const POST_PACE: Pace = {
  channelMs: CHANNEL_PAUSE_MS,
  holdMs: HOLD_MS,
  workspace: 'workspace post',
  workspaceMs: 250,
  burstMs: 5_000,
};

export const UPDATE_PACE: Pace = {
  channelMs: CHANNEL_PAUSE_MS,
  holdMs: HOLD_MS,
  workspace: 'workspace update',
  workspaceMs: 1_100,
  burstMs: 15_000,
};

/** From this many others waiting for a channel on, they go together. */
export const DIGEST_FROM = 4;
/** Tickets in one digest: a message has at most 50 blocks. */
export const DIGEST_MOST = 40;
/** Looks at its place again even if nobody wakes it. */
export const QUEUE_LOOK_MS = 60_000;
