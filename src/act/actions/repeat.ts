import type { ActionParams } from '../../match/rule.ts';
import type { SpawnedStep } from '../../record/outcomes.ts';
import { decided, later, type Resolution, type StepTask } from '../task.ts';

/**
 * `repeat`: rounds of steps, one after the other. A row of its own stands for each round: when its turn comes it
 * waits `every` (not before the first round), and then puts the round's steps and the next round's row behind itself.
 * All rows share the repeat's position; `iteration` orders them: ROUND × round for the row, + SLOT, + 2 × SLOT, … for
 * its steps, so that the steps that follow from an answer fit between two of them.
 */
const ROUND = 200_000;
/** More than a list of steps may hold. */
const SLOT = 1_000;

/** Which round a row of a repeat stands for; the planned one is the first. */
export function roundOf(iteration: number): number {
  return iteration === 0 ? 1 : Math.floor(iteration / ROUND);
}

/** True for a row that has to wait before its round begins. */
export function waitsFirst(task: StepTask): boolean {
  return roundOf(task.claimed.iteration) > 1 && task.claimed.state !== 'waiting';
}

/** @param everyMs milliseconds until the round; null without that calendar. Asked only where the row waits first */
export function repeat(
  task: StepTask,
  params: ActionParams['repeat'],
  everyMs: number | null,
  newId: () => string,
): Resolution {
  const { claimed } = task;
  const round = roundOf(claimed.iteration);
  if (waitsFirst(task)) {
    if (everyMs === null) return decided('dead', 'the calendar is not configured any more');
    return later('waiting', everyMs, `waits for round ${round} of ${params.at_most}`);
  }
  return decided('done', `round ${round} of ${params.at_most}`, {
    ...(round > 1 ? { progress: { waited: true } } : {}),
    spawn: rowsOf(task, params, round, newId),
  });
}

function rowsOf(
  task: StepTask,
  params: ActionParams['repeat'],
  round: number,
  newId: () => string,
): readonly SpawnedStep[] {
  const { claimed, rule } = task;
  const base = {
    runId: claimed.runId,
    laneId: claimed.laneId,
    connectionId: claimed.connectionId,
    position: claimed.position,
    ruleOrder: rule.order,
  };
  const steps = params.do.map((step, index) => ({
    ...base,
    id: newId(),
    path: step.path,
    action: step.action,
    iteration: round * ROUND + (index + 1) * SLOT,
  }));
  if (round >= params.at_most) return steps;
  const next = {
    ...base,
    id: newId(),
    path: claimed.path,
    action: 'repeat',
    iteration: (round + 1) * ROUND,
  };
  return [...steps, next];
}
