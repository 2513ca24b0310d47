import type { ActionParams } from '../../match/rule.ts';
import type { SlackApi } from '../../slack/api.ts';
import { afterFailure, judgeError } from '../failure.ts';
import { ActionError, decided, later, LEASE_LOST, type Resolution, type StepTask } from '../task.ts';
import { weighAbsence } from '../verify.ts';

export interface SlackPostDeps {
  /** Null: Slack is not configured. */
  readonly slack: SlackApi | null;
  readonly settleMs: number;
  readonly crashPoint: (point: 'before_send' | 'after_send') => void;
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
    const channel = await slack.resolve(targetOf(task, params), task.signal);
    if (task.claimed.state === 'sending') {
      const again = await lookUp(task, channel, slack, deps);
      if (again !== null) return again;
    }
    const sending = await task.intend({ write: null, before: [], parts: {}, extra: { channel } });
    if (sending === null) return LEASE_LOST;
    deps.crashPoint('before_send');
    if (sending.expired()) return later('postponed', 0, 'the send deadline passed', { uncounted: true });
    try {
      const posted = await slack.post({ channel, text, stepId: task.claimed.stepId }, sending.signal);
      deps.crashPoint('after_send');
      return postedAt(posted.channel, posted.ts, true);
    } catch (error) {
      const judged = judgeError(error);
      if (judged.notApplied) return { ...afterFailure(task, judged), intent: sending.intent };
      const attempt = { state: 'unknown', reason: judged.message } as const;
      const found = await lookUpIntent(task, channel, slack, deps, sending.intent).catch(() =>
        later('sending', deps.settleMs, 'outcome unknown: Slack does not answer', { intent: sending.intent }),
      );
      return { ...(found ?? later('pending', 0, 'verified absent: sending again')), attempt };
    }
  } catch (error) {
    return afterFailure(task, judgeError(error));
  }
}

function targetOf(
  task: StepTask,
  params: ActionParams['slack.post'],
): { channel: string } | { user: string } {
  if (params.user !== undefined) return { user: task.renderer.text(params.user, 'none') };
  if (params.channel !== undefined) return { channel: task.renderer.text(params.channel, 'none') };
  throw new ActionError('slack.post needs a channel or a user', { reason: 'refused', notApplied: true });
}

function postedAt(channel: string, ts: string, sent: boolean): Resolution {
  return decided('done', null, {
    result: { channel, ts },
    attempt: sent ? { state: 'succeeded', reason: null } : null,
    parts: { message: { child: `${channel}:${ts}`, kind: 'slack' } },
    progress: { wrote: true },
  });
}

async function lookUp(
  task: StepTask,
  channel: string,
  slack: SlackApi,
  deps: SlackPostDeps,
): Promise<Resolution | null> {
  const { intent } = task.claimed;
  return intent === null ? null : lookUpIntent(task, channel, slack, deps, intent);
}

/** @returns null when the message is certainly absent and may be sent again */
async function lookUpIntent(
  task: StepTask,
  channel: string,
  slack: SlackApi,
  deps: SlackPostDeps,
  intent: NonNullable<StepTask['claimed']['intent']>,
): Promise<Resolution | null> {
  const { stepId } = task.claimed;
  const found = await slack.findByStep(channel, stepId, intent.sentAt, task.signal);
  if (found === 'unreadable') {
    return decided('uncertain', 'the outcome is unknown, and Deskhand may not read this channel’s history', {
      intent,
    });
  }
  if (found !== null) return postedAt(channel, found.ts, false);
  const next = weighAbsence(intent, deps.settleMs, task.now());
  if (next.decision === 'resend') return null;
  return later('sending', next.inMs, 'outcome unknown: not found yet', {
    intent: { ...intent, absences: next.absences },
  });
}
