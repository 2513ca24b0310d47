import type { SlaSource } from '../../ingest/timers.ts';
import type { ActionParams } from '../../match/rule.ts';
import type { Database } from '../../record/database.ts';
import { forgetMessage } from '../../record/slack-messages.ts';
import type { SlackApi } from '../../slack/api.ts';
import { compose, placeOf, type Composed } from '../../slack/compose.ts';
import { platformError } from '../../slack/errors.ts';
import { finishPost } from '../../slack/finish-post.ts';
import { askForTurn, freeChannel, type Turned } from '../../slack/turns.ts';
import { afterFailure, judgeError } from '../failure.ts';
import { decided, later, LEASE_LOST, type Resolution, type StepTask } from '../task.ts';
import { weighAbsence } from '../verify.ts';

export interface SlackPostDeps {
  readonly database: Database;
  /** For deadlines of our own. */
  readonly store: SlaSource;
  /** Null: Slack is not configured. */
  readonly slack: SlackApi | null;
  readonly settleMs: number;
  /** How long after a ticket's message others that resemble it go under it; default 0: never. */
  readonly similarWithinMs?: number;
  readonly crashPoint: (point: 'before_send' | 'after_send') => void;
}

/** A message that stands in Slack. */
export interface Posted {
  readonly channel: string;
  readonly ts: string;
}

/** A message on its way: what the step says, and what follows when it stands. */
export interface Sendable {
  readonly slack: SlackApi;
  /** Null: posts into the root of the channel whatever waits. */
  readonly queueAs: string | null;
  compose(turn: Turned, channel: string): Promise<Composed>;
  posted(at: Posted): Promise<Resolution>;
}

/** Posts a message that carries its step's id as metadata, so that after a lost answer it can be found again. */
export async function slackPost(
  task: StepTask,
  params: ActionParams['slack.post'],
  deps: SlackPostDeps,
): Promise<Resolution | typeof LEASE_LOST> {
  const { slack } = deps;
  if (slack === null) return decided('suppressed', 'slack is not configured');
  try {
    const text = task.renderer.text(params.text, 'slack');
    const place = await placeOf(task, params, { ...deps, slack });
    if (place === null) return decided('suppressed', 'the ticket has no message in Slack yet');
    const sendable: Sendable = {
      slack,
      queueAs: text,
      compose: (turn) => compose(task, params, { text, place, turn }, deps),
      posted: (at) => Promise.resolve(done(at)),
    };
    return await sendToSlack(task, place.channel, sendable, deps);
  } catch (error) {
    return afterFailure(task, judgeError(error));
  }
}

function done({ channel, ts }: Posted): Resolution {
  return decided('done', null, {
    result: { channel, ts },
    parts: { message: { child: `${channel}:${ts}`, kind: 'slack' } },
    progress: { wrote: true },
  });
}

/**
 * Sends once: verifies what may have been sent, waits for the channel's turn, commits the intent, posts, and looks for
 * the message when the answer was lost.
 */
export async function sendToSlack(
  task: StepTask,
  channel: string,
  sendable: Sendable,
  deps: SlackPostDeps,
): Promise<Resolution | typeof LEASE_LOST> {
  if (task.claimed.state === 'sending') {
    const again = await lookUp(task, channel, sendable, deps, task.claimed.intent);
    if (again !== null) return again;
  }
  const turn = await askForTurn(task, channel, sendable.queueAs, deps.database);
  if ('state' in turn) return turn;
  if ('ts' in turn) return sendable.posted({ channel, ts: turn.ts });
  const pause = { ms: 0 };
  try {
    return await send(task, channel, turn, sendable, deps, pause);
  } finally {
    // If this fails the channel stays held for some seconds.
    await freeChannel(deps.database, channel, pause.ms).catch(() => undefined);
  }
}

async function send(
  task: StepTask,
  channel: string,
  turn: Turned,
  sendable: Sendable,
  deps: SlackPostDeps,
  pause: { ms: number },
): Promise<Resolution | typeof LEASE_LOST> {
  const composed = await sendable.compose(turn, channel);
  const { plan } = composed;
  const sending = await task.intend({ write: null, before: [], parts: {}, extra: { channel, plan } });
  if (sending === null) return LEASE_LOST;
  deps.crashPoint('before_send');
  if (sending.expired()) return later('postponed', 0, 'the send deadline passed', { uncounted: true });
  try {
    const message = { ...composed.message, channel, stepId: task.claimed.stepId };
    const posted = await sendable.slack.post(message, sending.signal);
    deps.crashPoint('after_send');
    return await stands(task, { channel, ts: posted.ts }, plan, sendable, deps, true);
  } catch (error) {
    const judged = judgeError(error);
    if (judged.notApplied) {
      if (judged.retryAt !== null) pause.ms = judged.retryAt - task.now();
      if (plan.thread !== null && platformError(error) === 'thread_not_found') {
        await forgetMessage(deps.database.db, { channel, ts: plan.thread });
        return later('pending', 0, 'the message above was deleted', { uncounted: true, intent: null });
      }
      return { ...afterFailure(task, judged), intent: sending.intent };
    }
    const attempt = { state: 'unknown', reason: judged.message } as const;
    const found = await lookUp(task, channel, sendable, deps, sending.intent).catch(() =>
      later('sending', deps.settleMs, 'outcome unknown: Slack does not answer', { intent: sending.intent }),
    );
    return { ...(found ?? later('pending', 0, 'verified absent: sending again')), attempt };
  }
}

/** The message stands: remembered with its tickets, and whoever it speaks for is done too. */
async function stands(
  task: StepTask,
  at: Posted,
  plan: Composed['plan'],
  sendable: Sendable,
  deps: SlackPostDeps,
  sent: boolean,
): Promise<Resolution> {
  await finishPost(task, at, plan, deps.database);
  const resolution = await sendable.posted(at);
  return { ...resolution, attempt: sent ? { state: 'succeeded', reason: null } : null };
}

/** @returns null when the message is certainly absent and may be sent again */
async function lookUp(
  task: StepTask,
  channel: string,
  sendable: Sendable,
  deps: SlackPostDeps,
  intent: StepTask['claimed']['intent'],
): Promise<Resolution | null> {
  if (intent === null) return null;
  const { stepId } = task.claimed;
  const plan = planOf(intent.extra);
  const found = await sendable.slack.findByStep(channel, stepId, intent.sentAt, task.signal, plan.thread);
  if (found === 'unreadable') {
    return decided('uncertain', 'the outcome is unknown, and Deskhand may not read this channel’s history', {
      intent,
    });
  }
  if (found !== null) return stands(task, { channel, ts: found.ts }, plan, sendable, deps, false);
  const next = weighAbsence(intent, deps.settleMs, task.now());
  if (next.decision === 'resend') return null;
  return later('sending', next.inMs, 'outcome unknown: not found yet', {
    intent: { ...intent, absences: next.absences },
  });
}

function planOf(extra: unknown): Composed['plan'] {
  const { plan } = (extra ?? {}) as { readonly plan?: Composed['plan'] };
  return plan ?? { kind: 'plain', thread: null, buttons: [], lines: [], hash: null, lead: '' };
}
