import { judgeError } from '../act/failure.ts';
import type { SlaSource } from '../ingest/timers.ts';
import type { SlackButton } from '../match/rule.ts';
import type { Database } from '../record/database.ts';
import {
  finishDrawing,
  fixMessage,
  postponeDrawing,
  readOrigin,
  readRoots,
  spreadChanges,
  takeDueMessages,
  type DueMessage,
} from '../record/slack-messages.ts';
import { takeTurn } from '../record/slack-turns.ts';
import type { SlackApi } from './api.ts';
import { drawCard, drawDigest, hashDrawn, type Drawn } from './card.ts';
import { UPDATE_PACE } from './pace.ts';
import { drawLayout, type LayoutDeps } from './own-blocks.ts';
import { readStates } from './read-states.ts';
import { freeChannel } from './turns.ts';

/**
 * Keeps messages true: tickets whose state changed have their messages drawn again, at most as fast as Slack allows.
 * Changes that come while one waits cost nothing: what is drawn is the state at that moment.
 */
export interface RedrawDeps extends LayoutDeps {
  readonly database: Database;
  readonly slack: SlackApi;
  /** For deadlines of our own; default none. */
  readonly store?: SlaSource;
}

const AT_ONCE = 20;
/** A redraw that died is taken up by another instance after this. */
const LEASE_MS = 30_000;
const SPREAD_AT_ONCE = 1_000;
/** The channel is held for longer than a call usually takes: look again before that. */
const LOOK_AGAIN_MS = 1_000;
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 5 * 60_000;

/** One round. @returns true if there may be more to do at once */
export async function redrawOnce(deps: RedrawDeps, signal: AbortSignal): Promise<boolean> {
  const changes = await deps.database.transaction((tx) => spreadChanges(tx, SPREAD_AT_ONCE));
  const due = await deps.database.transaction((tx) => takeDueMessages(tx, LEASE_MS, AT_ONCE));
  const channels = new Set(due.map((message) => message.channel));
  await Promise.all(
    [...channels].map(async (channel) => {
      for (const message of due) if (message.channel === channel) await redraw(message, deps, signal);
    }),
  );
  return changes === SPREAD_AT_ONCE || due.length === AT_ONCE;
}

async function redraw(message: DueMessage, deps: RedrawDeps, signal: AbortSignal): Promise<void> {
  const { db } = deps.database;
  const drawn = await draw(message, deps);
  if (drawn === null) return fixMessage(db, message);
  const hash = hashDrawn(drawn);
  if (hash === message.drawnHash) return finishDrawing(db, message, hash);
  const turn = await deps.database.transaction((tx) => takeTurn(tx, message.channel, UPDATE_PACE));
  if (!turn.granted) return postponeDrawing(db, message, Math.min(turn.inMs, LOOK_AGAIN_MS), false);
  let pauseMs = 0;
  try {
    await deps.slack.update({ channel: message.channel, ts: message.ts, ...drawn }, signal);
    await finishDrawing(db, message, hash);
  } catch (error) {
    const judged = judgeError(error);
    if (judged.reason === 'refused') return await fixMessage(db, message);
    const retryMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(message.failures, 10));
    pauseMs = judged.retryAt === null ? 0 : retryMs;
    await postponeDrawing(db, message, retryMs, true);
  } finally {
    await freeChannel(deps.database, message.channel, pauseMs);
  }
}

/** @returns null when there is nothing to draw it from any more */
async function draw(message: DueMessage, deps: RedrawDeps): Promise<Drawn | null> {
  const { db } = deps.database;
  const states = (await readStates(db, await readRoots(db, message), deps.store ?? null)).filter(
    (state) => state !== null,
  );
  if (message.kind === 'digest') return drawDigest(states, message.lines);
  const [only] = states;
  if (only === undefined) return null;
  const buttons = message.buttons as readonly SlackButton[];
  if (message.kind === 'layout') return drawLayout(await readOrigin(db, message.stepId), only, buttons, deps);
  return drawCard(only, buttons);
}
