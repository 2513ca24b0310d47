import type { SlaSource } from '../../ingest/timers.ts';
import type { ActionParams, Step } from '../../match/rule.ts';
import {
  answerQuestion,
  insertBranch,
  insertQuestion,
  readQuestion,
  type Question,
} from '../../record/slack-presses.ts';
import type { IdSource } from '../../record/ids.ts';
import { targetOf } from '../../slack/compose.ts';
import { drawAnswered, drawQuestion } from '../../slack/question.ts';
import { afterFailure, judgeError } from '../failure.ts';
import { decided, later, type LEASE_LOST, type Resolution, type StepTask } from '../task.ts';
import { sendToSlack, type Posted, type Sendable, type SlackPostDeps } from './slack-post.ts';

export interface SlackAskDeps extends SlackPostDeps {
  readonly store: SlaSource & { readonly newId: IdSource };
}

type Ask = ActionParams['slack.ask'];

/** Without `within` a question waits until somebody answers; it is looked at again after this. */
const NO_LIMIT_MS = 30 * 86_400_000;

/**
 * Asks in Slack and goes on with the steps of the answer. The first answer counts, a person's or, when the time is
 * over, the default; it is on record before anything follows from it.
 *
 * @param withinMs how long an answer asked for now has; undefined: no limit, null: its calendar is not configured
 */
export async function slackAsk(
  task: StepTask,
  params: Ask,
  withinMs: number | null | undefined,
  deps: SlackAskDeps,
): Promise<Resolution | typeof LEASE_LOST> {
  const { slack, database } = deps;
  if (slack === null) return decided('suppressed', 'slack is not configured');
  try {
    const standing = await readQuestion(database.db, task.claimed.stepId);
    if (standing !== null && standing.ts !== '') return await judge(task, params, withinMs, standing, deps);
    if (withinMs === null) return failed(decided('dead', 'the calendar is not configured any more'));
    const text = task.renderer.text(params.text, 'slack');
    const channel = await slack.resolve(targetOf(task, params), task.signal);
    const drawn = drawQuestion(text, task.claimed.stepId, Object.keys(params.answers));
    const plan = { kind: 'plain', thread: null, buttons: [], lines: [], hash: null, lead: text } as const;
    const sendable: Sendable = {
      slack,
      queueAs: null,
      compose: async () => {
        await insertQuestion(database.db, { stepId: task.claimed.stepId, channel, ts: '', question: text });
        return { message: drawn, plan };
      },
      posted: (at) => asked(task, withinMs, at, text, deps),
    };
    return await sendToSlack(task, channel, sendable, deps);
  } catch (error) {
    return failed(afterFailure(task, judgeError(error)));
  }
}

/** What follows a question that could not be asked does not happen either. */
function failed(resolution: Resolution): Resolution {
  return resolution.state === 'dead'
    ? { ...resolution, endRun: 'the question could not be asked' }
    : resolution;
}

async function asked(
  task: StepTask,
  withinMs: number | undefined,
  at: Posted,
  question: string,
  deps: SlackAskDeps,
): Promise<Resolution> {
  await insertQuestion(deps.database.db, { stepId: task.claimed.stepId, ...at, question });
  return waiting(withinMs ?? NO_LIMIT_MS, at);
}

function waiting(ms: number, at: Posted): Resolution {
  return later('waiting', ms, 'waits for an answer', {
    result: { channel: at.channel, ts: at.ts },
    progress: { waited: true },
  });
}

async function judge(
  task: StepTask,
  params: Ask,
  withinMs: number | null | undefined,
  standing: Question,
  deps: SlackAskDeps,
): Promise<Resolution> {
  const { stepId } = task.claimed;
  const answered = standing.answer === null ? await timeOver(task, params, standing, deps) : standing;
  if (answered.answer === null) {
    if (withinMs === undefined) return waiting(NO_LIMIT_MS, standing);
    // Asked by a process that died before it could say so: the time runs from now.
    if (task.claimed.state !== 'waiting' && withinMs !== null) return waiting(withinMs, standing);
    return decided('skipped', 'nobody answered in time', { progress: { waited: true } });
  }
  const { answer, answeredBy } = answered;
  const branch: readonly Step[] = Object.hasOwn(params.answers, answer) ? (params.answers[answer] ?? []) : [];
  await insertBranch(
    deps.database.db,
    stepId,
    branch.map(({ path, action }) => ({ id: deps.store.newId(), path, action })),
  );
  await show(task, standing, answer, answeredBy, deps);
  return decided('done', answeredBy === null ? `nobody answered in time: ${answer}` : null, {
    result: { channel: standing.channel, ts: standing.ts, answer, by: answeredBy },
    progress: { waited: true, wrote: true },
  });
}

/** The clock's answer, unless a person was faster. */
async function timeOver(
  task: StepTask,
  params: Ask,
  standing: Question,
  deps: SlackAskDeps,
): Promise<Question> {
  if (params.default === undefined || task.claimed.state !== 'waiting') return standing;
  const { stepId } = task.claimed;
  await answerQuestion(deps.database.db, stepId, params.default, null);
  return (await readQuestion(deps.database.db, stepId)) ?? standing;
}

/** The question shows its answer and has no buttons any more. Whatever comes of it, the answer stands. */
async function show(
  task: StepTask,
  standing: Question,
  answer: string,
  by: string | null,
  deps: SlackAskDeps,
): Promise<void> {
  const drawn = drawAnswered(standing.question, answer, by);
  const signal = AbortSignal.any([task.signal, AbortSignal.timeout(SHOW_WITHIN_MS)]);
  await deps.slack
    ?.update({ ...drawn, channel: standing.channel, ts: standing.ts }, signal)
    .catch(() => undefined);
}

const SHOW_WITHIN_MS = 3_000;
